"""Describe what a run was computed with: code revision, library versions, processor, threads."""

import hashlib
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from restudy.provenance.pinning import describe_arithmetic, unlocked_packages

LIBRARIES = (
    "numpy",
    "scipy",
    "tensorflow",
    "keras",
    "tensorboard",
    "scikit-learn",
    "matplotlib",
    "pandas",
    "pyarrow",
    "papermill",
    "snakemake",
)
# The folder of the project, whose code runs.
PROJECT = Path(__file__).resolve().parents[3]
LOCK = PROJECT / "requirements.lock"
REQUIREMENT = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
# Tells the revision to jobs on other machines, which get the sources without their history.
REVISION = "RESTUDY_REVISION"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def digest(value) -> str:
    """Return the sha256 of a JSON-like value; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """Return the sha256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# Of a file that several ask for while one process runs: modules, and a user's large files.
digest_once = cache(file_digest)


def file_digests(paths, root: str | Path = ".") -> dict[str, str]:
    """Return the sha256 of files by path below a folder; its `digest` is that of them all."""
    return {os.path.relpath(path, root): file_digest(path) for path in paths}


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
    for name, found in REQUIREMENT.findall(Path(lock).read_text(encoding="utf-8")):
        versions.setdefault(name.lower(), []).append(found)
    return {name: " or ".join(dict.fromkeys(several)) for name, several in versions.items()}


def describe_environment(repository: str | Path = PROJECT) -> dict:
    """Return versions and machine, for a person who compares two results.

    Parameters
    ----------
    repository : path
        The folder whose git revision is told.

    Returns
    -------
    dict
        revision ("unknown" outside a git checkout), python, libraries, unlocked (packages that are
        not the lock's, in words), processor, arithmetic (see `describe_arithmetic`), cores,
        threads, platform.
    """
    return {
        "revision": os.environ.get(REVISION) or described_revision(repository),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "unlocked": unlocked(),
        "processor": _processor(),
        "arithmetic": describe_arithmetic(),
        "cores": os.cpu_count(),
        "threads": {name: os.environ.get(name, "unset") for name in THREAD_VARIABLES},
        "platform": platform.platform(),
    }


def unlocked() -> str:
    """Return in words which packages are not those of the lock; empty if all are."""
    found = unlocked_packages(read_packages(LOCK), sys.path)
    return "; ".join(f"{name} {versions}" for name, versions in found.items())


def digest_inputs(settings: Mapping, data: str, code: str, lock: str) -> dict:
    """Return digests of what a run is computed from; parameters as in `describe_run`.

    Returns
    -------
    dict
        settings_sha256, data_sha256, code_sha256 and lock_sha256.
    """
    return {
        "settings_sha256": digest(settings),
        "data_sha256": file_digest(data),
        "code_sha256": code,
        "lock_sha256": lock,
    }


def describe_run(settings: Mapping, data: str, code: str, lock: str) -> dict:
    """Return what a run was computed from, each part with its digest, and its environment.

    Parameters
    ----------
    settings : mapping
        The cell and everything that its values stand for.
    data : path
        A file that represents the data: the points, or the digests of the images.
    code : str
        Digest of those of the project's modules that the job imports.
    lock : str
        Digest of the file with the locked environment.

    Returns
    -------
    dict
        settings, the digests, environment, and cpu_seconds: processor time so far of this process,
        over all its threads, and of those that it started and that have ended.
    """
    return {
        "settings": settings,
        **digest_inputs(settings, data, code, lock),
        "environment": describe_environment(),
        # Measured by the job itself: Snakemake samples the processor time of a job, and misses
        # what comes after the last sample.
        "cpu_seconds": round(time.process_time() + _seconds_of_children(), 2),
    }


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def revision(repository: str | Path) -> str:
    """Return the git revision of a folder, or "unknown", with git's reason if it has one.

    A repository around the folder is another project's, and says nothing of it.
    """
    top, reason = git(repository, "rev-parse", "--show-toplevel")
    if reason:
        return f"unknown (git: {reason})"
    if not top or Path(top).resolve() != Path(repository).resolve():
        return "unknown"
    return git(repository, "rev-parse", "HEAD")[0] or "unknown"


def described_revision(repository: str | Path) -> str:
    """Return the git revision of a folder, with a note if a tracked file differs from it."""
    known = revision(repository)
    if known.startswith("unknown"):
        return known
    changed, _ = git(repository, "status", "--porcelain", "--untracked-files=no")
    return known + (" with changes" if changed else "")


def git(repository: str | Path, *arguments: str) -> tuple[str, str]:
    """Return the output of a git command and, where git refuses to look, its reason."""
    # Variables of git's, as hooks set them, speak of another repository. No index is rewritten.
    variables = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", "-C", str(repository), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    except OSError:
        return "", ""  # there is no git
    if not done.returncode:
        return done.stdout.strip(), ""
    first = (done.stderr.splitlines() or [""])[0].removeprefix("fatal: ")
    # Neither "not a git repository (or any of the parent directories)" nor paths are of interest.
    reason = first.partition(" in repository")[0]
    return "", "" if reason.startswith(("not a git repository", "ambiguous argument")) else reason


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
