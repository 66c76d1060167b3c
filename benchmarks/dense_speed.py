"""Time of a training pass: this project's dense networks against NumPy code as published,
scikit-learn, PyTorch and JAX.

    python benchmarks/dense_speed.py [--peers-python PYTHON] [--repeats N] [--only CASE …]

Every contestant is a process of its own on one core; contestants take turns, and medians over the
turns are compared. Results: results/dense_speed.csv and .svg beside this file.
"""

import argparse
import statistics
import sys
from itertools import pairwise, product

from interleave import Program, add_options, measure, measure_all, pick, take_turns, write_table

CONTESTANTS = (
    "published_style",
    "scikit_learn",
    "pytorch",
    "jax_one_by_one",
    "jax_vmapped",
    "this_project",
)
PEERS = ("pytorch", "jax_one_by_one", "jax_vmapped")
# About what JAX takes for a pass of one replicate, in microseconds: so that all cases last alike.
EXPECTED = {(3, 1): 8, (50, 1): 40, (3, 4): 35, (50, 4): 330}
# How much longer others take, roughly: they do so many times fewer passes.
SLOWER = {"published_style": 5, "scikit_learn": 10, "pytorch": 25}
FEWEST, CHECKED = 10, 20  # passes, of a timing and of the comparison of the losses
AGREEMENT = {"float64": 1e-9, "float32": 1e-3}  # of the losses, relative


def cases(seconds: float) -> list[dict]:
    """Every combination, and how many passes take a compiled peer about so many seconds."""
    found = []
    for (units, depth), replicates, precision in product(
        EXPECTED, (1, 20, 100), ("float64", "float32")
    ):
        found.append(
            {
                "units": units,
                "depth": depth,
                "replicates": replicates,
                "precision": precision,
                "passes": int(seconds / (EXPECTED[units, depth] * replicates * 1e-6)),
            }
        )
    return found


def passes_of(contestant: str, case: dict) -> dict:
    """The case with as many passes as the contestant does in about the time of the others."""
    return case | {"passes": max(FEWEST, case["passes"] // SLOWER.get(contestant, 1))}


def floor_microseconds(case: dict, machine: dict) -> float:
    """Time of a pass if matrix products and tanh ran at the machine's best, and all else was free.

    A layer's forward product, gradient, and (but for the first) error signal are each
    2 · points · (fan_in + 1) · fan_out operations.
    """
    sizes, points = [2, *[case["units"]] * case["depth"], 2], 200
    operations = 0
    for layer, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        operations += 2 * points * (fan_in + 1) * fan_out * (3 if layer else 2)
    tanh = points * case["units"] * case["depth"] * machine["tanh_nanoseconds"] / 1e3
    return operations / machine["gigaflops"] / 1e3 + tanh


def main() -> None:
    """Run all cases and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add_options(parser, seconds=2.0, only="units=3,replicates=20 units=50")
    options = parser.parse_args()
    machines = {
        precision: measure(Program("machine", {"precision": precision}))
        for precision in ("float64", "float32")
    }
    contestants = CONTESTANTS
    rows = []
    for case in pick(cases(options.seconds), options.only):
        pythons = {
            name: options.peers_python if name in PEERS else sys.executable for name in contestants
        }
        checked = measure_all(
            {
                name: Program(name, case | {"passes": CHECKED}, python)
                for name, python in pythons.items()
            }
        )
        check_losses(checked, case["precision"])
        contestants = tuple(checked)
        timed = {name: Program(name, passes_of(name, case), pythons[name]) for name in contestants}
        results = take_turns(timed, options.repeats)
        rows += summarize(case, results, machines[case["precision"]])
        print(describe(rows[-len(results) :]), flush=True)
    table = write_table(rows, "dense_speed.csv", ("depth", "units", "replicates", "precision"))
    from draw_dense_speed import draw

    draw(table, table.with_suffix(".svg"))


def summarize(case: dict, results: dict[str, list[dict]], machine: dict) -> list[dict]:
    """A row per contestant: its median, and this project's share of it."""
    medians = {
        name: statistics.median(result["microseconds"] for result in repeats)
        for name, repeats in results.items()
    }
    return [
        case
        | {
            "contestant": name,
            "microseconds": round(medians[name], 3),
            "lowest": round(min(result["microseconds"] for result in repeats), 3),
            "this_project_over_it": round(medians["this_project"] / medians[name], 3),
            "share_of_machine": round(floor_microseconds(case, machine) / medians[name], 3),
            "memory_mb": round(statistics.median(result["memory_mb"] for result in repeats)),
            "repeats": len(repeats),
        }
        for name, repeats in results.items()
    ]


def check_losses(results: dict[str, dict], precision: str) -> None:
    """Who trains something else is no contestant; scikit-learn draws its own initial weights."""
    for name, result in results.items():
        if name == "scikit_learn":
            continue
        for ours, theirs in zip(results["this_project"]["losses"], result["losses"], strict=True):
            if abs(ours - theirs) > AGREEMENT[precision] * abs(ours):
                raise SystemExit(f"{name} ends with a loss of {theirs}, this project with {ours}")


def describe(rows: list[dict]) -> str:
    """One line for a case."""
    case = rows[0]
    title = "{units} units, depth {depth}, {replicates} replicates, {precision}".format(**case)
    times = ", ".join(f"{row['contestant']} {row['microseconds']:.1f}" for row in rows)
    return f"{title}: {times} µs"


if __name__ == "__main__":
    main()
