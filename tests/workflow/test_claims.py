"""A stranger's claims on a grid of their own, and the command that decides an undecided one."""

import html
import re
import shlex

import pandas as pd
import pytest
import yaml
from conftest import Project, copy_project

CONFIG = {
    "claims": "own claims.yaml",
    "datasets": {"rings": {"kind": "circles", "points": 40, "heldout_points": 40}},
    "dense": {
        "baseline": {
            "dataset": "rings",
            "protocol": "quick",
            "activation": "tanh",
            "hidden_size": 2,
            "depth": 1,
            "initializer": "fan_in_normal",
            "optimizer": "gd",
        },
        "protocols": {
            "quick": {"arithmetic": "corrected", "passes": 40, "replicates": 3},
        },
        "optimizers": {"gd": {"kind": "gradient_descent", "learning_rate": 0.01}},
        "studies": {"alone": {"question": "How low?", "vary": {"activation": ["tanh"]}}},
    },
}
TEST = {"form": "threshold", "measure": "train_loss", "below": 0.8}
CLAIM = {
    **{"id": "low", "source": "mine", "statement": "The loss is low.", "model": "dense"},
    **{"study": "alone", "tests": [TEST]},
}
PAGE = "results/report/verdicts.html"
RUNS = "results/tables/dense_runs.csv"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    project = copy_project(tmp_path_factory.mktemp("claims") / "project")
    (project.folder / "own claims.yaml").write_text(yaml.safe_dump({"claims": [CLAIM]}))
    (project.folder / "own.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return project


def commands(page: str) -> list[list[str]]:
    """Words of the commands that a page shows, as a shell reads them."""
    lines = re.findall(r"<code>(snakemake .*?)</code>", page)
    return [shlex.split(html.unescape(line)) for line in lines]


def test_the_command_adds_seeds_to_the_run_whose_page_shows_it(project, tmp_path):
    folder = tmp_path / "another folder"
    override = 'dense={"protocols": {"quick": {"passes": 30, "record_interval": 15}}}'
    call = ("--configfile", "own.yaml", "--directory", str(folder), "--config", override)
    done = project.snakemake("--cores", "2", *call, "--", PAGE)
    assert done.returncode == 0, done.stdout + done.stderr
    ((program, *words),) = commands((folder / PAGE).read_text())
    assert program == "snakemake"
    start = ["--cores", "4", "--directory", str(folder), "--configfile", "own.yaml"]
    assert words[:-1] == [*start, "--config", override]
    (row,) = pd.read_csv(folder / "results/tables/claims.csv").to_dict("records")
    assert words[-1] == row["setting"]
    dry = project.snakemake("-n", *words)
    assert dry.returncode == 0 and re.search(r"train_dense +1\n", dry.stdout + dry.stderr)
    done = project.snakemake(*words, "--", RUNS)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = pd.read_csv(folder / RUNS)
    assert len(runs) == 3 + row["further_seeds"]
    assert set(runs["passes"]) == {30}
    assert not (project.folder / "results").exists()
