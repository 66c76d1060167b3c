"""From values over seeds to a judgement: interval, p-values, correction, further seeds.

Student's distribution is that of `restudy.analysis.student`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from restudy.analysis.student import power, quantile, statistic, upper_tail

LEVEL = 0.05  # of all tests of a run together
RESAMPLES = 9_999
MIN_FOR_BOOTSTRAP = 5  # fewer values repeat themselves too often in a resample
POWER = 0.8
MAX_SEEDS = 100_000


def bootstrap_interval(values: Sequence[float], seed: int = 0) -> tuple[float, float]:
    r"""Return the 95% interval of the mean by the studentised bootstrap.

    Each resample's mean is measured in its own standard errors, which carries the interval's
    coverage over to small and skewed samples (Efron and Tibshirani 1993, section 12.5). With the
    mean :math:`\bar d`, its standard error :math:`e = s / \sqrt n`, and both of a resample
    starred, :math:`q_\alpha` is a quantile of :math:`t^* = (\bar d^* - \bar d) / e^*`, and the
    interval

    .. math:: [\bar d - q_{0.975}\, e,\; \bar d - q_{0.025}\, e]

    Parameters
    ----------
    values : sequence of float, n
        One for each seed. With fewer than `MIN_FOR_BOOTSTRAP` it is Student's interval.
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
    if n < MIN_FOR_BOOTSTRAP:
        half = quantile(1 - LEVEL / 2, n - 1) * error
        return (float(mean - half), float(mean + half))
    resamples = values[np.random.default_rng(seed).integers(0, n, (RESAMPLES, n))]
    errors = resamples.std(axis=1, ddof=1) / math.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = (resamples.mean(axis=1) - mean) / errors
    low, high = np.quantile(distances[np.isfinite(distances)], [LEVEL / 2, 1 - LEVEL / 2])
    return (float(mean - high * error), float(mean - low * error))


def one_sided_p(values: Sequence[float], bound: float) -> tuple[float, float]:
    r"""Return the p-values of Student's test of one sample against a bound, in both directions.

    With the statistic :math:`t = (\bar d - b)\, \sqrt n / s` of mean :math:`\bar d`, standard
    deviation :math:`s` and bound :math:`b`, and :math:`T` of Student's distribution with
    :math:`n - 1` degrees of freedom,

    .. math:: p_\text{above} = P(T \ge t), \qquad p_\text{below} = P(T \le t)

    Parameters
    ----------
    values : sequence of float, n
        One for each seed; at least two.
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
    t = statistic(values, bound)
    return (upper_tail(t, values.size - 1), upper_tail(-t, values.size - 1))


def correct(p_values: Sequence[float]) -> list[float]:
    r"""Return p-values after Holm's correction for all that are given.

    With :math:`p_{(1)} \le \dots \le p_{(m)}` in rising order,

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1)\, p_{(j)})
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)).clip(max=1)
    return corrected.tolist()


def seeds_needed(distance: float, spread: float, level: float) -> int | None:
    r"""Return how many seeds find a difference in `POWER` of all experiments.

    It is the smallest :math:`n` at which Student's test, two-sided, of an effect of
    :math:`|\text{distance}| / \text{spread}` standard deviations has that power.

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
        At least 2; None if more than `MAX_SEEDS` would be needed.
    """
    if distance == 0:
        return None
    if spread == 0:
        return 2
    effect = abs(distance) / spread

    high = 2
    while power(effect, high, level) < POWER:
        if high > MAX_SEEDS:
            return None
        high *= 2
    low = high // 2
    while low < high:
        middle = (low + high) // 2
        enough = power(effect, middle, level) >= POWER
        low, high = (low, middle) if enough else (middle + 1, high)
    return max(2, low)
