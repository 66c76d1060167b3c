"""Take away the lock that a killed run left behind, and no other.

Snakemake locks the working directory and unlocks it when it ends, except when it is killed
outright or the machine loses power. A run notes here who it is; the next call looks whether that
process, or a job that it started, is still there.
"""

import json
import platform
import shutil
from pathlib import Path

import psutil

from backprop.errors import UserError

STATE = Path(".snakemake")


class OrphanedJobsError(UserError):
    """A run was killed, but a job that it had started still computes."""


def note_owner(folder: Path) -> None:
    """Note this process as the one that runs in a folder.

    Parameters
    ----------
    folder : Path
        Working directory of the run.
    """
    process = psutil.Process()
    owner = {"host": platform.node(), "pid": process.pid, "started": process.create_time()}
    (folder / STATE / "owner.json").write_text(json.dumps(owner))


def remove_stale_lock(folder: Path) -> bool:
    """Remove a folder's lock if its owner is certainly gone.

    Parameters
    ----------
    folder : Path
        Working directory.

    Returns
    -------
    bool
        Whether a lock was removed. It stays where the owner is unknown, ran on another host, or
        lives.

    Raises
    ------
    OrphanedJobsError
        If the owner is gone, but jobs that it started live.
    """
    locks, note = folder / STATE / "locks", folder / STATE / "owner.json"
    if not note.exists() or not any(locks.glob("*")):
        return False
    try:
        owner = json.loads(note.read_text())
        host, pid, started = owner["host"], owner["pid"], owner["started"]
    except (OSError, ValueError, KeyError):
        return False
    # A lock that is younger than the note belongs to a run that has not noted itself yet.
    younger = max(lock.stat().st_mtime for lock in locks.glob("*")) > note.stat().st_mtime
    if younger or host != platform.node() or _lives(pid, started):
        return False
    jobs = _living_jobs(folder)
    if jobs:
        raise OrphanedJobsError(
            f"The last run was killed, but jobs that it started still compute: process "
            f"{', '.join(map(str, jobs))}. Wait until they have ended, or end them "
            f"(kill {' '.join(map(str, jobs))}); then call again."
        )
    shutil.rmtree(locks)
    locks.mkdir()
    return True


def _lives(pid: int, started: float) -> bool:
    """Whether the very process, not a later one of the same number, is still there."""
    try:
        return abs(psutil.Process(pid).create_time() - started) < 1
    except psutil.NoSuchProcess:
        return False


def _living_jobs(folder: Path) -> list[int]:
    """Numbers of the processes that run a script which Snakemake put into the folder."""
    scripts = str((folder / STATE / "scripts").resolve())
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(part.startswith(scripts) for part in process.info["cmdline"] or [])
    ]
