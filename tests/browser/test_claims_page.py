"""The claims page in a real Chromium, as wide as a desk's and a phone's screen."""

import math

import numpy as np
import pytest
from hostile_names import HOSTILE_NAMES
from judged_claims import (
    ABOVE_ZERO,
    CELL,
    DIFFERENCE,
    OTHER,
    about,
    claim,
    contrast,
    evidence,
    runs,
    shifted,
)

from restudy.claims.verdicts import judge_claims
from restudy.claims.ways import MEAN, TYPICAL
from restudy.views.claims_page import claims_page

WIDTHS = (360, 400, 768, 1280)
HOSTILE = "<img src=x onerror=\"document.title='owned'\"> " + " ".join(HOSTILE_NAMES)
LONG = "Distance_of_weights_from_the_initial_distribution" * 3 + " & <b> of a layer, " * 4
TEXTS = "figcaption, .limit span, .who span, .stops span, svg text"


def hard_claims():
    """Claims of every sort of drawing, and the tables that they are judged on."""
    base, bare = shifted(60, 1.0), CELL | {"activation": "sigmoid"}
    tables = (
        runs(base),
        runs(base + shifted(60, 0.05, 0.02), OTHER),
        runs([0.5, 0.6], bare, diverged=[0, 1]),
        runs([0.9868], CELL | {"depth": 2}),
        runs([1.0] * 70, CELL | {"depth": 3}),
        runs(np.r_[np.full(57, 1e6), np.full(3, -1e6)], CELL | {"depth": 4}),
    )
    depth = {number: [[1.0, CELL | {"depth": number}, None]] for number in (2, 3, 4)}
    spread = {"value": 0.001, "seeds": 9}
    equals = [
        about(side, bound, form="equals", spread=spread) | {"terms": [[sign, depth[2][0][1], None]]}
        for side, bound, sign in (("above", 0.9839, 1.0), ("below", 0.9899, -1.0))
    ]
    found = {
        "smaller": [contrast(DIFFERENCE, margin=0.1, way=MEAN)],
        "two": [contrast(DIFFERENCE, margin=0.04, way=MEAN), contrast(DIFFERENCE, way=MEAN)],
        "nothing": [contrast(DIFFERENCE, way=MEAN)],
        "published": equals,
        "one": [contrast(depth[2])],
        "equal": [contrast(depth[3], zero="", way=MEAN)],
        "share": [contrast(depth[4], share=0.8, zero="", way=MEAN)],
        "wide": [contrast(depth[4], way=TYPICAL)],
        "none": [contrast([[1.0, bare, None]])],
        "left": [about("below", -8.0, way=TYPICAL)],
        "right": [about("above", 9.0, way=TYPICAL)],
        "hostile": [contrast(ABOVE_ZERO, way=TYPICAL, quantity=f"{LONG} {HOSTILE}")],
        "infinite": [contrast(ABOVE_ZERO, way=TYPICAL)],
    }
    claims = [claim(*parts, name=name) for name, parts in found.items()]
    claims[-2] |= {"statement": f"{LONG} {HOSTILE}", "source": HOSTILE}
    return claims, evidence(*tables)


@pytest.fixture(scope="module")
def hard(tmp_path_factory):
    """A page with every sort of drawing."""
    tables = judge_claims(*hard_claims())
    rows = tables["seeds"].query("claim == 'infinite'").index
    tables["seeds"].loc[rows[:2], "value"] = [math.inf, -math.inf]
    path = tmp_path_factory.mktemp("claims") / "verdicts.html"
    path.write_text(claims_page(**tables), encoding="utf-8")
    return path.as_uri()


def boxes_of(part, selector):
    """Boxes of what is shown, as (left, top, right, bottom) of the words themselves."""
    return part.locator(selector).evaluate_all(
        """parts => parts.map(part => {
          const range = document.createRange();
          range.selectNodeContents(part);
          const box = range.getBoundingClientRect();
          return [box.left, box.top, box.right, box.bottom];
        })"""
    )


def overlap(one, other):
    return (
        min(one[2], other[2]) - max(one[0], other[0]) > 0.5
        and min(one[3], other[3]) - max(one[1], other[1]) > 2.5
    )  # lines of text may be a little higher than their distance


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_of_a_drawing_is_cut_off_or_covered(page, hard, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(hard)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for figure in page.locator("figure").all():
        outer = figure.locator("xpath=ancestor::article").bounding_box()
        boxes = boxes_of(figure, TEXTS)
        assert boxes
        assert min(box[0] for box in boxes) >= outer["x"]
        assert max(box[2] for box in boxes) <= outer["x"] + outer["width"]
        hits = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if overlap(a, b)]
        assert hits == [], figure.inner_text()
    sizes = page.locator(TEXTS).evaluate_all(
        "parts => parts.map(part => parseFloat(getComputedStyle(part).fontSize))"
    )
    assert min(sizes) >= 11


@pytest.mark.parametrize("width", WIDTHS)
def test_the_label_of_a_line_is_above_it(page, hard, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(hard)
    for name in ("smaller", "nothing", "published", "left", "right", "share", "equal"):
        figure = page.locator(f"#{name} figure.effect")
        (label, *_) = boxes_of(figure, ".limit span")
        line = figure.locator(".limit-line").bounding_box()
        assert label[0] - 1 <= line["x"] <= label[2] + 1, name
        assert 0 <= line["y"] - label[1] <= 30, name
        (title,) = boxes_of(figure, "figcaption")
        assert title[3] <= label[1] + 2, name


def test_the_labels_say_what_is_claimed(page, hard):
    page.goto(hard)
    said = {
        "smaller": "claimed: above 0.1 (margin)",
        "nothing": "claimed: above 0 (no difference)",
        "published": "published: 0.9869 ± 0.003",
        "left": "claimed: below −8",
        "share": "claimed: above 0.8",
    }
    for name, label in said.items():
        assert page.locator(f"#{name} .limit span").first.inner_text() == label
    zero = page.locator("#nothing .limit.muted span")
    assert zero.inner_text() == "0 = no difference"


def test_lines_never_run_through_words(page, hard):
    page.goto(hard)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    behind = page.locator(".who span").evaluate_all(
        "parts => parts.map(part => getComputedStyle(part).backgroundColor)"
    )
    assert set(behind) == {paper}
    gaps = page.locator(".bar").evaluate_all(
        """bars => bars.map(bar => ["::before", "::after"].map(end =>
          parseFloat(getComputedStyle(bar, end).height)
            <= parseFloat(getComputedStyle(bar).paddingTop)))"""
    )
    assert len(gaps) > 1 and all(map(all, gaps))


@pytest.mark.parametrize("width", WIDTHS)
def test_words_in_bars_are_whole_or_not_there(page, hard, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(hard)
    shown = 0
    for piece in page.locator(".bar > span").all():
        outer, word = piece.bounding_box(), piece.locator("b").bounding_box()
        if word:
            shown += 1
            assert outer["x"] <= word["x"]
            assert word["x"] + word["width"] <= outer["x"] + outer["width"]
    assert shown > 1
    # What a bar has no room for is said above it.
    assert "smaller than claimed" in page.locator("#smaller .margins .who").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_verdict_has_its_color_and_sign_wherever_it_is_shown(page, hard, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(hard)
    color = "part => getComputedStyle(part).color"
    fill = "part => getComputedStyle(part).fill"
    verdict = page.locator("#smaller dd .verdict")
    assert verdict.inner_text() == "↓ smaller than claimed"
    own = verdict.evaluate(color)
    assert page.locator("#smaller .mean").evaluate(fill) == own
    assert page.locator("table .verdict.smaller").first.evaluate(color) == own
    bar = page.locator("#smaller .bar .smaller")
    assert bar.evaluate("part => getComputedStyle(part).backgroundColor") == own
    others = [page.locator(f"table .{name}").first for name in ("reproduced", "undecided")]
    assert len({own, *(each.evaluate(color) for each in others)}) == 3


def test_one_run_is_told_from_many_by_more_than_words(page, hard):
    page.goto(hard)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    fill = "part => getComputedStyle(part).fill"
    assert page.locator("#published .mean").evaluate(fill) == paper
    assert page.locator("#two .mean").first.evaluate(fill) != paper
    assert page.locator("#published dd .verdict").inner_text() == "○ reproduced"
    for place in ("#published dd", "table tr:has([href='#published'])"):
        assert "one run, spread stated" in page.locator(place).inner_text()
    assert "one run, no spread stated" in page.locator("#one dd").inner_text()
    assert page.locator("#nothing dd .verdict").inner_text() == "✓ reproduced"


def test_hostile_text_in_drawings_is_text(page, hard):
    page.goto(hard)
    assert page.title() == "Claims and verdicts" and not page.locator("img[src=x]").count()
    assert "<img src=x" in page.locator("#hostile figcaption").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_can_be_read_by_all(page, hard, scheme, check_accessibility):
    page.emulate_media(color_scheme=scheme)
    page.goto(hard)
    check_accessibility(page, colors_alone=scheme == "dark")


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
