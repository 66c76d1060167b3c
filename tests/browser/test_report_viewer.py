"""The report's viewer in small and large windows: closed lists, and nothing out of reach."""

import pytest
from conftest import environment
from forked_snakemake import run_snakemake
from small_run import options


@pytest.fixture(scope="module")
def report(small_run):
    """The report of a small run."""
    project, work = small_run
    call = ("--report", "report.html", *options(project, work))
    done = run_snakemake(call, project, environment())
    assert done.returncode == 0, done.stdout + done.stderr
    return work / "report.html"


@pytest.fixture
def small(page, report):
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(report.as_uri())
    page.locator(".prose").wait_for()
    return page


def box(place):
    return place.bounding_box()


def test_in_a_small_window_the_lists_are_closed_and_open_over_the_content(small):
    lists, content = small.locator("nav.h-screen"), small.locator(".prose")
    assert box(lists)["height"] < 40 and box(lists)["width"] == 400
    assert box(content)["y"] >= box(lists)["height"]
    assert box(content)["x"] >= 0 and box(content)["x"] + box(content)["width"] <= 400
    small.get_by_text("Report", exact=True).first.click()
    assert box(lists)["height"] > 400
    category = small.get_by_text("3 Data", exact=True)
    assert box(category)["x"] >= 0 and box(category)["y"] < box(lists)["height"]
    category.click()
    eye = small.locator("[iconname=eye]").first
    eye.wait_for()
    assert box(eye)["x"] + box(eye)["width"] <= 400
    eye.click()
    small.mouse.click(200, 780)
    assert box(lists)["height"] < 40
    assert small.locator("nav.h-screen + .h-screen :is(img, iframe)").count() == 1


def test_the_lists_open_by_keyboard(small):
    small.keyboard.press("Tab")
    small.keyboard.press("Tab")
    assert box(small.locator("nav.h-screen"))["height"] > 400


def test_in_a_large_window_the_lists_stand_beside_the_content(page, report):
    page.goto(report.as_uri())
    page.locator(".prose").wait_for()
    lists, content = box(page.locator("nav.h-screen")), box(page.locator(".prose"))
    assert lists["height"] == 900 and 150 < lists["width"] < 400
    # The graph of the rules comes after the text, not beside it.
    graph = page.locator("div#rulegraph")
    assert box(graph)["y"] >= content["y"] + content["height"]
    assert box(graph)["x"] == pytest.approx(content["x"], abs=20)
    assert content["x"] >= lists["width"]
