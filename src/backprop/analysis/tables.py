"""Summaries of run tables: each cell over its seeds, a study's rows, the jobs' benchmarks."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from backprop.analysis.statistics import mean_interval
from backprop.study.grid import AXES

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


def read_benchmarks(paths: Iterable[str | Path], records: Iterable[str | Path]) -> pd.DataFrame:
    """Snakemake's benchmark files as one table.

    Parameters
    ----------
    paths : iterable of path
        ``…/benchmarks/RULE/JOB.tsv``, where the job may be several folders deep.
    records : iterable of path
        The same jobs' provenance records, in the same order: they know their processor time to
        the end, where Snakemake's samples stop before.

    Returns
    -------
    DataFrame
        rule, job (path below the rule's folder), wall_seconds, cpu_seconds, peak_memory_mb,
        sorted; the memory is empty where a job was too short to be sampled.
    """
    rows = []
    for path, record in zip(map(Path, paths), map(Path, records), strict=True):
        measured = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        rule, *job = path.parts[path.parts.index("benchmarks") + 1 :]
        rows.append(
            {
                "rule": rule,
                "job": "/".join(job).removesuffix(".tsv"),
                "wall_seconds": measured["s"],
                "cpu_seconds": json.loads(record.read_text())["cpu_seconds"],
                "peak_memory_mb": measured["max_rss"],
            }
        )
    return pd.DataFrame(rows).sort_values(["rule", "job"], ignore_index=True)
