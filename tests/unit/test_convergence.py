"""Whether runs still learn at their end, and when they reached a level."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress

from restudy.analysis.convergence import relative_fall, with_falls
from restudy.analysis.summaries import summarize
from restudy.families.contract import Measure
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense.family import FAMILY as DENSE

CELL = dict(zip(DENSE.axis_names, ["moons", "plain", "tanh", 3, 1, "zeros", "gd"], strict=True))


def test_a_loss_that_falls_by_a_tenth_of_its_end_in_each_tenth():
    passes = np.arange(0, 101, 10)
    assert relative_fall(passes, 2.0 - passes / 100) == pytest.approx(0.1)
    assert relative_fall(passes, 1.0 + passes / 100) == pytest.approx(-0.05)
    assert relative_fall(passes, np.full(11, 0.3)) == pytest.approx(0, abs=1e-12)


def test_only_records_of_the_last_fifth_count():
    passes = np.arange(0, 101, 10)
    loss = np.where(passes < 80, 5.0 - passes / 20, 0.5)
    assert relative_fall(passes, loss) == pytest.approx(0, abs=1e-12)
    loss[passes == 80] = 0.6  # (80, 0.6), (90, 0.5), (100, 0.5): falls by 0.05 in ten passes
    assert relative_fall(passes, loss) == pytest.approx(0.05 / 0.5)


@pytest.mark.parametrize("seed", range(20))
def test_the_fall_is_that_of_a_regression(seed):
    rng = np.random.default_rng(seed)
    time = np.sort(rng.choice(np.arange(1, 5_000), rng.integers(20, 200), replace=False))
    values = rng.uniform(0.1, 1, len(time))
    late = time >= 0.8 * time[-1]
    line = linregress(time[late], values[late])
    expected = -line.slope * time[-1] / 10 / values[-1]
    assert relative_fall(time, values) == pytest.approx(expected, rel=1e-9)


def test_missing_values_are_passed_over():
    time = np.arange(0, 101, 5)
    values = 2.0 - time / 100
    values[1::2] = np.nan
    assert relative_fall(time, values) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("time", "values"),
    [([], []), ([0], [1.0]), ([0, 50, 100], [3.0, 2.0, 1.0]), ([0, 90, 100], [1.0, 0.5, 0.0])],
    ids=["none", "one", "one late", "zero at the end"],
)
def test_too_few_records_or_nothing_left_have_no_fall(time, values):
    assert np.isnan(relative_fall(np.array(time), np.array(values)))


def history(loss_of, **keys):
    time = np.arange(0, 101, 10)
    return pd.DataFrame(CELL | keys | {"pass": time, "train_loss": loss_of(time)})


def run_rows(seeds, **changes):
    cells = [CELL | changes | {"seed": seed} for seed in seeds]
    measures = dict.fromkeys([each.name for each in DENSE.measures if each.in_runs], 0.5)
    frame = pd.DataFrame(cells).assign(**measures)
    return frame.assign(diverged_at=pd.array([None] * len(cells), "Int64"))


def test_summaries_count_the_runs_that_still_fall():
    rows = pd.concat([run_rows(range(4)), run_rows([0], activation="relu")], ignore_index=True)
    rows.loc[3, "diverged_at"] = 30
    histories = [
        pd.concat(
            [
                history(lambda t: 2.0 - t / 100, seed=1),
                history(lambda t: 2.0 - t / 1_000, seed=0),
                history(lambda t: 2.0 - t / 50.5, seed=3),
            ]
        ),
        history(lambda t: 1.0 + 0 * t, seed=0, activation="relu"),
    ]
    found = with_falls(DENSE, rows, histories)
    pd.testing.assert_frame_equal(found[rows.columns], rows)
    assert found["final_fall"].tolist()[:2] == pytest.approx([0.01 / 1.9, 0.1])
    assert np.isnan(found["final_fall"][2]) and found["final_fall"][4] == 0
    summary = summarize(DENSE, found)
    assert summary["still_falling"].tolist() == [1, 0]
    assert summary["final_fall_mean"].tolist() == pytest.approx([(0.01 / 1.9 + 0.1) / 2, 0])
    rest = summary.drop(columns=[name for name in summary if "fall" in name])
    pd.testing.assert_frame_equal(rest, summarize(DENSE, rows))


def test_it_is_the_training_loss_of_dense_networks_and_the_validation_loss_of_the_cnn():
    assert (DENSE.converges_by, CONV.converges_by) == ("train_loss", "validation_loss")


def test_a_family_without_a_recorded_loss_has_no_falls():
    accuracy = Measure("train_accuracy", "Accuracy", "?", better="higher", recorded="interval")
    family = replace(DENSE, measures=(accuracy,), ranked_by=(), chosen_by="", converges_by="")
    rows = run_rows([0])
    assert family.converges_by == ""
    pd.testing.assert_frame_equal(with_falls(family, rows, []), rows)
