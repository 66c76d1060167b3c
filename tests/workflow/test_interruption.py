"""An interrupted run goes on where it was on the next call, however it ended."""

import json
import os
import signal
import subprocess
import time

import pytest
import yaml
from conftest import copy_project, environment
from own_images import CONFIG, RUNS, write_config, write_images

TARGETS = ["results/tables/dense_runs.csv"]
ARGUMENTS = ["--cores", "1", "--configfile", "four_cells.yaml", "--", *TARGETS]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_run_goes_on_where_it_was(tmp_path, sent):
    project = copy_project(tmp_path / "project")
    config = yaml.safe_load((project.folder / "config/smoke.yaml").read_text())
    dense = config["dense"]
    dense["studies"] = {"activations": dense["studies"]["activations"]}
    for protocol in dense["protocols"].values():
        protocol["passes"] = 3000
    config = {"datasets": config["datasets"], "dense": dense}
    (project.folder / "four_cells.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    whole = subprocess.Popen(
        ["snakemake", *ARGUMENTS],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell's background jobs ignore Ctrl-C, and so would all that they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while len(finished(project)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(whole.pid, sent)
    whole.wait(timeout=120)
    before = finished(project)
    assert 1 <= len(before) < 4
    done = project.snakemake(*ARGUMENTS)
    assert done.returncode == 0, done.stdout + done.stderr
    after = finished(project)
    assert len(after) == 4
    kept = [path for path in before if after[path] == before[path]]
    # At most the job that was running is done again.
    assert len(kept) >= len(before) - 1


def finished(project):
    """Provenance record (the last output written) of every finished cell, with its time."""
    return {
        str(path): path.stat().st_mtime_ns
        for path in project.folder.glob("results/dense/**/provenance.json")
    }


def test_killed_cnn_goes_on_from_its_checkpoint_and_ends_alike(tmp_path):
    budgets = {"steps": 300, "batch_size": 10, "monitor_interval": 20, "evaluate_interval": 50}
    config = CONFIG | {"conv": CONFIG["conv"] | {"protocols": {"short": budgets}}}
    budgets["checkpoint_interval"] = 30
    arguments = ["--cores", "1", "--configfile", "ours.yaml", "--", RUNS]
    projects = {name: copy_project(tmp_path / name) for name in ("whole", "killed")}
    for project in projects.values():
        write_config(project, config)
        write_images(project.folder / "photos", seed=0)

    killed = projects["killed"].folder
    checkpoints = killed / str(RUNS).replace("results/", "results/checkpoints/", 1)
    call = subprocess.Popen(
        ["snakemake", *arguments],
        cwd=killed,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not list(checkpoints.parent.glob("*.checkpoint")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(call.pid, signal.SIGKILL)
    call.wait(timeout=120)
    assert not (killed / RUNS).exists()

    for project in projects.values():
        done = project.snakemake(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    (log,) = killed.glob("results/logs/train_conv/**/*.log")
    assert "resumed after " in log.read_text()
    assert not checkpoints.parent.exists()
    for name in ("runs.csv", "history.parquet", "layers.parquet", "judgements.parquet"):
        ours, theirs = ((p.folder / RUNS).with_name(name) for p in projects.values())
        assert ours.read_bytes() == theirs.read_bytes(), name
    records = [
        json.loads((p.folder / RUNS).with_name("provenance.json").read_text())
        for p in projects.values()
    ]
    assert records[0]["weights_sha256"] == records[1]["weights_sha256"]
