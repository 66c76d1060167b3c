"""Successive halving: the right cells go on, with the bytes of a training of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import ROOT, Project, copy_project, environment
from small_study import small_section

BUDGETS = [20, 45, 110]  # the second is no multiple of the interval of records
RATE, SHARE = "optimizer.learning_rate", "optimizer.momentum"
STUDY = {
    "question": "Which rate and momentum?",
    "sample": {"size": 9},
    "vary": {
        RATE: {"from": 0.001, "to": 3.0, "scale": "log"},
        SHARE: {"from": 0.1, "to": 0.95},
    },
    "halving": {"budgets": BUDGETS, "keep": 0.33},
}
CONFIG = {
    "datasets": {
        "moons": {"kind": "moons", "points": 40, "heldout_points": 40, "validation_points": 60}
    },
    "dense": small_section("moons", {"rates": STUDY}),
}
CONFIG["dense"]["optimizers"]["gd"]["kind"] = "momentum"
TABLE = "results/tables/dense_halving.csv"
FIGURE = "results/figures/dense/rates_halving.svg"
FINDINGS = "results/report/findings.json"
RUNGS = "results/dense/halving/rates/rung~{}"
ARGUMENTS = ["--cores", "2", "--configfile", "ours.yaml"]
NOT_COMPARED = "provenance.json"  # it holds times


def write(project: Project, config: dict) -> None:
    (project.folder / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def run(project: Project, *targets: str) -> str:
    done = project.snakemake(*ARGUMENTS, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def made(project: Project) -> dict[str, bytes]:
    """Bytes of all that training and ranking left."""
    folder = project.folder / "results/dense"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NOT_COMPARED
    }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Project:
    """A copy of the project with the configuration."""
    project = copy_project(tmp_path_factory.mktemp("halving") / "project")
    write(project, CONFIG)
    return project


@pytest.fixture(scope="module")
def whole(fresh, tmp_path_factory) -> Project:
    """The same where the halving and what is said of it has been made, with a report."""
    project = Project(shutil.copytree(fresh.folder, tmp_path_factory.mktemp("whole") / "project"))
    run(project, "--", TABLE, FIGURE, FINDINGS)
    run(project, "--report", "report.html")
    return project


def ranks(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.folder / TABLE)


def test_each_rung_takes_the_best_of_the_one_before(whole):
    table = ranks(whole)
    assert table.groupby("rung").size().tolist() == [9, 3, 1]
    assert table.groupby("rung")["protocol.passes"].unique().map(list).tolist() == [
        [budget] for budget in BUDGETS
    ]
    by_rung = dict(list(table.groupby("rung")))
    for rung, own in by_rung.items():
        lost = own["diverged"] / own["n"]
        order = np.lexsort((own["validation_loss_mean"], lost))
        assert own["rank"].to_numpy()[order].tolist() == [*range(1, len(own) + 1)]
        went_on = own[own["promoted"]][[RATE, SHARE]].to_numpy().tolist()
        later = by_rung.get(rung + 1, own.iloc[:0])[[RATE, SHARE]].to_numpy().tolist()
        assert went_on == later
        assert own["promoted"].tolist() == (own["rank"] <= len(later)).tolist()


def test_a_slot_has_the_bytes_of_a_training_of_its_own(whole, fresh, tmp_path):
    project = Project(shutil.copytree(fresh.folder, tmp_path / "project"))
    names = ("runs.csv", "history.parquet", "layers.parquet", "weights.npz", "snapshots.npz")
    slots = {
        path.parent: json.loads(path.read_text())["settings"]
        for rung in (2, 3)
        for path in whole.folder.glob(f"{RUNGS.format(rung)}/slot~*/promoted.json")
    }
    assert len(slots) == 4
    cells = {
        slot: "results/dense/" + "/".join(f"{k}~{v}" for k, v in settings["cell"].items())
        for slot, settings in slots.items()
    }
    assert all("protocol~tiny+passes=" in cell for cell in cells.values())
    write(project, CONFIG | {"kept_state_megabytes": 0})
    run(project, "--", *(f"{cell}/runs.csv" for cell in cells.values()))
    for slot, cell in cells.items():
        for name in names:
            ours, theirs = slot / name, project.folder / cell / name
            assert ours.read_bytes() == theirs.read_bytes(), (slot, name)
        record = json.loads((slot / NOT_COMPARED).read_text())
        before = BUDGETS[BUDGETS.index(record["settings"]["protocol"]["passes"]) - 1]
        assert record["continued_from"] == before
        assert "continued_from" not in json.loads(
            (project.folder / cell / NOT_COMPARED).read_text()
        )


def test_nothing_runs_again_and_findings_and_report_have_it(whole):
    assert "Nothing to be done" in run(whole, "-n", "--", TABLE, FIGURE, FINDINGS)
    report = (whole.folder / "report.html").read_text(encoding="utf-8")
    assert "rates_halving.svg" in report
    findings = json.loads((whole.folder / FINDINGS).read_text())
    study = findings["families"]["dense"]["studies"]["rates"]
    chosen = ranks(whole).query("rung == 3").iloc[0]
    counts = "9 with 20 passes, of which the best went on, 3 with 45, 1 with 110."
    assert study["halving"][0].endswith(counts)
    assert f"{chosen['validation_loss_mean']:.4f}" in study["halving"][1]
    reported = f"its held-out accuracy is {chosen['heldout_accuracy_mean']:.4f} (95% interval"
    assert reported in study["halving"][1]


def test_the_price_of_a_slot_is_that_of_what_it_has_to_train(fresh):
    done = subprocess.run(
        [
            *("python", "workflow/estimate_cost.py", "--cores", "2"),
            *("--configfile", str(fresh.folder / "ours.yaml"), "--directory", str(fresh.folder)),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"train_dense\W+13\b", done.stdout), done.stdout


def test_killed_in_each_rung_it_ends_with_the_same_bytes(whole, fresh, tmp_path):
    project = Project(shutil.copytree(fresh.folder, tmp_path / "project"))
    for rung in (2, 3):
        call = subprocess.Popen(
            ["snakemake", *ARGUMENTS, "--cores", "1", "--", TABLE],
            cwd=project.folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        log = project.folder / f"results/logs/train_dense/halving/rates/rung~{rung}/slot~1.log"
        deadline = time.monotonic() + 300
        while not log.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.killpg(call.pid, signal.SIGKILL)
        call.wait(timeout=120)
        assert log.exists() and not (project.folder / TABLE).exists()
    run(project, "--", TABLE)
    assert (project.folder / TABLE).read_bytes() == (whole.folder / TABLE).read_bytes()
    assert made(project) == made(whole)


@pytest.mark.parametrize(
    ("halving", "more", "told"),
    [
        ({"budgets": [20, 20]}, {}, "halving.budgets: got [20, 20]; allowed: each more than"),
        ({"budgets": [20]}, {}, "halving.budgets"),
        ({"budgets": [20, 40], "keep": 1}, {}, "halving.keep"),
        ({"budgets": [20, 40], "measure": "heldout_loss"}, {}, "halving.measure"),
        ({"keep": 0.5}, {}, "budgets"),
        (
            {"budgets": [20, 40]},
            {"fix": {"protocol.passes": 30}},
            "fix.protocol.passes: is set by halving.budgets; allowed: one of the two",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(fresh, halving, more, told):
    config = json.loads(json.dumps(CONFIG))
    config["dense"]["studies"]["rates"] |= {"halving": halving, **more}
    (fresh.folder / "wrong.yaml").write_text(yaml.safe_dump(config))
    done = fresh.snakemake("-n", "--configfile", "wrong.yaml")
    text = done.stdout + done.stderr
    assert done.returncode != 0 and told in text and "Traceback" not in text, text
    assert "dense.studies.rates" in text
