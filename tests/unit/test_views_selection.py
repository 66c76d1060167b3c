"""Which runs a figure shows, and what it says about them in numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from restudy.families.contract import Axis, Family, Measure, Time
from restudy.study.grid import compared_axes
from restudy.views import selection

FAMILY = Family(
    name="third",
    title="A third family",
    description="One of none that is built in.",
    takes="points",
    axes=(Axis("width", "Width", "A number.", "number"),),
    measures=(
        Measure("train_error", "Training error", "?", better="lower", recorded="interval"),
        Measure("reported_error", "Error as reported", "?", summarised=False),
        Measure("test_error", "Test error", "?", better="lower"),
        Measure("gap_error", "Gap", "?", difference=("test_error", "train_error")),
        Measure("train_accuracy", "Training accuracy", "?", recorded="interval"),
    ),
    train="train",
    ranked_by=("test_error", "train_error"),
    time=Time("epoch", "epochs", "Epochs", "epochs", "point"),
)
STUDY = {"name": "s", "question": "?", "vary": {"protocol": ["b", "a"], "depth": [4, 1]}}


def test_values_come_in_the_order_of_the_study():
    frame = pd.DataFrame({"protocol": ["a", "b"], "depth": [1, 4]})
    assert selection.values_of(STUDY, frame, "depth") == [4, 1]
    assert selection.values_of(STUDY, frame, "protocol") == ["b", "a"]
    assert compared_axes(STUDY) == ["depth"]


@pytest.mark.parametrize("missing", [np.nan, "", None])
def test_an_empty_diverged_at_means_finished(missing):
    runs = pd.DataFrame({"seed": [0, 1], "diverged_at": [missing, 300]})
    finished, diverged = selection.finished_runs(runs)
    assert finished["seed"].tolist() == [0]
    assert diverged == 1


def test_history_of_a_diverged_run_is_left_out_with_and_without_the_runs_table():
    runs = pd.DataFrame({"width": [0.5, 0.5], "seed": [0, 1], "diverged_at": [np.nan, 7]})
    times = {"seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2]}
    history = pd.DataFrame({"width": 0.5, **times, "train_error": [1, 2, 3, np.inf]})
    for known in (runs, None):
        finished, diverged = selection.finished_history(history, FAMILY, known)
        assert finished["seed"].tolist() == [0, 0]
        assert diverged == 1


def test_runs_are_told_apart_by_the_axes_of_their_family():
    key = {"width": [0.5, 2.0], "seed": [0, 0]}
    runs = pd.DataFrame({**key, "diverged_at": [np.nan, 7]})
    history = pd.DataFrame({**key, "epoch": 1, "train_error": 1.0})
    finished, diverged = selection.finished_history(history, FAMILY, runs)
    assert finished["width"].tolist() == [0.5] and diverged == 1


def test_measures_of_a_quantity_are_those_that_cells_are_compared_by():
    def names(measures):
        return [measure.name for measure in measures]

    assert names(selection.measures_of(FAMILY, "error")) == ["train_error", "test_error"]
    assert names(selection.recorded_of(FAMILY, "error")) == ["train_error"]
    assert selection.final_measure(FAMILY, "error").name == "train_error"
    assert selection.final_measure(FAMILY, "accuracy") is None


def test_lines_are_means_with_the_intervals_of_scipy():
    values = np.random.default_rng(0).normal(size=(10, 3))
    values[4:, 2] = np.nan
    values[1:, 1] = np.nan
    frame = pd.DataFrame({"pass": np.tile([1, 2, 3], 10), "train_loss": values.ravel()})
    line = selection.mean_over_seeds(frame, "pass", "train_loss")
    np.testing.assert_allclose(line["middle"], np.nanmean(values, axis=0))
    for place, present in ((0, values[:, 0]), (2, values[:4, 2])):
        error = stats.sem(present)
        ends = stats.t.interval(0.95, len(present) - 1, present.mean(), error)
        np.testing.assert_allclose(line.iloc[place][["low", "high"]].astype(float), ends)
    # A single value has no interval.
    assert line["low"].iloc[1] == line["high"].iloc[1] == values[0, 1]
