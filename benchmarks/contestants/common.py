"""What every contestant does alike: one core, the same points, one timing, one line of JSON.

A contestant is a program of its own, ``python NAME.py CASE``, where CASE is the JSON of
`Case`. It trains with full-batch gradient descent on two moons and prints seconds and losses.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from process import peak_memory_mb, take_cores

take_cores(1)

import numpy as np  # noqa: E402
from sklearn.datasets import make_moons  # noqa: E402

LEARNING_RATE, L2 = 0.01, 0.01


@dataclass
class Case:
    """What is trained: tanh networks with ``depth`` layers of ``units``, on 200 points."""

    units: int
    depth: int
    replicates: int
    precision: str
    passes: int

    @property
    def sizes(self) -> list[int]:
        """Layer sizes from input to output."""
        return [2, *[self.units] * self.depth, 2]


def points(precision: str) -> tuple[np.ndarray, np.ndarray]:
    """The study's 200 points and their labels."""
    x, label = make_moons(200, noise=0.2, random_state=np.random.RandomState(0))
    return x.astype(precision), label


def initial_weights(case: Case, seed: int) -> list[np.ndarray]:
    """Matrices (fan_in, fan_out) of one replicate, drawn layer after layer."""
    rng = np.random.RandomState(seed)
    return [
        (rng.randn(a, b) / np.sqrt(a)).astype(case.precision)
        for a, b in zip(case.sizes[:-1], case.sizes[1:], strict=True)
    ]


def run(prepare: Callable[[Case], tuple[Callable[[], None], Callable[[], list[float]]]]) -> None:
    """Time a contestant on the case that the command line names.

    Parameters
    ----------
    prepare : callable
        Case -> (train, losses). ``train`` does all passes of all replicates; it is called once
        to warm up (compile, allocate), then once more against the clock, going on from there.
        ``losses`` says, after both, each replicate's mean cross-entropy plus penalty.
    """
    case = Case(**json.loads(sys.argv[1]))
    train, losses = prepare(case)
    train()
    start = time.perf_counter()
    train()
    seconds = time.perf_counter() - start
    each = seconds / case.passes / case.replicates * 1e6
    found = {"microseconds": each, "memory_mb": peak_memory_mb(), "losses": losses()}
    print(json.dumps(asdict(case) | found))
