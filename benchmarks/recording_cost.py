"""What it costs to record: training with the default records and snapshots over training without.

    python benchmarks/recording_cost.py

Both take turns in one process, on one core. Each turn gives a ratio of neighbours in time; their
median is what counts, and the quartiles tell how noisy the machine was.
"""

import os
import statistics
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
from sklearn.datasets import make_moons

from backprop.dense import DenseNetwork, gradient_descent
from backprop.dense.snapshots import snapshot_passes

# (units, depth): intervals between records, and turns. Short turns, many where they are cheap.
CASES = {(3, 1): (10, 41), (8, 4): (10, 15), (50, 1): (10, 15), (50, 4): (5, 7)}
INTERVAL = 400  # passes: the default record_interval


def seconds(units: int, depth: int, passes: int, recording: bool) -> float:
    """Time of one training of 20 replicates."""
    (x, label), heldout = (
        make_moons(points, noise=0.2, random_state=np.random.RandomState(seed))
        for points, seed in ((200, 0), (2000, 1))
    )
    network = DenseNetwork([2, *[units] * depth, 2], seeds=range(20))
    options = {"record_interval": passes}
    if recording:
        options = {
            "heldout": heldout,
            "record_interval": INTERVAL,
            "snapshot_passes": snapshot_passes(passes, 20),
        }
    start = time.perf_counter()
    network.fit(x, label, gradient_descent(0.01), passes, **options)
    return time.perf_counter() - start


def main() -> None:
    """Print a line for each case."""
    for (units, depth), (intervals, turns) in CASES.items():
        added = []
        for turn in range(turns):
            # Who goes first changes, so that a machine that slows down favours nobody.
            order = (True, False) if turn % 2 else (False, True)
            times = {
                recording: seconds(units, depth, intervals * INTERVAL, recording)
                for recording in order
            }
            # The first and the last record are made in any case, which makes one interval's worth.
            share = intervals / (intervals - 1)
            added.append(100 * share * (times[True] / times[False] - 1))
        low, middle, high = statistics.quantiles(added, n=4)
        done = f"{turns} turns of {intervals * INTERVAL} passes"
        print(
            f"{units} units, depth {depth}: recording adds {middle:.1f}% "
            f"(quartiles {low:.1f}% and {high:.1f}%, {done})",
            flush=True,
        )


if __name__ == "__main__":
    main()
