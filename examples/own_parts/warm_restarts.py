"""Warm restarts: the learning rate falls along a cosine, again and again."""

import math

from restudy.families.contract import count
from restudy.families.plugins import Schedule


def factor(pass_number, passes, interval):
    """(1 + cos(π t / T)) / 2 after t of T passes since the last restart."""
    share = (pass_number - 1) % interval / interval
    return 0.5 * (1 + math.cos(math.pi * share))


RESTARTS = Schedule(
    "warm_restarts",
    description="from 1 to 0 along half a cosine, anew after every `interval` passes",
    settings=(count("interval", "Passes between two restarts.", 100),),
    factor=factor,
)
