"""One run at a time in a folder; and no lock that a killed run left behind.

A run keeps a file of the folder locked as long as its process lives: the system lets go of it
however the process ends, and only one of two that start at once gets it. The file says who runs,
since when. Snakemake's own lock, by contrast, stays when Snakemake is killed outright or the
machine loses power: the next run takes it away, unless a job that had been started still computes.
"""

import fcntl
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from restudy.disk import writing
from restudy.errors import UserError
from restudy.secret_text import hide_in_command

RESULTS = "results"
# Files that stay open as long as this process lives: closing one gives up its folder.
_open_locks = []
# Another process may look who runs, which keeps the file locked for an instant.
ATTEMPTS, PAUSE = 20, 0.05


@dataclass(frozen=True)
class Places:
    """Where a run keeps what it needs below its working directory.

    Attributes
    ----------
    owner : Path
        Our file, which is locked and says who runs.
    locks : Path
        Snakemake's folder of locks, empty while nothing runs.
    scripts : Path
        Its folder of the scripts that its jobs run.
    """

    owner: Path
    locks: Path
    scripts: Path


class OrphanedJobsError(UserError):
    """A run was killed, but a job that it had started still computes."""


class FolderInUseError(UserError):
    """Another run works in the folder."""


class FolderNotWritableError(UserError):
    """Results can't be written, or not even be planned, in a folder."""


def check_writable(folder: Path, places: Places, only_looks: bool) -> None:
    """Refuse a working directory in which Snakemake can't keep what it knows, or a run its results.

    Parameters
    ----------
    folder, places
        As in `acquire_run_lock`.
    only_looks : bool
        Whether nothing is to be made; Snakemake needs a place for its own all the same.

    Raises
    ------
    FolderNotWritableError
        It names what can't be written to.
    """
    kept = (folder / places.owner).parent
    needed = [kept if kept.exists() else folder]
    if not only_looks:
        needed += [folder / RESULTS if (folder / RESULTS).exists() else folder]
        needed += [path for path in [folder / places.owner] if path.exists()]
    for path in needed:
        if not os.access(path, os.W_OK | os.X_OK if path.is_dir() else os.W_OK):
            raise FolderNotWritableError(
                f"{path} can't be written to: call with --directory and a folder of your own, or "
                "see to it that you may write there."
            )


def acquire_run_lock(folder: Path, places: Places) -> bool:
    """Make this process the one that runs in a folder, until it ends.

    Parameters
    ----------
    folder : Path
        Working directory of the run.
    places : Places
        Where it keeps what it needs.

    Returns
    -------
    bool
        Whether Snakemake's lock of a run that was killed had to be removed.

    Raises
    ------
    FolderInUseError
        If another run works in the folder.
    OrphanedJobsError
        If a killed run's jobs still compute there.
    """
    if _open_locks:
        return False
    with writing(folder / places.owner):
        (folder / places.owner).parent.mkdir(exist_ok=True)
        # For the eyes of whoever runs it: a command line may tell more than is hidden in it.
        (folder / places.owner).touch(mode=0o600)
        file = (folder / places.owner).open("a+")
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            time.sleep(PAUSE)
        except OSError:
            file.close()
            return False  # this file system keeps no locks: Snakemake's own has to do
    else:
        raise FolderInUseError(_in_use(file, "Wait until it has ended, or end it."))
    removed = _remove_stale_lock(folder, places, _read(file))
    process = psutil.Process()
    owner = {
        "host": platform.node(),
        "pid": process.pid,
        "started": process.create_time(),
        "command": shlex.join(hide_in_command(["snakemake", *sys.argv[1:]])),
        "submits": False,
    }
    with writing(folder / places.owner):
        _write(file, owner)
    _open_locks.append(file)
    return removed


def note_submission() -> None:
    """Add to what is noted of this run that it submits jobs to Slurm."""
    for file in _open_locks:
        _write(file, _read(file) | {"submits": True})


def who_runs(folder: Path, places: Places) -> str:
    """Return a line that says which run works in a folder; empty if none does."""
    try:
        with (folder / places.owner).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _in_use(file, "What it has not made yet counts as missing here.")
    except OSError:
        pass  # no run has been here, or nobody can tell: the file system keeps no locks
    return ""


def _read(file) -> dict:
    """What is noted of the last run; nothing if it is not readable."""
    try:
        file.seek(0)
        owner = json.load(file)
        return {key: owner[key] for key in ("host", "pid", "started", "command", "submits")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(file, owner: dict) -> None:
    file.truncate(0)
    json.dump(owner, file)
    file.flush()


def _in_use(file, advice: str) -> str:
    owner = _read(file)
    who = "another process"
    if owner:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner["started"]))
        who = f"process {owner['pid']} on {owner['host']}, since {since} ({owner['command']})"
    return f"Another run works in this folder: {who}. {advice}"


def _remove_stale_lock(folder: Path, places: Places, owner: dict) -> bool:
    """Remove Snakemake's lock, if its owner is known, was on this host and has left no job."""
    locks = folder / places.locks
    if not any(locks.glob("*")) or not owner or owner["host"] != platform.node():
        return False
    jobs, what, end = _submitted_jobs(folder) if owner["submits"] else [], "Slurm job", "scancel"
    if jobs is None:
        return False
    if not jobs:
        jobs, what, end = _living_jobs(folder / places.scripts), "process", "kill"
    if jobs:
        raise OrphanedJobsError(
            f"The last run was killed, but jobs that it started still compute: {what} "
            f"{', '.join(jobs)}. Wait until they have ended, or end them "
            f"({end} {' '.join(jobs)}); then call again."
        )
    shutil.rmtree(locks)
    locks.mkdir()
    return True


def _living_jobs(scripts: Path) -> list[str]:
    """Numbers of the processes that run a script which Snakemake put into the folder."""
    place = str(scripts.resolve())
    return [
        str(process.pid)
        for process in psutil.process_iter(["cmdline"])
        if any(part.startswith(place) for part in process.info["cmdline"] or [])
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
