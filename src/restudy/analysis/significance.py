"""Exact binomial tests, and Holm's correction of several p-values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

LEVEL = 0.05  # of all that is tested together
ROUNDING = 1e-12  # of numbers about 1: what differs less is equal


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


@cache
def binomial_tail(n: int, count: int, share: float) -> float:
    """Return P(Bin(n, share) ≥ count)."""
    if count <= 0:
        return 1.0
    if count > n or share <= 0:
        return 0.0
    if share >= 1:
        return 1.0
    return float(min(1.0, binomial(n, share)[count:].sum()))


@cache
def critical_count(n: int, level: float, share: float = 0.5) -> int | None:
    """Return the least count above that share of n that is significant; None if none is."""
    tails = np.cumsum(binomial(n, share)[::-1])
    significant = int((tails <= level).sum())
    return n + 1 - significant if significant else None


def binomial(n: int, share: float) -> np.ndarray:
    """Return P(Bin(n, share) = k) for k = 0, ..., n."""
    k = np.arange(n + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    ways = logs[n] - logs - logs[::-1]
    return np.exp(ways + k * math.log(share) + (n - k) * math.log1p(-share))


def sign_p(differences: Sequence[float]) -> float:
    """Return the p-value of the sign test in both directions; of no difference at all, 1.

    Parameters
    ----------
    differences : sequence of float
        Paired; those that differ from 0 by rounding count for neither side.
    """
    values = np.asarray(differences, float)
    above, below = int((values > ROUNDING).sum()), int((values < -ROUNDING).sum())
    return min(1.0, 2 * min(binomial_tail(values.size, side, 0.5) for side in (above, below)))
