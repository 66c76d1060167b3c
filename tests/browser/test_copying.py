"""A table is copied as it is shown, from a page on a disk and from one within a report."""

import base64
import csv
import io

import pandas as pd
import pytest
from copied_tables import copy_as, markdown_cells, pasted
from hostile_names import HOSTILE_NAMES

from restudy.analysis.markup import escape_latex, escape_markdown, in_one_line
from restudy.data.tables import as_cell
from restudy.views.html_tables import html_table

# What a page shows as text: not a gap, and not in several lines.
NAMES = [in_one_line(name) for name in HOSTILE_NAMES if in_one_line(name) not in ("", "nan")]
FRAME = pd.DataFrame(
    {
        "name_%": NAMES,
        "loss": [0.1 + 0.2 - place / 7 for place in range(len(NAMES))],
        "size": [1000 * place for place in range(len(NAMES))],
    }
)
REFUSE = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"
REFUSE_ALL = f"{REFUSE}; document.execCommand = () => false"
BUTTONS = ("LaTeX", "Markdown", "CSV")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table.html"
    path.write_text(html_table(FRAME, "Names & losses"), encoding="utf-8")
    return path


@pytest.fixture
def table(page, path):
    page.goto(path.as_uri())
    page.locator("tbody tr").first.wait_for()
    return page


def shown(page):
    cells = "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
    return page.locator("tbody tr").evaluate_all(cells)


@pytest.mark.parametrize("means", ["clipboard", "selection"])
def test_every_form_has_what_is_shown(table, means):
    if means == "selection":
        table.evaluate(REFUSE)
    head, *rows = csv.reader(io.StringIO(copy_as(table, "CSV")))
    assert head == ["name_%", "loss", "size"]
    assert [row[0] for row in rows] == list(map(as_cell, NAMES))
    assert [float(row[1]) for row in rows] == FRAME["loss"].tolist()
    latex = copy_as(table, "LaTeX")
    assert r"\begin{tabular}{lrr}" in latex and r"name\_\% & loss & size \\" in latex
    lines = latex.partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()
    for line, (name, loss, size) in zip(lines, shown(table), strict=True):
        loss = f"${loss.replace('−', '-')}$" if "−" in loss else loss
        assert line == f"{escape_latex(name)} & {loss} & {size} \\\\"
    markdown = copy_as(table, "Markdown")
    assert f"| {escape_markdown(NAMES[0])} | " in markdown
    assert markdown_cells(markdown) == [["name_%", "loss", "size"], *shown(table)]


def test_filter_and_order_are_those_that_are_shown(table):
    table.get_by_role("button", name="loss").click()
    table.locator("input").fill("a")
    table.wait_for_timeout(300)
    seen = shown(table)
    assert 3 < len(seen) < len(NAMES) and seen[0][0] != NAMES[0]
    _, *rows = csv.reader(io.StringIO(copy_as(table, "CSV")))
    assert [row[0] for row in rows] == [as_cell(row[0]) for row in seen]
    assert f"Copied {len(seen)} rows as CSV." in table.locator(".copying").inner_text()


def test_rows_that_are_not_drawn_yet_are_copied_too(page, tmp_path):
    path = tmp_path / "long.html"
    path.write_text(html_table(pd.DataFrame({"n": range(1000)}), "Long"), encoding="utf-8")
    page.goto(path.as_uri())
    page.locator("tbody tr").first.wait_for()
    assert page.locator("tbody tr").count() < 1000
    assert copy_as(page, "CSV") == "n\n" + "".join(f"{n}\n" for n in range(1000))


def test_by_keyboard_alone_and_the_focus_stays(table):
    table.evaluate(REFUSE)
    table.get_by_role("button", name="Copy as LaTeX").focus()
    for form in BUTTONS:
        assert table.evaluate("document.activeElement.ariaLabel") == f"Copy as {form}"
        table.keyboard.press("Enter")
        table.get_by_role("status").get_by_text(f"as {form}.").wait_for()
        assert table.evaluate("document.activeElement.ariaLabel") == f"Copy as {form}"
        table.keyboard.press("Tab")


def test_text_is_shown_selected_where_nothing_may_be_copied(table):
    table.evaluate(REFUSE_ALL)
    button = table.get_by_role("button", name="Copy as Markdown")
    button.click()
    area = table.get_by_label("Text to copy")
    area.wait_for()
    assert markdown_cells(area.input_value())[1:] == shown(table)
    selected = "area => area.value.slice(area.selectionStart, area.selectionEnd) === area.value"
    assert area.evaluate(selected) and area.evaluate("area => area === document.activeElement")
    table.keyboard.press("Escape")
    assert area.count() == 0
    assert table.evaluate("document.activeElement.ariaLabel") == "Copy as Markdown"
    table.get_by_role("button", name="Copy as CSV").click()
    table.get_by_role("button", name="Close").click()
    assert area.count() == 0


def test_works_in_the_iframe_of_a_report(page, path):
    content = base64.b64encode(path.read_bytes()).decode()
    page.set_content(
        "<iframe style='width:100%;height:800px;border:0' "
        f"src='data:text/html;base64,{content}'></iframe>"
    )
    frame = page.frames[1]
    frame.locator("tbody tr").first.wait_for()
    place = frame.get_by_role("group", name="Copy the table")
    for form, start in (("CSV", "name_%,loss,size\n"), ("Markdown", "| name\\_% | loss | size |")):
        place.get_by_role("button", name=f"Copy as {form}").click()
        place.get_by_role("status").get_by_text(f"as {form}.").wait_for()
        assert pasted(page).startswith(start)


@pytest.mark.parametrize("width", [400, 1280])
def test_fits_its_width_and_is_accessible(table, check_accessibility, width):
    table.set_viewport_size({"width": width, "height": 800})
    table.evaluate(REFUSE_ALL)
    table.get_by_role("button", name="Copy as LaTeX").click()
    table.get_by_label("Text to copy").wait_for()
    assert table.evaluate("document.documentElement.scrollWidth") <= width
    for form in BUTTONS:
        box = table.get_by_role("button", name=f"Copy as {form}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] >= 24
    check_accessibility(table)
    if width > 400:
        table.emulate_media(color_scheme="dark")
        check_accessibility(table, colors_alone=True)
