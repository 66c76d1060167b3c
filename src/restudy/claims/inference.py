"""From values over seeds to a judgement: interval, p-values, correction, seeds still needed.

The statistics come from SciPy and statsmodels; only the studentised bootstrap, which SciPy lacks,
is written here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

LEVEL = 0.05  # of all tests of a run together
RESAMPLES = 9_999
FEWEST_FOR_BOOTSTRAP = 5  # fewer values repeat themselves too often in a resample
POWER = 0.8
MOST_SEEDS = 100_000


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """95% interval of the mean by the studentised bootstrap.

    Each resample's mean is measured in its own standard errors, which carries the interval's
    coverage over to small and skewed samples (Efron and Tibshirani 1993, section 12.5).

    Parameters
    ----------
    values : sequence of float, n
        One a seed. With fewer than `FEWEST_FOR_BOOTSTRAP` it is Student's interval.
    seed : int
        Of the resampling, so that the same values give the same interval.

    Returns
    -------
    low, high : float
        NaN for fewer than two values; equal where all values are.
    """
    values = np.asarray(values, float)
    n = values.size
    if n < 2:
        return (math.nan, math.nan)
    mean, error = values.mean(), values.std(ddof=1) / math.sqrt(n)
    if error <= 1e-12 * max(1.0, abs(mean)):
        return (float(mean), float(mean))
    if n < FEWEST_FOR_BOOTSTRAP:
        half = stats.t.ppf(1 - LEVEL / 2, n - 1) * error
        return (float(mean - half), float(mean + half))
    resamples = values[np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))]
    errors = resamples.std(axis=1, ddof=1) / math.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = (resamples.mean(axis=1) - mean) / errors
    low, high = np.quantile(distances[np.isfinite(distances)], [LEVEL / 2, 1 - LEVEL / 2])
    return (float(mean - high * error), float(mean - low * error))


def one_sided_p(values: Sequence[float], bound: float) -> tuple[float, float]:
    """p-values of Student's test of one sample against a bound, in both directions.

    Parameters
    ----------
    values : sequence of float, n
        One a seed; at least two.
    bound : float
        The mean under the null hypothesis.

    Returns
    -------
    above, below : float
        Small where the mean is above, or below, the bound. Without any spread they are 0 or 1,
        and 1 where every value is the bound.
    """
    values = np.asarray(values, float)
    if np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max())):
        mean = values.mean()
        return (float(mean <= bound), float(mean >= bound))
    above = stats.ttest_1samp(values, bound, alternative="greater").pvalue
    below = stats.ttest_1samp(values, bound, alternative="less").pvalue
    return (float(above), float(below))


def correct(p_values: Sequence[float]) -> list[float]:
    """p-values after Holm's correction; the family is all that are given."""
    if not len(p_values):
        return []
    return [float(p) for p in multipletests(p_values, alpha=LEVEL, method="holm")[1]]


def seeds_needed(distance: float, spread: float, level: float) -> int | None:
    """Seeds at which a difference would be found in `POWER` of all experiments.

    Parameters
    ----------
    distance : float
        Of the mean from the bound that it is tested against.
    spread : float
        Standard deviation from seed to seed.
    level : float
        Level of Student's test, in both directions together.

    Returns
    -------
    int or None
        At least 2; None if more than `MOST_SEEDS` would be needed.
    """
    if distance == 0:
        return None
    if spread == 0:
        return 2
    effect = abs(distance) / spread

    def power(n: int) -> float:
        return TTestPower().power(effect, n, level)

    high = 2
    while power(high) < POWER:
        if high > MOST_SEEDS:
            return None
        high *= 2
    low = high // 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= POWER else (middle + 1, high)
    return max(2, low)
