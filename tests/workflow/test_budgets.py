"""Runs with other budgets: training goes on from a smaller one, or stops early."""

import json
import os
import shutil
import signal
import subprocess
import time

import pandas as pd
import pytest
import yaml
from conftest import Project, copy_project, environment
from own_images import CONFIG, write_images
from small_study import small_section

from restudy.verification.fingerprints import digest_of

DENSE = (
    "results/dense/dataset~points/protocol~{}/activation~tanh/hidden_size~3/depth~1/"
    "initializer~fan_in_normal/optimizer~gd/runs.csv"
)
CONV = (
    "results/conv/dataset~ours/protocol~{}/activation~relu/initializer~truncated_normal/"
    "optimizer~adam/seed~0/runs.csv"
)
POINTS = "points"  # the folder in which they were made
# No run becomes better by more than this, so the first record is the best one.
NEVER = {"measure": "validation_loss", "min_delta": 10}
STOPPING = {"dense": NEVER | {"patience": 25}, "conv": NEVER | {"patience": 6}}


def study_of(passes: int, steps: int) -> dict:
    """A configuration of both families with these budgets, with and without early stopping."""
    points = {"kind": "moons", "points": 40, "heldout_points": 40, "validation_points": 40}
    dense = small_section("points", {"one": {"question": "?", "vary": {"hidden_size": [3]}}})
    tiny = dense["protocols"]["tiny"] | {"passes": passes}
    dense["protocols"] = {
        "tiny": tiny,
        "cosine": tiny | {"schedule": {"kind": "cosine"}},
        "stopping": tiny | {"stop_early": STOPPING["dense"]},
    }
    small = {
        **{"steps": steps, "batch_size": 10, "channels": [2, 3], "units": 8},
        **{"monitor_interval": 4, "evaluate_interval": 2, "checkpoint_interval": 30},
    }
    conv = CONFIG["conv"] | {
        "baseline": CONFIG["conv"]["baseline"] | {"protocol": "tiny"},
        "protocols": {"tiny": small, "stopping": small | {"stop_early": STOPPING["conv"]}},
    }
    images = CONFIG["datasets"]["ours"] | {"path": "../photos"}
    return {"datasets": {"points": points, "ours": images}, "dense": dense, "conv": conv}


class Folder:
    """A working folder beside the project, with its own configuration and results.

    A new one has the points, which are the same for all.
    """

    def __init__(self, project: Project, name: str):
        self.project, self.place = project, project.folder.parent / name
        if not self.place.exists():
            shutil.copytree(project.folder.parent / POINTS, self.place)
        self.file = self.place / "config.yaml"

    def call(self, *arguments: str) -> list[str]:
        """The arguments of a call in this folder."""
        return ["--configfile", str(self.file), "--directory", str(self.place), *arguments]

    def configure(self, config: dict) -> None:
        self.file.write_text(yaml.safe_dump(config, sort_keys=False))

    def run(self, config: dict, *arguments: str) -> None:
        self.configure(config)
        done = self.project.snakemake("--cores", "1", *self.call(*arguments))
        assert done.returncode == 0, done.stdout + done.stderr

    def log(self, runs: str) -> str:
        """The log of the job that made a table of runs."""
        job = runs.removeprefix("results/").removesuffix("/runs.csv")
        return (self.place / f"results/logs/train_{job}.log").read_text()

    def record(self, runs: str) -> dict:
        """Its record of provenance."""
        return json.loads((self.place / runs).with_name("provenance.json").read_text())

    def digests(self, runs: str) -> dict[str, dict]:
        """What all its artefacts hold: their bytes, or of event files all but times and speeds."""
        artefacts = sorted((self.place / runs).parent.iterdir())
        return {path.name: digest_of(path) for path in artefacts if path.name != "provenance.json"}

    def kept(self, runs: str) -> list[str]:
        """Names of the states that are kept of its training."""
        folder = runs.replace("results/", "results/checkpoints/", 1).removesuffix("/runs.csv")
        return sorted(path.name for path in (self.place / folder).glob("*"))


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("budgets") / "project")
    write_images(project.folder.parent / "photos", seed=0)
    (project.folder.parent / POINTS).mkdir()
    Folder(project, POINTS).run(study_of(20, 6), "--", "results/data/points/points.csv")
    return project


TARGETS = [DENSE.format(name) for name in ("tiny", "cosine", "stopping")]


@pytest.fixture(scope="module")
def folders(project) -> tuple[Folder, Folder, dict]:
    """The same budgets reached in two calls and in one; and what the first call left.

    Of the dense networks. Of the CNN, whose every job loads TensorFlow, the one that grows is also
    killed, below.
    """
    grown, whole = Folder(project, "grown"), Folder(project, "whole")
    grown.run(study_of(20, 6), *TARGETS)
    first = {runs: grown.digests(runs) for runs in TARGETS}
    grown.run(study_of(45, 13), *TARGETS)
    whole.run(study_of(45, 13), *TARGETS)
    return grown, whole, first


@pytest.mark.parametrize("runs", TARGETS)
def test_a_larger_budget_leaves_what_a_fresh_run_of_it_leaves(folders, runs):
    grown, whole, first = folders
    assert grown.digests(runs) == whole.digests(runs) != first[runs]


def test_training_goes_on_and_its_log_and_record_say_so(folders):
    grown, whole, _ = folders
    told = "goes on from 20 of 45 passes"
    for runs in (DENSE.format("tiny"), DENSE.format("stopping")):
        assert told in grown.log(runs) and told not in whole.log(runs)
        assert grown.record(runs)["continued_from"] == 20
        assert "continued_from" not in whole.record(runs)
    kept = [f"ended-0000000{passes}.checkpoint" for passes in (20, 45)]
    assert grown.kept(DENSE.format("tiny")) == kept


def test_with_a_cosine_training_starts_anew_and_its_log_says_why(folders):
    grown, whole, _ = folders
    runs = DENSE.format("cosine")
    told = "starts anew whatever was trained before: with the schedule cosine, every learning rate"
    assert told in grown.log(runs) and told not in whole.log(runs)
    assert "continued_from" not in grown.record(runs)


def test_a_run_that_stops_early_says_when_and_what_it_was_best_with(folders):
    for folder in folders[:2]:
        runs = pd.read_csv(folder.place / DENSE.format("stopping"))
        assert runs[["passes", "stopped_at", "best_at"]].to_numpy().tolist() == [[30, 30, 0]] * 2


def test_a_smaller_budget_and_the_same_one_train_from_the_start(folders):
    grown, _, first = folders
    runs = DENSE.format("tiny")
    grown.run(study_of(20, 6), runs)
    assert grown.digests(runs) == first[runs]
    assert "continued_from" not in grown.record(runs)
    grown.run(study_of(20, 6), "--forcerun", "train_dense", "--", runs)
    assert grown.digests(runs) == first[runs]
    assert "continued_from" not in grown.record(runs)


def is_on_its_way(folder: Folder, runs: str) -> bool:
    """Whether a training went on, and if it makes checkpoints has made one since."""
    if runs.startswith("results/conv"):
        return any(name.startswith("step-") for name in folder.kept(runs))
    try:
        return "goes on from 20 of" in folder.log(runs)
    except FileNotFoundError:  # Snakemake has removed the last one
        return False


@pytest.mark.parametrize(
    ("runs", "told", "kept"),
    [
        (DENSE.format("tiny"), "goes on from 20 of 30,000 passes", (20, 30_000)),
        (CONV.format("tiny"), "resumed after 6 of 150 steps", (6, 150)),
    ],
    ids=["dense", "conv"],
)
def test_a_training_that_goes_on_may_be_killed(project, runs, told, kept):
    small, large = study_of(20, 6), study_of(30_000, 150)
    for config in (small, large):
        config["dense"]["protocols"]["tiny"] |= {"record_interval": 10_000}
    family = runs.split("/")[1]
    killed, whole = Folder(project, f"killed_{family}"), Folder(project, f"unkilled_{family}")
    killed.run(small, runs)
    first = killed.digests(runs)
    killed.configure(large)
    call = subprocess.Popen(
        ["snakemake", "--cores", "1", *killed.call(runs)],
        cwd=project.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300
        while not is_on_its_way(killed, runs) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.killpg(call.pid, signal.SIGKILL)
        call.wait(timeout=120)
    assert is_on_its_way(killed, runs) and not (killed.place / runs).exists()
    assert told in killed.log(runs)
    killed.run(large, runs)
    whole.run(large, runs)
    assert killed.digests(runs) == whole.digests(runs) != first
    made = killed.record(runs)["continued_from"]
    if family == "dense":
        assert made == 20 and told in killed.log(runs)
    else:
        assert made >= 30 and f"resumed after {made} of 150 steps" in killed.log(runs)
    assert "continued_from" not in whole.record(runs)
    # What is left is for a larger budget.
    assert killed.kept(runs) == [f"ended-{budget:09}.checkpoint" for budget in kept]


def budgets_as_an_axis() -> dict:
    """A study of the dense networks in which the budget varies."""
    config = study_of(20, 6)
    del config["conv"], config["datasets"]["ours"]
    config["dense"]["studies"]["one"]["vary"] = {"protocol.passes": [10, 20, 40]}
    return config


PASSES = {
    10: DENSE.format("tiny+passes=10"),
    20: DENSE.format("tiny"),
    40: DENSE.format("tiny+passes=40"),
}


@pytest.fixture(scope="module")
def separate(project) -> dict[str, dict]:
    """What each budget leaves that is trained by itself: nothing is kept, so nothing goes on."""
    folder = Folder(project, "separate")
    folder.run(budgets_as_an_axis() | {"kept_state_megabytes": 0}, *PASSES.values())
    assert not (folder.place / "results/checkpoints").exists()
    assert not any("continued_from" in folder.record(runs) for runs in PASSES.values())
    return {runs: folder.digests(runs) for runs in PASSES.values()}


def test_how_much_is_kept_is_no_reason_to_train_again(project, separate):
    folder = Folder(project, "separate")
    folder.configure(budgets_as_an_axis() | {"kept_state_megabytes": 7})
    done = project.snakemake("-n", *folder.call(*PASSES.values()))
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr


# With the first one there, those that follow it side by side: 20 can go on from 10, and 40 from
# what it finds then; 10 from nothing and 40 from 20.
@pytest.mark.parametrize(
    ("first", "went_on"), [(10, {20: {10}, 40: {10, 20}}), (20, {10: {None}, 40: {20}})]
)
def test_budgets_on_an_axis_serve_each_other_in_any_order(project, separate, first, went_on):
    folder = Folder(project, f"axis_{first}")
    folder.run(budgets_as_an_axis(), PASSES[first])
    folder.run(budgets_as_an_axis(), "--cores", "2", *PASSES.values())
    for runs in PASSES.values():
        assert folder.digests(runs) == separate[runs]
    for passes, possible in went_on.items():
        assert folder.record(PASSES[passes]).get("continued_from") in possible


# A whole run ---------------------------------------------------------------------------------


def stopping_everywhere() -> dict:
    """A configuration whose baselines stop early."""
    config = study_of(45, 13)
    for family in ("dense", "conv"):
        section = config[family]
        section["protocols"] = {"stopping": section["protocols"]["stopping"]}
        section["baseline"] = section["baseline"] | {"protocol": "stopping"}
        kinds = {"dense": ["relu", "tanh"], "conv": ["relu"]}[family]
        section["studies"] = {"one": {"question": "Which?", "vary": {"activation": kinds}}}
    return config


# What says of a run where it stopped.
SAID = [
    *(f"results/tables/{family}_runs.html" for family in STOPPING),
    *(f"results/tables/{family}_history.parquet" for family in STOPPING),
    "results/figures/dense/one_loss_curves.svg",
    "results/report/study.html",
]


@pytest.fixture(scope="module")
def stopped(project) -> Folder:
    """What a run that stops early leaves and says, and its report."""
    folder = Folder(project, "stopped")
    folder.run(stopping_everywhere(), *SAID)
    done = project.snakemake("--report", str(folder.place / "report.html"), *folder.call())
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(("family", "ended"), [("dense", (30, 30, 0)), ("conv", (8, 8, 2))])
def test_tables_of_a_run_say_where_runs_stopped(stopped, family, ended):
    runs = pd.read_csv(stopped.place / f"results/tables/{family}_runs.csv")
    budget = {"dense": "passes", "conv": "steps"}[family]
    found = runs[[budget, "stopped_at", "best_at"]]
    assert set(found.itertuples(index=False, name=None)) == {ended}
    history = pd.read_parquet(stopped.place / f"results/tables/{family}_history.parquet")
    assert history[{"dense": "pass", "conv": "step"}[family]].max() == ended[0]
    page = (stopped.place / f"results/tables/{family}_runs.html").read_text()
    assert "When the run stopped early" in page and "best_at" in page


def test_the_report_of_a_run_has_the_study_and_no_fault(stopped):
    report = (stopped.place / "report.html").read_text()
    assert "Which?" in report and "System Message" not in report


def test_a_changed_rule_is_named_as_the_cause(stopped):
    config = stopping_everywhere()
    rules = {family: config[family]["protocols"]["stopping"]["stop_early"] for family in STOPPING}
    config["dense"]["protocols"]["stopping"]["stop_early"] = rules["dense"] | {"patience": 15}
    del config["conv"]["protocols"]["stopping"]["stop_early"]
    stopped.configure(config)
    try:
        done = stopped.project.python("workflow/explain_jobs.py", *stopped.call())
    finally:
        stopped.configure(stopping_everywhere())
    told = " ".join(done.stdout.split())
    assert "configuration: dense.protocols.stopping.stop_early.patience: 25 → 15" in told
    assert "conv.protocols.stopping.stop_early" in told
