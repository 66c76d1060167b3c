r"""From values over seeds to a judgement: p-values, intervals, correction, further seeds.

A seed's value :math:`d_s` is that of a contrast, which is claimed to exceed a bound :math:`b`.
There are three ways to judge that, each with a p-value for either direction (`one_sided_p`) and the
interval that goes with it (`interval`):

``typical_seed``
    More than half of all seeds exceed the bound: the sign test, exact for any distribution.
``normal``
    The mean exceeds the bound: Student's test, for values that are known to be normal. Nothing in
    a sample of a few shows whether they are, so it is never chosen by itself.
``mean``
    Both, without that knowledge. No test of a mean holds for every distribution (Bahadur and
    Savage 1956), so the largest of four p-values counts, each of which holds where others break:
    the sign test's; Student's; his with Hall's correction of skewness (Hall 1992), of one and a
    half times the sample's, since small samples look less skewed than what they are drawn from;
    and :math:`0.9^n`, with which :math:`n` seeds all miss failures of one in ten, which would
    change the mean. Where all values are equal there is no spread to test by, so p is 1.

How often each errs is simulated in ``benchmarks/claims_errors.py``; docs/statistics.md has the
tables. Student's distribution is that of `restudy.analysis.student`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from restudy.analysis.significance import (
    LEVEL,
    ROUNDING,
    binomial,
    binomial_tail,
    critical_count,
)
from restudy.analysis.student import power, quantile, statistic, upper_tail
from restudy.claims.ways import MEAN, NORMAL, TYPICAL

RARE = 0.1  # share of seeds: failures that are rarer are not ruled out
CAUTION = 1.5  # by which the sample's skewness is multiplied
# With fewer, intervals of a mean would miss it in more than 5% of samples for such failures alone.
MIN_FOR_MEAN = math.ceil(math.log(LEVEL) / math.log(1 - RARE))
POWER = 0.8
MAX_SEEDS = 100_000
NOWHERE = (-math.inf, math.inf)


class Sides(NamedTuple):
    """How many seeds lie above and below a bound, of all that were started."""

    above: int
    below: int
    started: int


def sides(values: Sequence[float], bound: float, started: int | None = None) -> Sides:
    """Count the values above and below a bound; within rounding of it they are neither.

    Parameters
    ----------
    values : sequence of float
        One for each seed that finished; they may be infinite.
    bound : float
        What they are compared with.
    started : int or None
        How many seeds were started: those that did not finish are on neither side.
    """
    values = np.asarray(values, float)
    rounding = ROUNDING * max(1.0, abs(bound))
    return Sides(
        int((values > bound + rounding).sum()),
        int((values < bound - rounding).sum()),
        values.size if started is None else started,
    )


def one_sided_p(
    values: Sequence[float], bound: float, way: str = MEAN, started: int | None = None
) -> tuple[float, float]:
    r"""Return the p-values of values being above, and below, a bound.

    With :math:`A` values above the bound of :math:`n` seeds, the mean :math:`\bar d`, the standard
    deviation :math:`s`, :math:`u = (\bar d - b) / s`, the skewness :math:`g` times `CAUTION`, and
    :math:`T` of Student's distribution with :math:`n - 1` degrees of freedom, those of being above
    are

    .. math::

        p_\text{sign} &= P(\mathrm{Bin}(n, \tfrac12) \ge A) \\
        p_\text{Student} &= P(T \ge \sqrt n\, u) \\
        p_\text{Hall} &= P\bigl(T \ge \sqrt n\,
            (u + \tfrac g3 u^2 + \tfrac{g^2}{27} u^3 + \tfrac{g}{6n})\bigr) \\
        p_\text{rare} &= (1 - \text{RARE})^n

    Parameters
    ----------
    values : sequence of float
        One for each seed that finished.
    bound : float
        What they are claimed to exceed.
    way : {"mean", "typical_seed", "normal"}
        How they are judged.
    started : int or None
        How many seeds were started, see `sides`.

    Returns
    -------
    above, below : float
        Small where the values are above, or below, the bound.
    """
    values = np.asarray(values, float)
    found = sides(values, bound, started)
    signs = [binomial_tail(found.started, side, 0.5) for side in found[:2]]
    if way == TYPICAL:
        return signs[0], signs[1]
    if not _has_spread(values):
        return (1.0, 1.0)
    t, freedom, root = statistic(values, bound), values.size - 1, math.sqrt(values.size)
    student = [upper_tail(each, freedom) for each in (t, -t)]
    if way == NORMAL:
        return student[0], student[1]
    t = root * _corrected(t / root, values)
    hall = [upper_tail(each, freedom) for each in (t, -t)]
    rare = (1 - RARE) ** found.started
    above, below = (max(rare, *each) for each in zip(signs, student, hall, strict=True))
    return above, below


def interval(
    values: Sequence[float], way: str = MEAN, level: float = LEVEL
) -> tuple[float, float, float]:
    r"""Return what is judged of values, and its interval of the coverage 1 - level.

    ``mean``: the mean, and the wider of Student's interval and of the one that his test with
    Hall's correction gives, from `MIN_FOR_MEAN` values on. ``normal``: the mean and Student's.
    ``typical_seed``: the median :math:`M`. With the values in order of size, :math:`d_{(k)}`, and

    .. math:: \gamma_k = P(d_{(k)} \le M \le d_{(n + 1 - k)})
        = 1 - 2 P(\mathrm{Bin}(n, \tfrac12) < k),

    the largest :math:`k` with :math:`\gamma_k` no less than the coverage :math:`\gamma` gives an
    interval, and :math:`k + 1` one that is too narrow. Between them is interpolated (Hettmansperger
    and Sheather 1986), so that the coverage is close to :math:`\gamma` for every continuous
    distribution, and no less for others:

    .. math:: \lambda = \frac{(n - k)\, I}{k + (n - 2k)\, I},
        \quad I = \frac{\gamma_k - \gamma}{\gamma_k - \gamma_{k + 1}}, \qquad
        \text{low} = (1 - \lambda)\, d_{(k)} + \lambda\, d_{(k + 1)}

    Parameters
    ----------
    values : sequence of float
        One for each seed that finished; for ``typical_seed`` they may be infinite.
    way : {"mean", "typical_seed", "normal"}
        How they are judged.
    level : float
        Share of intervals that miss, in both directions together.

    Returns
    -------
    centre, low, high : float
        All NaN without a value; the ends are NaN where values are too few, or all equal.
    """
    values = np.sort(np.asarray(values, float))
    if not values.size:
        return (math.nan, math.nan, math.nan)
    if way == TYPICAL:
        return (float(np.median(values)), *_order_interval(values, level))
    centre = float(values.mean())
    if values.size < (MIN_FOR_MEAN if way == MEAN else 2) or not _has_spread(values):
        return (centre, math.nan, math.nan)
    return (centre, *_student_ends(values, way, level / 2))


def decided(
    values: Sequence[float], way: str, level: float, started: int | None = None
) -> tuple[float, float]:
    """Return between which bounds nothing is decided.

    Parameters
    ----------
    values : sequence of float
        One for each seed that finished.
    way : {"mean", "typical_seed", "normal"}
        How they are judged.
    level : float
        That a p-value of one direction, see `one_sided_p`, must not exceed.
    started : int or None
        How many seeds were started, see `sides`.

    Returns
    -------
    low, high : float
        The values are above every bound below ``low``, and below every one above ``high``;
        infinite where they are above, or below, no bound.
    """
    values = np.sort(np.asarray(values, float))
    n = values.size if started is None else started
    found = []
    if way != NORMAL:
        count = critical_count(n, level)
        enough = count is not None and count <= values.size
        found.append((values[-count], values[count - 1]) if enough else NOWHERE)
    if way != TYPICAL:
        tested = _has_spread(values) and (way == NORMAL or (1 - RARE) ** n <= level)
        found.append(_student_ends(values, way, level) if tested else NOWHERE)
    return float(min(low for low, _ in found)), float(max(high for _, high in found))


def share_interval(found: Sides, level: float) -> tuple[float, float]:
    r"""Return the interval of the share of seeds above a bound (Clopper and Pearson 1934).

    Its ends are the shares :math:`\theta` with :math:`P(\mathrm{Bin}(n, \theta) \ge A) = \alpha`
    and :math:`P(\mathrm{Bin}(n, 1 - \theta) \ge B) = \alpha`.

    Parameters
    ----------
    found : Sides
        How many are above, A, and below, B.
    level : float
        Of either direction.
    """
    above, below, n = found
    low = 0.0 if not above else _share_at(lambda share: binomial_tail(n, above, share), level)
    high = 0.0 if not below else _share_at(lambda share: binomial_tail(n, below, share), level)
    return low, 1 - high


def levels(p_values: Sequence[float]) -> list[float]:
    r"""Return the level at which each p-value is significant after Holm's correction.

    Where :math:`J` of the other :math:`m - 1` are rejected, each in its turn at
    :math:`0.05 / m, 0.05 / (m - 1), \dots`, it is :math:`0.05 / (m - J)`.
    """
    p = np.asarray(p_values, float)
    found = []
    for place in range(p.size):
        others = np.sort(np.delete(p, place))
        rejected = others <= LEVEL / np.arange(p.size, 1, -1)
        found.append(LEVEL / (p.size - int(np.cumprod(rejected).sum())))
    return found


def seeds_needed(
    share: float,
    effect: float,
    level: float,
    way: str = MEAN,
    chance: float = POWER,
    null: float = 0.5,
) -> int | None:
    r"""Return how many seeds find values to be above a bound in so many of all experiments.

    The sign test finds it with the probability :math:`P(\mathrm{Bin}(n, \theta) \ge k_n)`, where
    :math:`k_n` is the least count that is significant; Student's test with that of `power`, in one
    direction. Where both have to, each is given the same chance, and the larger number counts.

    Parameters
    ----------
    share : float
        Of seeds above the bound, :math:`\theta`.
    effect : float
        Distance of the mean from the bound, in standard deviations.
    level : float
        Of the test in one direction.
    way : {"mean", "typical_seed", "normal", "share"}
        How they are judged.
    chance : float
        The probability that is wanted.
    null : float
        The share that has to be exceeded.

    Returns
    -------
    int or None
        None if more than `MAX_SEEDS` would be needed.
    """
    needed = []
    if way != NORMAL:
        signs = _first(lambda n: _power_of_signs(n, share, level, null) >= chance, share > null)
        needed.append(signs)
    if way in (MEAN, NORMAL):
        student = effect > 0 and not math.isinf(effect)
        found = _first(lambda n: power(effect, n, 2 * level) >= chance, student)
        needed.append(2 if math.isinf(effect) and effect > 0 else found)
    if way == MEAN:
        needed.append(max(MIN_FOR_MEAN, math.ceil(math.log(level) / math.log(1 - RARE))))
    return None if None in needed else max(needed)


def is_constant(values: Sequence[float]) -> bool:
    """Return whether values differ by rounding at most."""
    values = np.asarray(values, float)
    return bool(np.ptp(values) <= ROUNDING * max(1.0, float(np.abs(values).max())))


def _has_spread(values: np.ndarray) -> bool:
    """Return whether Student's test can be done: two finite values that differ."""
    return values.size > 1 and bool(np.isfinite(values).all()) and not is_constant(values)


def _student_ends(values: np.ndarray, way: str, level: float) -> tuple[float, float]:
    """Return the bounds at which Student's test, for `MEAN` Hall's too, has the level as p."""
    reach = quantile(1 - level, values.size - 1) / math.sqrt(values.size)
    down, up = reach, -reach
    if way == MEAN:
        down, up = max(down, _solved(down, values)), min(up, _solved(up, values))
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    return mean - down * deviation, mean - up * deviation


def _skewness(values: np.ndarray) -> float:
    deviation = values.std(ddof=1)
    return CAUTION * float((((values - values.mean()) / deviation) ** 3).mean())


def _corrected(u: float, values: np.ndarray) -> float:
    """Return Hall's transformation of a distance in standard deviations; it rises with it."""
    g = _skewness(values)
    return u + g / 3 * u**2 + g**2 / 27 * u**3 + g / (6 * values.size)


def _solved(corrected: float, values: np.ndarray) -> float:
    """Return the distance whose transformation, ((1 + g u / 3)³ - 1) / g + g / (6 n), is given."""
    g = _skewness(values)
    if abs(g) < 1e-9:
        return corrected
    return 3 / g * (float(np.cbrt(1 + g * (corrected - g / (6 * values.size)))) - 1)


def _order_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """Return the interpolated interval of the median of sorted values; NaN for too few."""
    n = values.size
    missed = 2 * np.cumsum(binomial(n, 0.5))  # of k values from either end, at k - 1
    k = int((missed <= level).sum())
    if not k:
        return (math.nan, math.nan)
    excess = (level - missed[k - 1]) / (missed[k] - missed[k - 1])
    share = (n - k) * excess / (k + (n - 2 * k) * excess)
    low, high = ((values[k - 1], values[k]), (values[n - k], values[n - k - 1]))
    return tuple(
        outer if outer == inner or math.isinf(outer) else float((1 - share) * outer + share * inner)
        for outer, inner in (low, high)
    )


def _share_at(tail: Callable[[float], float], level: float) -> float:
    """Return the share at which a rising tail has a level, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) < level else (low, middle)
    return low


def _power_of_signs(n: int, share: float, level: float, null: float) -> float:
    """Return how often more than a share of the seeds is found to be above a bound."""
    count = critical_count(n, level, null)
    return 0.0 if count is None else binomial_tail(n, count, share)


def _first(enough: Callable[[int], bool], possible: bool) -> int | None:
    """Return the least number of seeds, at least 2, that is enough; None without any."""
    high = 2
    while possible and not enough(high):
        high *= 2
        possible = high <= MAX_SEEDS
    if not possible:
        return None
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
