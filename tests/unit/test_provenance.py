"""Code inputs, digests and locks."""

import json
import os
import platform
import subprocess
import sys

import psutil
import pytest
from conftest import ROOT

from backprop.provenance.environment import code_digest, describe_environment, digest
from backprop.provenance.imports import imported_files
from backprop.provenance.stale_lock import OrphanedJobsError, note_owner, remove_stale_lock


def imported_by(name):
    files = imported_files(ROOT / "scripts" / name, ROOT / "src")
    return {str(path.relative_to(ROOT / "src/backprop")) for path in files}


def test_imports_are_followed_through_modules_and_into_functions(tmp_path):
    package = tmp_path / "backprop" / "part"
    package.mkdir(parents=True)
    (tmp_path / "backprop/__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def f():\n    from backprop.part import two\n")
    (package / "two.py").write_text("import numpy\n")
    (package / "three.py").write_text("import nothing_here\n")
    script = tmp_path / "script.py"
    script.write_text("import backprop.part.one\n")
    found = [str(p.relative_to(tmp_path)) for p in imported_files(script, tmp_path)]
    assert found == [
        "backprop/__init__.py",
        "backprop/part/__init__.py",
        "backprop/part/one.py",
        "backprop/part/two.py",
    ]


@pytest.mark.parametrize("script", ["train_dense.py", "train_conv.py"])
def test_training_imports_neither_views_nor_analysis(script):
    assert not {path for path in imported_by(script) if path.startswith(("views", "analysis"))}


def test_dense_and_conv_do_not_know_each_other():
    assert not {path for path in imported_by("train_dense.py") if path.startswith("conv")}
    assert not {path for path in imported_by("train_conv.py") if path.startswith("dense")}


FLOORS = {
    "errors": 0,
    "log": 0,
    "provenance": 0,
    "data": 1,
    "study": 1,
    "dense": 2,
    "conv": 2,
    "analysis": 3,
    "views": 4,
    "notebooks": 5,
}


def test_imports_run_only_downwards():
    for path in (ROOT / "src/backprop").rglob("*.py"):
        own = path.relative_to(ROOT / "src/backprop").parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for other in imported_files(path, ROOT / "src"):
            theirs = other.relative_to(ROOT / "src/backprop").parts[0].removesuffix(".py")
            if theirs in ("__init__", own):
                continue
            assert FLOORS[theirs] <= FLOORS[own], f"{path} imports {other}"
            assert {own, theirs} != {"dense", "conv"}
            assert not (own in ("analysis", "views", "notebooks") and theirs in ("dense", "conv"))


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*.py")))
def test_only_cnn_training_loads_tensorflow(script):
    imports_it = any(path.startswith("conv") for path in imported_by(script))
    assert imports_it == (script == "train_conv.py")


def test_digest_ignores_the_order_of_keys_and_sees_every_value():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


def test_code_digest_sees_names_and_contents(tmp_path):
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.py").write_text("1")
    one = code_digest([tmp_path / "a.py"], tmp_path)
    assert one != code_digest([tmp_path / "b.py"], tmp_path)
    (tmp_path / "a.py").write_text("2")
    assert one != code_digest([tmp_path / "a.py"], tmp_path)


def test_environment_names_versions_and_machine(tmp_path):
    found = describe_environment(tmp_path)
    assert found["revision"] == "unknown"
    assert found["python"] == platform.python_version()
    assert all(v != "not installed" for v in found["libraries"].values())


@pytest.fixture
def locked(tmp_path):
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("x")
    return tmp_path


def owned_by_the_dead(folder, submits=False):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = {"host": platform.node(), "pid": child.pid}
    owner |= {"started": psutil.Process(child.pid).create_time(), "submits": submits}
    child.kill()
    child.wait()
    (folder / ".snakemake/owner.json").write_text(json.dumps(owner))
    return owner


def test_lock_of_a_killed_run_is_removed(locked):
    owned_by_the_dead(locked)
    assert remove_stale_lock(locked)
    assert not list((locked / ".snakemake/locks").iterdir())


def test_lock_of_a_living_run_stays(locked):
    note_owner(locked, submits=False)
    assert not remove_stale_lock(locked)
    assert list((locked / ".snakemake/locks").iterdir())


def test_lock_of_another_host_or_an_unknown_owner_stays(locked):
    assert not remove_stale_lock(locked)
    owner = owned_by_the_dead(locked) | {"host": "elsewhere"}
    (locked / ".snakemake/owner.json").write_text(json.dumps(owner))
    assert not remove_stale_lock(locked)
    (locked / ".snakemake/owner.json").write_text("{")
    assert not remove_stale_lock(locked)


def test_number_of_a_dead_process_that_another_has_now_does_not_count(locked):
    owner = {"host": platform.node(), "pid": os.getpid(), "started": 1.0, "submits": False}
    (locked / ".snakemake/owner.json").write_text(json.dumps(owner))
    assert remove_stale_lock(locked)


def test_lock_stays_while_a_job_of_the_killed_run_lives(locked):
    owned_by_the_dead(locked)
    scripts = locked / ".snakemake/scripts"
    scripts.mkdir()
    (scripts / "job.py").write_text("import time; time.sleep(60)")
    job = subprocess.Popen([sys.executable, str(scripts / "job.py")])
    try:
        with pytest.raises(OrphanedJobsError, match=str(job.pid)):
            remove_stale_lock(locked)
    finally:
        job.kill()
        job.wait()
    assert remove_stale_lock(locked)


def test_lock_stays_while_slurm_has_a_job_of_the_killed_run_or_is_silent(locked, monkeypatch):
    owned_by_the_dead(locked, submits=True)
    squeue = locked / "bin/squeue"
    squeue.parent.mkdir()
    monkeypatch.setenv("PATH", str(squeue.parent), prepend=os.pathsep)

    def answer(*lines):
        squeue.write_text("\n".join(["#!/bin/sh", *lines]))
        squeue.chmod(0o755)

    answer("exit 1")
    assert not remove_stale_lock(locked)
    answer("echo 11 /elsewhere", f"echo 12 {locked}")
    with pytest.raises(OrphanedJobsError, match="scancel 12\\)"):
        remove_stale_lock(locked)
    answer("echo 11 /elsewhere")
    assert remove_stale_lock(locked)


def test_lock_that_is_younger_than_the_note_stays(locked):
    owned_by_the_dead(locked)
    lock = locked / ".snakemake/locks/0.output.lock"
    later = (locked / ".snakemake/owner.json").stat().st_mtime + 5
    os.utime(lock, (later, later))
    assert not remove_stale_lock(locked)
