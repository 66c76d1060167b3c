"""Whether training again gives the same bytes: which cells to try, and where two runs part.

A certificate is made by training a random share of the cells again, in a folder of its own, and
comparing what comes out. Where it is not the same, the earliest recorded pass or step and the
tensor at which the two part say more than any digest.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from restudy.analysis.event_files import Run
from restudy.analysis.events import SPEED, read_whole_run
from restudy.data.tables import read_table
from restudy.study.grid import AXES
from restudy.verification.fingerprints import (
    UNREADABLE,
    digest_of,
    read_parts,
    run_parts,
)
from restudy.verification.manifest import DIGESTS, environment_differences, is_same

# Where the first difference is looked for, the finest record first.
RECORDS = (
    "snapshots.npz",
    "events",
    "layers.parquet",
    "history.parquet",
    "weights.npz",
    "judgements.parquet",
    "runs.csv",
    "boundary.npz",
)
TIME = {"dense": "pass", "conv": "step"}


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


def compare_jobs(
    original: Path, again: Path, files: Iterable[str], records: Sequence[dict]
) -> dict:
    """Compare what a job left with what it left when it ran again.

    Parameters
    ----------
    original, again
        The two folders.
    files
        Names of the artefacts to compare: by their bytes, event files by what they say.
    records
        The two ``provenance.json``.

    Returns
    -------
    dict
        folder; identical (bool); files: of each the outcome ("identical", "different" or what is
        wrong with it) and digest of the original; first: where the two part, in words, empty if
        they don't; parts: the same for each file that differs; causes: what differs in code, data
        and environment.
    """
    compared = {name: _compare_file(original / name, again / name) for name in sorted(files)}
    apart = [name for name, file in compared.items() if file["outcome"] != "identical"]
    found = {
        name: difference
        for name in sorted(apart, key=RECORDS.index)
        if (difference := first_difference(original / name, again / name))
    }
    unit = TIME[model_of(original)]
    parts = {name: describe_difference(each, unit) for name, each in found.items()}
    # Of equal times the finest record wins: it comes first, and min takes the first.
    earliest = min(found, key=lambda name: found[name].time, default=None)
    first = f"{parts[earliest]} ({earliest})" if earliest else ""
    if apart and not first:
        first = "in no recorded number"
    return {
        "folder": original.as_posix(),
        "identical": not apart,
        "files": compared,
        "first": first,
        "parts": parts,
        "causes": _causes(*records) if apart else [],
    }


def model_of(folder: Path) -> str:
    """Which networks a job's folder is of: "conv" if it is that of one seed."""
    return "conv" if folder.name.startswith("seed~") else "dense"


def first_difference(original: Path, again: Path) -> Difference | None:
    """The earliest difference of two files of a job, or None if their numbers are the same."""
    try:
        if original.is_dir():
            return _first(_event_differences(read_whole_run(original), read_whole_run(again)))
        if original.name == "snapshots.npz":
            return _first(_snapshot_differences(original, again))
        if original.suffix == ".npz":
            return _first(_array_differences(original, again))
        return _first(_table_differences(read_table(original), read_table(again)))
    except UNREADABLE as fault:
        return Difference(math.inf, f"a file that can't be read ({fault})", (), math.nan, math.nan)


def describe_difference(found: Difference, unit: str) -> str:
    """A difference in words: "pass 120, layer1 weights, seed 3: up to 2.2e-16 (relative 1e-15)"."""
    when = "at the end of training" if math.isinf(found.time) else f"{unit} {found.time:.0f}"
    seeds = ""
    if found.seeds:
        shown = ", ".join(map(str, found.seeds[:3])) + (", …" if len(found.seeds) > 3 else "")
        seeds = f", seed {shown}" if len(found.seeds) == 1 else f", seeds {shown}"
    if math.isnan(found.largest):
        return f"{when}, {found.tensor}{seeds}: not comparable number by number"
    size = f"up to {found.largest:.2g} (relative {found.relative:.2g})"
    return f"{when}, {found.tensor}{seeds}: {size}"


def _compare_file(original: Path, again: Path) -> dict:
    """Outcome and the original's digest."""
    try:
        digest = digest_of(original)
        outcome = "identical" if is_same(digest, digest_of(again)) else "different"
    except UNREADABLE as fault:
        return {"outcome": f"can't be read: {fault}"}
    return {"outcome": outcome, **digest}


def _causes(original: Mapping, again: Mapping) -> list[str]:
    """What differs in what two jobs were computed from; the new one is what is here."""
    causes = [
        f"{name}: another digest than the original was computed with"
        for name in DIGESTS
        if original.get(f"{name}_sha256") != again.get(f"{name}_sha256")
    ]
    environments = again["environment"], original["environment"]
    return causes + environment_differences(*environments, "now", "when the original was trained")


def _first(differences: Iterator[Difference]) -> Difference | None:
    """The earliest; of those at one time the first."""
    return min(differences, key=lambda each: each.time, default=None)


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where two arrays of one shape differ; NaN equals NaN, and 0 is not −0."""
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return np.asarray(one != other)
    same = (one == other) & (np.signbit(one) == np.signbit(other))
    return ~(same | (np.isnan(one) & np.isnan(other)))


def _sizes(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Largest absolute and largest relative difference of numbers; NaN where one is not finite."""
    if one.dtype.kind not in "iuf" or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return math.nan, math.nan
    size = np.abs(one.astype(float) - other.astype(float))
    scale = np.maximum(np.abs(one), np.abs(other))
    relative = np.divide(size, scale, out=np.zeros_like(size), where=scale > 0)
    return float(size.max()), float(relative.max())


def _difference(time: float, tensor: str, seeds: Iterable, one, other) -> Difference:
    return Difference(time, tensor, tuple(sorted(set(map(int, seeds)))), *_sizes(one, other))


def _table_differences(one: pd.DataFrame, other: pd.DataFrame) -> Iterator[Difference]:
    """Of each measure and layer, the earliest row in which two tables differ."""
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        yield Difference(math.inf, "rows or columns", (), math.nan, math.nan)
        return
    time = next((name for name in TIME.values() if name in one.columns), None)
    when = one[time].to_numpy(float) if time else np.full(len(one), np.inf)
    keys = {name for axes in AXES.values() for name in axes} | {"seed", "layer", *TIME.values()}
    for name in [column for column in one.columns if column not in keys]:
        values = [_numbers(table[name]) for table in (one, other)]
        apart = _apart(*values)
        if not apart.any():
            continue
        rows = apart & (when == when[apart].min())
        tensor = name.replace("_", " ")
        if "layer" in one.columns:
            layer = one.loc[rows, "layer"].iloc[0]
            rows &= (one["layer"] == layer).to_numpy()
            tensor = f"{tensor} of layer {layer}"
        seeds = one.loc[rows, "seed"]
        yield _difference(when[rows][0], tensor, seeds, *(each[rows] for each in values))


def _numbers(column: pd.Series) -> np.ndarray:
    """A column as numbers, gaps NaN; as text if it is none."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(float, na_value=np.nan)
    return column.fillna("").astype(str).to_numpy(object)


def _snapshot_differences(original: Path, again: Path) -> Iterator[Difference]:
    """Of each layer, the earliest snapshot in which its weights differ."""
    with original.open("rb") as file, again.open("rb") as file_again:
        one, other = (dict(np.load(each)) for each in (file, file_again))
        if one.keys() != other.keys() or not np.array_equal(one["passes"], other["passes"]):
            yield Difference(math.inf, "passes or layers", (), math.nan, math.nan)
            return
        for name in [name for name in one if name not in ("seeds", "passes")]:
            left, right = one[name], other[name]
            if left.shape != right.shape:
                yield Difference(math.inf, f"shape of {name}", (), math.nan, math.nan)
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


def _array_differences(original: Path, again: Path) -> Iterator[Difference]:
    """Arrays, of the end of training, that differ."""
    one, other = dict(read_parts(original)), dict(read_parts(again))
    for name in dict.fromkeys([*one, *other]):
        tensor = name.partition("(")[0]
        if name not in one or name not in other:
            yield Difference(math.inf, f"shape of {tensor}", (), math.nan, math.nan)
        elif (apart := _apart(one[name], other[name])).any():
            seeds: Iterable = ()
            if tensor.startswith("layer"):
                tensor, seeds = f"{tensor} weights", np.flatnonzero(apart.any(axis=(1, 2)))
            yield _difference(math.inf, tensor, seeds, one[name][apart], other[name][apart])


def _event_differences(one: Run, other: Run) -> Iterator[Difference]:
    """Of each series that is in both, the earliest step at which its values differ."""
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
        yield Difference(math.inf, f"series {name}", (), math.nan, math.nan)
    for name in dict.fromkeys([*rest[0], *rest[1]]):
        if rest[0].get(name) != rest[1].get(name):
            yield Difference(math.inf, name, (), math.nan, math.nan)


def _series_differences(tag: str, one, other) -> Iterator[Difference]:
    """The earliest step at which two series differ."""
    if tag.startswith(SPEED):
        return
    if not np.array_equal(one.step, other.step):
        yield Difference(math.inf, f"steps of {tag}", (), math.nan, math.nan)
        return
    histogram = hasattr(one, "rows")
    if histogram and not np.array_equal(one.buckets, other.buckets):
        first = np.flatnonzero(one.buckets != other.buckets)[0]
        yield Difference(float(one.step[first]), f"{tag} histogram", (), math.nan, math.nan)
        return
    values = (one.rows, other.rows) if histogram else (one.value, other.value)
    steps = np.repeat(one.step, one.buckets) if histogram else one.step
    apart = _apart(*values)
    rows = apart.any(axis=1) if histogram else apart
    if rows.any():
        rows &= steps == steps[rows].min()
        tensor = f"{tag} histogram" if histogram else tag
        yield _difference(float(steps[rows][0]), tensor, (), *(each[rows] for each in values))


def results_digest(manifest: Mapping) -> str:
    """One digest of all that the training jobs of a run left."""
    whole = hashlib.sha256()
    for folder, cell in sorted(manifest["cells"].items()):
        for name, entry in sorted(cell["files"].items()):
            digest = entry.get("sha256") or entry["content_sha256"]
            whole.update(f"{folder}/{name} {digest}\n".encode())
    return whole.hexdigest()


def changed_since(certificate: Mapping, manifest: Mapping) -> str:
    """How results have changed since a certificate was made, in words; empty if they have not."""
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
    """Lines on a job that was trained again."""
    if job["identical"]:
        return [f"identical: {job['folder']}"]
    apart = [name for name, file in job["files"].items() if file["outcome"] != "identical"]
    lines = [f"different: {job['folder']}", f"  files: {', '.join(apart)}"]
    lines.append(f"  first difference: {job['first']}")
    lines += [f"  {cause}" for cause in job["causes"]]
    if not job["causes"]:
        lines.append("  code, data, locked environment, libraries and processor are the same")
    return lines
