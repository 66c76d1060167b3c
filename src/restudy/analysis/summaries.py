"""Summaries of run tables: each cell over its seeds, a study's rows, the jobs' benchmarks."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from restudy.analysis.statistics import mean_interval
from restudy.study.grid import AXES

MEASURES = {
    "dense": ("train_loss", "train_accuracy", "heldout_loss", "heldout_accuracy", "grad_norm"),
    "conv": (
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "test_loss",
        "test_accuracy",
    ),
}


def summarize(model: str, runs: pd.DataFrame) -> pd.DataFrame:
    """A row per cell: how many runs, how many diverged, and each measure over the others.

    Parameters
    ----------
    model : {"dense", "conv"}
        Which axes and measures there are.
    runs : DataFrame
        A row per run.

    Returns
    -------
    DataFrame
        The axes, n, diverged, and for each measure its mean, standard deviation (``_sd``, n - 1
        in the denominator) and the 95% Student interval of the mean (``_low``, ``_high``). A
        single run has a mean and no spread.
    """
    axes = list(AXES[model])
    rows = []
    for values, group in runs.groupby(axes, sort=False):
        finite = group[group["diverged_at"].isna()]
        row = dict(zip(axes, values, strict=True)) | {
            "n": len(group),
            "diverged": len(group) - len(finite),
        }
        for measure in MEASURES[model]:
            row |= _spread(measure, finite[measure].to_numpy(float))
        rows.append(row)
    return pd.DataFrame(rows)


def _spread(measure: str, values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and 95% interval of the mean."""
    mean, low, high = mean_interval(values)
    return {
        f"{measure}_mean": mean,
        f"{measure}_sd": values.std(ddof=1) if values.size > 1 else np.nan,
        f"{measure}_low": low,
        f"{measure}_high": high,
    }


def rows_of(frame: pd.DataFrame, cells: Sequence[dict]) -> pd.DataFrame:
    """Rows that belong to the given cells, in the order of the cells."""
    wanted = pd.DataFrame(cells)
    wanted["_order"] = range(len(wanted))
    joined = wanted.merge(frame, on=[c for c in wanted.columns if c != "_order"], how="inner")
    return (
        joined.sort_values("_order", kind="stable")
        .drop(columns="_order")[list(frame.columns)]
        .reset_index(drop=True)
    )


def read_benchmarks(records: Iterable[str | Path]) -> pd.DataFrame:
    """Snakemake's benchmark files of the training jobs as one table.

    Parameters
    ----------
    records : iterable of path
        The jobs' provenance records, ``results/MODEL/JOB/provenance.json``, where the job may be
        several folders deep: they know their processor time to the end, where Snakemake's samples,
        in ``results/benchmarks/train_MODEL/JOB.tsv``, stop before.

    Returns
    -------
    DataFrame
        rule, job, wall_seconds, cpu_seconds, peak_memory_mb, sorted; the memory is empty where a
        job was too short to be sampled, and with the wall time where its benchmark file is gone.
    """
    rows = []
    for record in map(Path, records):
        start = record.parts.index("results")
        model, *job = record.parts[start + 1 : -1]
        rule, name = f"train_{model}", "/".join(job)
        path = Path(*record.parts[: start + 1], "benchmarks", rule, f"{name}.tsv")
        measured = read_benchmark(path) if path.exists() else {}
        rows.append(
            {
                "rule": rule,
                "job": name,
                "wall_seconds": measured.get("s", np.nan),
                "cpu_seconds": json.loads(record.read_text())["cpu_seconds"],
                "peak_memory_mb": measured.get("max_rss", np.nan),
            }
        )
    return pd.DataFrame(rows).sort_values(["rule", "job"], ignore_index=True)


def read_benchmark(path: str | Path) -> dict[str, float]:
    """What Snakemake measured of a job, by column; without what it could not measure."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    return {name: float(value) for name, value in row.items() if _is_number(value)}


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False
