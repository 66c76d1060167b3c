"""The time machine of a data set with several draws: each seed has the points of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from opened_study import box, choose, open_at, settle
from small_study import small_section
from study_results import StudyResults

from restudy.data.tables import parts_of, split_draws
from restudy.families import components

STUDY = {"question": "Which activation?", "vary": {"activation": ["tanh", "relu"]}}
POINTS = {"points": 60, "heldout_points": 80, "validation_points": 20}


@pytest.fixture(scope="module")
def results() -> StudyResults:
    section = small_section("moons", {"activations": STUDY})
    section["protocols"]["tiny"]["replicates"] = 3
    datasets = {"moons": {"kind": "moons", **POINTS, "draws": 2}}
    return StudyResults({"datasets": datasets, "dense": section})


@pytest.mark.parametrize("drawn", ["by the browser", "beforehand"])
def test_each_seed_is_shown_on_the_points_that_it_was_trained_on(
    page, results, tmp_path: Path, monkeypatch, drawn
):
    if drawn == "beforehand":
        bare = [replace(kind, javascript="") for kind in components.ACTIVATIONS]
        monkeypatch.setattr(components, "ACTIVATIONS", tuple(bare))
    open_at(page, results.write(tmp_path))
    runs = results.tables["dense"]["runs"]
    cell = results.cells[0]
    own = runs[runs["activation"] == cell["activation"]].set_index("seed")
    assert box(page, "Seed").locator("option").all_inner_texts() == ["0", "1", "2"]
    draws = split_draws(results.points["moons"])
    places = []
    for seed in range(3):
        choose(page, "Seed", str(seed))
        settle(page)
        side = page.locator(".side").first
        assert f"Points: draw {seed % 2} of 2 (from 0), on which this seed" in side.inner_text()
        for part in ("train", "heldout"):
            for quantity in ("loss", "accuracy"):
                name = f"{part}_{quantity}"
                shown = float(side.locator(f"[data-figure={name}]").inner_text())
                assert shown == pytest.approx(own.loc[seed, name], rel=1e-3)
        circles = side.locator(".plane circle")
        places.append(
            circles.evaluate_all("all => all.map((e) => [e.cx, e.cy].map((x) => x.baseVal.value))")
        )
        # The picture is stretched and turned over: along an axis it goes with the points.
        x, _ = parts_of(draws[seed % 2])["train"]
        for axis in (0, 1):
            found = np.corrcoef(np.array(places[-1])[:, axis], x[:, axis])[0, 1]
            assert abs(found) == pytest.approx(1, abs=1e-4)
    assert places[0] == places[2] != places[1]
