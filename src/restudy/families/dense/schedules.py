"""Learning-rate schedules: the factor by which the learning rate is multiplied in each pass.

A schedule is a function of the pass, counted from 1; all updates of a pass share one factor.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from restudy.families.arguments import check_argument, check_mapping, held_against
from restudy.families.components import SCHEDULES as KINDS
from restudy.families.components import WARM_UP
from restudy.families.contract import count
from restudy.families.lookup import make_kind, with_own

Schedule = Callable[[int], float]
PASSES = count("passes", "Passes of the training.")
_stated = held_against(KINDS, PASSES)


@_stated
def constant(passes: int) -> Schedule:
    """Keep the factor at 1."""
    return _constant


@_stated
def step(passes: int, interval: int = 1000, factor: float = 0.5) -> Schedule:
    """Multiply the factor by ``factor`` after every ``interval`` passes."""
    return partial(_step, interval, factor)


@_stated
def cosine(passes: int, final: float = 0.0) -> Schedule:
    """Decay from 1 to ``final`` along half a cosine (Loshchilov and Hutter 2017, eq. 5)."""
    return partial(_cosine, passes, final)


# Functions of a module can be pickled; those inside of others can't.
def _constant(pass_number: int) -> float:
    return 1.0


def _step(interval: int, factor: float, pass_number: int) -> float:
    return factor ** ((pass_number - 1) // interval)


def _cosine(passes: int, final: float, pass_number: int) -> float:
    share = (pass_number - 1) / passes
    return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * share))


def _warmed_up(warm_up: int, after: Schedule, pass_number: int) -> float:
    return pass_number / warm_up if pass_number <= warm_up else after(pass_number - warm_up)


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "step": step,
    "cosine": cosine,
}


def make_schedule(settings: Mapping, passes: int) -> Schedule:
    """Return the schedule of a protocol.

    Parameters
    ----------
    settings : mapping
        ``kind``, a name in `SCHEDULES`, its parameters, and ``warm_up``: the number of first
        passes over which the factor rises to 1 in equal steps, before the schedule itself begins.
    passes : int
        Passes of the whole training.

    Returns
    -------
    callable
        Pass (from 1) -> factor.

    Raises
    ------
    ValueError
        If there is no such kind, or a parameter is outside its range.
    TypeError
        If a parameter is not one of that kind's, or of another type.
    """
    check_mapping("schedule", settings)
    check_argument(replace(PASSES, minimum=0), passes)
    settings = dict(settings)
    warm_up = settings.pop("warm_up", 0)
    check_argument(WARM_UP, warm_up)
    # If the warm-up takes all passes, the schedule after it is never called.
    known = with_own(SCHEDULES, "schedules", _own)
    after = make_kind("schedule", known, settings, max(passes - warm_up, 1))
    return partial(_warmed_up, warm_up, after)


def _own(own: Any) -> Callable[..., Schedule]:
    """Return the factory of one in a file of the user's."""
    return lambda passes, **settings: (
        lambda pass_number: float(own.factor(pass_number, passes, **settings))
    )
