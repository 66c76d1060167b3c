"""How a column of numbers is written: with the same digits in every row."""

import math
from typing import NamedTuple

import numpy as np

MAX_DECIMALS = 6  # a column that needs more is written in powers of ten
LARGEST_PLAIN = 15  # power of ten from which on it is too
POWER_DIGITS = 2  # decimals before a power of ten


class NumberFormat(NamedTuple):
    """Decimals of every number of a column, and whether powers of ten follow them."""

    digits: int
    scientific: bool


def number_format(values: np.ndarray) -> NumberFormat:
    """Return how a column is written so that its numbers can be compared by eye.

    Its largest number has about four digits, its smallest at least two, unless all have fewer;
    web/src/shared/format.js does the same.

    Parameters
    ----------
    values : ndarray
        Shape (n,), whole numbers or floats; those that are not finite do not matter.
    """
    sizes = np.abs(np.asarray(values, dtype=float))
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not len(sizes):
        return NumberFormat(0, scientific=False)
    high, low = (math.floor(math.log10(size)) for size in (sizes.max(), sizes.min()))
    wanted = max(0, min(4, 4 - high), 3 - high, 1 - low)
    exact = (digits for digits in range(wanted) if np.all(np.round(sizes, digits) == sizes))
    digits = next(exact, wanted)
    if digits > MAX_DECIMALS or high >= LARGEST_PLAIN:
        return NumberFormat(POWER_DIGITS, scientific=True)
    return NumberFormat(digits, scientific=False)


def write_number(value: float, form: NumberFormat) -> str:
    """Return a finite number as text, with a minus sign that is as wide as a digit."""
    if form.scientific:
        mantissa, power = f"{value:.{form.digits}e}".split("e")
        text = f"{mantissa}e{int(power)}" if value else "0"
    else:
        text = f"{value:,.{form.digits}f}"
    return text.replace("-", "\N{MINUS SIGN}")
