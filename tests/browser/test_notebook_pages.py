"""Pages of executed notebooks in a real Chromium: readable, accessible, and with their formulas."""

import base64
import re

import pytest

NAMES = (
    "add_your_own_activation",
    "backpropagation",
    "convolutional_network",
    "dense_networks",
)


def path_of(smoke, name):
    return smoke.folder / f"results/report/{name}_notebook.html"


@pytest.fixture(scope="module", params=NAMES)
def notebook(request, open_page, smoke):
    """A notebook's page, opened in dark and the same for all tests of it; and its name."""
    with open_page(color_scheme="dark") as page:
        page.goto(path_of(smoke, request.param).as_uri())
        yield page, request.param


def open_details(page) -> None:
    closed = page.locator("details:not([open]) > summary")
    while closed.count():
        closed.first.click()


def test_formulas_take_room_and_none_is_left_as_source(notebook, smoke):
    page, name = notebook
    sizes = page.locator("math").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.width, box.height])"
    )
    assert len(sizes) >= {"backpropagation": 100, "add_your_own_activation": 13}.get(name, 1)
    assert all(width > 3 and height > 5 for width, height in sizes)
    words = page.evaluate(
        """() => {
          const copy = document.body.cloneNode(true);
          copy.querySelectorAll("pre, code, details").forEach(e => e.remove());
          document.documentElement.append(copy);
          const text = copy.innerText;
          copy.remove();
          return text;
        }"""
    )
    assert len(words) > 100
    assert "$" not in words and "\\" not in words


def test_pictures_are_there_and_say_what_they_show(notebook, smoke):
    page, _ = notebook
    pictures = page.locator("img").evaluate_all("all => all.map(e => [e.naturalWidth, e.alt])")
    assert pictures
    assert all(width > 300 and len(alt) > 20 for width, alt in pictures)


def test_page_opens_without_a_network_and_is_accessible_in_dark_and_light(
    notebook, smoke, check_accessibility
):
    page, _ = notebook
    assert page.locator("h1").count() == 1
    open_details(page)
    check_accessibility(page)
    page.emulate_media(color_scheme="light")
    check_accessibility(page, colors_alone=True)


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_sticks_out_sideways(notebook, smoke, width):
    page, _ = notebook
    page.set_viewport_size({"width": width, "height": 900})
    open_details(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # What is wider than the page scrolls by itself, by keyboard too.
    wide = page.locator(".scroll").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.tabIndex)"
    )
    assert set(wide) <= {0}


def test_rows_of_a_derivation_stand_below_each_other(page, smoke):
    page.goto(path_of(smoke, "backpropagation").as_uri())
    tops = (
        page.locator("math mtable")
        .first.locator("mtr")
        .evaluate_all("rows => rows.map(row => row.getBoundingClientRect().top)")
    )
    assert len(tops) == 4 and tops == sorted(tops) and tops[3] - tops[0] > 40


def test_contents_lead_to_the_sections_inside_the_report(page, smoke):
    content = base64.b64encode(path_of(smoke, "backpropagation").read_bytes()).decode()
    page.set_content(
        "<iframe style='width:100%;height:850px;border:0' "
        f"src='data:text/html;base64,{content}'></iframe>"
    )
    frame = page.frames[1]
    frame.locator("nav a", has_text="Sigmoid").click()
    heading = frame.locator("h2#sigmoid")
    frame.wait_for_function(
        "() => document.querySelector('#sigmoid').getBoundingClientRect().top < 60"
    )
    assert re.fullmatch("Sigmoid", heading.inner_text())
