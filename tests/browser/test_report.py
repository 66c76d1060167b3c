"""The report in a real Chromium: every item opens, nothing is missing, nothing is fetched."""

import base64
import re
import zipfile
from pathlib import Path

import pytest
from conftest import SMOKE_JOBS
from playwright.sync_api import Page

from restudy.data.tables import read_table

# Of the viewer's lists; the front page has tables too.
ROWS = "tbody tr:has([iconname=information-circle])"
CATEGORIES = {
    "0 Overview": 1,
    "1 Claims": 1,
    "2 Interactive pages": 2,
    "3 Data": 2,
    # One of the studies varies a number, which has two figures more, and is halved.
    "4 Dense networks": 3 * 7 + 2 + 1 + 1,
    "5 Convolutional network": 2 * 5,
    "6 Single cells": SMOKE_JOBS["dense"] + 5 * SMOKE_JOBS["conv"],
    "7 Tables": 10 + 2 * 5,
    "8 Notebooks": 4,
    "9 Provenance": 3,
}
LABELS = (
    "figure, varied, data set, protocol, activation, hidden units, hidden layers, "
    "initializer, optimizer, seed, networks, rows, format, page"
)


CONTENT = "nav.h-screen + .h-screen"  # right of the lists
SHOWN = f"{CONTENT} img, {CONTENT} iframe"


def open_report(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    page.get_by_text("3 Data", exact=True).first.wait_for()
    # Clicks wait for what moves.
    page.add_style_tag(content="* { transition: none !important; }")
    return page


@pytest.fixture(scope="module")
def report(open_page, smoke):
    """The report, opened once for all tests of it, which begin with its front page."""
    with open_page() as page:
        yield open_report(page, smoke.folder / "report.html")


def go_to(page: Page, name: str) -> None:
    """Click a category or a list, and wait until it is where the viewer says that one is."""
    page.get_by_text(name, exact=True).first.click()
    page.locator("nav nav").get_by_text(name, exact=True).wait_for()


def go_to_lists(page: Page) -> None:
    """From a category, go back to where all of them are listed."""
    back = page.locator("nav nav").get_by_text("Results", exact=True)
    if back.count():
        back.click()
        page.get_by_text("Workflow", exact=True).wait_for()


def go_to_front_page(page: Page) -> None:
    go_to_lists(page)
    page.get_by_text("Workflow", exact=True).click()


def items(page: Page, category: str):
    """Open every list of a category in turn; yield each row, and the name of the list it is in."""
    go_to_lists(page)
    go_to(page, category)
    names = [category]
    if not page.locator(ROWS).count():
        names = page.locator("#app ul").first.locator("li").all_inner_texts()
    for name in names:
        go_to(page, name)
        page.locator(ROWS).first.wait_for()
        for row in page.locator(ROWS).all():
            yield row, name
        if name != category:
            go_to(page, category)


def shown_anew(page: Page, where: str, seen: str | None):
    """What the viewer shows, once its address is another than the one seen and contains a text."""
    page.wait_for_function(
        """([selector, where, seen]) => {
          const shown = [...document.querySelectorAll(selector)].at(-1);
          return shown?.src.includes(where) && shown.src !== seen
            && (shown.tagName === "IFRAME" || shown.complete);
        }""",
        arg=[SHOWN, where, seen],
        timeout=5000,
    )
    return page.locator(SHOWN).last


def assert_it_shows_something(shown) -> None:
    if shown.evaluate("e => e.tagName") == "IMG":
        assert shown.evaluate("e => e.naturalWidth") > 100
    else:
        frame = shown.element_handle().content_frame()
        frame.locator("h1").wait_for()
        assert len(frame.locator("body").inner_text()) > 100


def test_front_page_states_the_runs_own_figures(report, smoke):
    go_to_front_page(report)
    text = report.inner_text("body")
    cells = SMOKE_JOBS["dense"]
    assert f"Dense networks: {cells} cells with {6 * cells} runs" in text
    assert "published course study" not in text, "that is another configuration's"
    assert "System Message" not in text


def test_front_page_leads_to_the_overview(report):
    go_to_front_page(report)
    report.get_by_role("link", name="Overview", exact=True).click()
    report.get_by_text("What is seen.").first.wait_for()
    go_to_front_page(report)


@pytest.mark.parametrize("width", [1280, 400])
def test_overview_states_the_runs_own_figures_and_its_links_lead_somewhere(open_page, smoke, width):
    path = smoke.folder / "results/report/overview.html"
    with open_page() as page:
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(path.as_uri())
        text = page.inner_text("body")
        summary = read_table(smoke.folder / "results/tables/dense_summary.csv")
        assert f"{summary['train_loss_mean'].min():.4f}" in text
        assert f"Dense networks\n{SMOKE_JOBS['dense']} cells" in text
        hrefs = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        assert len(hrefs) > 8
        assert all(Path(href.partition("#")[0].removeprefix("file://")).exists() for href in hrefs)
        images = page.eval_on_selector_all("img", "all => all.map(each => each.naturalWidth)")
        assert len(images) == 2 and min(images) > 100
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # A verdict leads to its evidence.
        page.locator(".strip a").first.click()
        page.wait_for_url("**/verdicts.html#*")
        assert page.evaluate("document.querySelector(location.hash) !== null")


def test_all_of_the_front_page_can_be_scrolled_to(report, smoke):
    go_to_front_page(report)
    size = report.viewport_size
    report.set_viewport_size({"width": 1280, "height": 400})
    first = report.get_by_text("Dense networks and Convolutional network").first
    assert first.bounding_box()["y"] >= 0
    last = report.get_by_text("The eye opens an item").first
    last.scroll_into_view_if_needed()
    assert 0 <= last.bounding_box()["y"] < 400
    report.set_viewport_size(size)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_item_opens_and_says_what_is_seen_how_it_was_made_and_what_to_conclude(
    report, smoke, category
):
    count, previous, lists = 0, None, set()
    for row, name in items(report, category):
        count += 1
        item = row.inner_text()
        if name not in lists:
            lists.add(name)
            heads = report.locator("table:has([iconname=information-circle]) th").all_inner_texts()
            assert {head for head in heads if head.strip()} <= {*LABELS.upper().split(", ")}
        link = row.locator("[iconname=eye]")
        if link.get_attribute("download"):
            with report.expect_download() as download:
                link.click()
            (path,) = smoke.folder.glob(f"results/**/{download.value.suggested_filename}")
            assert Path(download.value.path()).read_bytes() == path.read_bytes(), item
        else:
            link.click()
            shown = shown_anew(report, "data:", previous)
            previous = shown.get_attribute("src")
            assert_it_shows_something(shown)
        row.locator("[iconname=information-circle]").click()
        report.get_by_text("What to conclude.").first.wait_for()
        # The caption ends where the viewer's own facts begin.
        text = report.inner_text("body").partition("What is seen.")[2].partition("SIZE")[0]
        seen, _, rest = text.partition("How it was made.")
        made, _, conclusion = rest.partition("What to conclude.")
        for part in (seen, made, conclusion):
            assert len(part.strip()) > 20, item
        for fault in ("System Message", "Nothing is stated", "Not stated yet"):
            assert fault not in text, item
        go_to(report, name)
        row.wait_for()
    assert count == CATEGORIES[category]


def page_in_report(page: Page, smoke, path: str):
    """A page of the results, in an iframe from a data address as the report shows it."""
    content = base64.b64encode((smoke.folder / path).read_bytes())
    page.set_content(
        "<iframe style='width:100%;height:850px;border:0' "
        f"src='data:text/html;base64,{content.decode()}'></iframe>"
    )
    frame = page.frames[1]
    frame.locator("tbody tr").first.wait_for()
    return frame


def table_in_report(page: Page, smoke, name: str):
    return page_in_report(page, smoke, f"results/tables/{name}.html")


def test_a_claim_opens_its_figure(page, smoke):
    frame = page_in_report(page, smoke, "results/report/verdicts.html")
    figures = frame.locator("details[data-figure]")
    assert figures.count() == 4
    for figure in figures.all():
        picture = figure.locator("img")
        assert picture.get_attribute("src") is None and picture.get_attribute("alt")
        figure.locator("summary").click()
        frame.wait_for_function(
            "image => image.complete && image.naturalWidth > 300", arg=picture.element_handle()
        )
        path = smoke.folder / figure.locator("code").inner_text()
        drawn = base64.b64decode(picture.get_attribute("src").partition("base64,")[2])
        assert drawn == path.read_bytes()


@pytest.mark.parametrize(
    "name", ["dense_runs", "dense_summary", "conv_runs", "conv_classes", "benchmarks"]
)
def test_table_downloads_as_the_csv(page, smoke, name):
    frame = table_in_report(page, smoke, name)
    with page.expect_download() as download:
        frame.get_by_role("button", name="Download as CSV").click()
    path = smoke.folder / f"results/tables/{name}.csv"
    assert Path(download.value.path()).read_bytes() == path.read_bytes()


def test_table_sorts_by_keyboard_and_filters(page, smoke):
    frame = table_in_report(page, smoke, "dense_runs")
    frame.locator("th button", has_text="train_loss").focus()
    page.keyboard.press("Enter")
    head = frame.locator("th", has_text="train_loss")
    assert head.get_attribute("aria-sort") == "ascending"
    column = frame.locator("th").all_inner_texts()
    place = next(i for i, text in enumerate(column) if "train_loss" in text) + 1
    shown = [
        float(re.sub(r"[^\d.e-]", "", text))
        for text in frame.locator(f"tbody tr td:nth-child({place})").all_inner_texts()
    ]
    assert shown == sorted(shown)
    frame.locator("input").fill("activation=relu")
    frame.locator("output", has_text="12").wait_for()
    assert frame.locator("tbody tr").count() == 12


def test_pages_fit_their_width(page, smoke):
    paths = [
        *smoke.folder.glob("results/tables/*.html"),
        *smoke.folder.glob("results/report/*.html"),
    ]
    assert paths
    for path in sorted(paths):
        for width in (400, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            if width == 400:
                page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_interactive_pages_stay_below_what_a_browser_shows_in_a_report(smoke):
    for path in smoke.folder.glob("results/**/*.html"):
        assert path.stat().st_size < 1_400_000, path


@pytest.fixture(scope="module")
def unpacked(open_page, smoke):
    """The report as a zip file, unpacked and opened."""
    done = smoke.snakemake("--configfile", "config/smoke.yaml", "--report", "report.zip")
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(smoke.folder / "report.zip") as archive:
        archive.extractall(smoke.folder / "unpacked")
    with open_page() as page:
        yield open_report(page, smoke.folder / "unpacked/report/report.html")


@pytest.mark.parametrize("category", CATEGORIES)
def test_report_in_a_zip_shows_its_items(unpacked, smoke, category):
    links = (row.locator("[iconname=eye]") for row, _ in items(unpacked, category))
    next(link for link in links if not link.get_attribute("download")).click()
    assert_it_shows_something(shown_anew(unpacked, "data/raw/", None))
