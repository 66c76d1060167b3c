"""The claims page in a real Chromium, as wide as a desk's and a phone's screen."""

import pytest


@pytest.mark.parametrize("width", [1280, 400])
def test_every_verdict_is_in_view_and_every_drawing_can_be_read(
    page, smoke, check_accessibility, width
):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((smoke.folder / "results/report/verdicts.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    verdicts = page.locator("table .verdict")
    assert verdicts.count() > 0
    boxes = [verdict.bounding_box() for verdict in verdicts.all()]
    assert max(box["x"] + box["width"] for box in boxes) <= width
    # A claim has room for more than a word a line.
    assert min(link.bounding_box()["width"] for link in page.locator("td a").all()) > 100
    letters = "texts => texts.map(text => text.getBoundingClientRect().height)"
    assert min(page.locator("svg text").evaluate_all(letters)) > 10  # of twelve, drawn to scale
    check_accessibility(page)
