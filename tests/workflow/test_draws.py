"""A data set with two draws, from the configuration to tables, figures, budgets and certificate."""

import copy
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import Project, copy_project
from sklearn.datasets import make_moons
from sklearn.svm import SVC
from small_study import small_section

from restudy import open_results
from restudy.analysis.shapes import line_agreement
from restudy.data.points import seeds_of_draws
from restudy.data.tables import parts_of
from restudy.families.dense import DenseNetwork, gradient_descent

SIZES = {"train": 40, "validation": 20, "heldout": 50}
CLAIM = {
    "id": "straight",
    "source": "a hunch",
    "statement": "It is a straight line.",
    "model": "dense",
    "study": "sets",
    "cells": {"dataset": "moons"},
    "figure": {"kind": "boundary", "cells": {"dataset": "moons"}},
    "tests": [{"form": "linear_boundary"}],
}
PATH = (
    "dataset~moons/protocol~tiny/activation~tanh/hidden_size~3/depth~1/initializer~fan_in_normal/"
    "optimizer~gd"
)
SVM = "dataset~moons/protocol~usual/kernel~rbf/c~1"
TRAINED = ("dense networks", "support vector machines")


def config_of(draws: int | None = 2, passes: int = 20, seeds: int = 3) -> dict:
    dense = small_section(
        "moons", {"sets": {"question": "Which?", "vary": {"dataset": ["moons", "iris"]}}}
    )
    dense["protocols"]["tiny"] |= {"passes": passes, "replicates": seeds}
    moons = {"kind": "moons", "points": SIZES["train"], "noise": 0.3}
    moons |= {f"{part}_points": SIZES[part] for part in ("validation", "heldout")}
    return {
        "families": ["examples/scikit_learn/support_vectors.py"],
        "datasets": {
            "moons": moons | ({} if draws is None else {"draws": draws}),
            "iris": {"kind": "iris"},
        },
        "dense": dense,
        "svm": {
            "baseline": {"dataset": "moons", "protocol": "usual", "kernel": "rbf", "c": 1},
            "protocols": {"usual": {"replicates": seeds, "share": 0.5}},
            "studies": {"sets": {"question": "Which?", "vary": {"dataset": ["moons", "iris"]}}},
        },
        "claims": "claims.yaml",
    }


class Work:
    """A working folder of a project with a configuration.

    Parameters
    ----------
    project : Project
        Whose code runs.
    folder : Path
        Where.
    """

    def __init__(self, project: Project, folder: Path):
        self.project, self.folder = project, folder
        folder.mkdir(exist_ok=True)
        (folder / "claims.yaml").write_text(yaml.safe_dump({"claims": [CLAIM]}))

    def call(self, config: dict, *arguments: str):
        """Call snakemake with a configuration."""
        (self.folder / "ours.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        place = ("--configfile", str(self.folder / "ours.yaml"), "--directory", str(self.folder))
        done = self.project.snakemake("--cores", "2", *place, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def trains(self, config: dict) -> set[tuple[str, str]]:
        """What would train, and on which data set."""
        return set(re.findall(r"Train ([a-z ]+): (\w+),", self.call(config, "-n")))


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Work:
    folder = tmp_path_factory.mktemp("draws")
    work = Work(copy_project(folder / "project"), folder / "work")
    work.call(config_of())
    return work


@pytest.fixture(scope="module")
def results(work):
    family = work.project.folder / "examples/scikit_learn/support_vectors.py"
    return open_results(work.folder, families=[family])


def expected_points(draw: int) -> dict:
    """The points of a draw, made by scikit-learn."""
    seeds = seeds_of_draws({"train": 0, "validation": 1_000_000, "heldout": 1}, 2)[draw]
    return {
        part: make_moons(count, noise=0.3, random_state=np.random.RandomState(seeds[part]))
        for part, count in SIZES.items()
    }


def test_points_of_both_draws_are_there(results):
    for draw in (0, 1):
        parts = parts_of(results.points("moons", draw=draw))
        for part, (x, label) in expected_points(draw).items():
            np.testing.assert_array_equal(parts[part][0], x)
            np.testing.assert_array_equal(parts[part][1], label)


@pytest.mark.parametrize("family", ["dense", "svm"])
def test_the_table_of_runs_says_the_draw_of_each(results, family):
    runs = results.runs(family)
    assert runs.loc[runs["dataset"] == "moons", ["seed", "draw"]].to_numpy().tolist() == [
        [0, 0],
        [1, 1],
        [2, 0],
    ]
    assert (runs.loc[runs["dataset"] == "iris", "draw"] == 0).all()
    assert "draw" not in results.cell(family, dataset="iris").runs


def test_a_dense_seed_is_trained_on_the_points_of_its_draw(results):
    cell = results.cell("dense", dataset="moons")
    for seed, draw in cell.draws.items():
        points = expected_points(draw)
        network = DenseNetwork([2, 3, 2], "tanh", "fan_in_normal", [seed], l2=0.01)
        others = {part: points[part] for part in ("validation", "heldout")}
        expected = network.fit(*points["train"], gradient_descent(0.01), 20, **others)
        for name, layer in zip(("layer1", "layer2"), expected.weights, strict=True):
            np.testing.assert_array_equal(cell.weights(seed=seed)[name], layer[0])
        own = cell.runs[cell.runs["seed"] == seed]
        for measure in ("train_loss", "validation_loss", "heldout_loss", "heldout_accuracy"):
            assert own[measure].item() == expected.runs[measure].item()


def test_a_support_vector_machine_is_fitted_to_the_points_of_its_draw(results):
    cell = results.cell("svm", dataset="moons")
    key = int.from_bytes(hashlib.sha256(b"bootstrap").digest()[:8], "big")
    for seed, draw in cell.draws.items():
        points = expected_points(draw)
        x, label = points["train"]
        chosen = np.random.default_rng([seed, key, 0]).choice(40, 20)
        fit = SVC(C=1.0, kernel="rbf").fit(x[chosen], label[chosen])
        vectors = cell.arrays("support.npz", seed=seed)["vectors"]
        np.testing.assert_array_equal(vectors, fit.support_vectors_)
        own = cell.runs[cell.runs["seed"] == seed]
        for part, data in points.items():
            assert own[f"{part}_accuracy"].item() == fit.score(*data)


def test_linearity_is_measured_on_the_held_out_points_of_each_draw(results):
    table = results.table("dense_linearity")
    cell = results.cell("dense", dataset="moons")
    found = table[table["dataset"] == "moons"].set_index("seed")["boundary_linearity"]
    for seed, draw in cell.draws.items():
        x, _ = expected_points(draw)["heldout"]
        assert found[seed] == line_agreement(x, cell.predict(x, seed=seed))


def test_figures_pages_and_notebooks_are_there(work):
    made = work.folder / "results"
    for path in (
        "figures/data/moons.svg",
        "figures/dense/sets_boundaries.svg",
        f"figures/dense/cells/{PATH}/boundary.svg",
        "report/study.html",
        "report/verdicts.html",
        "report/backpropagation_notebook.html",
        "report/dense_networks_notebook.html",
    ):
        assert (made / path).stat().st_size > 5000, path
    notebook = json.loads((made / "notebooks/backpropagation.ipynb").read_text())
    tables = [
        "".join(output["data"]["text/html"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if "text/html" in output.get("data", {})
    ]
    assert any(">Draw<" in table for table in tables)


def test_another_number_of_draws_trains_the_cells_of_that_data_set_alone(work):
    assert work.trains(config_of()) == set()
    assert work.trains(config_of(draws=3)) == {(each, "moons") for each in TRAINED}
    of_iris = config_of()
    of_iris["datasets"]["iris"]["draws"] = 1
    assert work.trains(of_iris) == set()
    of_iris["datasets"]["iris"]["draws"] = 2
    assert work.trains(of_iris) == {(each, "iris") for each in TRAINED}


@pytest.fixture
def copied(work, tmp_path) -> Work:
    """The run, in a folder that may be changed."""
    shutil.copytree(work.folder, tmp_path / "work")
    return Work(work.project, tmp_path / "work")


def test_more_draws_and_more_seeds_change_nothing_of_the_seeds_whose_points_stay(copied, results):
    targets = [f"results/dense/{PATH}/runs.csv", f"results/svm/{SVM}/seed~4/runs.csv"]
    before = results.cell("dense", dataset="moons").runs
    copied.call(config_of(draws=3, seeds=5), "--", *targets)
    runs = pd.read_csv(copied.folder / targets[0], float_precision="round_trip")
    assert runs["draw"].tolist() == [0, 1, 2, 0, 1]
    same = [name for name in before if before[name].notna().all()]
    pd.testing.assert_frame_equal(runs.loc[:1, same], before.loc[:1, same], check_dtype=False)
    assert runs["heldout_loss"][2] != before["heldout_loss"][2]
    assert pd.read_csv(copied.folder / targets[1])["draw"].tolist() == [1]


def test_training_goes_on_with_more_passes_and_leaves_the_same_bytes(copied, tmp_path):
    target = f"results/dense/{PATH}/runs.csv"
    copied.call(config_of(passes=45), "--", target)
    anew = Work(copied.project, tmp_path / "anew")
    anew.call(config_of(passes=45), "--", target)
    record = json.loads((copied.folder / target).with_name("provenance.json").read_text())
    assert record["continued_from"] == 20
    for path in sorted((anew.folder / target).parent.iterdir()):
        if path.name != "provenance.json":
            grown = (copied.folder / target).with_name(path.name)
            assert grown.read_bytes() == path.read_bytes(), path.name
    # Of other points, it begins anew, although the passes are more again.
    copied.call(config_of(draws=3, passes=50), "--", target)
    record = json.loads((copied.folder / target).with_name("provenance.json").read_text())
    assert "continued_from" not in record


def test_the_certificate_trains_every_job_again_to_the_same_bytes(copied):
    told = copied.call(config_of(), "certificate", "--config", "certificate={share: 1}")
    made = json.loads((copied.folder / "results/certificate.json").read_text())
    assert len(made["jobs"]) == 2 + 2 * 3, told
    assert all(job["identical"] for job in made["jobs"])


def test_draws_of_images_are_refused_in_one_line(work):
    config = copy.deepcopy(config_of())
    config["datasets"]["digits"] = {"kind": "mnist", "draws": 2}
    path = work.folder / "wrong.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    done = work.project.snakemake("-n", "--configfile", str(path), "--directory", str(work.folder))
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "datasets.digits: unknown key 'draws'; allowed: " in told and "Traceback" not in told
