"""What the buttons of a page's table have put into the clipboard, and how it is read."""

import re

from markdown_it import MarkdownIt


def pasted(page):
    """What the clipboard holds, as a reader would paste it."""
    page.evaluate(
        """() => {
          const area = document.createElement("textarea");
          area.id = "pasted";
          document.body.append(area);
          area.focus();
        }"""
    )
    page.keyboard.press("Control+V")
    return page.evaluate(
        """() => {
          const area = document.getElementById("pasted");
          area.remove();
          return area.value;
        }"""
    )


def copy_as(page, form, what="the table"):
    """What is pasted after the button of a form was pressed, of a table named so."""
    place = page.get_by_role("group", name=f"Copy {what}", exact=True)
    place.get_by_role("button", name=f"Copy as {form}").click()
    place.get_by_role("status").get_by_text(f"as {form}.").wait_for()
    return pasted(page)


def markdown_cells(text):
    """The texts that a table in Markdown shows, row by row."""
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in page.split("</tr>")[:-1]]
    for entity, mark in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        rows = [[cell.replace(entity, mark) for cell in row] for row in rows]
    return rows
