"""Whole runs of a small study of all families, to be disturbed, and what has to come of them.

The study has plain cells, a sample of a range that is halved in two rungs, and a family in a file
of the user's.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import yaml
from conftest import ROOT, environment
from faults_form import LONG
from small_study import small_section

from restudy.disk import PART
from restudy.families.checkpoints import UNFINISHED
from restudy.verification.manifest import artefacts_of, is_same, read_manifest

RANGE = {"optimizer.learning_rate": {"from": 0.001, "to": 1.0, "scale": "log"}}
STUDIES = {
    "sizes": {"question": "Which size?", "vary": {"hidden_size": [3, 4]}},
    "rates": {
        "question": "Which rate?",
        "sample": {"size": 5},
        "vary": RANGE,
        "halving": {"budgets": [20, 45], "keep": 0.4},
    },
}
SVM = {
    "baseline": {"dataset": "moons", "protocol": "usual", "kernel": "rbf", "c": 1},
    "protocols": {"usual": {"replicates": 2, "share": 0.5}},
    "studies": {"kernels": {"question": "Which?", "vary": {"kernel": ["linear", "rbf"]}}},
}
MOONS = {"kind": "moons", "points": 40, "heldout_points": 40, "validation_points": 30}
SMOKE = (
    *("--snakefile", str(ROOT / "Snakefile"), "--cores", "2"),
    *("--configfile", str(ROOT / "config/smoke.yaml")),
)
OPTIONS = ("--snakefile", str(ROOT / "Snakefile"), "--configfile", "ours.yaml", "--cores", "2")
# What is made of the study: in the short form no figures, pages and notebooks.
TABLES = ("dense_summary.csv", "dense_halving.csv", "svm_runs.csv")
TARGETS = () if LONG else ("--", *(f"results/tables/{name}" for name in TABLES))
LONGEST = 900  # seconds that a run may take on a busy machine


def write_study(work: Path) -> Path:
    """Make a working folder with the study and its data, and return it."""
    work.mkdir(parents=True, exist_ok=True)
    config = {
        "families": ["support_vectors.py"],
        "datasets": {"moons": MOONS},
        "dense": small_section("moons", STUDIES),
        "svm": SVM,
    }
    shutil.copy(ROOT / "examples/scikit_learn/support_vectors.py", work)
    (work / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return work


def start(work: Path, *words: str, prefix: Sequence[str] = (), options=OPTIONS) -> subprocess.Popen:
    """Start a run in a session of its own."""
    return subprocess.Popen(
        [*prefix, "snakemake", *options, *words],
        cwd=work,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def call(work: Path, *words: str, prefix: Sequence[str] = (), options=OPTIONS) -> tuple[int, str]:
    """Run to the end; return the exit code, and what was told."""
    process = start(work, *words, prefix=prefix, options=options)
    try:
        told, _ = process.communicate(timeout=LONGEST)
    except BaseException:
        kill(process)
        raise
    return process.returncode, told


def kill(process: subprocess.Popen, sent: int = signal.SIGKILL) -> str:
    """Send a signal to a run and all of its jobs; return what it had told when it has ended."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, sent)
    return process.communicate(timeout=LONGEST)[0]


def finished_jobs(work: Path) -> int:
    """Return how many jobs have recorded that they ended well."""
    return sum(1 for _ in (work / "results/records").rglob("*.json"))


def wait_for(work: Path, jobs: int, process: subprocess.Popen) -> bool:
    """Wait until so many jobs are finished; return whether the run still lasts."""
    deadline = time.monotonic() + LONGEST
    while process.poll() is None and finished_jobs(work) < jobs:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process.poll() is None


def differing(work: Path, whole: Path) -> list[str]:
    """Return the artefacts that are not those of another folder, byte for byte.

    Without a manifest, as where only `TARGETS` were made: those of cells, and tables.
    """
    if not (work / "results/manifest.json").exists():
        return [
            str(path.relative_to(work))
            for name in ("data", "dense", "svm", "tables")
            for path in sorted((work / "results" / name).rglob("*"))
            if path.is_file() and path.name != "provenance.json"
            if path.read_bytes() != (whole / path.relative_to(work)).read_bytes()
        ]
    own, other = (
        artefacts_of(read_manifest(folder / "results/manifest.json")) for folder in (work, whole)
    )
    return sorted(
        path
        for path in own.keys() | other.keys()
        if path not in own or path not in other or not is_same(own[path][0], other[path][0])
    )


def leftovers(work: Path) -> list[str]:
    """Return what a run that has ended should not have left behind."""
    return sorted(
        str(path.relative_to(work))
        for place in ("results", ".snakemake/locks", ".snakemake/incomplete")
        for path in (work / place).rglob("*")
        if path.is_file()
        and (place != "results" or path.name.endswith(PART) or path.name.startswith(UNFINISHED))
    )


def trained(work: Path) -> dict[str, int]:
    """Return when each training job that is finished wrote its last file."""
    return {
        str(path.relative_to(work)): path.stat().st_mtime_ns
        for path in (work / "results").glob("*/**/provenance.json")
    }
