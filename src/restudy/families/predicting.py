"""What trained models predict, by the function that their family names for it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from restudy.families.contract import Family
from restudy.families.registry import resolve


def predict_classes(
    family: Family, settings: Mapping[str, Any], weights: Mapping[str, np.ndarray], x: np.ndarray
) -> np.ndarray:
    """Return the class that each of R models gives to each of N points, shape (R, N).

    Parameters
    ----------
    family : Family
        It has ``predict``.
    settings : mapping
        Settings of the cell.
    weights : mapping of str to ndarray
        What was trained, with the model as the first axis.
    x : ndarray, shape (N, D)
        The points.
    """
    found = _predict(family, settings, weights, x)
    return found.argmax(axis=2) if found.ndim == 3 else found


def predict_probabilities(
    family: Family,
    settings: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    classes: int,
) -> np.ndarray:
    """Return the probability of each class, shape (R, N, C); parameters as in `predict_classes`.

    Where the family's function says no more than the class, that one has all of it.

    Parameters
    ----------
    family, settings, weights, x
        As in `predict_classes`.
    classes : int
        How many there are, C.
    """
    found = _predict(family, settings, weights, x)
    if found.ndim == 3:
        return found
    return (found[..., np.newaxis] == np.arange(classes)).astype(float)


def _predict(
    family: Family, settings: Mapping[str, Any], weights: Mapping[str, np.ndarray], x: np.ndarray
) -> np.ndarray:
    """Return what a family's own function does: classes (R, N), or probabilities (R, N, C)."""
    return np.asarray(resolve(family, family.predict)(settings, weights, x))
