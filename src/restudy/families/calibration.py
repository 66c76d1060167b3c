"""How well predicted probabilities agree with what is true, by two numbers."""

import numpy as np

BINS = 15


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> np.ndarray:
    r"""Return the expected calibration error (Guo et al. 2017, eq. 3).

    With the :math:`N` examples in bins :math:`B_m` of equal width by their confidence, closed on
    the right:

    .. math:: \sum_m \frac{|B_m|}{N} \left| \text{acc}(B_m) - \text{conf}(B_m) \right|

    Parameters
    ----------
    confidence : ndarray, shape (..., N)
        Probability of the predicted class.
    correct : ndarray of bool, shape (..., N)
        Whether it is the true one.

    Returns
    -------
    ndarray, shape (...)
        From 0 to 1; NaN where a probability is not finite.
    """
    places = np.searchsorted(np.arange(1, BINS) / BINS, confidence)
    gaps = correct - np.asarray(confidence, float)
    by_bin = [np.where(places == number, gaps, 0.0).sum(axis=-1) for number in range(BINS)]
    return np.abs(by_bin).sum(axis=0) / gaps.shape[-1]


def brier_score(probability: np.ndarray, label: np.ndarray) -> np.ndarray:
    r"""Return the Brier score of several classes, as Brier (1950) defines it.

    .. math:: \frac1N \sum_n \sum_c (p_{nc} - [y_n = c])^2

    Parameters
    ----------
    probability : ndarray, shape (..., N, C)
        Of each class.
    label : ndarray of int, shape (..., N)
        True classes.

    Returns
    -------
    ndarray, shape (...)
        From 0 to 2; of two classes, twice the mean squared error of the one's probability.
    """
    true = label[..., np.newaxis] == np.arange(probability.shape[-1])
    return ((np.asarray(probability, float) - true) ** 2).sum(axis=-1).mean(axis=-1)


def measure_calibration(
    part: str, probability: np.ndarray, label: np.ndarray
) -> dict[str, np.ndarray]:
    """Return both on a part of the data, as measures by name; see `brier_score`."""
    correct = probability.argmax(axis=-1) == label
    return {
        f"{part}_ece": calibration_error(probability.max(axis=-1), correct),
        f"{part}_brier": brier_score(probability, label),
    }
