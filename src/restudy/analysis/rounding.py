"""Numbers as a paper prints them: with as many digits as their uncertainty leaves."""

from decimal import Decimal
from typing import NamedTuple

import numpy as np

SIGNIFICANT = 4  # digits of the largest of some numbers whose uncertainty is not known
UNCERTAIN = 2  # digits of an uncertainty, and the fewest of a number
PLAIN_POWERS = range(-4, 6)  # of ten, of the first digit of what is written without a power
NEGLIGIBLE = Decimal("1e-14")  # share of a number that arithmetic alone may change


class Number(NamedTuple):
    """A number and its uncertainty, both in units of a power of ten.

    Attributes
    ----------
    digits, uncertainty : str
        With a minus sign from ASCII, and without an exponent; empty where there is none.
    power : int
        Of ten.
    """

    digits: str = ""
    uncertainty: str = ""
    power: int = 0


def round_to_uncertainty(value: float, uncertainty: float = np.nan, largest: float = 0.0) -> Number:
    """Round a number and its uncertainty at the second digit of the latter.

    Parameters
    ----------
    value, uncertainty : float
        In the same unit; NaN where there is none.
    largest : float
        Of the numbers that it stands among: without an uncertainty, or with one of nothing, as many
        decimals remain as show this one with `SIGNIFICANT` digits.
    """
    if not np.isfinite(value):
        return Number()
    exact, doubt = Decimal(repr(float(value))), Decimal(0)
    if np.isfinite(uncertainty):
        doubt = Decimal(repr(float(uncertainty)))
        doubt = doubt if doubt > NEGLIGIBLE * abs(exact) else Decimal(0)
    power = max(abs(exact), doubt).adjusted()
    power = 0 if power in PLAIN_POWERS or not (exact or doubt) else power
    exact, doubt = exact.scaleb(-power), doubt.scaleb(-power)
    if doubt:
        doubt = _keep(doubt, UNCERTAIN)
        exact = exact.quantize(Decimal((0, (1,), doubt.as_tuple().exponent)))
    else:
        most = max(abs(exact), Decimal(repr(float(largest))).copy_abs().scaleb(-power))
        exact = _keep(exact, max(UNCERTAIN, SIGNIFICANT + exact.adjusted() - most.adjusted()))
    exact = exact or abs(exact)  # no minus zero
    known = np.isfinite(uncertainty)
    return Number(f"{exact:f}", (f"{doubt:f}" if doubt else "0") if known else "", power)


def exact_number(value: float) -> Number:
    """Return a number with all its digits, in the shortest form that reads back the same."""
    exact = Decimal(repr(value)).normalize()
    power = exact.adjusted() if exact and exact.adjusted() not in PLAIN_POWERS else 0
    return Number(f"{exact.scaleb(-power):f}", power=power)


def _keep(value: Decimal, digits: int) -> Decimal:
    """Return a number rounded to so many significant digits; 0.0996 to two of them is 0.10."""
    if not value:
        return Decimal(0)
    rounded = value.quantize(Decimal((0, (1,), value.adjusted() - digits + 1)))
    return rounded.quantize(Decimal((0, (1,), rounded.adjusted() - digits + 1)))
