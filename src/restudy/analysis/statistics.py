"""The statistics that tables and figures share."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from restudy.analysis.student import quantile

ROUNDING = 1e-12  # share of a value's size by which equal ones may differ


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95% interval by Student's t.

    Parameters
    ----------
    values : sequence of float
        One a seed; missing ones are skipped.

    Returns
    -------
    mean, low, high : float
        The ends are NaN where values have no spread, as a single one, or several that are equal:
        that they are tells little of others. All are NaN without any.
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return (np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if np.ptp(values) <= ROUNDING * np.abs(values).max():
        return (mean, np.nan, np.nan)
    half = float(half_width(values.std(ddof=1), values.size))
    return (mean, mean - half, mean + half)


def half_width(deviation: np.ndarray | float, count: np.ndarray | int) -> np.ndarray:
    """Half the width of the 95% interval of a mean by Student's t, elementwise.

    Parameters
    ----------
    deviation : ndarray or float
        Standard deviation of the values, n - 1 in the denominator.
    count : ndarray or int
        How many values; fewer than two give NaN.
    """
    count = np.asarray(count, dtype=float)
    different, places = np.unique(count, return_inverse=True)
    errors = [quantile(0.975, n - 1) if n > 1 else np.nan for n in different.tolist()]
    return np.array(errors)[places].reshape(count.shape) * deviation / np.sqrt(count)


def without_scale(values: pd.Series) -> tuple[pd.Series, int]:
    """Return values that can be squared and summed, and what they were divided by.

    The loss of a run that all but diverges may be so large that its square is infinite. The divisor
    is a power of two, so that no digit is lost.

    Parameters
    ----------
    values : Series
        Finite or missing.

    Returns
    -------
    values : Series
        Below 1 in size.
    exponent : int
        Of two: ``values * 2.0**exponent`` are those given.
    """
    largest = values.abs().max()
    exponent = 0 if math.isnan(largest) else math.frexp(largest)[1]
    return np.ldexp(values.astype(float), -exponent), exponent
