"""What it costs to record: training with the default records and snapshots over training without.

    python benchmarks/recording_cost.py [--repeats N]

Both take turns in one process, on one core; the ratio of the medians is what counts.
"""

import argparse
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

CASES = {(3, 1): 20_000, (8, 4): 10_000, (50, 1): 5_000, (50, 4): 2_000}  # (units, depth): passes
INTERVAL = 250  # the default record_interval


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
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    for (units, depth), passes in CASES.items():
        times: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(repeats):
            for recording in times:
                times[recording].append(seconds(units, depth, passes, recording))
        with_records, without = (statistics.median(values) for values in times.values())
        cost = 100 * (with_records / without - 1)
        print(f"{units} units, depth {depth}: recording adds {cost:.1f}% ({passes} passes)")


if __name__ == "__main__":
    main()
