"""A family in one file of a user's gets all that the built-in ones get; no other file changes."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import ROOT, copy_project, environment
from forked_snakemake import run_program

from restudy import open_results
from restudy.reading.files import ResultsError

EXAMPLE = ROOT / "examples/scikit_learn"
# The example's configuration, with fewer cells and seeds.
CONFIG = yaml.safe_load((EXAMPLE / "config.yaml").read_text())
CONFIG |= {"families": ["support_vectors.py"], "claims": "claims.yaml"}
CONFIG["svm"]["protocols"]["usual"] = {"replicates": 2, "share": 0.3}
CONFIG["svm"]["studies"]["kernels"]["vary"]["c"] = [0.01, 1]
CLAIMS = {
    "claims": [
        {
            "id": "dear_errors_help",
            "source": "a hunch",
            "statement": "A higher price of errors gives a higher accuracy.",
            "model": "svm",
            "study": "kernels",
            "cells": {"kernel": "rbf"},
            "figure": "accuracy_effects",
            "tests": [
                {
                    "form": "ordered",
                    "measure": "heldout_accuracy",
                    "axis": "c",
                    "order": [0.01, 1],
                }
            ],
        }
    ]
}
CALL = ("--configfile", "mine/config.yaml", "--directory", "mine")
CELL = "dataset~moons/protocol~usual/kernel~rbf/c~0.01"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A whole run of the family, started as a user would."""
    project = copy_project(tmp_path_factory.mktemp("family") / "project")
    mine = project.folder / "mine"
    mine.mkdir()
    shutil.copy(EXAMPLE / "support_vectors.py", mine)
    (mine / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    (mine / "claims.yaml").write_text(yaml.safe_dump(CLAIMS, sort_keys=False))
    done = project.snakemake("--cores", "2", *CALL)
    assert done.returncode == 0, done.stdout + done.stderr
    project.told = done.stdout + done.stderr
    return project


def test_a_run_prints_few_lines_and_how_it_ended(project):
    lines = project.told.splitlines()
    assert len(lines) < 20 and max(map(len, lines)) < 300
    assert any(re.fullmatch(r"\d+ jobs, of which 8 train\.", line) for line in lines)
    ended = next(place for place, line in enumerate(lines) if line.startswith("Done in "))
    assert lines[ended + 1].startswith("1 claim got 1 verdict: ")
    assert lines[ended + 2] == "8 training runs, of which none diverged."
    pages = [line.removeprefix("To look at: file://") for line in lines[ended:] if "file:" in line]
    assert [Path(page).name for page in pages] == ["study.html", "verdicts.html"]
    assert all(Path(page).exists() for page in pages)
    # The two commands that it names next can be called as they stand.
    for line in lines[-2:]:
        command, *arguments = shlex.split(line.partition(": ")[2])
        assert command == "snakemake"
        done = project.snakemake("-n", *arguments) if "certificate" in arguments else None
        done = done or project.snakemake(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        if "--report" in arguments:
            told = (done.stdout + done.stderr).splitlines()
            assert len(told) < 6 and re.search(r"report\.html \(\d+\.\d MB\)\. To see", told[-1])


def test_a_job_that_fails_is_told_of_and_the_users_command_is_called(project, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    text = (EXAMPLE / "support_vectors.py").read_text()
    broken = text.replace(
        "    run.record(", "    raise ValueError('on purpose')\n    run.record(", 1
    )
    assert broken != text
    (folder / "support_vectors.py").write_text(broken)
    call = 'echo "$RESTUDY_OUTCOME in $RESTUDY_FOLDER: $RESTUDY_SUMMARY" > told.txt'
    config = {key: value for key, value in CONFIG.items() if key != "claims"} | {"notify": call}
    config["families"] = [str(folder / "support_vectors.py")]
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    target = f"results/svm/{CELL}/seed~0/runs.csv"
    done = project.snakemake(
        *("--cores", "1", "--directory", str(folder)),
        *("--configfile", str(folder / "config.yaml"), "--", target),
    )
    told = done.stdout + done.stderr
    assert done.returncode == 1 and len(told.splitlines()) < 25
    assert "Failed: Train support vector machines: moons, usual, rbf, 0.01 (rule train_svm)" in told
    assert f"The end of results/logs/train_svm/{CELL}/seed~0.log:\n" in told
    assert "support_vectors.py:" in told and "ValueError: on purpose (while it trained)" in told
    assert "CalledProcessError" not in told and "Exiting because" not in told
    ending = next(line for line in told.splitlines() if line.startswith("1 job failed after "))
    assert "call again: snakemake --cores 1 --directory" in ending
    assert (folder / "told.txt").read_text() == f"failed in {folder}: {ending}\n"


def python(project, *arguments):
    """Run one of the project's programs."""
    return run_program(arguments, project.folder, environment())


def test_a_run_has_a_row_with_its_axes_and_measures(project):
    runs = pd.read_csv(project.folder / "mine/results/tables/svm_runs.csv")
    assert list(runs.columns) == [
        "dataset",
        "protocol",
        "kernel",
        "c",
        "seed",
        "train_accuracy",
        "validation_accuracy",
        "heldout_accuracy",
        "diverged_at",
        "diverged_by",
    ]
    assert len(runs) == 8 and set(runs["c"]) == {0.01, 1.0}
    assert runs["heldout_accuracy"].between(0.4, 1).all()
    assert runs.groupby(["kernel", "c"])["train_accuracy"].nunique().max() > 1, "seeds differ"


def test_results_are_read_without_the_family_and_name_its_file(project):
    r = open_results(project.folder / "mine")
    table = project.folder / "mine/results/tables/svm_runs.csv"
    assert r.runs("svm", kernel="rbf")["c"].tolist() == [0.01, 0.01, 1, 1]
    assert len(r.runs("svm", study="kernels")) == len(pd.read_csv(table)) == 8
    assert r.provenance["families"] == {"svm": "support_vectors.py"}
    cell = r.cell("svm", c=0.01)
    assert cell.path.endswith(CELL), "the kernel is that of the baseline"
    assert cell.arrays("support.npz", seed=1)["vectors"].shape[1] == 2
    with pytest.raises(ResultsError, match=r"families=\['support_vectors.py'\]"):
        cell.predict([[0, 0]])
    full = open_results(
        project.folder / "mine", families=[project.folder / "mine/support_vectors.py"]
    )
    with pytest.raises(ResultsError, match="svm: can't predict here"):
        full.cell("svm").predict([[0, 0]])


def test_cells_are_summarised_compared_and_told_of(project):
    results = project.folder / "mine/results"
    summary = pd.read_csv(results / "tables/svm_summary.csv")
    assert len(summary) == 4 and (summary["n"] == 2).all()
    assert (results / "figures/svm/kernels_accuracy_effects.svg").stat().st_size > 1000
    found = json.loads((results / "report/findings.json").read_text())["families"]["svm"]
    chosen = summary.loc[summary["validation_accuracy_mean"].idxmax()]
    (told,) = found["studies"]["kernels"]["outcome"]
    assert told.startswith(
        f"Chosen by mean validation accuracy among 4: kernel {chosen['kernel']}, "
    )
    assert f"its held-out accuracy is {chosen['heldout_accuracy_mean']:.4f} (95% interval" in told
    page = (results / "report/study.html").read_text()
    assert "Studies" in page and len(page) > 10_000
    best = found["studies"]["kernels"]["best"][0]["levels"][0]["level"]
    assert "penalty C" in best, "a bare number has its axis beside it"


def test_claims_get_verdicts(project):
    claims = pd.read_csv(project.folder / "mine/results/tables/claims.csv")
    assert list(claims["model"]) == ["svm"]
    assert claims["verdict"].isin(["reproduced", "contradicted", "undecided"]).all()
    assert claims["n"].tolist() == [2]


def test_manifest_lists_its_artefacts_by_content(project):
    manifest = json.loads((project.folder / "mine/results/manifest.json").read_text())
    job = manifest["cells"][f"results/svm/{CELL}/seed~0"]
    assert set(job["files"]) == {"runs.csv", "support.npz"}
    assert "fingerprint" in job["files"]["support.npz"]


def test_training_again_gives_the_same_bytes_and_runs_no_foreign_package(project, tmp_path):
    """Not even if one of the same name is first on PYTHONPATH, which jobs read before all else."""
    foreign = tmp_path / "restudy"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("raise RuntimeError('foreign code')")
    done = subprocess.run(
        ["snakemake", "--cores", "2", "certificate", *CALL],
        cwd=project.folder,
        env={**environment(), "PYTHONPATH": os.fspath(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    certificate = json.loads((project.folder / "mine/results/certificate.json").read_text())
    assert certificate["jobs"] and all(job["identical"] for job in certificate["jobs"])


def test_report_has_its_figures_and_tickets(project):
    done = project.snakemake("--report", "report.html", *CALL)
    assert done.returncode == 0, done.stdout + done.stderr
    report = (project.folder / "mine/report.html").read_text()
    assert "Support vector machines" in report
    assert "System Message" not in report and "Penalty C" in report


def test_price_is_told_before_anything_runs(project):
    done = python(project, ROOT / "workflow/estimate_cost.py", "--whole", "--cores", "2", *CALL)
    assert done.returncode == 0, done.stderr
    assert "train_svm" in done.stdout


def test_nothing_runs_again_until_its_file_changes_and_then_its_jobs_do(project):
    assert "train_svm" not in python(project, "workflow/explain_jobs.py", *CALL).stdout
    own = project.folder / "mine/support_vectors.py"
    text = own.read_text()
    try:
        own.write_text(text.replace('"Penalty C"', '"Price C"'))
        told = python(project, "workflow/explain_jobs.py", *CALL).stdout
    finally:
        own.write_text(text)
    assert "train_svm, 8 jobs" in told
    assert "support_vectors.py" in told
    assert "make_points" not in told


WRONG_FILES = [
    ('name="svm"', 'name="dense"', "is named 'dense', as is a built-in family"),
    ('name="svm"', 'name="My svm"', "got the family name 'My svm'"),
    ("FAMILY = Family(", "OTHER = Family(", "has no FAMILY"),
    ('takes="points"', 'takes="points", ranked_by=("loss",)', "ranked_by: got 'loss'"),
    (
        'takes="points"',
        'takes="points", converges_by="train_accuracy"',
        "converges_by: got 'train_accuracy'; allowed: a measure that is recorded during training "
        "(none)",
    ),
    ('"points", "accuracy"', '"pints", "accuracy"', "takes: got 'pints'; allowed: points, images"),
    ('"points", "accuracy"', '"points", "acc"', "quantity: got 'acc'; allowed: loss, accuracy"),
    ("FAMILY = Family(", "FAMILY = Famly(", "NameError: name 'Famly' is not defined"),
]
WRONG_SETTINGS = [
    ({"c": 0}, "svm.baseline.c: got 0; allowed: more than 0"),
    ({"kernel": "rfb"}, "svm.baseline.kernel: got 'rfb' (did you mean 'rbf'?)"),
    ({"c": "much"}, "svm.baseline.c: got 'much'; allowed: a finite number"),
]
# Reads configurations as the workflow does, which tells of a StudyError in a line.
LOAD = """
import json, sys
from pathlib import Path
from restudy.operation.loading import StudyError, load_study

faults = []
for config in json.load(sys.stdin):
    try:
        load_study(config, {}, (), (), Path.cwd())
        faults.append("none")
    except StudyError as fault:
        faults.append(str(fault))
print(json.dumps(faults))
"""


def with_settings(project, change):
    """The configuration, with a change of its baseline."""
    section = {**CONFIG["svm"], "baseline": CONFIG["svm"]["baseline"] | change}
    config = {**CONFIG, "svm": section, "families": [f"{project.folder}/mine/support_vectors.py"]}
    config.pop("claims")
    return config


def test_what_is_wrong_with_a_file_or_its_settings_is_told_in_a_line(project, tmp_path):
    text = (EXAMPLE / "support_vectors.py").read_text()
    configs, expected = [], []
    for number, (old, new, message) in enumerate(WRONG_FILES):
        assert old in text
        path = tmp_path / f"mine_{number}.py"
        path.write_text(text.replace(old, new))
        configs.append({**with_settings(project, {}), "families": [str(path)]})
        expected.append(message)
    for change, message in WRONG_SETTINGS:
        configs.append(with_settings(project, change))
        expected.append(message)
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=project.folder,
        env={**environment(), "PYTHONPATH": "src"},
        input=json.dumps(configs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    faults = json.loads(done.stdout)
    assert len(faults) == len(expected)
    for fault, message in zip(faults, expected, strict=True):
        assert message in fault


@pytest.mark.parametrize("what", ["file", "settings"])
def test_either_stops_the_run_before_anything_runs(project, tmp_path, what):
    if what == "file":
        text = (EXAMPLE / "support_vectors.py").read_text()
        old, new, expected = WRONG_FILES[-1]
        (tmp_path / "mine.py").write_text(text.replace(old, new))
        config = {**with_settings(project, {}), "families": ["mine.py"]}
    else:
        change, expected = WRONG_SETTINGS[0]
        config = with_settings(project, change)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    told = project.snakemake(
        "-n", "--configfile", str(tmp_path / "config.yaml"), "--directory", str(tmp_path)
    )
    assert told.returncode == 1
    lines = told.stdout + told.stderr
    assert expected in lines and "Traceback" not in lines


def test_a_promise_that_training_breaks_ends_the_job_in_a_line(project, tmp_path):
    text = (EXAMPLE / "support_vectors.py").read_text()
    broken = text.replace('run.save("support.npz"', 'run.save("vectors.npz"')
    assert broken != text
    (tmp_path / "mine.py").write_text(broken)
    config = {**with_settings(project, {}), "families": ["mine.py"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    target = f"results/svm/{CELL}/seed~0/runs.csv"
    told = project.snakemake(
        *("--cores", "1", "--configfile", str(tmp_path / "config.yaml")),
        *("--directory", str(tmp_path), "--", target),
    )
    assert told.returncode == 1
    log = (tmp_path / f"results/logs/train_svm/{CELL}/seed~0.log").read_text()
    assert "stopped: mine.py: saved 'vectors.npz'; allowed" in log and "Traceback" not in log
