"""Describe what a run was computed with: code revision, library versions, processor, threads."""

import hashlib
import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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


def file_digests(paths, root: str | Path = ".") -> dict[str, str]:
    """Return the sha256 of files by path below a folder; its `digest` is that of them all."""
    return {os.path.relpath(path, root): file_digest(path) for path in paths}


def describe_environment(repository: str | Path) -> dict:
    """Return versions and machine, for a person who compares two results.

    Parameters
    ----------
    repository : path
        The project's folder, for its git revision.

    Returns
    -------
    dict
        revision ("unknown" outside a git checkout), python, libraries, processor, cores,
        threads, platform.
    """
    return {
        "revision": os.environ.get(REVISION) or described_revision(repository),
        "python": platform.python_version(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": {name: os.environ.get(name, "unset") for name in THREAD_VARIABLES},
        "platform": platform.platform(),
    }


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
        "lock_sha256": file_digest(lock),
    }


def describe_run(
    settings: Mapping, data: str, code: str, lock: str, repository: str | Path
) -> dict:
    """Return what a run was computed from, each part with its digest, and its environment.

    Parameters
    ----------
    settings : mapping
        The cell and everything that its values stand for.
    data : path
        A file that represents the data: the points, or the digests of the images.
    code : str
        Digest of those of the project's modules that the job imports.
    lock : path
        The file with the locked environment.
    repository : path
        The project's folder.

    Returns
    -------
    dict
        settings, the digests, environment, and cpu_seconds: processor time of this process so far,
        over all its threads.
    """
    return {
        "settings": settings,
        **digest_inputs(settings, data, code, lock),
        "environment": describe_environment(repository),
        # Measured by the job itself: Snakemake samples the processor time of a job, and misses
        # what comes after the last sample.
        "cpu_seconds": round(time.process_time(), 2),
    }


def write_json(path: str | Path, value: Mapping) -> None:
    """Write a readable JSON file."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def revision(repository: str | Path) -> str:
    """Return the git revision of a folder, "unknown" outside a checkout."""
    return _git(repository, "rev-parse", "HEAD") or "unknown"


def described_revision(repository: str | Path) -> str:
    """Return the git revision of a folder, with a note if a tracked file differs from it."""
    return revision(repository) + (" with changes" if _is_changed(repository) else "")


def _is_changed(repository) -> bool:
    """Return whether a tracked file differs from the revision."""
    return bool(_git(repository, "status", "--porcelain", "--untracked-files=no"))


def _git(repository, *arguments: str) -> str:
    """Return the output of a git command, or nothing if it can't run."""
    command = ["git", "-C", str(repository), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


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
