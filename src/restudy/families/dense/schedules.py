"""Learning-rate schedules: the factor by which a pass scales its optimizer's learning rate.

A schedule is a function of the pass, counted from 1; all updates of a pass share one factor.
"""

import math
from collections.abc import Callable, Mapping

from restudy.families.kinds import make_kind

Schedule = Callable[[int], float]


def constant(passes: int) -> Schedule:
    """Factor 1 throughout."""
    return lambda number: 1.0


def step(passes: int, interval: int = 1000, factor: float = 0.5) -> Schedule:
    """Multiplied by ``factor`` after every ``interval`` passes."""
    return lambda number: factor ** ((number - 1) // interval)


def cosine(passes: int, final: float = 0.0) -> Schedule:
    """From 1 towards ``final`` along half a cosine (Loshchilov and Hutter 2017, eq. 5)."""

    def schedule(number):
        share = (number - 1) / passes
        return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * share))

    return schedule


SCHEDULES: dict[str, Callable[..., Schedule]] = {
    "constant": constant,
    "step": step,
    "cosine": cosine,
}


def make_schedule(settings: Mapping, passes: int) -> Schedule:
    """Schedule of a protocol.

    Parameters
    ----------
    settings : mapping
        ``kind``, a name in `SCHEDULES`, its parameters, and ``warm_up``: the number of first
        passes over which the factor rises in equal steps to 1. The schedule proper begins after
        them.
    passes : int
        Passes of the whole training.

    Returns
    -------
    callable
        Pass, from 1 -> factor.

    Raises
    ------
    ValueError
        If there is no such kind.
    TypeError
        If a parameter is not one of that kind's.
    """
    settings = dict(settings)
    warm_up = settings.pop("warm_up", 0)
    # Without a pass left for it, the schedule proper is never asked.
    proper = make_kind("schedule", SCHEDULES, settings, max(passes - warm_up, 1))
    return lambda number: number / warm_up if number <= warm_up else proper(number - warm_up)
