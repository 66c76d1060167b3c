"""Time of a training step of the convolutional network: this project against Keras' fit, PyTorch
and JAX; and what a job of this project takes beside its steps.

    python benchmarks/conv_speed.py [--peers-python PYTHON] [--repeats N] [--only CASE …]

Every contestant is a process of its own on as many cores as it has threads; contestants take turns,
and medians over the turns are compared. Results: results/conv_speed.csv and .svg beside this file,
and results/conv_job.csv.
"""

import argparse
import math
import os
import statistics
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
from interleave import (
    Program,
    add_options,
    finish,
    measure,
    measure_all,
    pick,
    start,
    take_turns,
    write_table,
)

CONTESTANTS = ("keras_fit", "pytorch", "jax", "this_project")
PEERS = ("pytorch", "jax")
MONITORED = "this_project_monitored"
MONITOR_INTERVAL = 100  # steps: the default of the project
# About what a step takes, in seconds, by threads and batch size: so that all cases last alike.
EXPECTED = {(1, 50): 0.045, (1, 256): 0.22, (2, 50): 0.025, (2, 256): 0.12}
FEWEST, CHECKED = 10, 5  # steps, of a timing and of the comparison of the losses
AGREEMENT = 1e-3  # of the losses, relative
# (output positions, inputs of one, outputs of one), and whether its input needs a gradient.
LAYERS = (
    (28 * 28, 5 * 5 * 1, 32, False),
    (14 * 14, 5 * 5 * 32, 64, True),
    (1, 7 * 7 * 64, 1024, True),
    (1, 1024, 10, True),
)
TRAINING_IMAGES, TEST_IMAGES = 60_000, 10_000  # of MNIST's files


def cases(seconds: float, cores: int) -> list[dict]:
    """Every combination that so many cores can run, and how many steps take about the seconds."""
    return [
        {
            "threads": threads,
            "batch_size": batch_size,
            "steps": max(FEWEST, round(seconds / EXPECTED[threads, batch_size])),
        }
        for threads, batch_size in product((1, 2), (50, 256))
        if threads <= cores
    ]


def programs(case: dict, peers_python: str, contestants: tuple[str, ...]) -> dict[str, Program]:
    """The contestants' programs."""
    return {
        name: Program(f"conv_{name}", case, peers_python if name in PEERS else sys.executable)
        for name in contestants
    }


def monitored(case: dict, interval: int = MONITOR_INTERVAL) -> Program:
    """This project with its summaries, over as many whole intervals as the case fills."""
    steps = math.ceil(case["steps"] / interval) * interval
    return Program("conv_this_project", case | {"steps": steps, "monitor_interval": interval})


def step_gigaflop(batch_size: int) -> float:
    """Floating-point operations of a step's matrix products and convolutions, in billions.

    A layer's forward product, its weights' gradient, and its input's gradient (which nothing needs
    of the first layer) are each 2 · batch size · positions · inputs · outputs operations.
    """
    return sum(
        2e-9 * batch_size * positions * inputs * outputs * (3 if input_gradient else 2)
        for positions, inputs, outputs, input_gradient in LAYERS
    )


def agreeing(losses: dict[str, float]) -> tuple[str, ...]:
    """Return the contestants whose loss is this project's; the others are named and left out."""
    ours = losses["this_project"]
    same = tuple(name for name in losses if math.isclose(losses[name], ours, rel_tol=AGREEMENT))
    for name in losses.keys() - same:
        print(f"{name} left out: loss {losses[name]}, this project's {ours}", file=sys.stderr)
    return same


def summarize(case: dict, results: dict[str, list[dict]], gigaflops: float) -> list[dict]:
    """A row per contestant: its median, and this project's share of it."""
    medians = {
        name: statistics.median(result["milliseconds"] for result in repeats)
        for name, repeats in results.items()
    }
    floor = 1e3 * step_gigaflop(case["batch_size"]) / gigaflops
    return [
        case
        | {
            "steps": repeats[0]["steps"],
            "contestant": name,
            "milliseconds": round(medians[name], 3),
            "lowest": round(min(result["milliseconds"] for result in repeats), 3),
            "examples_per_second": round(1e3 * case["batch_size"] / medians[name]),
            "this_project_over_it": round(medians["this_project"] / medians[name], 3),
            "share_of_machine": round(floor / medians[name], 3),
            "memory_mb": round(statistics.median(result["memory_mb"] for result in repeats)),
            "repeats": len(repeats),
        }
        for name, repeats in results.items()
    ]


def describe(rows: list[dict]) -> str:
    """One line for a case."""
    title = "threads {threads}, batches of {batch_size}".format(**rows[0])
    times = ", ".join(f"{row['contestant']} {row['milliseconds']:.1f}" for row in rows)
    return f"{title}: {times} ms"


def measure_steps(options: argparse.Namespace, cores: int, machines: dict) -> list[dict]:
    """Return the rows of the large table."""
    contestants = CONTESTANTS
    rows = []
    for case in pick(cases(options.seconds, cores), options.only):
        check = case | {"steps": CHECKED, "check": True}
        found = measure_all(programs(check, options.peers_python, contestants))
        contestants = agreeing({name: result["loss"] for name, result in found.items()})
        timed = programs(case, options.peers_python, contestants) | {MONITORED: monitored(case)}
        results = take_turns(timed, options.repeats)
        rows += summarize(case, results, machines[case["threads"]]["gigaflops"])
        print(describe(rows[-len(results) :]), flush=True)
    return rows


def start_up_seconds(folder: Path, repeats: int) -> dict[str, float]:
    """Return the median time of each part of a job's start, MNIST-shaped files in the folder."""
    found = [
        measure(Program("conv_start_up", {"folder": str(folder), "started": time.time()}))
        for _ in range(repeats)
    ]
    parts = {part: statistics.median(result[part] for result in found) for part in found[0]}
    return parts | {"total": statistics.median(sum(result.values()) for result in found)}


def write_images(folder: Path) -> None:
    """Write random images and labels as the four MNIST files."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    from restudy.data.idx import format_idx

    rng = np.random.default_rng(0)
    for part, number in (("train", TRAINING_IMAGES), ("test", TEST_IMAGES)):
        images = rng.integers(256, size=(number, 28, 28), dtype=np.uint8)
        labels = rng.integers(10, size=number, dtype=np.uint8)
        (folder / f"{part}-images.idx").write_bytes(format_idx(images))
        (folder / f"{part}-labels.idx").write_bytes(format_idx(labels))


def side_by_side_gain(case: dict) -> float:
    """Return the steps per second of two one-thread jobs at once over one two-thread job's."""
    one = case | {"threads": 1}
    jobs = [Program("conv_this_project", one | {"passed_over": core}) for core in (0, 1)]
    running = [start(job) for job in jobs]
    both = [finish(job, process) for job, process in zip(jobs, running, strict=True)]
    alone = measure(Program("conv_this_project", case | {"threads": 2}))
    return sum(alone["milliseconds"] / each["milliseconds"] for each in both)


def measure_job(options: argparse.Namespace, cores: int, machines: dict) -> list[dict]:
    """Return the rows of the small table: quantity, value, unit."""
    case = {"threads": 1, "batch_size": 50, "steps": round(options.seconds / EXPECTED[1, 50])}
    rows = [("step_operations", step_gigaflop(50), "GFLOP")]
    for threads, machine in machines.items():
        for library in ("numpy", "tensorflow"):
            quantity = f"matrix_product_{library}_{threads}_threads"
            rows.append((quantity, machine[library], "GFLOP/s"))
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder))
        parts = start_up_seconds(Path(folder), options.repeats)
    rows += [(f"start_up_{part}", seconds, "s") for part, seconds in parts.items()]
    evaluations = take_turns({"once": Program("conv_evaluation", case)}, options.repeats)["once"]
    seconds = statistics.median(result["seconds"] for result in evaluations)
    rows.append(("evaluation_of_10000_images", seconds, "s"))
    cost = measure(Program("conv_monitoring", case | {"monitor_interval": MONITOR_INTERVAL}))
    for quartile in ("low", "median", "high"):
        rows.append((f"monitoring_cost_{quartile}", cost[quartile], "% of training"))
    if cores > 1:
        gains = [side_by_side_gain(case) for _ in range(options.repeats)]
        rows.append(("two_jobs_over_two_threads", statistics.median(gains), "ratio"))
    return [
        {"quantity": quantity, "value": float(f"{value:.4g}"), "unit": unit}
        for quantity, value, unit in rows
    ]


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main() -> None:
    """Run all cases and write the tables and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add_options(parser, seconds=4.0, only="threads=1,batch_size=50 threads=2")
    parser.add_argument("--tables", nargs="+", choices=("speed", "job"), default=["speed", "job"])
    options = parser.parse_args()
    cores = available_cores()
    if cores < 2:
        print("only one core: the cases with two threads are left out", file=sys.stderr)
    machines = {
        threads: measure(Program("conv_machine", {"threads": threads}))
        for threads in (1, 2)
        if threads <= cores
    }
    if "speed" in options.tables:
        table = write_table(
            measure_steps(options, cores, machines), "conv_speed.csv", ("threads", "batch_size")
        )
        from draw_conv_speed import draw

        draw(table, table.with_suffix(".svg"))
    if "job" in options.tables:
        rows = measure_job(options, cores, machines)
        write_table(rows, "conv_job.csv")
        print("\n".join("{quantity}: {value} {unit}".format(**row) for row in rows))


if __name__ == "__main__":
    main()
