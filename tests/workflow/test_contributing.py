"""The recipes of CONTRIBUTING.md: all are applied to a copy of the project, tested and used.

No two touch the same file, so none can lean upon another. The tests of the copy run once, and so
does a configuration that uses all that was added; each recipe has to account for its part of both.
"""

import re
import subprocess
from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import pandas as pd
import pytest
import yaml
from conftest import ROOT, Project, copy_project
from patches import Patch, patches_in

from restudy.data.tables import read_table

CONFIG = {
    "claims": "claims.yaml",
    "datasets": {
        name: {"kind": kind, "points": 40, "heldout_points": 40, "validation_points": 40}
        for name, kind in {"points": "moons", "squares": "xor"}.items()
    },
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
        "protocols": {"short": {"arithmetic": "corrected", "passes": 50, "replicates": 8}},
        "optimizers": {"gd": {"kind": "gradient_descent", "learning_rate": 0.1}},
        "studies": {
            "tried": {
                "question": "Does it work?",
                "vary": {"activation": ["tanh", "relu", "softsign"]},
            }
        },
    },
}
CLAIM = {"source": "a recipe", "statement": "It works.", "model": "dense", "study": "tried"}
CLAIMED = {
    # No accuracy exceeds another by 2.
    "gain": {
        "form": "gain",
        "measure": "train_accuracy",
        "margin": 2,
        "from": {"activation": "tanh"},
        "to": {"activation": "relu"},
    },
    # No probability leads another by more than 1, and this measure is there from the start.
    "margin": {
        "form": "threshold",
        "measure": "heldout_margin",
        "above": 1,
        "at": 0,
        "cells": {"activation": "tanh"},
    },
}
FOLDER = (
    "results/dense/dataset~{}/protocol~short/activation~{}/hidden_size~3/depth~1/"
    "initializer~fan_in_normal/optimizer~gd"
)
SOFTSIGN = f"{FOLDER.format('points', 'softsign')}/runs.csv"
SQUARES = f"{FOLDER.format('squares', 'tanh')}/runs.csv"
CLAIMS = "results/tables/claims.csv"
SUMMARY = "results/tables/dense_summary.csv"
FIGURE = "results/figures/dense/tried_overfitting.svg"


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


def table(project: Project, path: str) -> pd.DataFrame:
    return read_table(project.folder / path)


def verdict(project: Project, claim: str) -> list[str]:
    found = table(project, CLAIMS)
    return found.loc[found["claim"] == claim, "verdict"].tolist()


def softsign_was_trained(project: Project) -> None:
    found = table(project, SOFTSIGN)
    assert found["activation"].tolist() == ["softsign"] * 8
    assert found["train_loss"].between(0, 0.8).all() and found["diverged_at"].isna().all()


def xor_was_trained_on(project: Project) -> None:
    assert table(project, SQUARES)["heldout_accuracy"].between(0.2, 1).all()
    points = table(project, "results/data/squares/points.csv")
    assert len(points) == 120 and points[["x1", "x2"]].abs().max().between(0.5, 1.5).all()


def gain_was_judged(project: Project) -> None:
    assert verdict(project, "gain") == ["contradicted"]


def overfitting_was_drawn(project: Project) -> None:
    assert "Does it work?" in (project.folder / FIGURE).read_text()


def margins_were_summarised_and_judged(project: Project) -> None:
    assert verdict(project, "margin") == ["contradicted"]
    assert table(project, SUMMARY)["heldout_margin_mean"].between(0.01, 0.99).all()


class Use(NamedTuple):
    """How a recipe is tried: files of tests that know what it adds, a word of theirs, its use."""

    tests: tuple[str, ...]
    word: str
    worked: Callable[[Project], None]


USES = {
    "An activation function": Use(
        ("dense_activations", "dense_gradients", "study_network", "registries"),
        "softsign",
        softsign_was_trained,
    ),
    "A kind of point set": Use(("points", "registries"), "quadrants", xor_was_trained_on),
    "A form of claim": Use(("claims_file",), "gain", gain_was_judged),
    "A figure of a study": Use(
        ("views_figures", "plan", "project"), "overfitting", overfitting_was_drawn
    ),
    "A measure": Use(("dense_training", "tables"), "margin", margins_were_summarised_and_judged),
}
# Of the tests that are there already, those that a new name could break.
OTHERS = (
    "of_the_facts or registries or every_activation or same_forms or columns or "
    "every_column_is or summary_counts or summaries or figures_follow or every_caption"
)


@pytest.fixture(scope="module")
def edited(tmp_path_factory) -> Project:
    """A copy of the project to which every recipe was applied, its documents written anew."""
    project = copy_project(tmp_path_factory.mktemp("recipes") / "project")
    for name, recipe in recipes().items():
        for patch in recipe.patches:
            try:
                patch.apply(project.folder)
            except (AssertionError, OSError) as fault:
                pytest.fail(f"{name}: {fault}")
    done = project.python("-m", "restudy.study.reference")
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="module")
def tested(edited) -> subprocess.CompletedProcess:
    """The copy's own tests, of those files that know of what was added."""
    files = dict.fromkeys(test for use in USES.values() for test in use.tests)
    words = " or ".join(use.word for use in USES.values())
    return edited.python(
        *("-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", f"{words} or {OTHERS}"),
        *(f"tests/unit/test_{test}.py" for test in (*files, "config")),
    )


@pytest.fixture(scope="module")
def used(edited) -> subprocess.CompletedProcess:
    """A run of the configuration that uses all of it, as far as it gets."""
    claims = [CLAIM | {"id": name, "tests": [test]} for name, test in CLAIMED.items()]
    (edited.folder / "claims.yaml").write_text(
        yaml.safe_dump({"judged_by": "typical_seed", "claims": claims})
    )
    (edited.folder / "tiny.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return edited.snakemake(
        *("--cores", "2", "--keep-going", "--configfile", "tiny.yaml"),
        *("--", SOFTSIGN, SQUARES, CLAIMS, SUMMARY, FIGURE),
    )


def test_every_recipe_is_tried():
    assert list(recipes()) == list(USES)


@pytest.mark.parametrize("name", USES)
def test_recipe_touches_the_two_or_three_files_that_it_lists(name):
    recipe = recipes()[name]
    assert {patch.file for patch in recipe.patches} == set(recipe.files)
    assert 2 <= len(recipe.files) == len(set(recipe.files)) <= 3
    assert [file.startswith("tests/") for file in recipe.files].count(True) == 1


def test_no_two_recipes_touch_the_same_file():
    for one, other in combinations(recipes().values(), 2):
        assert not set(one.files) & set(other.files)


@pytest.mark.parametrize("name", USES)
def test_recipe_passes_lint_and_its_tests_and_works(name, edited, tested, used):
    recipe, (tests, word, worked) = recipes()[name], USES[name]
    code = [file for file in recipe.files if file.endswith(".py")]
    for call in (["check"], ["format", "--check"]):
        done = edited.python("-m", "ruff", *call, *code)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(rf"::\S*{word}\S* PASSED", tested.stdout), tested.stdout + tested.stderr
    files = "|".join(tests)
    failed = re.findall(
        rf"^(?:FAILED|ERROR) tests/unit/test_(?:{files})\.py.*", tested.stdout, re.M
    )
    assert not failed, tested.stdout[-9000:]
    try:
        worked(edited)
    except OSError as fault:
        pytest.fail(f"{fault}\n{used.stdout}{used.stderr}")


def test_nothing_else_fails_with_all_of_them(tested, used):
    assert tested.returncode == 0, tested.stdout[-9000:] + tested.stderr[-1000:]
    assert used.returncode == 0, used.stdout + used.stderr
