"""What every job begins with: its log, its record, and whether it runs the project's own code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import UserDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

from restudy.job import ForeignPackageError, check_package
from restudy.provenance.environment import file_digest
from restudy.provenance.records import (
    MAX_FILES,
    describe_job,
    named_files,
    previous_path,
    record_path,
    to_json,
    write_at_end,
)
from restudy.small_files import read_json
from restudy.study.cell import Cell

LOG = "results/logs/plot/sizes.log"
RECORD = Path("results/records/plot/sizes.json")


class Named(list):
    """A list of which parts have names, as jobs get theirs from Snakemake."""

    def __init__(self, *unnamed, **named):
        flat = [each if isinstance(each, list) else [each] for each in named.values()]
        super().__init__([*unnamed, *(path for paths in flat for path in paths)])
        self.named = named

    def items(self):
        return self.named.items()

    def get(self, name, default=None):
        return self.named.get(name, default)


def job(*unnamed, params=None, **inputs):
    return SimpleNamespace(
        rule="plot",
        input=Named(*unnamed, **inputs),
        params=Named(**(params or {})),
        wildcards=Named(study="sizes"),
        log=[LOG],
        config={},
    )


def test_a_record_lies_as_the_log_does():
    assert record_path("results/logs/train/seed~0.log") == Path("results/records/train/seed~0.json")
    assert record_path("results/logs/c~0.5.log") == Path("results/records/c~0.5.json")
    # Where results are kept in a bucket, it lies beside the copies of them.
    stored = record_path(".snakemake/storage/s3/ours/results/logs/a.log")
    assert stored == Path(".snakemake/storage/s3/ours/results/records/a.json")
    with pytest.raises(ValueError, match="below results/logs/"):
        record_path("elsewhere/a.log")


def test_inputs_are_recorded_by_name():
    assert named_files(Named("c", "d", one="a", two=["b"], none=[])) == {
        "one": ["a"],
        "two": ["b"],
        "none": [],
        "": ["c", "d"],
    }


def test_a_record_has_names_digests_and_values(tmp_path, monkeypatch):
    (tmp_path / "results/events").mkdir(parents=True)
    (tmp_path / "results/t.csv").write_text("1")
    (tmp_path / "results/large").write_bytes(bytes(1_000_001))
    monkeypatch.chdir(tmp_path)
    many = [f"results/{number}" for number in range(MAX_FILES + 1)]
    (tmp_path / many[0]).write_text("")
    record = describe_job(
        job(
            table="results/t.csv",
            large="results/large",
            events="results/events",
            gone="results/gone",
            many=many,
            params={"seed": 1},
        )
    )
    assert record["rule"] == "plot" and record["wildcards"] == {"study": "sizes"}
    assert record["input"]["table"] == ["results/t.csv"] and record["input"]["many"] == many
    # Neither large files nor folders, nor thousands of tables.
    assert record["sha256"] == {"results/t.csv": file_digest("results/t.csv")}
    assert record["params"] == {"seed": 1}


def test_parameters_become_plain_json_or_are_refused():
    cell = Cell("dense", (("depth", 1),))
    values = {
        "tuple": (1, 2.5),
        "numpy": [np.int64(1), np.float32(0.5), np.bool_(True)],
        "cell": cell,
        "mapping": UserDict({"a": None}),
        "text": "ä",
    }
    assert json.loads(to_json({"params": values})) == {
        "params": {
            "tuple": [1, 2.5],
            "numpy": [1, 0.5, True],
            "cell": {"depth": 1},
            "mapping": {"a": None},
            "text": "ä",
        }
    }
    for value in ({1, 2}, Path("a"), np.zeros(2), object(), {(1, 2): 3}):
        with pytest.raises(TypeError):
            to_json({"params": {"value": value}})


BEGINNING = """
import os, sys, threading
sys.path.insert(0, {source!r})
from pathlib import Path
from restudy.log import start_log
from restudy.provenance.records import record_path, write_at_end

log = start_log({log!r})
write_at_end(record_path({log!r}), {text!r}, log)
print("begun", flush=True)
"""


def run(folder, ending, text='{"run": 2}', wait=True):
    """Run a job that begins and then ends in some way; a record of a run before is there."""
    (folder / LOG).parent.mkdir(parents=True, exist_ok=True)
    program = BEGINNING.format(source=str(ROOT / "src"), log=LOG, text=text) + ending
    call = [sys.executable, "-c", program]
    process = subprocess.Popen(call, cwd=folder)
    if wait:
        process.wait()
    return process


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """A folder in which the job ran before."""
    monkeypatch.chdir(tmp_path)
    RECORD.parent.mkdir(parents=True)
    RECORD.write_text('{"run": 1}')
    return tmp_path


def test_a_job_that_ends_well_leaves_its_record_alone(ran):
    assert run(ran, "").returncode == 0
    assert read_json(RECORD) == {"run": 2}
    assert list(RECORD.parent.iterdir()) == [RECORD]


FAILURES = {
    "an exception": "raise RuntimeError('no')",
    "a user's error": "from restudy.errors import UserError; raise UserError('no')",
    "an interrupt": "raise KeyboardInterrupt",
    "a sudden end": "os._exit(0)",
}


@pytest.mark.parametrize("ending", FAILURES.values(), ids=FAILURES)
def test_a_job_that_fails_leaves_no_record_but_keeps_the_last_one_aside(ran, ending):
    for _ in range(2):  # it fails again
        run(ran, ending)
        assert not RECORD.exists()
        assert read_json(previous_path(RECORD)) == {"run": 1}
        assert list(RECORD.parent.iterdir()) == [previous_path(RECORD)]
    run(ran, "", '{"run": 3}')
    assert read_json(RECORD) == {"run": 3}
    assert not previous_path(RECORD).exists()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_that_is_killed_leaves_no_record(ran, sent):
    process = run(ran, "import time; time.sleep(60)", wait=False)
    deadline = time.monotonic() + 60
    while not (ran / LOG).exists() or "begun" not in (ran / LOG).read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sent)
    process.wait()
    assert not RECORD.exists() and read_json(previous_path(RECORD)) == {"run": 1}


def test_a_fork_of_a_job_writes_no_record_for_it(ran):
    ending = "if os.fork() == 0: sys.exit()\nos.wait()\nassert not Path('{}').exists()"
    assert run(ran, ending.format(RECORD)).returncode == 0
    assert read_json(RECORD) == {"run": 2}


def test_a_record_that_cannot_be_written_costs_a_warning(ran):
    ending = "import shutil; shutil.rmtree('results/records')"
    assert run(ran, ending).returncode == 0
    assert "warning: no record of what this was made from" in (ran / LOG).read_text()


def test_a_record_of_a_training_job_is_small(monkeypatch):
    """A grid has thousands of them."""
    monkeypatch.chdir(ROOT)
    settings = {"cell": dict.fromkeys("abcdefg", "value"), "protocol": dict.fromkeys("hijkl", 1.5)}
    training = job(
        data="requirements.lock",
        lock="requirements.lock",
        params={"settings": settings, "code": "0" * 64, "seeds": list(range(5))},
    )
    assert len(to_json(describe_job(training))) < 3000


def test_of_a_table_over_thousands_of_cells_no_file_is_looked_at(monkeypatch):
    paths = [f"results/dense/cell~{number}/runs.csv" for number in range(10_000)]

    def no_stat(path):
        raise AssertionError(f"looked at {path}")

    monkeypatch.setattr("restudy.provenance.records.is_small_file", no_stat)
    record = describe_job(job(tables=paths))
    assert len(record["input"]["tables"]) == 10_000


def test_another_package_of_the_same_name_is_refused(tmp_path):
    check_package(ROOT, None)
    check_package(ROOT, os.path.relpath(ROOT))
    link = tmp_path / "link"
    link.symlink_to(ROOT)
    check_package(ROOT, link)
    with pytest.raises(ForeignPackageError) as raised:
        check_package(tmp_path / "foreign", ROOT)
    (line,) = str(raised.value).splitlines()
    assert str(tmp_path / "foreign") in line and str(ROOT) in line and "PYTHONPATH" in line


def test_the_hook_of_the_log_still_ends_a_job_that_fails(ran, monkeypatch):
    told = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: told.append(error))
    write_at_end(RECORD, "{}", print)
    sys.excepthook(ValueError, ValueError("no"), None)
    assert [kind for kind, *_ in told] == [ValueError]
