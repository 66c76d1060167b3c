"""What digests stand for: modules of a job, packages of a lock, now and when results were made.

A training job is told one digest for the forty modules that it runs: Snakemake looks at every
value of each of thousands of jobs. What a digest stands for is written once, by the process that
starts the jobs, beside their records.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from restudy.provenance.environment import digest
from restudy.provenance.records import RECORDS

NOTES = Path(RECORDS, "parts")  # a file for each digest
# What the digests of this process stand for: digest -> kind -> parts.
KNOWN: dict[str, dict[str, dict]] = {}
MODULES, PACKAGES, CONFIGURATION = "modules", "packages", "configuration"
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
MAX_NAMED = 12  # packages; a renewed lock changes dozens


def read_packages(lock: str | Path) -> dict[str, str]:
    """Return the version of each package in a requirements file.

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


def digest_of(kind: str, parts: Mapping, known_as: str = "") -> str:
    """Return the digest of several parts, and remember what it stands for.

    Parameters
    ----------
    kind : str
        `MODULES` (file -> its own digest), `PACKAGES` (package -> version) or `CONFIGURATION`.
    parts : mapping
        Plain JSON.
    known_as : str
        The digest, where it is one of something else: that of the lock's bytes.
    """
    found = known_as or digest(parts)
    KNOWN[found] = {kind: dict(parts)}
    return found


def note_parts(folder: Path) -> None:
    """Write what the digests of this process stand for, so that a later run can say what changed.

    Parameters
    ----------
    folder : Path
        Working directory of the run.
    """
    (folder / NOTES).mkdir(parents=True, exist_ok=True)
    for each, parts in KNOWN.items():
        note = folder / NOTES / f"{each}.json"
        if not note.exists():
            part = note.with_suffix(".part")
            part.write_text(json.dumps(parts, indent=1), encoding="utf-8")
            part.replace(note)


def noted_parts(folder: Path, digest: str, kind: str) -> dict | None:
    """Return what a digest stands for, as this run or an earlier one noted it; None if none did."""
    if digest in KNOWN:
        return KNOWN[digest].get(kind)
    note = folder / NOTES / f"{digest}.json"
    try:
        return json.loads(note.read_text(encoding="utf-8")).get(kind)
    except (OSError, ValueError):
        return None


def compare_packages(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return what changed from one lock to another, in words.

    Parameters
    ----------
    old, new : mapping of str to str
        As `read_packages` gives them.
    """
    parts = [
        f"{name} {old[name]} → {new[name]}"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    parts += [f"{name} {new[name]} is new" for name in sorted(new.keys() - old.keys())]
    parts += [f"{name} {old[name]} is gone" for name in sorted(old.keys() - new.keys())]
    if not parts:
        return "the same packages and versions, other comments or hashes"
    more = len(parts) - MAX_NAMED
    return ", ".join(parts[:MAX_NAMED]) + (f", and {more} more" if more > 0 else "")


def compare_modules(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return a text for each module that changed, is new or is gone."""
    texts = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    texts += [f"{name} is used now" for name in sorted(new.keys() - old.keys())]
    return texts + [f"{name} is no longer used" for name in sorted(old.keys() - new.keys())]
