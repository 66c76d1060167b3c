"""Sparse initial weights: of each unit's inputs only a few count at first (Martens 2010)."""

import numpy as np

from restudy.families.contract import Setting
from restudy.families.plugins import Initializer


def draw(generator, fan_in, fan_out, connections):
    """Standard normal weights of so many inputs of each unit, zero elsewhere."""
    kept = min(connections, fan_in)
    ranks = generator.uniform(size=(fan_in, fan_out)).argsort(axis=0)
    return np.where(ranks < kept, generator.normal(size=(fan_in, fan_out)), 0.0)


SPARSE = Initializer(
    "sparse_normal",
    description="standard normal for a few inputs of each unit, else zero",
    settings=(Setting("connections", "Inputs of a unit that count.", "integer", 15, minimum=1),),
    draw=draw,
)
