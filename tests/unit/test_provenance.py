"""Code inputs, digests and locks."""

import json
import os
import platform
import subprocess
import sys

import pytest
from conftest import ROOT

from restudy.operation.run_lock import who_runs
from restudy.provenance.environment import describe_environment, digest, file_digests
from restudy.provenance.imports import imported_files


def imported_by(name):
    files = imported_files(ROOT / "scripts" / name, ROOT / "src")
    return {str(path.relative_to(ROOT / "src/restudy")) for path in files}


def test_imports_are_followed_through_modules_and_into_functions(tmp_path):
    package = tmp_path / "restudy" / "part"
    package.mkdir(parents=True)
    (tmp_path / "restudy/__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def f():\n    from restudy.part import two\n")
    (package / "two.py").write_text("import numpy\n")
    (package / "three.py").write_text("import nothing_here\n")
    script = tmp_path / "script.py"
    script.write_text("import restudy.part.one\n")
    found = [str(p.relative_to(tmp_path)) for p in imported_files(script, tmp_path)]
    assert found == [
        "restudy/__init__.py",
        "restudy/part/__init__.py",
        "restudy/part/one.py",
        "restudy/part/two.py",
    ]


@pytest.mark.parametrize("script", ["train_dense.py", "train_conv.py"])
def test_training_imports_neither_views_nor_analysis(script):
    assert not {path for path in imported_by(script) if path.startswith(("views", "analysis"))}


# Rooms of the library by floor: an import runs only downwards, or stays in its room.
FLOORS = {
    "errors": 0,
    "log": 1,
    "families/kinds": 0,
    "families/contract": 1,
    "data": 2,
    "provenance": 2,
    "families/dense": 3,
    "families/conv": 3,
    "families/registry": 4,
    "study": 5,
    "plan": 6,
    "analysis": 6,
    "claims": 7,
    "verification": 8,
    "operation": 8,
    "views": 9,
    "notebooks": 10,
}


def room_of(path):
    """The room that a module belongs to: a folder, or of the families each its own."""
    parts = path.relative_to(ROOT / "src/restudy").with_suffix("").parts
    return "/".join(parts[:2] if parts[0] == "families" else parts[:1])


def test_imports_run_only_downwards():
    for path in (ROOT / "src/restudy").rglob("*.py"):
        own = room_of(path)
        if own.endswith("__init__"):
            continue
        for other in imported_files(path, ROOT / "src"):
            theirs = room_of(other)
            if theirs.endswith("__init__") or theirs == own:
                continue
            assert FLOORS[theirs] < FLOORS[own], f"{path} imports {other}"


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "scripts").glob("*.py")))
def test_only_cnn_training_loads_tensorflow(script):
    imports_it = any(path.startswith("families/conv") for path in imported_by(script))
    assert imports_it == (script == "train_conv.py")


def test_digest_ignores_the_order_of_keys_and_sees_every_value():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


def test_code_digest_sees_names_and_contents(tmp_path):
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "b.py").write_text("1")
    one = digest(file_digests([tmp_path / "a.py"], tmp_path))
    assert one != digest(file_digests([tmp_path / "b.py"], tmp_path))
    (tmp_path / "a.py").write_text("2")
    assert one != digest(file_digests([tmp_path / "a.py"], tmp_path))


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


CLAIM = """
import sys, time
from pathlib import Path
from restudy.errors import UserError
from restudy.operation.run_lock import claim, note_submission

try:
    print("removed" if claim(Path(sys.argv[1])) else "claimed", flush=True)
    if "submits" in sys.argv:
        note_submission()
        print("noted", flush=True)
    sys.stdin.read()
except UserError as fault:
    print(fault, flush=True)
"""


def claiming(folder, *words):
    """A process that claims a folder and says what came of it; it stays until it is told to end."""
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(folder), *words],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def claim_of(folder):
    """What comes of a claim that is given up at once."""
    return claiming(folder).communicate()[0].strip()


def owned_by_the_dead(folder, *words):
    """Leave a folder as a run does that is killed outright; return what it has noted."""
    owner = claiming(folder, *words)
    for _ in range(1 + len(words)):
        owner.stdout.readline()
    owner.kill()
    owner.communicate()
    (folder / ".snakemake/locks/0.output.lock").write_text("x")
    return json.loads((folder / ".snakemake/owner.json").read_text())


def locks(folder):
    return list((folder / ".snakemake/locks").iterdir())


def test_lock_of_a_killed_run_is_removed(locked):
    owned_by_the_dead(locked)
    assert claim_of(locked) == "removed"
    assert not locks(locked)


def test_second_run_is_told_of_the_first_and_changes_nothing(locked):
    first = claiming(locked)
    first.stdout.readline()
    note = (locked / ".snakemake/owner.json").read_text()
    told = claim_of(locked)
    assert told.startswith(f"Another run works in this folder: process {first.pid} on ")
    assert who_runs(locked).startswith(told[: told.index(" (snakemake")])
    assert (locked / ".snakemake/owner.json").read_text() == note
    assert locks(locked)
    first.kill()
    first.communicate()
    assert who_runs(locked) == ""
    assert claim_of(locked) == "removed"


def test_of_runs_that_start_at_once_one_gets_the_folder(tmp_path):
    calls = [claiming(tmp_path) for _ in range(4)]
    said = [call.stdout.readline() for call in calls]
    for call in calls:
        call.communicate()
    assert sum(line.startswith("claimed") for line in said) == 1
    assert sum(line.startswith("Another run works") for line in said) == 3


def test_lock_of_another_host_or_an_unknown_owner_stays(locked):
    assert claim_of(locked) == "claimed"
    owner = owned_by_the_dead(locked) | {"host": "elsewhere"}
    for note in (json.dumps(owner), "{", "[]"):
        (locked / ".snakemake/owner.json").write_text(note)
        assert claim_of(locked) == "claimed"
        assert locks(locked)


def test_lock_stays_while_a_job_of_the_killed_run_lives(locked):
    owned_by_the_dead(locked)
    scripts = locked / ".snakemake/scripts"
    scripts.mkdir()
    (scripts / "job.py").write_text("import time; time.sleep(60)")
    job = subprocess.Popen([sys.executable, str(scripts / "job.py")])
    try:
        assert str(job.pid) in claim_of(locked)
        assert locks(locked)
    finally:
        job.kill()
        job.wait()
    assert claim_of(locked) == "removed"


def test_lock_stays_while_slurm_has_a_job_of_the_killed_run_or_is_silent(locked, monkeypatch):
    squeue = locked / "bin/squeue"
    squeue.parent.mkdir()
    monkeypatch.setenv("PATH", str(squeue.parent), prepend=os.pathsep)

    def claim_after(*lines):
        """What comes of a claim after a killed run, where Slurm answers as the lines do."""
        squeue.write_text("\n".join(["#!/bin/sh", *lines]))
        squeue.chmod(0o755)
        assert owned_by_the_dead(locked, "submits")["submits"]
        return claim_of(locked)

    assert claim_after("exit 1") == "claimed"
    assert locks(locked)
    assert "scancel 12)" in claim_after("echo 11 /elsewhere", f"echo 12 {locked}")
    assert locks(locked)
    assert claim_after("echo 11 /elsewhere") == "removed"
    assert not locks(locked)
