"""How straight a boundary is and what shape values have, against searches and sums by hand."""

import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons

from restudy.analysis.shapes import (
    line_agreement,
    shape_distances,
    stack_runs,
    tensors_by_run,
)
from restudy.families.contract import ALL, ONE, Family


def best_line(points, labels):
    """Share of labels that the best of 180 x 200 straight lines predicts."""
    best = 0.0
    for angle in np.linspace(0, np.pi, 180, endpoint=False):
        along = points @ [np.cos(angle), np.sin(angle)]
        for cut in np.linspace(along.min(), along.max(), 200):
            share = ((along > cut) == (labels == 1)).mean()
            best = max(best, share, 1 - share)
    return best


def square(seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (600, 2))


@pytest.mark.parametrize(
    "labels_of",
    [
        lambda p: p @ [0.8, -0.6] > 0.3,
        lambda p: (p[:, 0] > 0) ^ (p[:, 1] > 0.2),
        lambda p: p[:, 1] > np.sin(3 * p[:, 0]),
    ],
    ids=["line", "quadrants", "wave"],
)
def test_agreement_is_near_that_of_the_best_line(labels_of):
    points = square()
    labels = labels_of(points).astype(int)
    best = best_line(points, labels)
    assert best - 0.005 <= line_agreement(points, labels) <= best + 0.005


def test_a_straight_boundary_agrees_wholly_wherever_the_points_lie():
    points, _ = make_moons(400, noise=0.2, random_state=0)
    labels = (points @ [1.0, 2.0] > 1.0).astype(int)
    for moved in (points, points * [1e-3, 1e3], points + 1e5):
        assert line_agreement(moved, labels) >= 0.995


def test_a_line_along_a_narrow_band_is_found():
    across, along = np.random.default_rng(1).normal(size=(2, 500))
    points = along[:, None] + 1e-2 * across[:, None] * [1, -1]
    assert line_agreement(points, (across > 0).astype(int)) >= 0.99


def test_one_label_everywhere_and_a_feature_without_spread_are_no_trouble():
    points = square()
    assert line_agreement(points, np.ones(600, int)) == 1.0
    flat = points * [1, 0]
    assert line_agreement(flat, (points[:, 0] > 0.1).astype(int)) >= 0.99


def test_three_classes_have_a_line_between_each_two():
    points = square()
    sector = (np.arctan2(*points.T) // (2 * np.pi / 3)).astype(int)
    assert line_agreement(points, sector) >= 0.97


def by_hand(values, distribution):
    """Largest distance between the values' steps and a distribution function."""
    values = np.sort(values.ravel())
    share = distribution(values)
    steps = np.arange(len(values) + 1) / len(values)
    return max((steps[1:] - share).max(), (share - steps[:-1]).max())


@pytest.mark.parametrize("draw", ["normal", "uniform", "exponential"])
def test_distances_are_the_largest_gap_between_distribution_functions(draw):
    values = 3 + 2 * getattr(np.random.default_rng(2), draw)(size=(20, 15))
    low, high = values.min(), values.max()
    found = shape_distances(values)
    assert found == pytest.approx(
        {
            "uniform_distance": by_hand(values, lambda v: (v - low) / (high - low)),
            "normal_distance": by_hand(values, stats.norm(values.mean(), values.std()).cdf),
        }
    )
    nearest = {"normal": "normal_distance", "uniform": "uniform_distance"}.get(draw)
    assert nearest is None or min(found, key=found.get) == nearest


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, np.inf], [np.nan, 1.0]])
def test_values_without_a_shape_have_no_distance(values):
    assert np.isnan(list(shape_distances(np.array(values)).values())).all()


STACKED = Family("a", "A", "", "points", (), (), "train", seeds_per_job=ALL)
SINGLE = dataclasses.replace(STACKED, seeds_per_job=ONE)


def test_stacked_runs_are_taken_apart_into_weights_and_the_bias_of_the_last_column():
    layer = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    runs = tensors_by_run(STACKED, {"layer1": layer, "layer2": layer[:, :1]})
    assert [list(run) for run in runs] == [
        ["layer1/weights", "layer1/bias", "layer2/weights", "layer2/bias"]
    ] * 2
    for number, run in enumerate(runs):
        assert np.array_equal(run["layer1/weights"], layer[number, :, :4])
        assert np.array_equal(run["layer1/bias"], layer[number, :, 4])
        assert run["layer2/bias"].tolist() == [layer[number, 0, 4]]


def test_a_single_run_has_its_tensors_as_they_are_named():
    arrays = {"head/weights": np.eye(2), "head/bias": np.zeros(2)}
    (run,) = tensors_by_run(SINGLE, arrays)
    assert list(run) == list(arrays)
    assert run["head/weights"] is arrays["head/weights"]


def test_the_run_is_the_first_axis_of_stacked_weights_whoever_stored_them():
    values = np.ones((3, 4))
    assert stack_runs(STACKED, {"layer1": values})["layer1"].shape == (3, 4)
    assert stack_runs(SINGLE, {"layer1": values})["layer1"].shape == (1, 3, 4)
