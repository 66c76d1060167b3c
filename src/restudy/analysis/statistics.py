"""The statistics that tables and figures share."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd

from restudy.analysis.student import quantile

ROUNDING = 1e-12  # share of a value's size by which equal ones may differ


def mean_interval(values: Sequence[float], chosen_of: int = 1) -> tuple[float, float, float]:
    r"""Mean and its 95% interval by Student's t.

    Of the largest or smallest of k means, an interval of its own misses more often than stated,
    since chance helped it to be that one. With the coverage :math:`1 - 0.05 / k` all k intervals
    hold together in 95% of all experiments (Bonferroni), so that of any one of them does, whichever
    is chosen.

    Parameters
    ----------
    values : sequence of float
        One a seed; missing ones are skipped.
    chosen_of : int
        How many means it was chosen from by its size, k.

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
    half = float(half_width(values.std(ddof=1), values.size, chosen_of))
    return (mean, mean - half, mean + half)


def half_width(
    deviation: np.ndarray | float, count: np.ndarray | int, chosen_of: int = 1
) -> np.ndarray:
    """Half the width of the 95% interval of a mean by Student's t, elementwise.

    Parameters
    ----------
    deviation : ndarray or float
        Standard deviation of the values, n - 1 in the denominator.
    count : ndarray or int
        How many values; fewer than two give NaN.
    chosen_of : int
        See `mean_interval`.
    """
    count = np.asarray(count, dtype=float)
    different, places = np.unique(count, return_inverse=True)
    tail = 0.025 / chosen_of
    errors = [quantile(1 - tail, n - 1) if n > 1 else np.nan for n in different.tolist()]
    return np.array(errors)[places].reshape(count.shape) * deviation / np.sqrt(count)


def wilson_interval(
    count: np.ndarray | int, total: np.ndarray | int
) -> tuple[np.ndarray, np.ndarray]:
    r"""95% interval of a share that was counted (Wilson 1927), elementwise.

    With the share :math:`\hat p` of :math:`n` and :math:`z = 1.96`, its ends are

    .. math:: \frac{\hat p + z^2 / 2n \pm z \sqrt{\hat p (1 - \hat p) / n + z^2 / 4n^2}}
        {1 + z^2 / n}

    It says how far the share is from that of all examples like these, of one trained network:
    what another seed would have given it does not tell.

    Parameters
    ----------
    count, total : ndarray or int
        How many of how many; of none, both ends are NaN.

    Returns
    -------
    low, high : ndarray
        Within 0 and 1.
    """
    n = np.where(np.asarray(total) > 0, total, np.nan).astype(float)
    z, share = NormalDist().inv_cdf(0.975), count / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


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
