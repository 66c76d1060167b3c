"""An interrupted run goes on where it was on the next call, however it ended."""

import os
import signal
import subprocess
import time

import pytest
from conftest import copy_project, environment

TARGETS = ["results/tables/dense_runs.csv"]
ARGUMENTS = ["--cores", "1", "--configfile", "config/smoke.yaml", "--", *TARGETS]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_run_goes_on_where_it_was(tmp_path, sent):
    project = copy_project(tmp_path / "project")
    config = project.folder / "config/smoke.yaml"
    config.write_text(config.read_text().replace("passes: 500", "passes: 3000"))
    whole = subprocess.Popen(
        ["snakemake", *ARGUMENTS],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(finished(project)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(whole.pid, sent)
    whole.wait(timeout=120)
    before = finished(project)
    assert 1 <= len(before) < 7
    done = project.snakemake(*ARGUMENTS)
    assert done.returncode == 0, done.stdout + done.stderr
    after = finished(project)
    assert len(after) == 7
    kept = [path for path in before if after[path] == before[path]]
    # At most the job that was running is done again.
    assert len(kept) >= len(before) - 1


def finished(project):
    """Provenance record (the last output written) of every finished cell, with its time."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in project.folder.glob("results/dense/**/provenance.json")
    }
