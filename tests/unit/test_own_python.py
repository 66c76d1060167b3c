"""Families that train in a Python of their own: as those that train in the job, and apart."""

import ast
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from second_python import install, make_environment

from restudy.data.images import ImageSplit
from restudy.families import worker
from restudy.families.checkpoints import list_checkpoints
from restudy.families.contract import IMAGES, POINTS
from restudy.families.own_files import OwnFileError
from restudy.families.own_python import (
    OwnPythonError,
    TrainingError,
    find_interpreter,
    installed_for,
    interpreter_of,
    pack_data,
)
from restudy.families.registry import load_plugins, read_family
from restudy.families.running import BrokenPromiseError, JobRun, train
from restudy.provenance.imports import training_parts
from restudy.provenance.parts import environment_digest

FILE = ROOT / "tests/data/numpy_network.py"
CELL = {"dataset": "moons", "protocol": "short", "rate": 0.5}
SETTINGS = {"cell": CELL, "dataset": {"kind": "moons"}, "protocol": {"steps": 40}}
POINT_SET = np.random.default_rng(0).normal(size=(180, 2))
DATA = {
    part: (x, (x.sum(axis=1) > 0).astype(int))
    for part, x in zip(("train", "heldout", "validation"), POINT_SET.reshape(3, 60, 2), strict=True)
}
SOURCE = ROOT / "src"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Folder of a virtual environment with NumPy alone."""
    folder = tmp_path_factory.mktemp("second") / "environment"
    make_environment(folder)
    return folder


@pytest.fixture(scope="module")
def interpreter(environment):
    return find_interpreter(str(environment / "bin/python"), "python.softmax")


def run_of(folder, file=FILE, lines=None, **changes):
    """A run of the family in a file, whose artefacts go into a folder."""
    family = replace(read_family(file), **changes)
    folder.mkdir(parents=True, exist_ok=True)
    places = {each.name: folder / each.name for each in family.artefacts}
    log = [].append if lines is None else lines.append
    return JobRun(family, SETTINGS, {3: DATA}, (3,), places, folder / "scratch", "id", 2, log)


def edited(folder, *edits):
    """The family's file with other text, in a folder."""
    text = FILE.read_text()
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "mine.py"
    path.write_text(text)
    return path


def contents(folder):
    """The bytes of every file in a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_second_environment_lacks_what_the_project_needs(interpreter):
    assert set(interpreter.packages) == {"numpy"}
    program = "import importlib.util as u; print([u.find_spec(n) for n in NAMES])"
    names = ["tensorflow", "snakemake", "pandas", "pyarrow", "restudy"]
    program = program.replace("NAMES", repr(names))
    done = subprocess.run(
        [interpreter.path, "-I", "-c", program], capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(done.stdout) == [None] * len(names)


def test_training_elsewhere_leaves_the_bytes_that_training_here_leaves(tmp_path, interpreter):
    lines = {}
    for name, where in (("here", None), ("there", interpreter)):
        lines[name] = []
        run = run_of(tmp_path / name, lines=lines[name])
        train(run, where)
        assert run.notes == {"threads": 2}
    here, there = contents(tmp_path / "here"), contents(tmp_path / "there")
    assert set(here) == {
        *("runs.csv", "history.parquet", "weights.npz", "norms.csv", "notes/seed.txt"),
    }
    assert here == there
    for each in lines.values():
        assert each[0].startswith("1 of 40 steps") and each[-1] == "trained"


def test_the_seeds_of_a_job_have_their_own_points_there_too(tmp_path, interpreter):
    start = "    protocol, (x, label)"
    asked = '    for seed in run.seeds:\n        run.log(run.parts_of(seed)["train"][0].sum())\n'
    lines = []
    run = run_of(tmp_path / "run", edited(tmp_path, (start, asked + start)), lines)
    other = {part: (x + 1, label) for part, (x, label) in DATA.items()}
    run.seeds, run.data_by_seed = (3, 4, 5), {3: DATA, 4: other, 5: DATA}
    with pytest.raises(TrainingError, match=r"line \d+: ValueError: run\.data and run\.parts: "):
        train(run, interpreter)
    sums = [data["train"][0].sum() for data in (DATA, other, DATA)]
    assert [float(line) for line in lines] == pytest.approx(sums)


def test_a_run_there_says_its_draw(tmp_path, interpreter):
    run = run_of(tmp_path)
    run.settings = {**SETTINGS, "dataset": {"kind": "moons", "draws": 2}}
    train(run, interpreter)
    assert pd.read_csv(tmp_path / "runs.csv")[["seed", "draw"]].to_numpy().tolist() == [[3, 1]]


def test_variables_and_packages_of_the_users_do_not_reach_it(tmp_path, interpreter, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise RuntimeError('another NumPy')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    train(run_of(tmp_path / "there"), interpreter)


def test_a_run_that_was_ended_goes_on_from_its_checkpoint(tmp_path, interpreter):
    train(run_of(tmp_path / "whole"), interpreter)
    (tmp_path / "edited").mkdir()
    checkpoint = "            run.checkpoint(step, {"
    file = edited(tmp_path / "edited", (checkpoint, f"            assert step < 30\n{checkpoint}"))
    with pytest.raises(TrainingError, match="AssertionError"):
        train(run_of(tmp_path / "resumed", file), interpreter)
    (newest, *_) = list_checkpoints(tmp_path / "resumed/scratch")
    assert newest.name == "step-000000020.checkpoint"
    run = run_of(tmp_path / "resumed")
    train(run, interpreter)
    assert run.notes["continued_from"] == 20
    assert contents(tmp_path / "resumed") == contents(tmp_path / "whole")


def test_what_fails_there_is_told_with_file_and_line(tmp_path, interpreter, capfd):
    file = edited(tmp_path, ('run.log("trained")', "_helper()"))
    with pytest.raises(TrainingError) as failed:
        train(run_of(tmp_path / "there", file), interpreter)
    line = file.read_text().splitlines().index("    _helper()") + 1
    assert str(failed.value) == f"{file}, line {line}: NameError: name '_helper' is not defined"
    told = capfd.readouterr().err
    assert "Traceback" in told and f'{file}", line {line}' in told and "worker.py" not in told


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("import torch", "ModuleNotFoundError: No module named 'torch'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ('run.save("weights.npz", {"all": np.array([run])})', "TypeError: 'all' is an array of o"),
        ("run.note(a={1, 2})", "TypeError: Object of type set is not JSON"),
        ("__import__('os')._exit(0)", "its Python ended with exit code 0 before training had"),
        ("__import__('os').kill(__import__('os').getpid(), 11)", "was ended by SIGSEGV"),
    ],
)
def test_however_it_fails_the_job_does(tmp_path, interpreter, statement, words):
    file = edited(tmp_path, ('run.log("trained")', statement))
    with pytest.raises(TrainingError) as failed:
        train(run_of(tmp_path / "there", file), interpreter)
    assert words in str(failed.value)


@pytest.mark.parametrize(
    "edit",
    [
        ('run.save("weights.npz"', 'run.save("wrong.npz"'),
        ("run.record(step, **{", "run.record(step, loss=1.0, **{"),
        ("run.record(step, **{", "run.record(**{"),
        ('    run.save("weights.npz", {"weights": weights})\n', ""),
    ],
)
def test_a_broken_promise_is_told_as_it_is_here(tmp_path, interpreter, edit):
    file = edited(tmp_path, edit)
    told = []
    for name, where in (("here", None), ("there", interpreter)):
        with pytest.raises(BrokenPromiseError) as failed:
            train(run_of(tmp_path / name, file), where)
        told.append(str(failed.value))
    assert told[0] == told[1]


def test_divergence_is_recorded(tmp_path, interpreter):
    file = edited(tmp_path, ("            progress(step, 0.0)\n", DIVERGES))
    run = run_of(tmp_path / "there", file)
    train(run, interpreter)
    (row,) = pd.read_csv(tmp_path / "there/runs.csv").to_dict("records")
    assert (row["diverged_at"], row["diverged_by"]) == (5, "its loss")


DIVERGES = """
            if step == 5:
                run.diverge(step, "its loss")
"""


# ---- Its end ----------------------------------------------------------------------------------

ENDLESS = (
    '    run.log("trained")\n',
    "    import os, subprocess, sys, time\n"
    "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "    run.log(f'{os.getpid()} {child.pid}')\n"
    "    time.sleep(600)\n",
)
JOB = """
import signal, sys
from pathlib import Path
import test_own_python
from restudy.families.own_python import find_interpreter
from restudy.families.running import train

# A shell that starts these tests in the background lets all of them ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

class Printed(list):
    def append(self, line):
        print(line, flush=True)

run = test_own_python.run_of(Path(sys.argv[1]), Path(sys.argv[2]), Printed())
train(run, find_interpreter(sys.argv[3], "python.softmax"))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_that_it_started_outlives_the_job(tmp_path, interpreter, number):
    paths = [ROOT / "src", ROOT / "tests", ROOT / "tests/unit"]
    arguments = tmp_path / "there", edited(tmp_path, ENDLESS), interpreter.path
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    words = next(line.split() for line in job.stdout if len(line.split()) == 2)
    job.send_signal(number)
    job.wait(timeout=60)
    job.stdout.close()
    running = [pid for pid in map(int, words) if is_running(pid)]
    end = time.monotonic() + 30
    while running and time.monotonic() < end:
        time.sleep(0.02)
        running = [pid for pid in running if is_running(pid)]
    assert not running


def is_running(pid):
    """Whether a process computes; one that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


# ---- Which Python ------------------------------------------------------------------------------


def program(path, *lines):
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o755)
    return str(path)


def test_a_python_that_cannot_be_used_is_refused_in_a_line(tmp_path):
    make_environment(tmp_path / "bare", with_numpy=False)
    plain = tmp_path / "plain"
    plain.write_text("no program")
    old = json.dumps({"python": "3.9.18", "packages": {}, "has_numpy": True})
    found = {
        str(tmp_path / "nowhere"): "which does not exist",
        str(tmp_path): "a folder",
        str(plain): "which can't be started (Permission denied)",
        program(tmp_path / "mute", "exit 3"): "which is no such Python: it said 'nothing'",
        program(tmp_path / "ancient", "echo SyntaxError >&2"): "it said 'SyntaxError'",
        program(tmp_path / "old", f"echo '{old}'"): "which is Python 3.9.18",
        str(tmp_path / "bare/bin/python"): "without NumPy",
    }
    for path, words in found.items():
        with pytest.raises(OwnPythonError) as refused:
            find_interpreter(path, "python.softmax")
        text = str(refused.value)
        assert text.startswith(f"python.softmax: got {path!r}, ") and words in text
        assert "allowed: the path of a Python 3.10 or later" in text and "\n" not in text


def test_libraries_beside_the_package_are_not_taken_for_its_own(tmp_path):
    make_environment(tmp_path / "bare", with_numpy=False)
    package = tmp_path / "site-packages/restudy"
    shutil.copytree(SOURCE / "restudy/families", package / "families")
    for name in ("log.py", "errors.py", "disk.py"):
        shutil.copy(SOURCE / "restudy" / name, package)
    (package / "__init__.py").write_text("import pandas")
    (package.parent / "numpy.py").touch()
    words = [tmp_path / "bare/bin/python", "-I", package / "families/worker.py"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["has_numpy"] is False, done.stderr


def test_what_is_installed_decides_and_neither_its_place_nor_pip(environment, tmp_path):
    family = replace(read_family(FILE), python=str(environment / "bin/python"))
    lock = ROOT / "requirements.lock"

    def now(family=family):
        find_interpreter.cache_clear()
        return environment_digest(lock, installed_for(family))

    before = now()
    link = tmp_path / "elsewhere"
    link.symlink_to(environment)
    assert now(replace(family, python=str(link / "bin/python"))) == before
    install(environment, "pip", "99")
    assert now() == before
    install(environment, "torchlike", "1.0")
    first = now()
    install(environment, "torchlike", "1.1")
    assert len({before, first, now()}) == 3


def test_of_an_environment_of_condas_its_file_decides(tmp_path, environment, monkeypatch):
    file = edited(tmp_path, ('    train="train",', '    train="train", environment="own.yaml",'))
    with pytest.raises(OwnFileError, match="no such file beside it"):
        read_family(file)
    (tmp_path / "own.yaml").write_text("dependencies: [numpy]")
    family = read_family(file)
    before = installed_for(family)
    (tmp_path / "own.yaml").write_text("dependencies: [numpy=2]")
    assert installed_for(family).keys() == before.keys() and installed_for(family) != before
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    with pytest.raises(OwnPythonError, match="call snakemake with --sdm conda, or name a Python"):
        interpreter_of(family)
    monkeypatch.setenv("CONDA_PREFIX", str(environment))
    assert interpreter_of(family).path == str(environment / "bin/python")
    assert interpreter_of(read_family(FILE)) is None


def test_a_python_is_that_of_a_family_in_a_file_of_the_users():
    with pytest.raises(OwnFileError, match=r"python: got 'dense'; allowed: the name of a family"):
        load_plugins({}, {"dense": sys.executable})


def test_its_code_counts_for_those_alone_that_train_there():
    family = read_family(FILE)
    here = training_parts(ROOT / "scripts/train.py", family, SOURCE)
    there = training_parts(ROOT / "scripts/train.py", replace(family, python="python"), SOURCE)
    own = {f"src/restudy/families/{name}.py" for name in ("own_python", "worker")}
    assert own <= there.keys() - here.keys()


# ---- Messages ----------------------------------------------------------------------------------


def carried(arrays, message=None):
    """What arrives of a message."""
    stream = io.BytesIO()
    worker.send(stream, message or {}, arrays)
    stream.seek(0)
    return worker.receive(io.BufferedReader(stream))


@pytest.mark.parametrize(
    "array",
    [
        *(np.arange(6, dtype=kind).reshape(2, 3) for kind in ("u1", ">i4", "f2", "f8", "c16")),
        np.array(0.1),
        np.array([["é", "longer"]]),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.arange(12).reshape(3, 4).T,
        np.array([np.nan, np.inf]),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_arrive_as_they_were(array):
    _, arrays = carried({"a/b": array})
    np.testing.assert_array_equal(arrays["a/b"], array)
    assert arrays["a/b"].dtype == array.dtype and arrays["a/b"].flags.writeable


def test_a_message_that_breaks_off_is_none():
    stream = io.BytesIO()
    worker.send(stream, {"a": 1}, {"b": np.ones(3)})
    for length in (0, 5, 20, len(stream.getvalue()) - 1):
        with pytest.raises(EOFError):
            worker.receive(io.BufferedReader(io.BytesIO(stream.getvalue()[:length])))


def sent(takes, data_by_seed):
    """Data by seed, as they arrive in another process."""
    places, arrays = pack_data(takes, data_by_seed)
    message, arrays = carried(arrays, {"data": places})
    return worker.unpack_data(takes, message["data"], arrays)


def test_data_arrive_as_a_job_reads_them():
    generator = np.random.default_rng(0)
    parts = ("train", "validation", "test")
    images = {f"{part}_images": generator.integers(0, 256, (4, 5, 6), "u1") for part in parts}
    labels = {f"{part}_labels": np.array([0, 1, 2, 1], "u1") for part in parts}
    split = ImageSplit(**images, **labels, least_classes=10)
    found = sent(IMAGES, {4: split})[4]
    for each in fields(split):
        np.testing.assert_array_equal(getattr(found, each.name), getattr(split, each.name))
    assert found.classes == split.classes == 10 and isinstance(found.classes, int)
    other = {part: (x + 1, 1 - label) for part, (x, label) in DATA.items()}
    found = sent(POINTS, {2: DATA, 3: other, 4: DATA})
    assert list(found) == [2, 3, 4] and found[2] is found[4]
    for seed, data in {2: DATA, 3: other}.items():
        assert list(found[seed]) == list(data)
        for array, expected in zip(found[seed]["heldout"], data["heldout"], strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("of", ["columns", "pandas", "arrow"])
def test_a_table_is_the_same_from_whichever_library(of):
    import pyarrow

    columns = {"number": [1, 2], "text": ["a", "bc"], "share": [0.5, np.nan]}
    table = {"columns": dict, "pandas": pd.DataFrame, "arrow": pyarrow.table}[of](columns)
    _, arrays = carried(worker.columns_of(table))
    pd.testing.assert_frame_equal(pd.DataFrame(arrays), pd.DataFrame(columns))


WATCHING = ("family_check/distant", "family_check/watching")


def test_what_runs_there_takes_python_3_10_and_numpy_alone():
    allowed = sys.stdlib_module_names | {"numpy", "restudy"}
    # What trains, and what watches it for `check`.
    waiting = [SOURCE / f"restudy/{name}.py" for name in ("families/worker", *WATCHING)]
    seen = set()
    while waiting:
        path = waiting.pop()
        seen.add(path.relative_to(SOURCE / "restudy").as_posix())
        for node in ast.walk(ast.parse(path.read_text(), feature_version=(3, 10))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed, path
            own = (SOURCE / f"{name.replace('.', '/')}.py" for name in names)
            waiting += [each for each in own if each.exists()]
    named = ("families/worker", "families/contract", "families/own_files", "log", "errors", "disk")
    assert seen == {f"{each}.py" for each in (*named, *WATCHING)}


def test_every_promise_of_a_run_is_kept_there():
    promised = {name for name in vars(worker.Run) if not name.startswith("_")}
    inherited = {"cell", "seed", "data", "parts", "parts_of", "classes", "generator"}
    assert promised - inherited <= set(vars(worker.DistantRun))
