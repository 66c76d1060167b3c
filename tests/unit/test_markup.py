"""Whatever a user writes is text wherever it is shown: none is markup, runs or reads a file."""

import re
import shutil
import subprocess

import mistune
import pytest
from conftest import need_debian_file, need_file
from docutils.core import publish_parts
from hostile_names import HOSTILE_NAMES
from markdown_it import MarkdownIt

from restudy.analysis.markup import escape_latex, escape_markdown, escape_markup, in_one_line

HOSTILE = [
    ".. raw:: html\n\n   <b>bold</b>",
    "Which?\n\n.. include:: /etc/passwd",
    "Is `this`_ or |that| *right*, or **wrong**? ``literal`` http://example.org",
    "- one\n- two",
    "1. one\n2. two",
    "#. one",
    "Title\n=====",
    ":field: value",
    "a::\n\n  block",
    "<script>alert(1)</script> & </script>",
    "{{ 7 * 7 }} {% raw %}",
    "ends in a backslash \\",
    "_underscore_ trailing_ __anonymous__",
    "[1]_ [#]_ .. [1] note",
    ">>> doctest()",
    "+---+\n| a |\n+---+",
    "line\u2028separator\tand\x00NUL",
    "$x_1$ and 50% of “quotes”, ‘these’, 多少",
    "A. letter",
    "\\alpha",
]


@pytest.mark.parametrize("text", [*HOSTILE, *(text for text in HOSTILE_NAMES if len(text) > 1)])
@pytest.mark.parametrize("frame", ["{}", "**What.** {} The end.", "* - {}\n  - x", "**{}** x"])
def test_text_is_shown_as_written_in_one_line(text, frame):
    shown = " ".join("".join(" " if c in "\x00\u2028" else c for c in text).split())
    parts = publish_parts(
        frame.format(escape_markup(text)),
        writer="html5",
        settings_overrides={"report_level": 1, "halt_level": 1, "smart_quotes": False},
    )
    body = parts["body"]
    assert "system-message" not in body and "<script" not in body
    plain = body
    for tag in ("p", "strong", "li", "ul", "div", "main"):
        plain = plain.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    for mark, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(mark, character)
    plain = plain.replace("&#64;", "@")  # as docutils hides addresses from collectors
    assert shown in plain


def test_texts_are_found_wherever_they_are_values():
    value = {"a": ["*x*", 1, None, {"b": "c_"}], "_key_": True}
    assert escape_markup(value) == {"a": ["\\*x\\*", 1, None, {"b": "c\\_"}], "_key_": True}


MARKDOWNS = {
    "CommonMark": MarkdownIt("commonmark").enable(["table", "strikethrough"]).render,
    "with extensions": mistune.create_markdown(
        plugins=[
            *("strikethrough", "footnotes", "table", "url", "task_lists", "def_list", "math"),
            *("insert", "mark", "superscript", "subscript", "abbr", "spoiler"),
        ]
    ),
}


def shown_by(page):
    """The text of a paragraph or a cell, where nothing else is in the page."""
    text = re.sub(r"</?(p|table|thead|tbody|tr|th|td)\b[^>]*>", "", page)
    for mark, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(mark, character)
    return " ".join(text.split())


@pytest.mark.parametrize("render", MARKDOWNS.values(), ids=MARKDOWNS)
@pytest.mark.parametrize("frame", ["{}", "before {} behind", "a paragraph\n\n{}\n\nanother"])
@pytest.mark.parametrize("text", [*HOSTILE, *HOSTILE_NAMES])
def test_markdown_shows_text_as_written(render, frame, text):
    page = render(frame.format(escape_markdown(text)))
    assert shown_by(page) == " ".join(frame.format(in_one_line(text)).split())


@pytest.mark.parametrize("render", MARKDOWNS.values(), ids=MARKDOWNS)
@pytest.mark.parametrize("text", [*HOSTILE, *HOSTILE_NAMES])
def test_markdown_shows_text_as_written_in_a_cell(render, text):
    page = render(f"| a | b |\n| - | - |\n| {escape_markdown(text)} | c |\n")
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page, re.S)
    assert [shown_by(cell) for cell in cells] == [in_one_line(text), "c"]


@pytest.mark.parametrize("text", [*HOSTILE, *HOSTILE_NAMES])
def test_latex_has_no_mark_but_those_of_the_escapes(text):
    escaped = escape_latex(text)
    plain = re.sub(r"\\text[a-z]+\{\}|\\char34|\\[{}_%&#$]|\$-\$", "", escaped)
    assert not re.search(r"[\\_%&#$~^|<>\"]|--|,,|''", plain)
    assert re.fullmatch(r"(?:[^{}]|\{[*`\[\]]?\})*", plain)
    assert not re.match(r"\[|\*", escaped)


def test_latex_sets_text_as_written(tmp_path):
    need_file(shutil.which("pdflatex") or "pdflatex", "no pdflatex; on Debian: "
              "apt install texlive-latex-recommended lmodern")  # fmt: skip
    need_debian_file("/usr/bin/pdftotext", "poppler-utils")
    names = [text for text in (*HOSTILE, *HOSTILE_NAMES) if text.strip() and not foreign(text)]
    assert len(names) > 70
    pages = "\n\\clearpage\n".join(
        rf"\begin{{tabular}}{{l}}a\\ {escape_latex(text)}\end{{tabular}}" for text in names
    )
    (tmp_path / "names.tex").write_text(
        r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern}"
        r"\pdfpagewidth=100cm\textwidth=90cm\pagestyle{empty}\begin{document}"
        f"\n{pages}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "names.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-800:].decode(errors="replace")
    text = subprocess.run(
        ["pdftotext", "-layout", "names.pdf", "-"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    shown = text.stdout.split("\f")[: len(names)]
    # Quotes are the typographer's, and spaces beside narrow letters are not told from none.
    usual = str.maketrans({"’": "'", "‘": "`", " ": "", "\n": ""})
    expected = [f"a{in_one_line(name)}".translate(usual).replace("…", "...") for name in names]
    assert [page.translate(usual).replace("…", "...") for page in shown] == expected


def foreign(text):
    """Whether a text has letters that pdfLaTeX lacks."""
    return bool(re.search("[λ→∞≤花多少瓣\U0001f600]", text))
