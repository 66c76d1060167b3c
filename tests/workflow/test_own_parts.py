"""Parts of one's own, in files beside the configuration: in the grid, the report and the causes."""

import json

import pandas as pd
import pytest
from conftest import copy_project, environment
from forked_snakemake import run_program

from restudy import open_results
from restudy.families.plugins import PLUGINS
from restudy.families.registry import load_plugins
from restudy.study.yaml_files import read_yaml

CONFIG = "examples/own_parts/config.yaml"
CALL = ("--configfile", CONFIG, "--directory", "results/own_parts")
TARGETS = (
    "results/tables/dense_runs.csv",
    "results/report/verdicts.html",
    "results/report/study.html",
    "results/figures/dense/activations_loss_gap.svg",
    "results/figures/data/arms.svg",
    "results/provenance.json",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What the example is about, made as its documentation says."""
    project = copy_project(tmp_path_factory.mktemp("parts") / "project")
    done = project.snakemake("--cores", "2", *CALL, "--", *TARGETS)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def test_they_are_in_tables_pages_and_verdicts(project):
    results = project.folder / "results/own_parts/results"
    runs = pd.read_csv(results / "tables/dense_runs.csv")
    assert runs.groupby(["activation", "optimizer", "initializer", "protocol"]).size().eq(6).all()
    assert {"mish"} < set(runs["activation"]) and {"lion"} < set(runs["optimizer"])
    assert {"sparse_normal"} < set(runs["initializer"]) and {"restarts"} < set(runs["protocol"])
    assert runs["train_loss"].between(0, 1).all()
    (claim,) = pd.read_csv(results / "tables/claims.csv").to_dict("records")
    assert (claim["contrast"], claim["verdict"]) == ("tanh, gd − mish, lion", "reproduced")
    assert "Mish" in (results / "report/verdicts.html").read_text()
    assert "<svg" in (results / "figures/dense/activations_loss_gap.svg").read_text()


def test_training_is_recorded_with_the_digests_of_the_files_that_it_uses(project):
    cell = "dataset~arms/protocol~usual/activation~mish/hidden_size~8/depth~1"
    place = f"results/own_parts/results/dense/{cell}/initializer~xavier_normal/optimizer~lion"
    record = json.loads((project.folder / place / "provenance.json").read_text())
    used = {axis for axis, each in record["settings"].items() if "code" in each}
    assert used == {"dataset", "activation", "optimizer"}


def test_results_are_read_with_the_files_that_the_run_used(project):
    results = project.folder / "results/own_parts/results"
    runs = pd.read_csv(results / "tables/dense_runs.csv")
    files = {
        key: [project.folder / path for path in paths]
        for key, paths in read_yaml(project.folder / CONFIG).items()
        if key in PLUGINS
    }
    mish = {"activation": "mish", "optimizer": "lion"}
    try:
        found = open_results(results, **files)
        assert len(found.runs("dense", study="activations")) == 36
        cell = found.cell("dense", **mish)
        points, label = (
            found.points("arms").query("part == 'heldout'")[names]
            for names in (["x1", "x2"], "label")
        )
        accuracy = (cell.predict(points.to_numpy()) == label.to_numpy()).mean(axis=1)
    finally:
        load_plugins({})
    expected = runs[(runs["activation"] == "mish") & (runs["optimizer"] == "lion")]
    assert accuracy.tolist() == pytest.approx(expected["heldout_accuracy"].tolist())


def test_after_an_edit_what_uses_a_file_is_made_again(project):
    def explained():
        program = ("workflow/explain_jobs.py", *CALL, "--", *TARGETS)
        return run_program(program, project.folder, environment()).stdout

    assert "train_dense" not in explained()
    own = project.folder / "examples/own_parts/mish.py"
    text = own.read_text()
    try:
        own.write_text(f"{text}\n# edited\n")
        told = explained()
    finally:
        own.write_text(text)
    assert "train_dense, 2 jobs" in told and "activations.mish.code" in told
    assert "make_points" not in told and "starts" not in told
