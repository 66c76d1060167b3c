"""The benchmarks' own sums, and that their contestants train one and the same network."""

import json
import subprocess
import sys

import pytest
from conftest import ROOT

FOLDER = ROOT / "benchmarks"
CASE = {"units": 3, "depth": 2, "replicates": 2, "precision": "float64", "passes": 20}
sys.path.append(str(FOLDER))

import dense_speed  # noqa: E402


def contest(name):
    done = subprocess.run(
        [sys.executable, FOLDER / "contestants" / f"{name}.py", json.dumps(CASE)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_this_project_and_the_published_style_end_with_the_same_losses():
    ours, theirs = contest("this_project"), contest("published_style")
    assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-12)
    assert ours["microseconds"] > 0 and ours["memory_mb"] > 10


def test_scikit_learn_runs():
    assert len(contest("scikit_learn")["losses"]) == CASE["replicates"]


def test_floor_counts_every_product_and_every_tanh():
    machine = {"gigaflops": 1.0, "tanh_nanoseconds": 0.0}
    # Two products of 3 x 3 x 200 for the first layer, three of 2 x 4 x 200 for the last.
    expected = 2 * 200 * (2 * 9 + 3 * 8) / 1e3
    case = CASE | {"depth": 1}
    assert dense_speed.floor_microseconds(case, machine) == pytest.approx(expected)
    machine = {"gigaflops": float("inf"), "tanh_nanoseconds": 2.0}
    assert dense_speed.floor_microseconds(case, machine) == pytest.approx(1.2)


def test_a_contestant_that_trains_something_else_is_refused():
    results = {
        "this_project": {"losses": [0.5, 0.25]},
        "published_style": {"losses": [0.5, 0.25 * (1 + 1e-8)]},
    }
    with pytest.raises(SystemExit, match="published_style"):
        dense_speed.check_losses(results, "float64")
    dense_speed.check_losses(results, "float32")


def test_filters_pick_cases_by_all_of_their_values():
    assert dense_speed.matches(CASE, {"units": "3", "precision": "float64"})
    assert dense_speed.matches(CASE, {})
    assert not dense_speed.matches(CASE, {"units": "3", "depth": "1"})


def test_ratios_are_those_of_the_medians():
    results = {
        name: [{"microseconds": time, "memory_mb": 100} | {"losses": [1.0]} for time in times]
        for name, times in (("this_project", (1, 2, 9)), ("published_style", (8, 30, 10)))
    }
    rows = dense_speed.summarize(CASE, results, {"gigaflops": 50, "tanh_nanoseconds": 2})
    ratios = {row["contestant"]: row["this_project_over_it"] for row in rows}
    assert ratios == {"this_project": 1.0, "published_style": 0.2}
