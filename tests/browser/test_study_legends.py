"""What tells lines apart on the page of the studies where a study has many values."""

from itertools import pairwise
from pathlib import Path

import pytest
from opened_study import choose, open_at, section, settle
from small_study import small_cell
from study_results import StudyResults

RATE = "optimizer.learning_rate"
NAMES = [f"way_{number}" for number in range(11)]
LABELS = [name.replace("_", " ") for name in NAMES]
CONFIG = {
    "datasets": {"moons": {"kind": "moons", "points": 40, "heldout_points": 40}},
    "dense": {
        "baseline": small_cell("moons", "short") | {"optimizer": NAMES[0]},
        "protocols": {
            "short": {
                "arithmetic": "corrected",
                "passes": 60,
                "replicates": 3,
                "record_interval": 20,
                "snapshots": 3,
            }
        },
        "optimizers": {
            name: {"kind": "gradient_descent", "learning_rate": 0.01 * (number + 1)}
            for number, name in enumerate(NAMES)
        },
        "studies": {
            "ways": {"question": "Which way?", "vary": {"optimizer": NAMES}},
            "rates": {
                "question": "Which rate?",
                "vary": {RATE: {"from": 0.001, "to": 1.0, "count": 10, "scale": "log"}},
            },
            "pairs": {
                "question": "Which way and size?",
                "vary": {"hidden_size": [2, 3], "optimizer": NAMES},
            },
        },
    },
}


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return StudyResults(CONFIG).write(tmp_path_factory.mktemp("legends"))


@pytest.fixture
def study(page, path):
    return open_at(page, path)


def plot(page, part: str = "curves"):
    settle(page)
    return section(page, part).locator(".plot-figure").first


@pytest.mark.parametrize("width", [1280, 400])
def test_many_names_stand_at_their_lines_apart_from_each_other(study, width):
    study.set_viewport_size({"width": width, "height": 900})
    names = plot(study).locator(".plot-text text")
    assert sorted(names.all_text_contents()) == sorted(LABELS)
    boxes = sorted((name.bounding_box() for name in names.all()), key=lambda box: box["y"])
    for above, below in pairwise(boxes):
        assert below["y"] >= above["y"] + above["height"] - 3
    picture = plot(study).locator("svg").bounding_box()
    assert all(box["x"] + box["width"] <= picture["x"] + picture["width"] + 1 for box in boxes)
    lines = plot(study).locator(".plot-line path").all()
    ends = [line.bounding_box() for line in lines]
    assert len(lines) == len(NAMES)
    assert max(end["x"] + end["width"] for end in ends) <= boxes[0]["x"]
    legend = section(study, "curves").locator(".legend").first
    assert "at the lines" in legend.inner_text() and legend.locator("line").count() == 0
    strokes = "all => all.map((e) => e.closest('[stroke]').getAttribute('stroke'))"
    dashes = "all => all.map((e) => e.closest('[stroke]').getAttribute('stroke-dasharray'))"
    found = plot(study).locator(".plot-line path")
    assert len(set(found.evaluate_all(strokes))) == 1, "no colour stands for two names"
    assert len(set(found.evaluate_all(dashes))) == 1


def test_many_numbers_have_a_scale_of_colours(study):
    choose(study, "Study", "Rates")
    legend = section(study, "curves").locator(".legend").first
    assert legend.locator(".ends > span").all_inner_texts()[0::2] == ["0.001", "1"]
    ramp = legend.locator(".ramp")
    assert ramp.bounding_box()["width"] > 150
    assert ramp.evaluate("e => getComputedStyle(e).backgroundImage").count("rgb(") == 10
    strokes = "all => all.map((e) => e.closest('[stroke]').getAttribute('stroke'))"
    assert len(set(plot(study).locator(".plot-line path").evaluate_all(strokes))) == 10


def test_of_many_lines_only_the_one_pointed_at_has_its_band(study):
    bands = plot(study).locator(".band")
    assert bands.count() == len(NAMES) and bands.filter(visible=True).count() == 0
    assert "pointed at shows its band" in section(study, "curves").inner_text()
    plot(study).scroll_into_view_if_needed()
    line = plot(study).locator(".plot-line path").nth(4).bounding_box()
    study.mouse.move(line["x"] + line["width"] - 1, line["y"] + line["height"] - 1, steps=3)
    settle(study)
    assert bands.filter(visible=True).count() == 1
    seen = bands.evaluate_all("all => all.findIndex((band) => band.classList.contains('seen'))")
    tip = plot(study).locator("[aria-label=tip]").text_content()
    assert tip.lstrip("\u200b").startswith(f"{LABELS[seen]},")
    study.mouse.move(5, 5)
    settle(study)
    assert bands.filter(visible=True).count() == 0


def test_names_at_the_lines_of_an_interaction(study):
    choose(study, "Study", "Pairs")
    effects = section(study, "effects")
    choose(study, "Axes", "optimizer along hidden units")
    settle(study)
    legend = effects.locator(".legend")
    assert "at the lines" in legend.inner_text()
    picture = effects.locator(".plot-figure", has=study.locator(".plot-text")).last
    names = picture.locator(".plot-text text")
    assert sorted(set(names.all_text_contents())) == sorted(LABELS)
