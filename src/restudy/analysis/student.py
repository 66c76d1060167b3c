r"""Student's distribution: its tails, its quantiles, and the power of his test.

SciPy and statsmodels have these too, and are as large as all else together that it takes to read
results and judge claims. mpmath computes with as many digits as the last one here needs, on every
machine the same.

With :math:`\nu` degrees of freedom and the incomplete beta function :math:`I`, for :math:`t \ge 0`
(DLMF 8.17.2; Abramowitz and Stegun 26.7.1),

.. math:: P(T > t) = \tfrac12\, I_{\nu / (\nu + t^2)}\bigl(\tfrac\nu2, \tfrac12\bigr)
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

import mpmath
import numpy as np

BITS = 80  # of mpmath's numbers: more than the 53 of a result
PANEL = 64  # points of Gauss and Legendre's rule
REACH = 10  # standard deviations, beyond which nothing counts
STANDARD_NORMAL = NormalDist()


def statistic(values: np.ndarray, bound: float) -> float:
    r"""Return Student's :math:`t = (\bar x - b) \sqrt n / s` of a sample against a bound.

    Parameters
    ----------
    values : ndarray, (n,)
        At least two; s is their standard deviation, n - 1 in the denominator.
    bound : float
        The mean under the null hypothesis.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((values.mean() - bound) / (values.std(ddof=1) / math.sqrt(values.size)))


def upper_tail(t: float, freedom: float) -> float:
    """Return P(T > t), to the last digits also where it is small.

    Parameters
    ----------
    t : float
        May be infinite; NaN gives NaN.
    freedom : float
        Degrees of freedom, more than 0.
    """
    if math.isnan(t):
        return math.nan
    with mpmath.workprec(BITS):
        tail = _tail(mpmath.mpf(abs(t)), mpmath.mpf(freedom))
        return float(tail if t >= 0 else 1 - tail)


@cache
def quantile(probability: float, freedom: float) -> float:
    r"""Return the t with P(T ≤ t) = probability.

    From the normal distribution's, which is below it, Newton's method goes up: the tail is convex.

    Parameters
    ----------
    probability : float
        More than 1/2 and less than 1.
    freedom : float
        Degrees of freedom, at least 1.
    """
    with mpmath.workprec(BITS):
        nu, tail = mpmath.mpf(freedom), 1 - mpmath.mpf(probability)
        scale = mpmath.sqrt(nu) * mpmath.beta(nu / 2, mpmath.mpf(0.5))
        t, step = mpmath.mpf(STANDARD_NORMAL.inv_cdf(probability)), mpmath.inf
        while step > t * mpmath.mpf(2) ** -60:
            density = (1 + t**2 / nu) ** (-(nu + 1) / 2) / scale
            step = (_tail(t, nu) - tail) / density
            t += step
        return float(t)


def stated_reach(deviation: float, seeds: int | None, level: float) -> float:
    """Return how far a single value lies from its mean, in one direction, with that probability.

    Parameters
    ----------
    deviation : float
        The standard deviation of values, as stated.
    seeds : int or None
        From how many it is known: then by Student's distribution; None if it is known for sure.
    level : float
        The probability of lying further away, less than 1/2.
    """
    share = 1 - level
    return deviation * (quantile(share, seeds - 1) if seeds else STANDARD_NORMAL.inv_cdf(share))


def power(effect: float, n: int, level: float) -> float:
    r"""Return the power of Student's two-sided test of one sample.

    The statistic of :math:`n` values has a noncentral t distribution, with
    :math:`\nu = n - 1`, :math:`\delta = \text{effect} \sqrt n`, a standard normal :math:`Z` and
    :math:`S = \sqrt{\chi^2_\nu / \nu}` (Johnson, Kotz and Balakrishnan 1995, chapter 31):

    .. math::

        P(|T| > c) = \int_0^\infty \bigl(P(Z > c s - \delta) + P(Z < -c s - \delta)\bigr)\,
        f_S(s)\, ds, \qquad f_S(s) \propto s^{\nu - 1} e^{-\nu s^2 / 2}

    Parameters
    ----------
    effect : float
        Distance from the null hypothesis in standard deviations, not negative.
    n : int
        Values; at least two.
    level : float
        Of the test, in both directions together.
    """
    freedom, shift = n - 1, effect * math.sqrt(n)
    critical = quantile(1 - level / 2, freedom)
    reach = REACH / math.sqrt(2 * freedom)
    lowest, highest = max(0.0, 1 - reach), 1 + reach
    # Where the first of the two probabilities goes from 1 to 0, which may be a small part.
    turn = [(shift + side * REACH) / critical for side in (-1, 1)]
    edges = np.unique(np.clip([lowest, *turn, highest], lowest, highest))
    points, weights = np.polynomial.legendre.leggauss(PANEL)
    halves = np.diff(edges)[:, None] / 2
    s = (edges[:-1, None] + halves * (1 + points)).ravel()
    density = np.exp((freedom - 1) * np.log(s) - freedom * (s**2 - 1) / 2)
    density *= (halves * weights).ravel()
    found = [_above(critical * each - shift) + _above(critical * each + shift) for each in s]
    return float(density @ found / density.sum())


def _tail(t: mpmath.mpf, freedom: mpmath.mpf) -> mpmath.mpf:
    """P(T > t) for t ≥ 0."""
    if mpmath.isinf(t):
        return mpmath.mpf(0)
    share = freedom / (freedom + t**2)
    return mpmath.betainc(freedom / 2, mpmath.mpf(0.5), 0, share, regularized=True) / 2


def _above(z: float) -> float:
    """P(Z > z) of a standard normal Z."""
    return math.erfc(z / math.sqrt(2)) / 2
