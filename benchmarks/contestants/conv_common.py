"""What every contestant of the convolutional benchmark does alike: cores, data, weights, timing.

A contestant is a program of its own, ``python conv_NAME.py CASE``, where CASE is the JSON of
`Case`. It trains the study's network on random images: their content changes nothing in the speed.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from process import peak_memory_mb, take_cores


@dataclass(frozen=True)
class Case:
    """What is trained, and on how many cores.

    Attributes
    ----------
    threads, batch_size, steps : int
        A training makes so many steps.
    check : bool
        Train without dropout, and say what the loss is, not how long it takes.
    monitor_interval : int
        Steps between this project's summaries; 0 is none. Others have none.
    passed_over : int
        So many of the last cores are left to others.
    """

    threads: int
    batch_size: int
    steps: int
    check: bool = False
    monitor_interval: int = 0
    passed_over: int = 0

    @property
    def keep(self) -> float:
        """Probability that dropout keeps an activation."""
        return 1.0 if self.check else 0.5


CASE = Case(**json.loads(sys.argv[1]))
take_cores(CASE.threads, CASE.passed_over)

import numpy as np  # noqa: E402

LEARNING_RATE, BETA_1, BETA_2, EPSILON = 1e-4, 0.9, 0.999, 1e-8
EXAMPLES, PROBE = 55_000, 250  # training images; those that the check's loss is of
SHAPES = {
    "conv1/weights": (5, 5, 1, 32),
    "conv1/bias": (32,),
    "conv2/weights": (5, 5, 32, 64),
    "conv2/bias": (64,),
    "fc1/weights": (7 * 7 * 64, 1024),
    "fc1/bias": (1024,),
    "fc2/weights": (1024, 10),
    "fc2/bias": (10,),
}


def examples(number: int = EXAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """Return random images, uint8 (n, 28, 28), and labels, uint8 (n,), as MNIST has them."""
    rng = np.random.default_rng(0)
    return rng.integers(256, size=(number, 28, 28), dtype=np.uint8), rng.integers(
        10, size=number, dtype=np.uint8
    )


def batches() -> np.ndarray:
    """Return which examples each step trains on, int32 (steps, batch_size): epochs, shuffled."""
    rng, wanted = np.random.default_rng(1), CASE.steps * CASE.batch_size
    epochs = [rng.permutation(EXAMPLES) for _ in range(-(-wanted // EXAMPLES))]
    order = np.concatenate(epochs)[:wanted]
    return order.reshape(CASE.steps, CASE.batch_size).astype(np.int32)


def initial_parameters() -> dict[str, np.ndarray]:
    """Return weights and biases by name; convolutions are (height, width, inputs, outputs)."""
    rng = np.random.default_rng(2)
    return {
        name: rng.normal(0.0, 0.1, shape).astype(np.float32)
        if name.endswith("weights")
        else np.full(shape, 0.1, np.float32)
        for name, shape in SHAPES.items()
    }


def report(**found: float) -> None:
    """Print the case and what was found, with this process's memory."""
    print(json.dumps(asdict(CASE) | found | {"memory_mb": peak_memory_mb()}))


def run(prepare: Callable[[], tuple[Callable[[], None], Callable[[], float]]]) -> None:
    """Time a contestant, or check what it computes.

    Parameters
    ----------
    prepare : callable
        Returns (train, loss). ``train`` makes the case's steps, on `batches`, and goes on where it
        stopped; it is called once to warm up (compile, allocate), then once more against the
        clock. ``loss`` gives the mean cross-entropy of the first `PROBE` examples, without dropout.
    """
    train, loss = prepare()
    train()
    start = time.perf_counter()
    train()
    seconds = time.perf_counter() - start
    report(**({"loss": loss()} if CASE.check else {"milliseconds": 1e3 * seconds / CASE.steps}))
