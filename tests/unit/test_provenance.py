"""Code inputs, digests and locks."""

import ast
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, printed_by

from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.operation.run_lock import Places, who_runs
from restudy.provenance.environment import (
    describe_environment,
    digest,
    file_digest,
    file_digests,
)
from restudy.provenance.imports import (
    imported_files,
    imported_names,
    module_files,
    training_parts,
)


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


def test_what_stands_in_the_text_is_what_python_finds():
    folders = (ROOT / "src/restudy", ROOT / "scripts", ROOT / "examples")
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        expected = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                expected |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
        own = {name for name in expected if name.split(".")[0] == "restudy"}
        assert imported_names(path.read_text()) == own, path


@pytest.mark.parametrize(
    "text",
    [
        "import restudy.a, os, restudy.b as c\nfrom restudy import b",
        "import os; import restudy.a\nif True: from restudy import b",
        "from restudy import (  # one\n    a as x,  # (the first)\n    b,\n)\nimport restudy.a",
        "import restudy.a\nfrom restudy \\\n    import b",
        "def f():\n\tfrom restudy import b\n\timport restudy.a",
    ],
)
def test_every_way_to_write_an_import_is_found(text):
    ast.parse(text)
    assert imported_names(text) >= {"restudy.a", "restudy.b"}
    assert imported_names(text) <= {"restudy", "restudy.a", "restudy.b"}


SOURCE = ROOT / "src"
TRAIN = ROOT / "scripts/train.py"


def trained_with(name):
    """Files that a training job of a family runs, in the project."""
    return training_parts(TRAIN, FAMILIES[name], SOURCE)


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_training_imports_neither_views_nor_analysis(name):
    rooms = ("src/restudy/views", "src/restudy/analysis", "src/restudy/claims")
    assert not {path for path in trained_with(name) if path.startswith(rooms)}


@pytest.mark.parametrize(("name", "other"), [("dense", "conv"), ("conv", "dense")])
def test_a_familys_training_is_its_own_code_and_not_that_of_another(name, other):
    parts = trained_with(name)
    module = FAMILIES[name].train.partition(":")[0].replace(".", "/")
    assert {f"src/{module}.py", "src/restudy/families/running.py"} <= parts.keys()
    assert not [path for path in parts if path.startswith(f"src/restudy/families/{other}/")]


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_words_and_other_data_do_not_train_again(name):
    parts = trained_with(name)
    facts = ("registry.py", "components.py", f"{name}/family.py")
    assert not [path for path in parts if path.removeprefix("src/restudy/families/") in facts]
    assert "src/restudy/data/kinds.py" not in parts
    assert ("src/restudy/data/images.py" in parts) == (name == "conv")


def test_a_familys_own_file_counts_by_its_name_and_content_with_what_it_imports(tmp_path):
    file = tmp_path / "elsewhere" / "svm.py"
    file.parent.mkdir()
    file.write_text("from restudy.analysis.statistics import mean\n")
    facts = {"name": "svm", "title": "", "description": "", "takes": "points"}
    family = Family(**facts, axes=(), measures=(), train="train", file=str(file))
    parts = training_parts(TRAIN, family, SOURCE)
    assert parts["svm.py"] == file_digest(file)
    assert "src/restudy/analysis/statistics.py" in parts
    built_in = ("src/restudy/families/dense/", "src/restudy/families/conv/")
    assert not [path for path in parts if path.startswith(built_in)]
    file.write_text("")
    imported_files.cache_clear()
    after = training_parts(TRAIN, family, SOURCE)
    assert after["svm.py"] != parts["svm.py"]


def test_files_of_a_dotted_path_are_the_module_itself_and_what_it_imports(tmp_path):
    package = tmp_path / "restudy" / "part"
    package.mkdir(parents=True)
    for path in ("__init__.py", "part/__init__.py", "part/two.py"):
        (tmp_path / "restudy" / path).write_text("")
    (package / "one.py").write_text("from restudy.part import two\n")
    found = [str(p.relative_to(tmp_path)) for p in module_files("restudy.part.one:f", tmp_path)]
    assert found == [
        "restudy/__init__.py",
        "restudy/part/__init__.py",
        "restudy/part/one.py",
        "restudy/part/two.py",
    ]
    assert module_files("restudy.part.two", tmp_path)[-1] == package / "two.py"


# Rooms of the library by floor: an import runs only downwards, or stays in its room.
FLOORS = {
    "errors": -1,
    "disk": 0,
    "small_files": 1,
    "secret_text": 0,
    "families/lookup": 1,
    "user_files": 1,
    "internals": 0,
    "log": 1,
    "families/contract": 1,
    "families/distributions": 2,
    "families/calibration": 1,
    "families/arguments": 2,
    "families/checkpoints": 1,
    "families/stopping": 2,
    "families/components": 2,
    "data": 2,
    "provenance": 2,
    "families/dense": 3,
    "families/conv": 3,
    "families/own_files": 1,
    "families/plugins": 3,
    "families/setting_axes": 3,
    "families/plugin_checks": 4,
    "families/worker": 2,
    "families/own_python": 3,
    "families/registry": 4,
    "families/budgets": 5,
    "families/predicting": 5,
    "families/running": 6,
    "job": 5,
    "study": 5,
    "plan": 6,
    "analysis": 6,
    "claims": 7,
    "reading": 7,
    "results": 8,
    "verification": 9,
    "operation": 9,
    "family_check": 10,
    "views": 10,
    "notebooks": 11,
    "__main__": 12,
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
def test_no_script_loads_tensorflow_by_itself(script):
    # What trains is imported by its dotted path, by the one script that trains.
    facts = {"families/conv/__init__.py", "families/conv/family.py"}
    own = {path for path in imported_by(script) if path.startswith("families/conv")}
    assert own <= facts
    assert "tensorflow" not in (ROOT / "scripts" / script).read_text()


def test_facts_of_families_are_read_without_a_numeric_library():
    program = "import sys, restudy.families.registry; print(*sys.modules)"
    assert not {"numpy", "pandas", "tensorflow"} & set(printed_by(program).split())


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


STATE = Path(".snakemake")
PLACES = Places(STATE / "owner.json", STATE / "locks", STATE / "scripts")
ACQUIRE = """
import sys
from pathlib import Path
from restudy.errors import UserError
from restudy.operation.run_lock import Places, acquire_run_lock, note_submission

state = Path(".snakemake")
places = Places(state / "owner.json", state / "locks", state / "scripts")
try:
    removed = acquire_run_lock(Path(sys.argv[1]), places)
    print("removed" if removed else "acquired", flush=True)
    if "submits" in sys.argv:
        note_submission()
        print("noted", flush=True)
    sys.stdin.read()
except UserError as fault:
    print(fault, flush=True)
"""


def acquiring(folder, *words):
    """A process that tries to get a folder's lock and says what came of it; it stays until told."""
    return subprocess.Popen(
        [sys.executable, "-c", ACQUIRE, str(folder), *words],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def outcome(folder):
    """What comes of trying; the lock is given up at once."""
    return acquiring(folder).communicate()[0].strip()


def owned_by_the_dead(folder, *words):
    """Leave a folder as a run does that is killed outright; return what it has noted."""
    owner = acquiring(folder, *words)
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
    assert outcome(locked) == "removed"
    assert not locks(locked)


def test_second_run_is_told_of_the_first_and_changes_nothing(locked):
    first = acquiring(locked)
    first.stdout.readline()
    note = (locked / ".snakemake/owner.json").read_text()
    told = outcome(locked)
    assert told.startswith(f"Another run works in this folder: process {first.pid} on ")
    assert who_runs(locked, PLACES).startswith(told[: told.index(" (snakemake")])
    assert (locked / ".snakemake/owner.json").read_text() == note
    assert locks(locked)
    first.kill()
    first.communicate()
    assert who_runs(locked, PLACES) == ""
    assert outcome(locked) == "removed"


def test_of_runs_that_start_at_once_one_gets_the_folder(tmp_path):
    calls = [acquiring(tmp_path) for _ in range(4)]
    said = [call.stdout.readline() for call in calls]
    for call in calls:
        call.communicate()
    assert sum(line.startswith("acquired") for line in said) == 1
    assert sum(line.startswith("Another run works") for line in said) == 3


def test_lock_of_another_host_or_an_unknown_owner_stays(locked):
    assert outcome(locked) == "acquired"
    owner = owned_by_the_dead(locked) | {"host": "elsewhere"}
    for note in (json.dumps(owner), "{", "[]"):
        (locked / ".snakemake/owner.json").write_text(note)
        assert outcome(locked) == "acquired"
        assert locks(locked)


def test_lock_stays_while_a_job_of_the_killed_run_lives(locked):
    owned_by_the_dead(locked)
    scripts = locked / ".snakemake/scripts"
    scripts.mkdir()
    (scripts / "job.py").write_text("import time; time.sleep(60)")
    job = subprocess.Popen([sys.executable, str(scripts / "job.py")])
    try:
        assert str(job.pid) in outcome(locked)
        assert locks(locked)
    finally:
        job.kill()
        job.wait()
    assert outcome(locked) == "removed"


def test_lock_stays_while_slurm_has_a_job_of_the_killed_run_or_is_silent(locked, monkeypatch):
    squeue = locked / "bin/squeue"
    squeue.parent.mkdir()
    monkeypatch.setenv("PATH", str(squeue.parent), prepend=os.pathsep)

    def outcome_after(*lines):
        """What comes of trying after a killed run, where Slurm answers as the lines do."""
        squeue.write_text("\n".join(["#!/bin/sh", *lines]))
        squeue.chmod(0o755)
        assert owned_by_the_dead(locked, "submits")["submits"]
        return outcome(locked)

    assert outcome_after("exit 1") == "acquired"
    assert locks(locked)
    assert "scancel 12)" in outcome_after("echo 11 /elsewhere", f"echo 12 {locked}")
    assert locks(locked)
    assert outcome_after("echo 11 /elsewhere") == "removed"
    assert not locks(locked)
