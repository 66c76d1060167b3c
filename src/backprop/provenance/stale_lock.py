"""Take away the lock that a killed run left behind, and no other.

Snakemake locks the working directory and unlocks it when it ends, except when it is killed
outright or the machine loses power. A run notes here who it is; the next call looks whether that
process, or a job that it started, is still there.
"""

import json
import platform
import shutil
import subprocess
from pathlib import Path

import psutil

from backprop.errors import UserError

STATE = Path(".snakemake")


class OrphanedJobsError(UserError):
    """A run was killed, but a job that it had started still computes."""


def note_owner(folder: Path, submits: bool) -> None:
    """Note this process as the one that runs in a folder.

    Parameters
    ----------
    folder : Path
        Working directory of the run.
    submits : bool
        Whether it submits jobs to Slurm.
    """
    process = psutil.Process()
    owner = {"host": platform.node(), "pid": process.pid, "started": process.create_time()}
    owner["submits"] = submits
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
        lives, or where Slurm can't be asked for its jobs.

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
        submits = owner["submits"]
    except (OSError, ValueError, KeyError):
        return False
    # A lock that is younger than the note belongs to a run that has not noted itself yet.
    younger = max(lock.stat().st_mtime for lock in locks.glob("*")) > note.stat().st_mtime
    if younger or host != platform.node() or _lives(pid, started):
        return False
    jobs, what, end = _submitted_jobs(folder) if submits else [], "Slurm job", "scancel"
    if jobs is None:
        return False
    if not jobs:
        jobs, what, end = _living_jobs(folder), "process", "kill"
    if jobs:
        raise OrphanedJobsError(
            f"The last run was killed, but jobs that it started still compute: {what} "
            f"{', '.join(jobs)}. Wait until they have ended, or end them "
            f"({end} {' '.join(jobs)}); then call again."
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


def _living_jobs(folder: Path) -> list[str]:
    """Numbers of the processes that run a script which Snakemake put into the folder."""
    scripts = str((folder / STATE / "scripts").resolve())
    return [
        str(process.pid)
        for process in psutil.process_iter(["cmdline"])
        if any(part.startswith(scripts) for part in process.info["cmdline"] or [])
    ]


def _submitted_jobs(folder: Path) -> list[str] | None:
    """Numbers of the user's Slurm jobs that wait or run in the folder; None if Slurm is silent."""
    try:
        asked = subprocess.run(
            ["squeue", "--me", "--noheader", "--format=%i %Z"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    jobs = [line.partition(" ") for line in asked.stdout.splitlines()]
    return [job for job, _, place in jobs if Path(place.strip()).resolve() == folder.resolve()]
