"""How straight a boundary is and what shape values have, against searches and sums by hand."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons

from restudy.analysis import shapes
from restudy.analysis.shapes import (
    STRAIGHT,
    expected_distance,
    is_straight,
    line_agreement,
    shape_distances,
    stack_runs,
    tensors_by_run,
)
from restudy.families.contract import ALL, ONE, Family
from restudy.families.distributions import Distribution


def best_line(points, labels):
    """Share of labels that the best line through two of the points predicts.

    Every division of the points by a line is one by a line through two of them: what lies on it, in
    the order along it, goes to one side up to some point and to the other side from there on.
    """
    positive = labels == 1
    best = max(positive.mean(), 1 - positive.mean())
    for first, second in combinations(range(len(points)), 2):
        from_first = points - points[first]
        along = from_first[second]
        across = from_first[:, 1] * along[0] - from_first[:, 0] * along[1]
        off = across != 0
        on = np.flatnonzero(~off)
        on = on[np.argsort(points[on] @ along)]
        right = ((across > 0) == positive)[off].sum()
        for line in (positive[on], ~positive[on]):
            # How many on the line are right, if those up to some point go to the one side.
            ordered = line.sum() + np.append(0, np.cumsum(np.where(line, -1, 1)))
            best = max(best, (right + ordered.max()) / len(points))
            best = max(best, 1 - (right + ordered.min()) / len(points))
    return best


def best_line_through_each(points, labels):
    """The same, of points no three of which are on a line: each is the pivot of a rotating line."""
    signs = np.where(labels == 1, 1, -1)
    best = max(signs.sum(), 0)
    for pivot, sign in enumerate(signs):
        x, y = np.delete(points - points[pivot], pivot, axis=0).T
        others, above = np.delete(signs, pivot), y > 0
        # At which angle below pi the line meets each of the others, and what is above it then.
        order = np.argsort(np.where(above, np.arctan2(y, x), np.arctan2(-y, -x)))
        crossing = np.where(above, -others, others)[order]
        sums = others[above].sum() + np.append(0, np.cumsum(crossing))
        best = max(best, sums.max() + max(sign, 0), signs.sum() - sums.min() - min(sign, 0))
    return ((labels != 1).sum() + best) / len(points)


def square(seed=0, count=600):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 2))


def spiral(points):
    return np.sin(np.arctan2(*points.T) - 6 * np.hypot(*points.T)) > 0


BOUNDARIES = {
    "line": lambda p: p @ [0.8, -0.6] > 0.3,
    "quadrants": lambda p: (p[:, 0] > 0) ^ (p[:, 1] > 0.2),
    "wave": lambda p: p[:, 1] > 0.2 * np.sin(3 * p[:, 0]),
    "circle": lambda p: np.hypot(*p.T) < 0.6,
    "spiral": spiral,
    "few": lambda p: np.arange(len(p)) < 3,
    "chance": lambda p: np.random.default_rng(5).integers(2, size=len(p)) == 1,
}
over_boundaries = pytest.mark.parametrize("labels_of", BOUNDARIES.values(), ids=BOUNDARIES)


@over_boundaries
@pytest.mark.parametrize("count", [2, 3, 7, 150])
def test_agreement_is_that_of_the_best_line_through_two_points(labels_of, count):
    for seed in range(1 if count == 150 else 5):
        points = square(seed, count)
        labels = labels_of(points).astype(int)
        best = best_line(points, labels)
        assert line_agreement(points, labels) == pytest.approx(best, abs=1e-12)
        assert best_line_through_each(points, labels) == pytest.approx(best, abs=1e-12)


@over_boundaries
def test_agreement_of_many_points_is_that_of_the_best_of_all_lines(labels_of):
    points = square(count=2_000)
    labels = labels_of(points).astype(int)
    best = best_line_through_each(points, labels)
    assert line_agreement(points, labels) == pytest.approx(best, abs=1e-12)
    for angle in np.linspace(0, np.pi, 720, endpoint=False):
        along = points @ [np.cos(angle), np.sin(angle)]
        order = np.argsort(along)
        right = np.cumsum(np.where(labels[order] == 1, 1, -1)) + (labels != 1).sum()
        assert max(right.max(), 2_000 - right.min()) / 2_000 <= best


@over_boundaries
def test_points_on_common_lines_and_in_one_place_cannot_be_divided(labels_of):
    points = np.stack(np.meshgrid(range(9), range(9)), axis=-1).reshape(-1, 2) / 4.0 - 1.0
    labels = labels_of(points).astype(int)
    best = best_line(points, labels)
    assert line_agreement(points, labels) == pytest.approx(best, abs=1e-12)
    assert line_agreement(np.tile(points, (3, 1)), np.tile(labels, 3)) == pytest.approx(best)
    contradicted = line_agreement(np.tile(points, (2, 1)), np.append(labels, 1 - labels))
    assert contradicted == 0.5


@pytest.mark.parametrize("height", [0.01, 0.1, 0.15, 0.2, 0.25, 0.3, 0.6])
def test_a_boundary_is_straight_where_the_best_line_reaches_the_share(height):
    found = set()
    for seed in range(12):
        points = np.random.default_rng(seed).uniform(-1, 1, (200, 2)) * [1.0, 50.0]
        labels = (points[:, 1] > 50 * height * np.cos(4 * points[:, 0])).astype(int)
        straight = is_straight(points, labels)
        assert straight == (line_agreement(points, labels) >= STRAIGHT)
        found.add(straight)
    assert found != {0.01: {False}, 0.6: {True}}.get(height)


def test_with_few_sectors_left_the_share_is_still_that_of_a_line(monkeypatch):
    points = square(count=150)
    labels = spiral(points).astype(int)
    best = best_line_through_each(points, labels)
    monkeypatch.setattr(shapes, "MAX_SECTORS", 1)
    found = line_agreement(points, labels)
    assert max(labels.mean(), 1 - labels.mean()) <= found <= best


def test_points_that_all_but_coincide_end_the_search():
    points = square(count=40)
    labels = (points @ [0.8, -0.6] > 0.3).astype(int)
    close = np.concatenate([points, points + 1e-11])
    found = line_agreement(close, np.append(labels, 1 - labels))
    assert 0.5 <= found <= best_line(close, np.append(labels, 1 - labels))


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


def test_more_features_have_the_best_cut_across_one_direction():
    points = np.stack(np.meshgrid(*[range(8)] * 3), axis=-1).reshape(-1, 3)
    for labels in (points[:, 1] > 3, points @ [1, 2, 4] > 20):
        assert line_agreement(points, labels.astype(int)) == 1.0
    chance = np.random.default_rng(3).integers(2, size=512)
    assert 0.5 <= line_agreement(points, chance) < 0.65


def by_hand(values, distribution):
    """Largest distance between the values' steps and a distribution function."""
    values = np.sort(values.ravel())
    share = distribution(values)
    steps = np.arange(len(values) + 1) / len(values)
    return max((steps[1:] - share).max(), (share - steps[:-1]).max())


INITIAL = {
    "normal": (Distribution("normal", 2.0), stats.norm(scale=2)),
    "uniform": (Distribution("uniform", 2.0), stats.uniform(-2, 4)),
    "exponential": (Distribution("truncated_normal", 2.0), stats.truncnorm(-2, 2, scale=2)),
}


@pytest.mark.parametrize("draw", INITIAL)
def test_distances_are_the_largest_gap_between_distribution_functions(draw):
    values = 3 + 2 * getattr(np.random.default_rng(2), draw)(size=(20, 15))
    low, high = values.min(), values.max()
    initial, known = INITIAL[draw]
    asked = []
    found = shape_distances(values, lambda shape: asked.append(shape) or initial)
    assert asked == [(20, 15)]
    assert found.pop("values") == 300
    assert found.pop("expected_distance") == pytest.approx(0.8687 / np.sqrt(300), rel=0.01)
    assert found == pytest.approx(
        {
            "initial_distance": by_hand(values, known.cdf),
            "uniform_distance": by_hand(values, lambda v: (v - low) / (high - low)),
            "normal_distance": by_hand(values, stats.norm(values.mean(), values.std()).cdf),
        }
    )
    nearest = {"normal": "normal_distance", "uniform": "uniform_distance"}.get(draw)
    assert nearest is None or min(found, key=found.get) == nearest


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, np.inf], [np.nan, 1.0]])
def test_values_without_a_shape_have_no_distance(values):
    found = shape_distances(np.array(values), lambda shape: Distribution("normal", 1.0))
    assert {name for name, value in found.items() if np.isnan(value)} == {
        "initial_distance",
        "uniform_distance",
        "normal_distance",
    }


def test_values_that_were_not_drawn_have_no_initial_distance():
    found = shape_distances(np.arange(5.0))
    assert np.isnan(found["initial_distance"]) and found["uniform_distance"] == 0.2


@pytest.mark.parametrize("count", [5, 12, 100, 800])
def test_exact_draws_have_the_expected_distance(count):
    draws = np.sort(np.random.default_rng(4).uniform(size=(10_000, count)), axis=1)
    steps = np.arange(count + 1) / count
    distances = np.maximum(steps[1:] - draws, draws - steps[:-1]).max(axis=1)
    assert expected_distance(count) == pytest.approx(distances.mean(), rel=0.02)
    assert 0.3 * expected_distance(count) == pytest.approx(distances.std(), rel=0.04)
    assert expected_distance(count) == pytest.approx(stats.kstwo(count).mean(), rel=0.012)


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
