"""Which packages a lock names, and which it named when results were made with it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from backprop.provenance.environment import file_digest

# Beside Snakemake's own notes on what it made: a file for each lock, named by its digest.
NOTES = Path(".snakemake/locked_packages")
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
MOST_NAMED = 12  # packages; a renewed lock changes dozens


def read_packages(lock: str | Path) -> dict[str, str]:
    """Version of each package in a requirements file.

    Parameters
    ----------
    lock : path
        A file of pip's format with a line ``name==version`` for each package.

    Returns
    -------
    dict
        Where versions differ between platforms, all of them, joined by "or".
    """
    versions: dict[str, list[str]] = {}
    for name, version in REQUIREMENT.findall(Path(lock).read_text(encoding="utf-8")):
        versions.setdefault(name.lower(), []).append(version)
    return {name: " or ".join(dict.fromkeys(found)) for name, found in versions.items()}


def note_packages(folder: Path, lock: str | Path) -> None:
    """Note what a lock names, so that a later one can be compared with it.

    Parameters
    ----------
    folder : Path
        Working directory of the run.
    lock : path
        The lock that its jobs have as an input.
    """
    note = folder / NOTES / f"{file_digest(lock)}.json"
    if not note.exists():
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(read_packages(lock), indent=1), encoding="utf-8")


def noted_packages(folder: Path, digest: str) -> dict[str, str] | None:
    """What the lock of a digest named, as `read_packages` gives it; None if it was not noted."""
    note = folder / NOTES / f"{digest}.json"
    return json.loads(note.read_text(encoding="utf-8")) if note.exists() else None


def compare_packages(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What changed from one lock to another, in words; packages as `read_packages` gives them."""
    parts = [
        f"{name} {old[name]} → {new[name]}"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    parts += [f"{name} {new[name]} is new" for name in sorted(new.keys() - old.keys())]
    parts += [f"{name} {old[name]} is gone" for name in sorted(old.keys() - new.keys())]
    if not parts:
        return "the same packages and versions, other comments or hashes"
    more = len(parts) - MOST_NAMED
    return ", ".join(parts[:MOST_NAMED]) + (f", and {more} more" if more > 0 else "")
