"""What a run was computed with: code revision, library versions, processor, threads."""

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
# Where jobs that have the sources without their history, on another machine, find the revision.
REVISION = "RESTUDY_REVISION"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def digest(value) -> str:
    """sha256 of a JSON-like value; the order of keys does not count."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """sha256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digests(paths, root: str | Path = ".") -> dict[str, str]:
    """sha256 of several files, by their place below a folder; its `digest` is that of them all."""
    return {os.path.relpath(path, root): file_digest(path) for path in paths}


def describe_environment(repository: str | Path) -> dict:
    """Versions and machine, for a person who compares two results.

    Parameters
    ----------
    repository : path
        Folder of the project, for its git revision.

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
    """Digests of what a run is computed from; parameters as in `describe_run`.

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
    """What one run was computed from, each part by its digest, and with what environment.

    Parameters
    ----------
    settings : mapping
        The cell with its settings spelled out.
    data : path
        A file that stands for the data: the points, or the digests of the images.
    code : str
        Digest of the project's modules that the job imports.
    lock : path
        The locked environment.
    repository : path
        Folder of the project.

    Returns
    -------
    dict
        settings, the digests, environment, and cpu_seconds: processor time of this process, all
        its threads together, so far.
    """
    return {
        "settings": settings,
        **digest_inputs(settings, data, code, lock),
        "environment": describe_environment(repository),
        # The job's own account, to its end: Snakemake samples the processor time of a job, and
        # misses what comes after the last sample.
        "cpu_seconds": round(time.process_time(), 2),
    }


def write_json(path: str | Path, value: Mapping) -> None:
    """Write a readable JSON file."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def revision(repository: str | Path) -> str:
    """Git revision of a folder, "unknown" outside a checkout."""
    return _git(repository, "rev-parse", "HEAD") or "unknown"


def described_revision(repository: str | Path) -> str:
    """Git revision of a folder, and whether a tracked file of it differs."""
    return revision(repository) + (" with changes" if _is_changed(repository) else "")


def _is_changed(repository) -> bool:
    """Whether a tracked file differs from the revision."""
    return bool(_git(repository, "status", "--porcelain", "--untracked-files=no"))


def _git(repository, *arguments: str) -> str:
    """What git prints, or nothing where it can't be asked."""
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
