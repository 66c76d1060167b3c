"""What digests stand for: packages of a lock, modules of a job, now and when results were made."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

# Beside Snakemake's own notes on what it made: a file for each digest.
NOTES = Path(".snakemake/parts")
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


def note_parts(folder: Path, digest: str, parts: Mapping[str, str]) -> None:
    """Note what a digest stands for, so that a later run can say what has changed.

    Parameters
    ----------
    folder : Path
        Working directory of the run.
    digest : str
        Of the lock, or of the modules that a job imports.
    parts : mapping of str to str
        Package -> version, or module -> its own digest.
    """
    note = folder / NOTES / f"{digest}.json"
    if not note.exists():
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(parts, indent=1), encoding="utf-8")


def noted_parts(folder: Path, digest: str) -> dict[str, str] | None:
    """What a digest stands for, as `note_parts` was given it; None if it was not noted."""
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


def compare_modules(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """A text for each module that changed, is new or is gone."""
    texts = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    texts += [f"{name} is used now" for name in sorted(new.keys() - old.keys())]
    return texts + [f"{name} is used no more" for name in sorted(old.keys() - new.keys())]
