"""A large grid: few jobs beside the training, few inputs each, and its price before it runs."""

import json
import re

import pytest
from conftest import ROOT, copy_project, environment
from forked_snakemake import run_program

PART = {"dataset": ["moons"], "activation": ["tanh"], "depth": [1], "optimizer": ["gd_0_03"]}
HUNDRED = (
    "--configfile",
    "config/scale.yaml",
    "--config",
    f"dense={json.dumps({'studies': {'grid': {'vary': PART}}})}",
)
# The project's own, beside which its reference lies.
PROGRAM = ROOT / "workflow/estimate_cost.py"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("scale") / "project")


def test_hundred_cells_of_the_grid_train_and_get_no_picture_of_their_own(project):
    done = project.snakemake("-n", *HUNDRED)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = (line.split() for line in done.stdout.splitlines())
    counts = dict(row for row in rows if len(row) == 2 and row[1].isdecimal())
    assert counts["train_dense"] == "100"
    assert "plot_boundary_dense" not in counts
    assert int(counts["total"]) < 100 + 30


def test_figures_of_a_large_study_read_one_table_and_not_every_cell(project):
    figure = "results/figures/dense/grid_loss_effects.svg"
    done = project.snakemake("--rulegraph", *HUNDRED, "--", figure)
    assert done.returncode == 0, done.stderr
    assert "combine_tables" in done.stdout


def test_few_jobs_look_after_every_cell(project):
    done = project.snakemake("--rulegraph", *HUNDRED)
    assert done.returncode == 0, done.stderr
    names = dict(re.findall(r'(\d+)\[label = "(\w+)', done.stdout))
    edges = re.findall(r"(\d+) -> (\d+)", done.stdout)
    following = {names[after] for before, after in edges if names[before] == "train_dense"}
    tables = {"combine_tables", "tabulate_benchmarks", "tabulate_predictions"}
    # Of the cells that they show.
    pages = {"build_study_page", "run_notebook"}
    assert tables <= following <= tables | pages


@pytest.mark.parametrize(("targets", "trainings"), [([], "100"), (["certificate"], "110")])
def test_price_needs_no_results_and_counts_what_is_planned(project, targets, trainings):
    command = [PROGRAM, "--cores", "2", *targets, *HUNDRED]
    done = run_program(command, project.folder, environment())
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line.strip()}
    assert rows["train_dense"] == trainings
    assert "on 2 cores" in done.stdout
    assert "No job has been recorded in this folder" in done.stdout


def test_missing_configuration_gets_one_line_and_no_price(project):
    command = ["workflow/estimate_cost.py", "--configfile", "missing.yaml"]
    done = run_program(command, project.folder, environment())
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "missing.yaml" in done.stderr
