"""Whether a sample falls into two groups, as that of networks of which some failed to train."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

GAP = 6.0  # deviations within the groups, by which they lie apart
MIN_VALUES = 10
MIN_SHARE = 0.1  # of a group


class Groups(NamedTuple):
    """Two groups of values: how many each has, and its mean."""

    low_group: int
    low_group_mean: float
    high_group: int
    high_group_mean: float


def two_groups(values: Sequence[float]) -> Groups | None:
    r"""Return the two groups that values fall into, if they do.

    Of all cuts between two values in order of size, the one that leaves the least sum of squares
    within the groups, SS, is taken. Values fall into two groups if the gap at the cut exceeds
    `GAP` times the deviation within, :math:`\sqrt{\mathrm{SS} / (n - 2)}`, and each has at least
    two values and `MIN_SHARE` of them. That needs `MIN_VALUES`: fewer fall apart by chance.

    Parameters
    ----------
    values : sequence of float
        One for each seed; those that are not finite are skipped.
    """
    x = np.sort(np.asarray(values, float))
    x = x[np.isfinite(x)]
    n = x.size
    if n < MIN_VALUES:
        return None
    fewest = max(2, int(np.ceil(MIN_SHARE * n)))
    centred, lower = x - x.mean(), np.arange(1, n)
    below, square = np.cumsum(centred)[:-1], float(centred @ centred)
    within = square - below**2 / lower - below**2 / (n - lower)  # all together, they sum to 0
    place = int(np.argmin(within[fewest - 1 : n - fewest])) + fewest
    deviation = np.sqrt(max(within[place - 1], 0.0) / (n - 2))
    if not x[place] - x[place - 1] > max(GAP * deviation, 1e-9 * np.abs(x).max()):
        return None
    low, high = x[:place], x[place:]
    return Groups(low.size, float(low.mean()), high.size, float(high.mean()))


def group_words(values: Sequence[float], of: str = "") -> str:
    """Return how many of the values are near which mean, if they fall into two groups.

    Parameters
    ----------
    values : sequence of float
        One for each seed.
    of : str
        What they are of, said first.
    """
    found = two_groups(values)
    if found is None:
        return ""
    low = f"{found.low_group} near {found.low_group_mean:.4f}"
    high = f"{found.high_group} near {found.high_group_mean:.4f}"
    return f"{of} in two groups, {low} and {high}".lstrip()
