"""The certificate: which cells are tried, and where two trainings part."""

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.datasets import make_moons

from restudy.data.tables import write_table
from restudy.families.dense.boundary import map_finished
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import make_optimizer
from restudy.families.dense.snapshots import pack_snapshots
from restudy.study.grid import choose_folders
from restudy.verification.certificate import (
    changed_since,
    compare_jobs,
    results_digest,
    state_job,
)
from restudy.views.certificate_page import certificate_page

ENVIRONMENT = {"revision": "a", "python": "3.11.9", "processor": "A", "libraries": {"numpy": "2.1"}}
RECORD = {f"{name}_sha256": "0" for name in ("settings", "data", "code", "lock")}
RECORD |= {"environment": ENVIRONMENT}
DENSE = ("runs.csv", "history.parquet", "layers.parquet", "weights.npz", "snapshots.npz")
DENSE += ("boundary.npz",)
FOLDERS = [f"results/dense/activation~{name}/depth~{depth}" for name in "abcde" for depth in "1234"]


def test_a_tenth_is_chosen_and_at_least_one():
    assert len(choose_folders(FOLDERS, 0.1, 0)) == 2
    assert len(choose_folders(FOLDERS[:3], 0.1, 0)) == 1
    assert choose_folders([], 0.1, 0) == []
    assert choose_folders(FOLDERS, 1, 0) == sorted(FOLDERS)


def test_the_choice_does_not_depend_on_the_order_and_does_on_the_seed():
    assert choose_folders(FOLDERS, 0.2, 3) == choose_folders(FOLDERS[::-1], 0.2, 3)
    choices = [tuple(choose_folders(FOLDERS, 0.2, seed)) for seed in range(50)]
    assert len(set(choices)) > 40
    # Every folder has its chance: 50 × 4 draws from 20.
    assert {folder for choice in choices for folder in choice} == set(FOLDERS)


def test_a_further_cell_displaces_at_most_one():
    for seed in range(20):
        before = set(choose_folders(FOLDERS, 0.2, seed))
        after = set(choose_folders([*FOLDERS, "results/dense/activation~f/depth~1"], 0.2, seed))
        assert len(before - after) <= 1


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return make_moons(40, noise=0.2, random_state=seed)


def train(folder: Path, changed_from: int | None = None) -> Path:
    """Train a small dense cell and write its files; its rate may change by a trifle at a pass."""
    network = DenseNetwork([2, 3, 2], activation="tanh", seeds=range(3))
    x, label = draw(0)
    late = np.inf if changed_from is None else changed_from
    result = network.fit(
        x,
        label,
        make_optimizer({"kind": "gradient_descent", "learning_rate": 0.01}),
        100,
        heldout=draw(1),
        schedule=lambda number: 1 + 1e-9 * (number >= late),
        record_interval=10,
        snapshot_passes=[0, 5, 55, 60, 100],
    )
    folder.mkdir(parents=True)
    for name in ("runs.csv", "history.parquet", "layers.parquet"):
        write_table(getattr(result, name.split(".")[0]), folder / name)
    layers = {f"layer{number}": w for number, w in enumerate(result.weights, start=1)}
    np.savez(folder / "weights.npz", **layers)
    np.savez(folder / "snapshots.npz", **pack_snapshots(result.snapshots, network.seeds))
    boundary = map_finished(result, {"kind": "tanh"}, x)
    np.savez_compressed(folder / "boundary.npz", **boundary)
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(folder / "one")
    train(folder / "again")
    return folder


def compare(one: Path, other: Path, files=DENSE, again=RECORD) -> dict:
    return compare_jobs(one, other, files, [RECORD, again])


def test_the_same_training_is_identical(trained):
    found = compare(trained / "one", trained / "again")
    assert found["identical"] and found["first"] == "" and found["parts"] == {}
    assert {file["outcome"] for file in found["files"].values()} == {"identical"}
    assert state_job(found) == [f"identical: {trained / 'one'}"]


@pytest.mark.parametrize("change, first", [(3, 5), (12, 20), (51, 55), (58, 60), (77, 80)])
def test_the_first_recorded_pass_since_a_change_is_named(trained, tmp_path, change, first):
    # The change's first update is that of pass `change`, counted from 1 or from 0.
    found = compare(trained / "one", train(tmp_path / "changed", change))
    assert not found["identical"]
    record = "snapshots.npz" if first in (5, 55, 60) else "layers.parquet"
    assert found["first"].startswith(f"pass {first}, ") and found["first"].endswith(f"({record})")
    if record == "snapshots.npz":
        assert "layer1 weights, seeds 0, 1, 2: up to " in found["first"]
    assert set(found["parts"]) == set(DENSE)


@pytest.fixture
def copied(trained, tmp_path) -> Path:
    """A copy of the results to damage."""
    for name in DENSE:
        (tmp_path / name).write_bytes((trained / "one" / name).read_bytes())
    return tmp_path


def test_a_flipped_bit_of_a_weight_is_named(trained, copied):
    with np.load(copied / "weights.npz") as arrays:
        weights = {name: arrays[name].copy() for name in arrays.files}
    weights["layer2"].view(np.uint64)[1, 0, 2] ^= 1
    size = abs(weights["layer2"][1, 0, 2])
    np.savez(copied / "weights.npz", **weights)
    found = compare(copied, trained / "one")
    assert list(found["parts"]) == ["weights.npz"]
    assert found["first"].startswith("at the end of training, layer2 weights, seed 1: up to ")
    relative = float(found["first"].partition("relative ")[2].partition(")")[0])
    assert relative <= np.finfo(float).eps and size > 0


def test_an_edited_record_is_named_with_its_seed_and_pass(trained, copied):
    history = pd.read_parquet(copied / "history.parquet")
    row = history.index[(history["pass"] == 40) & (history["seed"] == 2)][0]
    history.loc[row, "heldout_loss"] += 0.001
    history.to_parquet(copied / "history.parquet", index=False)
    found = compare(copied, trained / "one")
    assert found["first"].startswith("pass 40, heldout loss, seed 2: up to 0.001 (relative ")


def test_a_layer_is_named(trained, copied):
    layers = pd.read_parquet(copied / "layers.parquet")
    row = layers.index[(layers["pass"] == 30) & (layers["layer"] == 2)][0]
    layers.loc[row, "grad_norm"] *= 1.5
    layers.to_parquet(copied / "layers.parquet", index=False)
    found = compare(copied, trained / "one")
    assert found["first"].startswith("pass 30, grad norm of layer 2, seed 0: up to ")


def test_a_file_that_is_damaged_or_missing_is_told(trained, copied):
    (copied / "weights.npz").write_bytes(b"no zip")
    (copied / "history.parquet").unlink()
    found = compare(copied, trained / "one")
    assert not found["identical"]
    assert "can't be read" in found["parts"]["weights.npz"]
    assert "No such file" in found["files"]["history.parquet"]["outcome"]


def test_bytes_that_differ_without_a_number_are_told(trained, copied):
    frame = pd.read_parquet(copied / "history.parquet")
    frame.to_parquet(copied / "history.parquet", index=False, compression="gzip")
    found = compare(copied, trained / "one")
    assert not found["identical"] and found["first"] == "in no recorded number"


def test_what_differs_in_the_environment_is_named(trained, copied):
    again = copy.deepcopy(RECORD)
    again["environment"]["libraries"]["numpy"] = "2.2"
    again["code_sha256"] = "1"
    (copied / "runs.csv").write_text((copied / "runs.csv").read_text().replace("0.", "1.", 1))
    found = compare(copied, trained / "one", again=again)
    assert found["causes"] == [
        "code: another digest than the original was computed with",
        "numpy: 2.2 now, 2.1 when the original was trained",
    ]


def write_events(folder: Path, value: float) -> None:
    with tf.summary.create_file_writer(str(folder / "events")).as_default():
        for step in range(0, 50, 10):
            trifle = value if step >= 30 else 0.0
            tf.summary.scalar("loss/train", 1.0 / (1 + step), step)
            tf.summary.histogram("conv1/weights", [0.0, 0.5 + trifle, 1.0], step)
            tf.summary.scalar("conv1/weights/mean", 0.5 + trifle, step)
            tf.summary.scalar("speed/examples_per_second", np.random.default_rng().random(), step)


def test_event_files_are_compared_by_tag_and_step(tmp_path):
    one, same, other = (tmp_path / name / "seed~0" for name in ("one", "same", "other"))
    for folder, value in ((one, 0.0), (same, 0.0), (other, 0.001)):
        write_events(folder, value)
    assert compare(one, same, ["events"])["identical"]
    found = compare(one, other, ["events"])
    assert found["first"].startswith("step 30, conv1/weights/mean: up to 0.001 (relative 0.002)")


@pytest.fixture
def certificate(trained):
    jobs = [compare(trained / "one", trained / "again")]
    jobs[0]["folder"] = FOLDERS[0]
    manifest = {"cells": {FOLDERS[0]: {"files": jobs[0]["files"]}}}
    made = {
        "date": "2026-01-02 03:04:05 +0000",
        "choice": {"share": 0.1, "seed": 7},
        "cells": {"dense": 20},
        "results": results_digest(manifest),
        "environment": ENVIRONMENT,
        "jobs": jobs,
    }
    return json.loads(json.dumps(made)), manifest


def test_a_certificate_says_whether_results_have_changed_since(certificate):
    made, manifest = certificate
    assert changed_since(made, manifest) == ""
    later = copy.deepcopy(manifest)
    later["cells"]["another"] = {"files": {}}
    later["cells"]["another"]["files"]["runs.csv"] = {"sha256": "1"}
    assert "0 of the 1 that were trained again are others now" in changed_since(made, later)
    later["cells"][FOLDERS[0]]["files"]["runs.csv"] = {"sha256": "1"}
    # Another original than the manifest has was compared: it was changed behind its back.
    made_of_it = {**made, "results": results_digest(later)}
    assert "The originals of 1 of the 1" in changed_since(made_of_it, later)
    assert "1 of the 1 that were trained again are others now" in changed_since(made, later)


def test_the_page_states_date_outcome_and_what_was_trained(certificate):
    made, manifest = certificate
    page = certificate_page(made, manifest)
    for text in (made["date"], "1 of 1 came out identical", "1 of 20 dense cells", "seed 7"):
        assert text in page
    assert "have changed since" not in page
    made["jobs"][0] |= {"identical": False, "first": "pass 3, <b>", "parts": {}, "causes": []}
    page = certificate_page(made, {"cells": {}})
    assert "1 of 1 came out different" in page and "pass 3, &lt;b&gt;" in page
    assert "have changed since" in page


def test_the_page_says_how_to_make_a_certificate(certificate):
    page = certificate_page(None, certificate[1])
    assert "Not made yet" in page and "snakemake --cores N certificate" in page
