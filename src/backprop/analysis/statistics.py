"""The statistics that tables and figures share."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and its 95% interval by Student's t.

    Parameters
    ----------
    values : sequence of float
        One a seed; missing ones are skipped.

    Returns
    -------
    mean, low, high : float
        The ends are NaN for a single value, which has no spread; all are NaN without any.
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return (np.nan, np.nan, np.nan)
    mean = float(values.mean())
    if values.size == 1:
        return (mean, np.nan, np.nan)
    error = values.std(ddof=1) / np.sqrt(values.size)
    half = float(stdtrit(values.size - 1, 0.975) * error)
    return (mean, mean - half, mean + half)
