"""Summaries of run tables: each cell over its seeds, a study's rows, the jobs' benchmarks."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from restudy.analysis.convergence import FALL, STILL_FALLING
from restudy.analysis.groups import group_words
from restudy.analysis.statistics import mean_interval
from restudy.families.contract import Family
from restudy.families.setting_axes import is_setting_axis


def summarize(family: Family, runs: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell: how many runs, how many diverged, each measure over the others.

    Parameters
    ----------
    family : Family
        Which axes and measures there are.
    runs : DataFrame
        A row per run; with `restudy.analysis.convergence.with_falls`, it is also told which still
        learn.

    Returns
    -------
    DataFrame
        The axes and varied settings, n, diverged, and for each measure its mean, standard deviation
        (``_sd``, n - 1 in the denominator) and the 95% Student interval of the mean (``_low``,
        ``_high``); and two_groups, words on the measures of which a mean tells little, since their
        values fall into two groups (`restudy.analysis.groups.two_groups`). A single run has a mean
        and no spread. Of runs with ``final_fall``, also still_falling, the number of those that did
        not diverge in which it exceeds `STILL_FALLING`, and the same of final_fall as of a measure.
    """
    axes = [*family.axis_names, *(name for name in runs if is_setting_axis(name))]
    measures = [each.name for each in family.measures if each.summarised and each.in_runs]
    if has_falls := FALL in runs:
        measures.append(FALL)
    rows = []
    for values, group in runs.groupby(axes, sort=False, dropna=False):
        finite = group[group["diverged_at"].isna()]
        row = dict(zip(axes, values, strict=True)) | {
            "n": len(group),
            "diverged": len(group) - len(finite),
        }
        if has_falls:
            row["still_falling"] = int((finite[FALL] > STILL_FALLING).sum())
        for measure in measures:
            row |= _spread(measure, finite[measure].to_numpy(float))
        apart = (group_words(finite[measure].to_numpy(float), measure) for measure in measures)
        rows.append(row | {"two_groups": "; ".join(filter(None, apart)) or None})
    return pd.DataFrame(rows).astype({"two_groups": "str"} if rows else {})


def _spread(measure: str, values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation and 95% interval of the mean."""
    mean, low, high = mean_interval(values)
    return {
        f"{measure}_mean": mean,
        f"{measure}_sd": values.std(ddof=1) if values.size > 1 else np.nan,
        f"{measure}_low": low,
        f"{measure}_high": high,
    }


def rows_of(frame: pd.DataFrame, cells: Iterable[Mapping]) -> pd.DataFrame:
    """Return the rows that belong to the given cells, in the order of the cells.

    Parameters
    ----------
    frame : DataFrame
        Among its columns are the axes.
    cells : iterable of mapping
        Axis -> value.
    """
    wanted = pd.DataFrame(list(map(dict, cells))).drop_duplicates()
    if wanted.empty:
        return frame.iloc[:0].reset_index(drop=True)
    axes = pd.MultiIndex.from_frame(frame[list(wanted.columns)])
    places = pd.MultiIndex.from_frame(wanted).get_indexer(axes)
    rows = np.argsort(places, kind="stable")
    return frame.iloc[rows[places[rows] >= 0]].reset_index(drop=True)


def read_benchmarks(
    jobs: Mapping[str, Iterable[str]], records: Mapping[str, str | Path]
) -> pd.DataFrame:
    """Return Snakemake's benchmark files of the training jobs as one table.

    Parameters
    ----------
    jobs : mapping
        Family -> the folders of its training jobs, ``results/FAMILY/JOB``, where the job may be
        several folders deep.
    records : mapping
        Folder of a job -> path of its provenance record, ``FOLDER/provenance.json``, perhaps below
        another folder. Records know the job's processor time to the end, where Snakemake's
        samples, in ``results/benchmarks/train_FAMILY/JOB.tsv`` beside them, stop before.

    Returns
    -------
    DataFrame
        rule, job, wall_seconds, cpu_seconds, peak_memory_mb, sorted; the memory is empty where a
        job was too short to be sampled, and with the wall time where its benchmark file is gone.
    """
    rows = []
    for family, folders in jobs.items():
        for folder in folders:
            rule, job = f"train_{family}", folder.removeprefix(f"results/{family}/")
            record = Path(records[folder])
            above = str(record.parent).removesuffix(folder)
            path = Path(f"{above}results/benchmarks/{rule}/{job}.tsv")
            measured = read_benchmark(path) if path.exists() else {}
            rows.append(
                {
                    "rule": rule,
                    "job": job,
                    "wall_seconds": measured.get("s", np.nan),
                    "cpu_seconds": json.loads(record.read_text())["cpu_seconds"],
                    "peak_memory_mb": measured.get("max_rss", np.nan),
                }
            )
    return pd.DataFrame(rows).sort_values(["rule", "job"], ignore_index=True)


def read_benchmark(path: str | Path) -> dict[str, float]:
    """Return what Snakemake measured of a job, by column; without what it could not measure."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file, delimiter="\t"))
    return {name: float(value) for name, value in row.items() if _is_number(value)}


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False
