"""Results that were cut after their jobs had ended: by a power cut, or a copy that was broken off.

A job that ends well records how large each of its results is. A run compares before it plans, so
that what was cut is made again, whether or not another job would read it.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from restudy.internals.snakemake_folders import TIMESTAMP
from restudy.provenance.records import RECORDS
from restudy.small_files import read_json

BYTES = "bytes"  # the entry of a record: path -> size
MAX_NAMED = 3


def sizes_of(outputs: Iterable[str]) -> dict[str, int]:
    """Return the sizes in bytes of those results that exist, by path."""
    sizes = {str(path): size_of(str(path)) for path in outputs}
    return {path: size for path, size in sizes.items() if size is not None}


def size_of(path: str) -> int | None:
    """Return the size of a file, or of all files in a folder; None if there is neither."""
    try:
        status = os.stat(path)  # noqa: PTH116, a path as text, since this is for every result
    except OSError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size
    files = (each for each in Path(path).rglob("*") if each.name != TIMESTAMP and each.is_file())
    return sum(each.stat().st_size for each in files)


def find_cut(folder: Path) -> tuple[list[str], list[str]]:
    """Return the results in a folder that are smaller than when they were written.

    Parameters
    ----------
    folder : Path
        Working directory of a run.

    Returns
    -------
    cut : list of str
        Their paths.
    damaged : list of str
        Paths of records that can't be read.
    """
    cut, damaged = [], []
    for record in _records(folder):
        found = read_json(record)
        if not found:
            damaged.append(str(record.relative_to(folder)))
        sizes = found.get(BYTES)
        for path, size in (sizes if isinstance(sizes, dict) else {}).items():
            now = size_of(f"{folder}/{path}")
            if now is not None and isinstance(size, int) and now < size:
                cut.append(path)
    return sorted(cut), sorted(damaged)


def _records(folder: Path) -> Iterator[Path]:
    for each in (folder / RECORDS).iterdir() if (folder / RECORDS).is_dir() else ():
        if each.name not in ("parts", "sums"):
            yield from each.rglob("*.json") if each.is_dir() else [each] * (each.suffix == ".json")


def look_for_cut(folder: Path, only_looks: bool = False) -> tuple[list[str], list[str]]:
    """Return the results that were cut, and lines to tell of them; forget damaged records.

    Parameters
    ----------
    folder : Path
        Working directory of a run.
    only_looks : bool
        Whether nothing is to be changed.
    """
    cut, damaged = find_cut(folder)
    lines = []
    if cut:
        lines.append(
            f"Cut since they were written: {_named(cut)}. What this call is about of them is made "
            "again."
        )
    if damaged:
        removed = "" if only_looks else ", and removed"
        lines.append(
            f"Damaged{removed}: {_named(damaged)}. Of the results that it was of, nobody can tell "
            "whether they were cut: if in doubt, delete them and call again."
        )
    for path in [] if only_looks else damaged:
        (folder / path).unlink(missing_ok=True)
    return cut, lines


def _named(paths: list[str]) -> str:
    more = len(paths) - MAX_NAMED
    return ", ".join(paths[:MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
