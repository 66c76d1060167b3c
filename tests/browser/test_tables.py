"""Tables as they are seen: low rows, columns that stay, even digits, files that hold everything."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from copied_tables import markdown_cells
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from restudy.notebooks.display import Table
from restudy.views.html_tables import html_document, html_table
from restudy.views.notebook_page import notebook_page

LONG = "Why this is so takes more than a line to say, and it is said again and again. " * 12
LINE = 20  # pixels that a line of a cell takes, at most
FRAME = pd.DataFrame(
    {
        "dataset": "moons",
        "protocol": ["published", "corrected"] * 12,
        "seed": [place // 2 for place in range(24)],
        "reason": [LONG, "short"] * 12,
        "loss": [0.3421 + place / 1000 for place in range(23)] + [0.000012],
        "tiny": [3.5e-9 * (place + 1) for place in range(24)],
        "share": [0.5, 0.25] * 12,
        **{f"measure_{place}": [float(place)] * 24 for place in range(8)},
    }
)
WIDE = "x" * 300


def measured(page, expression: str):
    return page.evaluate(f"() => {expression}")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    figure = {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='90'/>"}
    outputs = [
        new_output("display_data", {"text/html": Table(FRAME, "All.")._repr_html_()}),
        new_output("display_data", figure, metadata={"image/svg+xml": {"width": 900}}),
        new_output("stream", name="stdout", text=WIDE),
    ]
    cells = [new_markdown_cell("# Title"), new_code_cell(WIDE, outputs=outputs)]
    pages = {
        "table": html_table(FRAME, "Runs"),
        "document": html_document("Configuration", {"config": f"key: {WIDE}"}),
        "notebook": notebook_page(new_notebook(cells=cells)),
    }
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture
def table(page, paths):
    page.goto(paths["table"].as_uri())
    page.locator("tbody tr").first.wait_for()
    return page


@pytest.mark.parametrize("width", [1280, 400])
def test_a_long_text_is_folded_to_two_lines_and_rows_are_as_low(page, paths, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(paths["table"].as_uri())
    heights = page.locator("tbody tr").evaluate_all("all => all.map((row) => row.offsetHeight)")
    assert len(heights) == 24 and max(heights) < 2 * LINE + 16
    visible = page.locator(".frame").evaluate(
        "frame => [...frame.querySelectorAll('tbody tr')].filter((row) =>"
        " row.getBoundingClientRect().bottom <= frame.getBoundingClientRect().bottom).length"
    )
    assert visible >= 10


def test_a_folded_text_unfolds_by_click_and_by_key(table):
    text = table.locator("td .fold").first
    low = text.bounding_box()["height"]
    text.locator("summary").click()
    assert text.bounding_box()["height"] > 4 * low
    text.locator("summary").press("Enter")
    assert text.bounding_box()["height"] == low
    assert text.text_content() == LONG


def test_what_tells_rows_apart_stays_in_view(table):
    table.locator(".frame").evaluate("frame => frame.scrollLeft = 900")
    left = table.locator(".frame").bounding_box()["x"]
    cells = table.locator("tbody tr").first.locator("td")
    places = {name: cells.nth(place).bounding_box() for place, name in enumerate(FRAME.columns)}
    assert places["dataset"]["x"] < left, "it is one for all rows"
    assert abs(places["protocol"]["x"] - left) < 2
    assert abs(places["seed"]["x"] - left - places["protocol"]["width"]) < 2
    assert places["reason"]["x"] < left
    for name in ("protocol", "seed"):
        box = places[name]
        top = table.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).textContent",
            [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2],
        )
        assert top == str(FRAME[name][0])
        head = table.locator("th", has_text=name).bounding_box()
        assert abs(head["x"] - box["x"]) < 2


def test_a_column_has_one_set_of_digits(table):
    texts = table.locator("tbody tr").evaluate_all(
        "all => all.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    shown = dict(zip(FRAME.columns, zip(*texts, strict=True), strict=True))
    assert {len(text.partition(".")[2]) for text in shown["loss"]} == {6}
    assert shown["loss"][0] == "0.342100" and shown["loss"][-1] == "0.000012"
    assert set(shown["share"]) == {"0.50", "0.25"} and set(shown["measure_3"]) == {"3"}
    assert shown["tiny"][0] == "3.50e−9" and shown["tiny"][-1] == "8.40e−8"


@pytest.mark.parametrize("name", ["table", "notebook"])
def test_a_table_is_downloaded_in_three_forms_with_its_whole_text(page, paths, name):
    page.goto(paths[name].as_uri())
    found = {}
    group = page.get_by_role("group", name="Download the table")
    for form in ("LaTeX", "Markdown", "CSV"):
        with page.expect_download() as download:
            group.get_by_role("button", name=f"Download as {form}").click()
        path = Path(download.value.path())
        found[download.value.suggested_filename.rpartition(".")[2]] = path.read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(found["csv"])))
    assert len(rows) == len(FRAME) and rows[0]["reason"].strip() == LONG.strip()
    assert [float(row["tiny"]) for row in rows] == FRAME["tiny"].tolist()
    assert markdown_cells(found["md"])[1][3] == LONG.strip() and LONG.strip() in found["tex"]
    assert markdown_cells(found["md"])[1][4] == "0.342100"


def test_the_file_of_all_rows_is_the_table_itself(table):
    with table.expect_download() as download:
        table.get_by_role("button", name="Download as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert text == FRAME.to_csv(index=False) and download.value.suggested_filename == "runs.csv"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["table", "document", "notebook"])
def test_what_goes_on_sideways_says_so(page, paths, name, scheme):
    page.set_viewport_size({"width": 400, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(paths[name].as_uri())
    page.locator("[data-more]").first.wait_for()
    frames = page.locator("[tabindex='0']").filter(visible=True)
    kinds = {"table": 1, "document": 1, "notebook": 4}
    assert frames.count() == kinds[name]
    hint = "frame => getComputedStyle(frame, '::before').content"
    for frame in frames.all():
        assert frame.get_attribute("data-more") == "after" and "scroll →" in frame.evaluate(hint)
        assert "gradient" in frame.evaluate("frame => getComputedStyle(frame).maskImage")
        frame.evaluate("frame => frame.scrollLeft = 60")
        page.wait_for_timeout(80)
        assert frame.get_attribute("data-more") == "both"
        frame.evaluate("frame => frame.scrollLeft = 1e6")
        page.wait_for_timeout(80)
        assert "← scroll" in frame.evaluate(hint)
        assert frame.evaluate("frame => getComputedStyle(frame).maskImage") == "none"


def test_what_fits_says_nothing(page, tmp_path):
    path = tmp_path / "narrow.html"
    path.write_text(html_table(FRAME[["protocol", "seed"]], "Narrow"), encoding="utf-8")
    page.goto(path.as_uri())
    page.locator("tbody tr").first.wait_for()
    page.wait_for_timeout(80)
    assert page.locator("[data-more]").count() == 0


def test_a_folded_text_of_a_notebook_needs_no_script(open_page, paths):
    with open_page(java_script_enabled=False) as page:
        page.goto(paths["notebook"].as_uri())
        text = page.locator("td .fold").first
        low = text.bounding_box()["height"]
        assert low < 2 * LINE + 10
        text.locator("summary").click()
        assert text.bounding_box()["height"] > 4 * low


@pytest.mark.parametrize("name", ["table", "document", "notebook"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window_and_all_is_accessible(
    page, paths, check_accessibility, name, width
):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(paths[name].as_uri())
    page.wait_for_timeout(100)
    assert measured(page, "document.documentElement.scrollWidth") <= width
    check_accessibility(page)
    page.emulate_media(color_scheme="dark")
    check_accessibility(page, colors_alone=True)
