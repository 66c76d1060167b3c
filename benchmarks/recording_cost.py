"""What records cost: their share of the training time at the default interval.

    python benchmarks/recording_cost.py [--turns N]

A record is dear and rare, so its price is measured where it is common: training with a record
after every pass, and training without, take turns in one process on one core. The difference of
neighbours in time is a record's time; the share at the default interval follows. The median over
the turns is what counts, and the quartiles tell how noisy the machine was.
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

from restudy.families.dense import DenseNetwork, gradient_descent

# (units, depth): passes of a turn with records, and of one without, which lasts about as long.
CASES = {(3, 1): (300, 4000), (8, 4): (60, 600), (50, 1): (60, 900), (50, 4): (20, 150)}
INTERVAL = 400  # passes: the default record_interval


def seconds_per_pass(units: int, depth: int, passes: int, interval: int) -> float:
    """Time of a pass of 20 replicates, records included."""
    (x, label), heldout = (
        make_moons(points, noise=0.2, random_state=np.random.RandomState(seed))
        for points, seed in ((200, 0), (2000, 1))
    )
    network = DenseNetwork([2, *[units] * depth, 2], seeds=range(20))
    start = time.perf_counter()
    network.fit(x, label, gradient_descent(0.01), passes, heldout=heldout, record_interval=interval)
    return (time.perf_counter() - start) / passes


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--turns", type=int, default=15)
    turns = parser.parse_args().turns
    for (units, depth), (recorded, unrecorded) in CASES.items():
        shares = []
        for _ in range(turns):
            with_record = seconds_per_pass(units, depth, recorded, 1)
            alone = seconds_per_pass(units, depth, unrecorded, unrecorded)
            shares.append(100 * (with_record - alone) / (INTERVAL * alone))
        low, middle, high = statistics.quantiles(shares, n=4)
        print(
            f"{units} units, depth {depth}: a record every {INTERVAL} passes adds {middle:.1f}% "
            f"(quartiles {low:.1f}% and {high:.1f}%, {turns} turns)",
            flush=True,
        )


if __name__ == "__main__":
    main()
