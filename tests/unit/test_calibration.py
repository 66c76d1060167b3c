"""Calibration error and Brier score against scikit-learn and sums by hand."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from restudy.families.calibration import (
    BINS,
    brier_score,
    calibration_error,
    measure_calibration,
)


def predictions(count, classes, seed=0):
    """Probabilities (count, classes) and labels of which some disagree with them."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(count, classes))
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    label = np.where(
        rng.random(count) < 0.6, logits.argmax(axis=1), rng.integers(classes, size=count)
    )
    return probability, label


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("count", [1, 40, 3_000])
def test_brier_score_is_that_of_scikit_learn(count, classes):
    probability, label = predictions(count, classes)
    expected = brier_score_loss(label, probability, labels=range(classes), scale_by_half=False)
    assert brier_score(probability, label) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("count", [15, 400, 3_000])
def test_calibration_error_is_the_weighted_gap_of_scikit_learns_curve(count, classes):
    probability, label = predictions(count, classes)
    confidence, correct = probability.max(axis=1), probability.argmax(axis=1) == label
    share, mean = calibration_curve(correct, confidence, n_bins=BINS)
    edges = np.linspace(0, 1, BINS + 1)
    counts = np.histogram(confidence, edges)[0]
    expected = (counts[counts > 0] * np.abs(share - mean)).sum() / count
    assert calibration_error(confidence, correct) == pytest.approx(expected, rel=1e-12)
    found = measure_calibration("test", probability, label)
    assert found["test_ece"] == calibration_error(confidence, correct)


def test_gaps_by_hand():
    # Two in the bin up to 1/3, of which none is right, and three in the last, of which two are.
    confidence = np.array([0.3, 0.32, 0.95, 1.0, 0.97])
    correct = np.array([False, False, True, True, False])
    by_hand = (2 * 0.31 + 3 * abs(2 / 3 - 2.92 / 3)) / 5
    assert calibration_error(confidence, correct) == pytest.approx(by_hand)


@pytest.mark.parametrize("number", range(1, BINS))
def test_a_bin_has_its_right_edge(number):
    """At an edge, and just below it, a right and a wrong prediction cancel out in one bin."""
    edge = number / BINS
    together = calibration_error(np.array([edge, edge - 1e-9]), np.array([True, False]))
    assert together == pytest.approx(abs(0.5 - edge), abs=1e-6)
    apart = calibration_error(np.array([edge, edge + 1e-9]), np.array([True, False]))
    assert apart == pytest.approx((1 - edge + edge) / 2, abs=1e-6)


def test_certain_predictions():
    certain = np.eye(3)[[0, 1, 2, 2]]
    right = measure_calibration("test", certain, np.array([0, 1, 2, 2]))
    assert right == {"test_ece": 0, "test_brier": 0}
    wrong = measure_calibration("test", certain, np.array([1, 2, 0, 0]))
    assert wrong == {"test_ece": 1, "test_brier": 2}


def test_replicates_are_measured_each_by_itself():
    parts = [predictions(500, 3, seed) for seed in range(4)]
    probability, label = (np.stack(each) for each in zip(*parts, strict=True))
    for measure in ("heldout_ece", "heldout_brier"):
        together = measure_calibration("heldout", probability, label)[measure]
        apart = [measure_calibration("heldout", *each)[measure] for each in parts]
        np.testing.assert_array_equal(together, apart)


def test_what_is_not_finite_has_no_value():
    probability, label = predictions(30, 2)
    probability[3] = np.nan
    assert np.isnan(list(measure_calibration("test", probability, label).values())).all()
