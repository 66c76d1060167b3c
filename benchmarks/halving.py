"""Successive halving against the whole grid: the same cell, for what share of the time?

Two runs of the workflow in folders of their own take turns: one trains a grid of 8 learning rates
and 8 momenta with the largest budget, the other halves it: it keeps a share of the cells in each of
three rungs, whose budgets grow as the cells get fewer.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

import pandas as pd
import yaml
from interleave import write_table

ROOT = Path(__file__).resolve().parents[1]
AXES = ["optimizer.learning_rate", "optimizer.momentum"]
MEASURE = "validation_loss"


def configuration(passes: int, replicates: int, keep: float | None) -> dict:
    """The grid, with halving or without."""
    study = {
        "question": "Which learning rate and momentum?",
        "vary": {
            AXES[0]: {"from": 1e-3, "to": 1.0, "count": 8, "scale": "log"},
            AXES[1]: {"from": 0.0, "to": 0.95, "count": 8},
        },
    }
    if keep:
        budgets = [round(passes * keep**power) for power in (2, 1, 0)]
        study["halving"] = {"budgets": budgets, "keep": keep}
    return {
        "datasets": {"moons": {"kind": "moons"}},
        "dense": {
            "baseline": {
                "dataset": "moons",
                "protocol": "corrected",
                "activation": "tanh",
                "hidden_size": 8,
                "depth": 1,
                "initializer": "fan_in_normal",
                "optimizer": "momentum",
            },
            "protocols": {
                "corrected": {
                    "arithmetic": "corrected",
                    "passes": passes,
                    "replicates": replicates,
                    "l2": 0.001,
                }
            },
            "optimizers": {"momentum": {"kind": "momentum", "learning_rate": 0.01}},
            "studies": {"rates": study},
        },
    }


def run(config: dict, target: str, cores: int) -> dict:
    """Run the workflow in a fresh folder; what it took, and the means that it ends with."""
    folder = Path(tempfile.mkdtemp())
    (folder / "ours.yaml").write_text(yaml.safe_dump(config))
    command = [
        *("snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", str(cores)),
        *("--directory", str(folder), "--configfile", str(folder / "ours.yaml"), "--", target),
    ]
    start = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    wall = time.monotonic() - start
    records = [
        json.loads(path.read_text())["cpu_seconds"]
        for path in (folder / "results/dense").rglob("provenance.json")
    ]
    table = pd.read_csv(folder / target)
    shutil.rmtree(folder)
    return {"wall": wall, "cpu": sum(records), "jobs": len(records), "table": table}


def main(passes: int, replicates: int, keep: float, repeats: int, cores: int) -> None:
    """Take turns, and write a row for each way and turn."""
    ways = {
        "whole grid": (
            configuration(passes, replicates, None),
            "results/tables/dense_summary.csv",
        ),
        "halving": (configuration(passes, replicates, keep), "results/tables/dense_halving.csv"),
    }
    found = {way: [] for way in ways}
    for _ in range(repeats):
        for way, (config, target) in ways.items():
            found[way].append(run(config, target, cores))
    grid, table = (found[way][0]["table"] for way in ways)
    grid[AXES[0]] = [setting(each, "learning_rate", 0.01) for each in grid["optimizer"]]
    grid[AXES[1]] = [setting(each, "momentum", 0.9) for each in grid["optimizer"]]
    best = grid.sort_values(["diverged", f"{MEASURE}_mean"]).iloc[0]
    last = table[(table["rung"] == table["rung"].max()) & (table["rank"] == 1)].iloc[0]
    there = grid[(grid[AXES] == last[AXES].to_numpy(float)).all(axis=1)].iloc[0]
    inside = best[f"{MEASURE}_low"] <= there[f"{MEASURE}_mean"] <= best[f"{MEASURE}_high"]
    rows = [
        {
            "way": way,
            "passes": passes,
            "replicates": replicates,
            "keep": keep if way == "halving" else 1,
            "cores": cores,
            "jobs": turns[0]["jobs"],
            "wall_seconds": round(statistics.median(each["wall"] for each in turns), 1),
            "cpu_seconds": round(statistics.median(each["cpu"] for each in turns), 1),
            "learning_rate": cell[AXES[0]],
            "momentum": cell[AXES[1]],
            "validation_loss": cell[f"{MEASURE}_mean"],
            "validation_loss_low": cell[f"{MEASURE}_low"],
            "validation_loss_high": cell[f"{MEASURE}_high"],
        }
        for (way, turns), cell in zip(found.items(), (best, last), strict=True)
    ]
    write_table(rows, "halving.csv")
    whole, halved = rows
    for what in ("wall_seconds", "cpu_seconds"):
        print(f"{what}: {halved[what]} of {whole[what]}, {halved[what] / whole[what]:.2f}")
    print(f"the same cell: {bool((best[AXES] == last[AXES]).all())}; within its interval: {inside}")


def setting(optimizer: str, key: str, default: float) -> float:
    """A setting of an optimizer that is spelled with what it overrides."""
    spelled = dict(part.split("=") for part in optimizer.split("+")[1:])
    return float(spelled.get(key, default))


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--passes", type=int, default=72_000, help="of the whole grid")
    parser.add_argument("--keep", type=float, default=0.25, help="share of a rung that goes on")
    parser.add_argument("--replicates", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    sys.exit(main(given.passes, given.replicates, given.keep, given.repeats, given.cores))
