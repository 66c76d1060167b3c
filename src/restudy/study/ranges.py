"""Values of a numeric axis from a range, evenly spaced or drawn from it.

A drawn or spaced number is rounded to six significant digits: it becomes part of a path, which
somebody may want to type.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DIGITS = 6


@dataclass(frozen=True)
class Range:
    """The numbers from one to another, evenly spread or, on a logarithmic scale, their logarithms.

    Attributes
    ----------
    low, high : float
        Both ends belong to it.
    scale : {"linear", "log"}
        On which numbers are evenly spread.
    whole : bool
        Whether it has whole numbers alone.
    count : int or None
        How many values there are; None: any number of them, to be drawn.
    """

    low: float
    high: float
    scale: str = "linear"
    whole: bool = False
    count: int | None = None

    @property
    def size(self) -> float:
        """Number of different values that can be drawn; of numbers that are not whole, no limit."""
        return self.high - self.low + 1 if self.whole else math.inf

    def values(self) -> list[float] | list[int]:
        """Return ``count`` values, both ends among them; a whole number may come up twice."""
        if self.count is None:
            raise ValueError("a range without count has no list of values")
        last = max(self.count - 1, 1)
        inner = [self._rounded(self.between(k / last)) for k in range(1, self.count - 1)]
        return [self._end(self.low), *inner, self._end(self.high)][: self.count]

    def draw(self, share: float) -> float | int:
        """Return the value at a share, from 0 to below 1, of the way; every value is as likely."""
        if not self.whole:
            return self._rounded(self.between(share))
        # A whole number is as likely as its part of the scale, from half below to half above it.
        wide = Range(self.low - 0.5, self.high + 0.5, self.scale)
        drawn = math.floor(wide.between(share) + 0.5)
        return int(min(max(drawn, self.low), self.high))

    def between(self, share: float) -> float:
        """Return the number at a share of the way, not rounded."""
        if self.scale == "log":
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share

    def _rounded(self, value: float) -> float | int:
        if self.whole:
            return round(value)
        # Zero between two ends of opposite signs is zero, whatever the last bit is.
        if abs(value) < 10.0**-DIGITS * max(abs(self.low), abs(self.high)) and self.low < 0:
            return 0.0
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def _end(self, value: float) -> float | int:
        return int(value) if self.whole else float(value)


def range_of(given: Mapping[str, Any], whole: bool) -> Range:
    """Return the range that a configuration writes as ``{from: …, to: …, count: …, scale: …}``."""
    return Range(
        given["from"], given["to"], given.get("scale", "linear"), whole, given.get("count")
    )


def range_faults(given: Mapping[str, Any], whole: bool, sampled: bool) -> list[str]:
    """Return ``.key: got …; allowed: …`` for each fault in a range whose types are right.

    Parameters
    ----------
    given : mapping
        As the configuration has it.
    whole : bool
        Whether the axis takes whole numbers alone.
    sampled : bool
        Whether the study draws its cells, so that a range needs no ``count``.
    """
    low, high, count = given["from"], given["to"], given.get("count")
    if not low < high:
        return [f".to: got {high!r}; allowed: more than from, {low!r}"]
    if given.get("scale") == "log" and low <= 0:
        return [f".from: got {low!r}; allowed with scale: log: more than 0"]
    if count is None:
        return [] if sampled else [": missing key 'count'; a study without sample needs it"]
    values = range_of(given, whole).values()
    if len(set(values)) < len(values):
        return [
            f".count: got {count}; allowed: fewer, since only {len(set(values))} of the values are "
            f"different{'' if whole else f' in {DIGITS} significant digits'}"
        ]
    return []
