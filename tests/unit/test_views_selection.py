"""Which runs a figure shows, and what it says about them in numbers."""

import numpy as np
import pandas as pd
import pytest

from restudy.study.grid import compared_axes
from restudy.views import selection

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
    runs = pd.DataFrame({"depth": [1, 1], "seed": [0, 1], "diverged_at": [np.nan, 7]})
    history = pd.DataFrame(
        {"depth": 1, "seed": [0, 0, 1, 1], "pass": [1, 2, 1, 2], "train_loss": [1, 2, 3, np.inf]}
    )
    for known in (runs, None):
        finished, diverged = selection.finished_history(history, known)
        assert finished["seed"].tolist() == [0, 0]
        assert diverged == 1


def test_spread_equals_numpy_quantiles():
    values = np.random.default_rng(0).normal(size=(10, 3))
    frame = pd.DataFrame({"pass": np.tile([1, 2, 3], 10), "train_loss": values.ravel()})
    for spread, quantiles in (("quantiles", (0.1, 0.9)), ("range", (0, 1))):
        band = selection.spread_over_seeds(frame, "pass", "train_loss", spread)
        low, high = np.quantile(values, quantiles, axis=0)
        np.testing.assert_allclose(band["middle"], np.median(values, axis=0))
        np.testing.assert_allclose(band["low"], low)
        np.testing.assert_allclose(band["high"], high)


def test_few_replicates_are_shown_by_their_range():
    assert selection.fitting_spread(3) == "range"
    assert selection.fitting_spread(10) == "quantiles"
