"""The recipes of CONTRIBUTING.md: each is applied to a copy of the project, tested and used."""

import copy
import re
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
import pytest
import yaml
from conftest import ROOT, Project, copy_project
from patches import Patch, patches_in

from restudy.data.tables import read_table

CONFIG = {
    "datasets": {"points": {"kind": "moons", "points": 40, "heldout_points": 40}},
    "dense": {
        "baseline": {
            "dataset": "points",
            "protocol": "short",
            "activation": "tanh",
            "hidden_size": 3,
            "depth": 1,
            "initializer": "fan_in_normal",
            "optimizer": "gd",
        },
        "protocols": {"short": {"arithmetic": "corrected", "passes": 50, "replicates": 3}},
        "optimizers": {"gd": {"kind": "gradient_descent", "learning_rate": 0.1}},
        "studies": {"tried": {"question": "Does it work?", "vary": {"activation": ["tanh"]}}},
    },
}
CLAIM = {
    "id": "tried",
    "source": "a recipe",
    "statement": "It works.",
    "model": "dense",
    "study": "tried",
}
FOLDER = (
    "results/dense/dataset~points/protocol~short/activation~{}/hidden_size~3/depth~1/"
    "initializer~fan_in_normal/optimizer~gd"
)
CLAIMS = "results/tables/claims.csv"


class Recipe(NamedTuple):
    """What CONTRIBUTING.md says of one thing to add."""

    files: list[str]
    patches: list[Patch]


def recipes() -> dict[str, Recipe]:
    """The recipes by their headings."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    sections = re.split(r"^### (.*)\n", text, flags=re.M)[1:]
    return {
        heading: Recipe(re.findall(r"^\d\. `(.*?)`", body, re.M), patches_in(body))
        for heading, body in zip(sections[::2], sections[1::2], strict=True)
    }


def make(project: Project, *targets: str, vary=None, dataset=None, test=None) -> None:
    """Run the workflow as far as some files, with a study of one or two short trainings."""
    config = copy.deepcopy(CONFIG)
    config["dense"]["studies"]["tried"]["vary"] |= vary or {}
    config["datasets"]["points"] |= dataset or {}
    if test:
        config["claims"] = "claims.yaml"
        claims = {"claims": [CLAIM | {"tests": [test]}]}
        (project.folder / "claims.yaml").write_text(yaml.safe_dump(claims))
    (project.folder / "tiny.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    done = project.snakemake("--cores", "2", "--configfile", "tiny.yaml", "--", *targets)
    assert done.returncode == 0, done.stdout + done.stderr


def table(project: Project, path: str) -> pd.DataFrame:
    return read_table(project.folder / path)


def train_with_softsign(project: Project) -> None:
    runs = f"{FOLDER.format('softsign')}/runs.csv"
    make(project, runs, vary={"activation": ["softsign"]})
    found = table(project, runs)
    assert found["activation"].tolist() == ["softsign"] * 3
    assert found["train_loss"].between(0, 0.8).all() and found["diverged_at"].isna().all()


def train_on_xor(project: Project) -> None:
    runs = f"{FOLDER.format('tanh')}/runs.csv"
    make(project, runs, dataset={"kind": "xor"})
    assert table(project, runs)["heldout_accuracy"].between(0.2, 1).all()
    points = table(project, "results/data/points/points.csv")
    assert len(points) == 80 and points[["x1", "x2"]].abs().max().between(0.5, 1.5).all()


def judge_a_gain(project: Project) -> None:
    ends = {"from": {"activation": "tanh"}, "to": {"activation": "relu"}}
    # No accuracy exceeds another by 2.
    test = {"form": "gain", "measure": "train_accuracy", "margin": 2, **ends}
    make(project, CLAIMS, vary={"activation": ["tanh", "relu"]}, test=test)
    assert table(project, CLAIMS)["verdict"].tolist() == ["contradicted"]


def draw_overfitting(project: Project) -> None:
    figure = "results/figures/dense/tried_overfitting.svg"
    make(project, figure)
    assert "Does it work?" in (project.folder / figure).read_text()


def summarise_and_judge_margins(project: Project) -> None:
    summary = "results/tables/dense_summary.csv"
    # No probability leads another by more than 1, and this measure is there from the start.
    test = {"form": "threshold", "measure": "heldout_margin", "above": 1, "at": 0}
    make(project, CLAIMS, summary, test=test)
    assert table(project, CLAIMS)["verdict"].tolist() == ["contradicted"]
    assert table(project, summary)["heldout_margin_mean"].between(0.01, 0.99).all()


class Use(NamedTuple):
    """How a recipe is tried: files of tests that know what it adds, a word of theirs, a use."""

    tests: tuple[str, ...]
    word: str
    use: Callable[[Project], None]


USES = {
    "An activation function": Use(
        ("dense_activations", "dense_gradients", "study_network", "registries"),
        "softsign",
        train_with_softsign,
    ),
    "A kind of point set": Use(("points", "registries"), "quadrants", train_on_xor),
    "A form of claim": Use(("claims_file",), "gain", judge_a_gain),
    "A figure of a study": Use(
        ("views_figures", "plan", "project"), "overfitting", draw_overfitting
    ),
    "A measure": Use(("dense_training", "tables"), "margin", summarise_and_judge_margins),
}
# Of the tests that are there already, those that a new name could break.
OTHERS = (
    "of_the_facts or registries or every_activation or same_forms or columns or "
    "every_column_is or summary_counts or summaries or figures_follow or every_caption"
)


def test_every_recipe_is_tried():
    assert list(recipes()) == list(USES)


@pytest.mark.parametrize("name", USES)
def test_recipe_touches_the_two_or_three_files_that_it_lists(name):
    recipe = recipes()[name]
    assert {patch.file for patch in recipe.patches} == set(recipe.files)
    assert 2 <= len(recipe.files) == len(set(recipe.files)) <= 3
    assert [file.startswith("tests/") for file in recipe.files].count(True) == 1


@pytest.mark.parametrize("name", USES)
def test_recipe_works_in_a_copy_of_the_project(name, tmp_path):
    project = copy_project(tmp_path / "project")
    recipe, (tests, word, use) = recipes()[name], USES[name]
    for patch in recipe.patches:
        patch.apply(project.folder)
    code = [file for file in recipe.files if file.endswith(".py")]
    files = [f"tests/unit/test_{test}.py" for test in (*tests, "config")]
    options = ["-v", "-p", "no:cacheprovider", "-k", f"{word} or {OTHERS}"]
    for call in (
        ["restudy.study.reference"],
        ["ruff", "check", *code],
        ["ruff", "format", "--check", *code],
        ["pytest", *options, *files],
    ):
        done = project.python("-m", *call)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(rf"::\S*{word}\S* PASSED", done.stdout), done.stdout
    use(project)
