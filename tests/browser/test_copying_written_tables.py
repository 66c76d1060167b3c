"""Tables that stand in the HTML of a page, claims and notebooks, are copied as they are shown."""

import base64
import csv
import io

import pandas as pd
import pytest
from copied_tables import copy_as, markdown_cells, pasted
from hostile_names import HOSTILE_NAMES
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from restudy.analysis.markup import escape_latex, escape_markdown, in_one_line
from restudy.data.tables import as_cell
from restudy.notebooks.display import Table
from restudy.views.claims_page import claims_page
from restudy.views.notebook_page import notebook_page

# What a page shows as text: not a gap, and not in several lines.
NAMES = [in_one_line(name) for name in HOSTILE_NAMES if in_one_line(name) not in ("", "nan")]
# Source and arithmetic of a verdict; a claim may have several under one arithmetic.
VERDICTS = [
    ("published", "published", "contradicted"),
    ("corrected", "corrected", "reproduced"),
    ("longer", "corrected", "undecided"),
]
CLAIMS = pd.DataFrame(
    {
        **{"claim": f"claim_{place}", "statement": name, "source": f"page {place}"},
        **{"protocol": protocol, "arithmetic": arithmetic, "verdict": verdict},
        **{"figure": "", "cells": "a/b", "n": 3, "contrast": "a − b", "effect": 0.5},
        **{"ci_low": 0.25, "ci_high": 0.75, "margin": 0.0, "basis": "seeds", "judged_by": "mean"},
        **{"p_adjusted": 0.01, "expect": "", "reason": "", "setting": "", "test": 1},
    }
    for place, name in enumerate(NAMES)
    for protocol, arithmetic, verdict in VERDICTS[: 2 + place % 2]
)
TESTS = CLAIMS[["claim", "protocol", "test", "effect", "ci_low", "ci_high", "margin", "n"]].assign(
    **dict.fromkeys(("form", "contrast", "measure", "quantity", "because"), "a"),
    **{"zero": "", "bound": 0.0, "direction": "above", "judged_by": "mean", "basis": "seeds"},
    **{"decided_low": 0.1, "decided_high": 0.9, "left_out": 0, "low_group": pd.NA},
)
NO_SEEDS = pd.DataFrame(columns=["claim", "protocol", "test", "seed", "value"])
FRAME = pd.DataFrame(
    {
        "name_%": NAMES,
        "loss": [0.1 + 0.2 - place / 7 for place in range(len(NAMES))],
        "size": [1000 * place for place in range(len(NAMES))],
    }
)
FRAME.loc[1, "loss"] = float("nan")
TEXT = r"""
| | derivative |
|---|---|
| tanh | $1 - \tanh(Z_1)^2$, that is `1 - a**2` |
| abs | $z / \|z\|$ & *no* $"f'" < 0$ |
"""
SECOND = Table(pd.DataFrame({"n": [1, 2]}), "Another one.")
NOTEBOOK = new_notebook(
    cells=[
        new_markdown_cell("# Title"),
        new_markdown_cell(TEXT),
        *(
            new_code_cell("t", outputs=[new_output("display_data", {"text/html": html})])
            for html in (Table(FRAME, "Names & losses.")._repr_html_(), SECOND._repr_html_())
        ),
    ]
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    pages = {
        "claims": claims_page(CLAIMS, TESTS, NO_SEEDS),
        "notebook": notebook_page(NOTEBOOK),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture
def claims(page, paths):
    page.goto(paths["claims"].as_uri())
    return page


@pytest.fixture
def notebook(page, paths):
    page.goto(paths["notebook"].as_uri())
    return page


def body_of(latex):
    return latex.partition("\\midrule\n")[2].partition("\\bottomrule")[0].splitlines()


def test_verdicts_are_copied_as_words_and_names_as_text(claims):
    what = "the table: All verdicts"
    heads = ["Claim", "Source", "Published arithmetic", "Corrected arithmetic"]
    verdicts = [
        ["contradicted", "reproduced; undecided" if place % 2 else "reproduced"]
        for place in range(len(NAMES))
    ]
    head, *rows = csv.reader(io.StringIO(copy_as(claims, "CSV", what)))
    assert head == heads
    assert [row[0] for row in rows] == list(map(as_cell, NAMES))
    assert [row[1] for row in rows] == [f"page {place}" for place in range(len(NAMES))]
    assert [row[2:] for row in rows] == verdicts
    table = markdown_cells(copy_as(claims, "Markdown", what))
    assert [row[0] for row in table[1:]] == NAMES and [row[2:] for row in table[1:]] == verdicts
    lines = body_of(copy_as(claims, "LaTeX", what))
    starts = [f"{escape_latex(name)} & page {place} & " for place, name in enumerate(NAMES)]
    assert all(line.startswith(start) for line, start in zip(lines, starts, strict=True))


def test_numbers_of_a_notebook_are_copied_as_shown_and_with_every_digit_as_csv(notebook):
    what = "the table: Names & losses."
    assert copy_as(notebook, "CSV", what) == FRAME.assign(
        **{"name_%": [as_cell(name) for name in NAMES]}
    ).to_csv(index=False, lineterminator="\n")
    latex = copy_as(notebook, "LaTeX", what)
    assert r"\begin{tabular}{lrr}" in latex and r"name\_\% & loss & size \\" in latex
    cells = "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
    shown = notebook.locator("table", has_text="name_%").locator("tbody tr").evaluate_all(cells)
    assert shown[2][1:] == ["0.0143", "2,000"] and shown[1][1] == "–"
    for line, (name, loss, size) in zip(body_of(latex), shown, strict=True):
        loss = {"–": "--"}.get(loss, f"${loss.replace('−', '-')}$" if "−" in loss else loss)
        assert line == f"{escape_latex(name)} & {loss} & {size} \\\\"
    assert copy_as(notebook, "CSV", "the table: Another one.") == "n\n1\n2\n"


def test_formulas_are_copied_as_latex(notebook):
    assert body_of(copy_as(notebook, "LaTeX")) == [
        r"tanh & $1 - \tanh(Z_1)^2$, that is 1 - a{*}{*}2 \\",
        r"""abs & $z / \|z\|$ \& no $"f'" < 0$ \\""",
    ]
    assert copy_as(notebook, "Markdown").splitlines()[2:] == [
        r"| tanh | $1 - \tanh(Z_1)^2$, that is 1 - a\*\*2 |",
        r"""| abs | $z / \Vert{}z\Vert{}$ \& no $"f'" < 0$ |""",
    ]
    assert list(csv.reader(io.StringIO(copy_as(notebook, "CSV")))) == [
        ["", "derivative"],
        ["tanh", r"$1 - \tanh(Z_1)^2$, that is 1 - a**2"],
        ["abs", r"""$z / \|z\|$ & no $"f'" < 0$"""],
    ]


def test_every_table_has_its_buttons_right_below_it(notebook):
    groups = notebook.get_by_role("group", name="the table")
    names = groups.evaluate_all("all => all.map((one) => one.ariaLabel)")
    tables = ["the table", "the table: Names & losses.", "the table: Another one."]
    assert names == [f"{verb} {table}" for table in tables for verb in ("Copy", "Download")]
    groups = notebook.locator(".copying")
    for group, frame in zip(
        groups.all(), notebook.locator(".scroll:has(table)").all(), strict=True
    ):
        box = frame.bounding_box()
        assert 0 < group.bounding_box()["y"] - box["y"] - box["height"] < 12


@pytest.mark.parametrize("name", ["claims", "notebook"])
def test_works_in_the_iframe_of_a_report(page, paths, name):
    content = base64.b64encode(paths[name].read_bytes()).decode()
    page.set_content(
        "<iframe style='width:100%;height:800px;border:0' "
        f"src='data:text/html;base64,{content}'></iframe>"
    )
    place = page.frames[1].get_by_role("group", name="Copy the table").last
    place.get_by_role("button", name="Copy as Markdown").click()
    place.get_by_role("status").get_by_text("as Markdown.").wait_for()
    assert pasted(page).startswith("| Claim | " if name == "claims" else "| n |")


@pytest.mark.parametrize("name", ["claims", "notebook"])
@pytest.mark.parametrize("width", [400, 1280])
def test_fits_its_width_and_is_accessible(page, paths, check_accessibility, name, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(paths[name].as_uri())
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.evaluate("document.execCommand = () => false")
    place = page.get_by_role("group", name="Copy the table").first
    place.get_by_role("button", name="Copy as LaTeX").click()
    page.get_by_label("Text to copy").wait_for()
    assert page.get_by_label("Text to copy").bounding_box()["width"] > 0.7 * width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in place.get_by_role("button", name="Copy as").all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["height"] >= 24
    check_accessibility(page)
    page.emulate_media(color_scheme="dark")
    check_accessibility(page, colors_alone=True)


def test_without_a_script_nothing_else_is_missing(open_page, paths):
    with open_page(java_script_enabled=False) as page:
        page.goto(paths["claims"].as_uri())
        assert page.locator("tbody tr").count() == len(NAMES)
        assert page.get_by_role("button").count() == 0


def test_what_markdown_escapes_is_escaped(claims):
    text = copy_as(claims, "Markdown", "the table: All verdicts")
    assert all(f"| {escape_markdown(name)} | " in text for name in NAMES)
