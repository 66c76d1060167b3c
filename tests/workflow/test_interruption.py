"""An interrupted run goes on where it was on the next call, however it ended."""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import yaml
from conftest import Project, copy_project, environment

CELL = (
    "dense/dataset~moons/protocol~corrected/activation~{}/hidden_size~3/depth~1/"
    "initializer~fan_in_normal/optimizer~gd"
)
NAMES = ("tanh", "relu", "sigmoid")
TARGETS = [f"results/{CELL.format(name)}/runs.csv" for name in NAMES]
LOGS = [f"results/logs/train_{CELL.format(name)}.log" for name in NAMES]
ARGUMENTS = ["--cores", "1", "--configfile", "long.yaml", "--"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    """A copy of the project that has its points, and a configuration that trains for longer."""
    project = copy_project(tmp_path_factory.mktemp("prepared") / "project")
    config = yaml.safe_load((project.folder / "config/smoke.yaml").read_text())
    del config["claims"], config["conv"]
    config["dense"]["protocols"]["corrected"]["passes"] = 3000
    (project.folder / "long.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = project.snakemake(*ARGUMENTS, "results/data/moons/points.csv")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_run_goes_on_where_it_was(prepared, tmp_path, sent):
    project = Project(shutil.copytree(prepared.folder, tmp_path / "project"))
    whole = subprocess.Popen(
        ["snakemake", *ARGUMENTS, *TARGETS],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and so would all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    # Until one has come to its end, and the next is on.
    while sum((project.folder / log).exists() for log in LOGS) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(whole.pid, sent)
    told, _ = whole.communicate(timeout=120)
    if sent == signal.SIGINT:
        last = told.splitlines()[-1]
        assert re.fullmatch(
            r"Interrupted after .*; call again to go on: snakemake --cores 1.*", last
        )
        assert "Failed" not in told and "Exception" not in told and len(told.splitlines()) < 9
    before = finished(project)
    assert 1 <= len(before) < 3  # after Ctrl-C the next may have come to its end as well
    done = project.snakemake(*ARGUMENTS, *TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr
    after = finished(project)
    assert len(after) == 3
    kept = [path for path in before if after[path] == before[path]]
    # At most the job that was running is done again.
    assert len(kept) >= max(1, len(before) - 1)


def finished(project):
    """Provenance record (the last output written) of every finished cell, with its time."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in project.folder.glob("results/dense/**/provenance.json")
    }
