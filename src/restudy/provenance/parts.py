"""What digests stand for: code of a job, packages of a lock, files of the user's, now and before.

A job is told one digest for the forty modules that it runs, as a parameter. Were they inputs,
Snakemake would run it again where they lie elsewhere, or are large and newer, and it would look at
each of them for every one of thousands of jobs. What a digest stands for is written once, by the
process that starts the jobs, beside their records.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from restudy.provenance.environment import digest, digest_once, file_digest, read_packages
from restudy.provenance.records import RECORDS
from restudy.small_files import read_json, write_text

NOTES = Path(RECORDS, "parts")  # a file for each digest
# What the digests of this process stand for: digest -> kind -> parts.
KNOWN: dict[str, dict[str, dict]] = {}
MODULES, PACKAGES, CONFIGURATION, DATA = "modules", "packages", "configuration", "data"
MAX_NAMED = 12  # packages; a renewed lock changes dozens


def digest_of(kind: str, parts: Mapping, known_as: str = "") -> str:
    """Return the digest of several parts, and remember what it stands for.

    Parameters
    ----------
    kind : str
        `MODULES` or `DATA` (file -> its own digest), `PACKAGES` (package -> version) or
        `CONFIGURATION`.
    parts : mapping
        Plain JSON.
    known_as : str
        The digest, where it is one of something else: that of the lock's bytes.
    """
    found = known_as or digest(parts)
    KNOWN[found] = {kind: dict(parts)}
    return found


def lock_digest(lock: str | Path) -> str:
    """Return the digest of a requirements file, and remember the packages that it names."""
    return digest_of(PACKAGES, read_packages(lock), file_digest(lock))


def environment_digest(lock: str | Path, own: Mapping[str, str]) -> str:
    """Return the digest of a requirements file and of what is installed elsewhere besides.

    Parameters
    ----------
    lock : path
        See `lock_digest`.
    own : mapping of str to str
        Name -> version.
    """
    known_as = digest({"lock": file_digest(lock), "own": dict(own)})
    return digest_of(PACKAGES, {**read_packages(lock), **own}, known_as)


def data_digest(files: Iterable[str]) -> str:
    """Return the digest of a data set's own files by name and content; empty without any."""
    found = {Path(path).name: digest_once(path) for path in files}
    return digest_of(DATA, found) if found else ""


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
        if not read_json(note):  # also of one that was cut
            write_text(note, json.dumps(parts, indent=1))


def noted_parts(folder: Path, digest: str, kind: str) -> dict | None:
    """Return what a digest stands for, as this run or an earlier one noted it; None if none did."""
    if digest in KNOWN:
        return KNOWN[digest].get(kind)
    return read_json(folder / NOTES / f"{digest}.json").get(kind)


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
