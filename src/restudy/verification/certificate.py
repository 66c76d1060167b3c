"""Whether training again gives the same bytes: which cells to try, and where two runs part.

A certificate is made by training a random share of the cells again, in a folder of its own, and
comparing what comes out. Where it is not the same, the earliest recorded pass or step and the
tensor at which the two part say more than any digest.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from restudy.analysis.event_files import Run, find_event_files
from restudy.analysis.events import SPEED, read_whole_run
from restudy.data.tables import read_table
from restudy.families.contract import Family
from restudy.verification.fingerprints import (
    UNREADABLE,
    digest_of,
    read_parts,
    run_parts,
)
from restudy.verification.manifest import DIGESTS, environment_differences, is_same

FORMAT = 2  # of a certificate
# Of records that part at the same time the finest names the place: these, then the family's others.
FINEST_FIRST = (
    "snapshots.npz",
    "events",
    "scalars.parquet",
    "histograms.parquet",
    "layers.parquet",
    "history.parquet",
    "weights.npz",
    "judgements.parquet",
    "runs.csv",
)


class Difference(NamedTuple):
    """Where two records differ: a pass or step (infinite: the end of training), and what.

    The largest difference is taken over all the tensor's values at that time; it is NaN where only
    one of two numbers is finite, or where shapes differ.
    """

    time: float
    tensor: str
    seeds: tuple[int, ...]
    largest: float
    relative: float


def compare_jobs(family: Family, original: Path, again: Path, records: Sequence[Mapping]) -> dict:
    """Compare what a job left with what it left when it ran again.

    Parameters
    ----------
    family
        Says what a job leaves: compared by its bytes, event files by what they say.
    original, again
        The two folders.
    records
        The two ``provenance.json``.

    Returns
    -------
    dict
        family (its name), cell, seed (None of a job that trains all) and folder; identical (bool);
        files: of each the outcome ("identical", "different" or what is wrong with it) and digest
        of the original; first: where the two part, in words, empty if they don't; parts: the same
        for each file that differs; causes: what differs in code, data and environment.
    """
    names = [artefact.name for artefact in family.artefacts]
    compared = {name: _compare_file(original / name, again / name) for name in sorted(names)}
    apart = [name for name, file in compared.items() if file["outcome"] != "identical"]
    order = [*FINEST_FIRST, *names]
    found = {
        name: difference
        for name in sorted(apart, key=order.index)
        if (difference := first_difference(family, original / name, again / name))
    }
    parts = {name: describe_difference(family, each) for name, each in found.items()}
    # Of equal times the finest record wins: it comes first, and min takes the first.
    earliest = min(found, key=lambda name: found[name].time, default=None)
    first = f"{parts[earliest]} ({earliest})" if earliest else ""
    if apart and not first:
        first = "in no recorded number"
    return {
        "family": family.name,
        "cell": records[0]["settings"]["cell"],
        "seed": records[0].get("seed"),
        "folder": original.as_posix(),
        "identical": not apart,
        "files": compared,
        "first": first,
        "parts": parts,
        "causes": _causes(*records) if apart else [],
    }


def first_difference(family: Family, original: Path, again: Path) -> Difference | None:
    """Return the earliest difference of two files of a job, or None if there is none to name."""
    try:
        return min(_differences(family, original, again), key=lambda each: each.time, default=None)
    except UNREADABLE as fault:
        return _incomparable(math.inf, f"a file that can't be read ({fault})")


def _differences(family: Family, original: Path, again: Path) -> Iterator[Difference]:
    """Yield differences of two files; of those at one time, the one to name comes first."""
    for path in (original, again):
        path.stat()  # says which one is missing
    if original.is_dir():
        if find_event_files(original):
            yield from _event_differences(read_whole_run(original), read_whole_run(again))
        else:
            yield from _folder_differences(original, again)
    elif original.suffix == ".npz":
        yield from _array_differences(original, again)
    elif original.suffix in (".csv", ".parquet"):
        yield from _table_differences(family, read_table(original), read_table(again))


def describe_difference(family: Family, found: Difference) -> str:
    """Return a difference in words: "pass 120, layer1 weights, seed 3: up to 2.2e-16 (…)"."""
    when = "at the end of training"
    if family.time and math.isfinite(found.time):
        when = f"{family.time.name} {found.time:.0f}"
    seeds = ""
    if found.seeds:
        shown = ", ".join(map(str, found.seeds[:3])) + (", …" if len(found.seeds) > 3 else "")
        seeds = f", seed {shown}" if len(found.seeds) == 1 else f", seeds {shown}"
    if math.isnan(found.largest):
        return f"{when}, {found.tensor}{seeds}: not comparable number by number"
    size = f"up to {found.largest:.2g} (relative {found.relative:.2g})"
    return f"{when}, {found.tensor}{seeds}: {size}"


def _compare_file(original: Path, again: Path) -> dict:
    """Return the outcome and the original's digest."""
    try:
        digest = digest_of(original)
        outcome = "identical" if is_same(digest, digest_of(again)) else "different"
    except UNREADABLE as fault:
        return {"outcome": f"can't be read: {fault}"}
    return {"outcome": outcome, **digest}


def _causes(original: Mapping, again: Mapping) -> list[str]:
    """Return what differs in what two jobs were computed from; the new one is what is here."""
    causes = [
        f"{name}: another digest than the original was computed with"
        for name in DIGESTS
        if original.get(f"{name}_sha256") != again.get(f"{name}_sha256")
    ]
    environments = again["environment"], original["environment"]
    return causes + environment_differences(*environments, "now", "when the original was trained")


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return where two arrays of one shape differ; NaN equals NaN, and 0 is not −0."""
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return np.asarray(one != other)
    same = (one == other) & (np.signbit(one) == np.signbit(other))
    return ~(same | (np.isnan(one) & np.isnan(other)))


def _sizes(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return the largest absolute and relative difference; NaN where a number is not finite."""
    if one.dtype.kind not in "iuf" or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return math.nan, math.nan
    size = np.abs(one.astype(float) - other.astype(float))
    scale = np.maximum(np.abs(one), np.abs(other))
    relative = np.divide(size, scale, out=np.zeros_like(size), where=scale > 0)
    return float(size.max()), float(relative.max())


def _difference(time: float, tensor: str, seeds: Iterable, one, other) -> Difference:
    """Return a difference with its size."""
    return Difference(time, tensor, tuple(sorted(set(map(int, seeds)))), *_sizes(one, other))


def _incomparable(time: float, tensor: str) -> Difference:
    """Return a difference that has no size."""
    return Difference(time, tensor, (), math.nan, math.nan)


def _table_differences(
    family: Family, one: pd.DataFrame, other: pd.DataFrame
) -> Iterator[Difference]:
    """Yield of each measure, and layer or tag, the earliest row in which two tables differ."""
    if list(one.columns) != list(other.columns):
        yield _incomparable(math.inf, "columns")
    elif "tag" in one.columns:
        series = [dict(list(table.groupby("tag", sort=False))) for table in (one, other)]
        for tag in dict.fromkeys([*series[0], *series[1]]):
            if all(tag in each for each in series):
                rows = [each[tag].reset_index(drop=True) for each in series]
                yield from _row_differences(family, *rows, tag)
            else:
                yield _incomparable(math.inf, f"series {tag}")
    else:
        yield from _row_differences(family, one, other)


def _row_differences(
    family: Family, one: pd.DataFrame, other: pd.DataFrame, tag: str = ""
) -> Iterator[Difference]:
    """Yield differences of two tables of the same columns, of a tag if they are one's."""
    time = family.time.name if family.time and family.time.name in one.columns else None
    what = f"number of rows of {tag}" if tag else "number of rows"
    if len(one) != len(other):
        if time is None:
            yield _incomparable(math.inf, what)
            return
        counts = one[time].value_counts().sub(other[time].value_counts(), fill_value=0)
        until = counts.index[counts != 0].min()
        yield _incomparable(float(until), what)
        one, other = (rows[rows[time] < until].reset_index(drop=True) for rows in (one, other))
    when = one[time].to_numpy(float) if time else np.full(len(one), np.inf)
    keys = {*family.keys, "layer", "tag", time}
    for name in [column for column in one.columns if column not in keys]:
        values = [_numbers(table[name]) for table in (one, other)]
        apart = _apart(*values)
        if not apart.any():
            continue
        rows = apart & (when == when[apart].min())
        tensor = name.replace("_", " ")
        if tag:
            tensor = tag if name == "value" else f"{tensor} of {tag}"
        if "layer" in one.columns:
            layer = one.loc[rows, "layer"].iloc[0]
            rows &= (one["layer"] == layer).to_numpy()
            tensor = f"{tensor} of layer {layer}"
        seeds = one.loc[rows, "seed"] if "seed" in one.columns else ()
        yield _difference(when[rows][0], tensor, seeds, *(each[rows] for each in values))


def _numbers(column: pd.Series) -> np.ndarray:
    """Return a column as numbers, gaps as NaN; as text if it is none."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(float, na_value=np.nan)
    return column.fillna("").astype(str).to_numpy(object)


def _array_differences(original: Path, again: Path) -> Iterator[Difference]:
    """Yield arrays that differ: of snapshots each at the earliest one, of others at the end."""
    one, other = map(_read_arrays, (original, again))
    if {"passes", "seeds"} <= one.keys():
        yield from _snapshot_differences(one, other)
        return
    for name in dict.fromkeys([*one, *other]):
        if name not in one or name not in other or one[name].shape != other[name].shape:
            yield _incomparable(math.inf, f"shape of {name}")
        elif (apart := _apart(one[name], other[name])).any():
            tensor, seeds = name, ()
            # Weights of all runs of a cell: a run, rows and columns.
            if name.startswith("layer") and apart.ndim == 3:
                tensor, seeds = f"{name} weights", np.flatnonzero(apart.any(axis=(1, 2)))
            yield _difference(math.inf, tensor, seeds, one[name][apart], other[name][apart])


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a file by their names, which `read_parts` adds their shapes to."""
    return {name.rpartition("(")[0]: array for name, array in read_parts(path)}


def _snapshot_differences(one: Mapping, other: Mapping) -> Iterator[Difference]:
    """Yield of each layer the earliest snapshot in which its weights differ."""
    if one.keys() != other.keys() or not np.array_equal(one["passes"], other["passes"]):
        yield _incomparable(math.inf, "passes or layers")
        return
    for name in [name for name in one if name not in ("seeds", "passes")]:
        left, right = one[name], other[name]
        if left.shape != right.shape:
            yield _incomparable(math.inf, f"shape of {name}")
            continue
        apart = _apart(left, right)
        places = np.flatnonzero(apart.any(axis=(1, 2, 3)))
        if len(places):
            first = places[0]
            runs = apart[first].any(axis=(1, 2))
            values = left[first][runs], right[first][runs]
            yield _difference(
                float(one["passes"][first]), f"{name} weights", one["seeds"][runs], *values
            )


def _folder_differences(original: Path, again: Path) -> Iterator[Difference]:
    """Yield files of two folders that differ, or are in one of them alone."""
    one, other = (
        {name: array.tolist() for name, array in read_parts(folder)} for folder in (original, again)
    )
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) != other.get(name):
            yield _incomparable(math.inf, f"file {name}")


def _event_differences(one: Run, other: Run) -> Iterator[Difference]:
    """Yield of each series that is in both the earliest step at which its values differ."""
    for kind in ("scalars", "histograms"):
        left, right = getattr(one, kind), getattr(other, kind)
        for tag in [tag for tag in left if tag in right]:
            yield from _series_differences(tag, left[tag], right[tag])
    # What is neither: pictures, the graph, what HParams keeps, and series that one run lacks.
    rest = [
        {name: array.tolist() for name, array in run_parts(run) if array.dtype.kind == "O"}
        for run in (one, other)
    ]
    names = [set(run.scalars) | set(run.histograms) for run in (one, other)]
    for name in sorted(names[0] ^ names[1]):
        yield _incomparable(math.inf, f"series {name}")
    for name in dict.fromkeys([*rest[0], *rest[1]]):
        if rest[0].get(name) != rest[1].get(name):
            yield _incomparable(math.inf, name)


def _series_differences(tag: str, one, other) -> Iterator[Difference]:
    """Yield the earliest step at which two series differ."""
    if tag.startswith(SPEED):
        return
    if not np.array_equal(one.step, other.step):
        yield _incomparable(math.inf, f"steps of {tag}")
        return
    histogram = hasattr(one, "rows")
    if histogram and not np.array_equal(one.buckets, other.buckets):
        first = np.flatnonzero(one.buckets != other.buckets)[0]
        yield _incomparable(float(one.step[first]), f"{tag} histogram")
        return
    values = (one.rows, other.rows) if histogram else (one.value, other.value)
    steps = np.repeat(one.step, one.buckets) if histogram else one.step
    apart = _apart(*values)
    rows = apart.any(axis=1) if histogram else apart
    if rows.any():
        rows &= steps == steps[rows].min()
        tensor = f"{tag} histogram" if histogram else tag
        yield _difference(float(steps[rows][0]), tensor, (), *(each[rows] for each in values))


def make_certificate(
    date: str,
    choice: Mapping,
    cells: Mapping[str, int],
    manifest: Mapping,
    environment: Mapping,
    jobs: Sequence[Mapping],
) -> dict:
    """Return the certificate.

    Parameters
    ----------
    date
        When it is made.
    choice
        ``share`` and ``seed`` by which the jobs were chosen.
    cells
        Number of all training jobs, by the family's name.
    manifest
        Of the results that it is a certificate of.
    environment
        In which the jobs ran again.
    jobs
        What `compare_jobs` says of each.
    """
    return {
        "format": FORMAT,
        "date": date,
        "choice": choice,
        "cells": cells,
        "results": results_digest(manifest),
        "environment": environment,
        "jobs": jobs,
    }


def read_certificate(path: str | Path) -> dict | None:
    """Return the certificate in a file, or None if an earlier version of this code wrote it."""
    certificate = json.loads(Path(path).read_text(encoding="utf-8"))
    return certificate if certificate.get("format") == FORMAT else None


def results_digest(manifest: Mapping) -> str:
    """Return one digest of all that the training jobs of a run left."""
    whole = hashlib.sha256()
    for folder, cell in sorted(manifest["cells"].items()):
        for name, entry in sorted(cell["files"].items()):
            digest = entry.get("sha256") or entry["content_sha256"]
            whole.update(f"{folder}/{name} {digest}\n".encode())
    return whole.hexdigest()


def changed_since(certificate: Mapping, manifest: Mapping) -> str:
    """Return in words how results have changed since a certificate was made; empty if not."""
    changed = sum(
        not _is_unchanged(job, manifest["cells"].get(job["folder"])) for job in certificate["jobs"]
    )
    of_these = f"{changed} of the {len(certificate['jobs'])} that were trained again"
    if certificate["results"] != results_digest(manifest):
        return f"Results have changed since this certificate was made: {of_these} are others now."
    if changed:
        return f"The originals of {of_these} were changed after the manifest had been written."
    return ""


def _is_unchanged(job: Mapping, cell: Mapping | None) -> bool:
    return cell is not None and all(
        is_same(file, cell["files"].get(name, {})) for name, file in job["files"].items()
    )


def state_job(job: Mapping) -> list[str]:
    """Return lines on a job that was trained again."""
    if job["identical"]:
        return [f"identical: {job['folder']}"]
    apart = [name for name, file in job["files"].items() if file["outcome"] != "identical"]
    lines = [f"different: {job['folder']}", f"  files: {', '.join(apart)}"]
    lines.append(f"  first difference: {job['first']}")
    lines += [f"  {cause}" for cause in job["causes"]]
    if not job["causes"]:
        lines.append("  code, data, locked environment, libraries and processor are the same")
    return lines
