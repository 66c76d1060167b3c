"""The certificate: which cells are tried, and where two trainings part."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import svc_family
import tensorflow as tf
from sklearn.datasets import make_moons

from restudy.data.tables import write_table
from restudy.families.contract import Artefact, Time
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import make_optimizer
from restudy.families.dense.snapshots import pack_snapshots
from restudy.families.registry import FAMILIES
from restudy.study.grid import choose_folders
from restudy.verification.certificate import (
    changed_since,
    compare_jobs,
    make_certificate,
    read_certificate,
    results_digest,
    state_job,
)
from restudy.views.certificate_page import certificate_page

ENVIRONMENT = {"revision": "a", "python": "3.11.9", "processor": "A", "libraries": {"numpy": "2.1"}}
RECORD = {f"{name}_sha256": "0" for name in ("settings", "data", "code", "lock")}
RECORD |= {"environment": ENVIRONMENT, "settings": {"cell": {"dataset": "moons", "depth": 3}}}
DENSE = ("runs.csv", "history.parquet", "layers.parquet", "weights.npz", "snapshots.npz")
CONV = FAMILIES["conv"]
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
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(folder / "one")
    train(folder / "again")
    return folder


def compare(one: Path, other: Path, files=DENSE, again=RECORD, family=FAMILIES["dense"]) -> dict:
    part = replace(family)
    # The table of runs is none of the files here, though a family always leaves it.
    vars(part)["artefacts"] = tuple(each for each in family.artefacts if each.name in files)
    return compare_jobs(part, one, other, [RECORD, again])


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
    assert compare(one, same, ["events"], family=CONV)["identical"]
    found = compare(one, other, ["events"], family=CONV)
    assert found["first"].startswith("step 30, conv1/weights/mean: up to 0.001 (relative 0.002)")


def test_scalars_and_histograms_are_compared_by_tag_and_step(tmp_path):
    scalars = pd.DataFrame(
        [(0, tag, step, 1.0 / (1 + step)) for tag in ("loss/train", "z") for step in (0, 10, 20)],
        columns=["seed", "tag", "step", "value"],
    )
    histograms = pd.DataFrame(
        [
            (0, "conv1/weights", step, edge, edge + 1, 4.0)
            for step in (0, 10, 20)
            for edge in (0.0, 1.0)
        ],
        columns=["seed", "tag", "step", "left", "right", "count"],
    )
    tables = {"scalars.parquet": scalars, "histograms.parquet": histograms}
    family = replace(CONV, artefacts=tuple(Artefact(name, "") for name in tables))
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        for name, table in tables.items():
            write_table(table, folder / name)
    assert compare(one, other, tables, family=family)["identical"]
    write_table(scalars.replace({"value": {1 / 11: 0.5}}), other / "scalars.parquet")
    parts = compare(one, other, tables, family=family)["parts"]
    assert parts == {"scalars.parquet": "step 10, loss/train, seed 0: up to 0.41 (relative 0.82)"}
    changed = histograms.copy()
    changed.loc[5, "count"] = 5.0
    write_table(changed, other / "histograms.parquet")
    parts = compare(one, other, tables, family=family)["parts"]
    assert parts["histograms.parquet"] == (
        "step 20, count of conv1/weights, seed 0: up to 1 (relative 0.2)"
    )
    # A bucket less: from that step on the rows are not each other's.
    write_table(histograms.drop(index=3), other / "histograms.parquet")
    parts = compare(one, other, tables, family=family)["parts"]
    assert parts["histograms.parquet"].startswith("step 10, number of rows of conv1/weights: ")
    write_table(scalars[scalars["tag"] != "z"], other / "scalars.parquet")
    parts = compare(one, other, tables, family=family)["parts"]
    assert parts["scalars.parquet"].startswith("at the end of training, series z: ")


def test_rows_that_one_run_lacks_are_named_by_the_pass_from_which_they_lack(trained, copied):
    history = pd.read_parquet(copied / "history.parquet")
    write_table(history[history["pass"] < 70], copied / "history.parquet")
    found = compare(copied, trained / "one")
    assert found["first"].startswith("pass 70, number of rows: not comparable")
    # What differs before then is found all the same.
    history["train_loss"] = history["train_loss"].where(history["pass"] != 30, 9.0)
    write_table(history[history["pass"] < 70], copied / "history.parquet")
    found = compare(copied, trained / "one")
    assert found["first"].startswith("pass 30, train loss, seeds 0, 1, 2: up to ")


SVC = svc_family.FAMILY
SVC_RECORD = RECORD | {"settings": svc_family.SETTINGS, "seed": 0}


@pytest.fixture
def machines(tmp_path) -> tuple[Path, Path]:
    """Two trainings of one job of a family that no other part of the project knows."""
    return svc_family.train_job(tmp_path / "one"), svc_family.train_job(tmp_path / "again")


def compare_machines(one: Path, again: Path, family=SVC) -> dict:
    return compare_jobs(family, one, again, [SVC_RECORD, SVC_RECORD])


def test_a_family_without_time_is_compared_by_all_that_its_facts_name(machines):
    found = compare_machines(*machines)
    assert found["identical"] and set(found["files"]) == {"runs.csv", "support.npz"}
    svc_family.change_array(machines[1] / "support.npz", "coefficients", 1.5)
    found = compare_machines(*machines)
    assert list(found["parts"]) == ["support.npz"]
    assert found["first"].startswith("at the end of training, coefficients: up to ")
    assert found["first"].endswith("(support.npz)")
    # Of two that part at the same time, the artefact that is known is named.
    runs = pd.read_csv(machines[1] / "runs.csv")
    write_table(runs.assign(heldout_accuracy=0.5), machines[1] / "runs.csv")
    found = compare_machines(*machines)
    assert found["first"].startswith("at the end of training, heldout accuracy, seed 0: up to ")
    assert found["first"].endswith("(runs.csv)")


def test_unknown_artefacts_are_named_in_the_order_of_the_facts(machines):
    extra = (Artefact("a.npz", ""), Artefact("model.bin", ""), Artefact("trees", "", folder=True))
    family = replace(SVC, artefacts=(*SVC.artefacts, *extra))
    for number, folder in enumerate(machines):
        np.savez(folder / "a.npz", layer1=np.array([number, 1.0]))
        (folder / "model.bin").write_bytes(bytes([number]))
        (folder / "trees").mkdir()
        (folder / "trees/one.txt").write_text(str(number))
        (folder / "trees/other.txt").write_text("the same")
    svc_family.change_array(machines[1] / "support.npz", "vectors", 1.5)
    found = compare_machines(*machines, family)
    assert list(found["parts"]) == ["support.npz", "a.npz", "trees"]
    assert found["first"].endswith("(support.npz)")
    assert found["parts"]["a.npz"].startswith("at the end of training, layer1: up to 1 ")
    assert found["parts"]["trees"].startswith("at the end of training, file one.txt: not ")
    assert found["files"]["model.bin"]["outcome"] == "different"
    for name in ("support.npz", "a.npz", "trees/one.txt"):
        (machines[1] / name).write_bytes((machines[0] / name).read_bytes())
    assert compare_machines(*machines, family)["first"] == "in no recorded number"
    (machines[1] / "model.bin").unlink()
    assert "No such file" in compare_machines(*machines, family)["first"]


def test_the_time_of_a_difference_is_the_family_s(machines):
    family = replace(
        SVC,
        time=Time("round", "rounds", "Rounds", "rounds", "point"),
        artefacts=(*SVC.artefacts, Artefact("margins.parquet", "")),
    )
    table = pd.DataFrame({"seed": 0, "round": [1, 2, 3], "margin": [0.5, 0.6, 0.7]})
    for folder in machines:
        write_table(table, folder / "margins.parquet")
        table.loc[1, "margin"] = 0.75
    found = compare_machines(*machines, family)
    assert found["first"] == "round 2, margin, seed 0: up to 0.15 (relative 0.2) (margins.parquet)"


def test_the_page_of_a_certificate_names_any_family(machines, monkeypatch):
    manifest = {"cells": {machines[0].as_posix(): {"files": {}}}}
    made = make_certificate("today", {}, {"svc": 4}, manifest, ENVIRONMENT, [])
    made["jobs"] = [compare_machines(*machines)]
    monkeypatch.setitem(FAMILIES, "svc", SVC)
    page = certificate_page(made, manifest)
    assert "1 of 4 training jobs of Support vector machines" in page
    assert "Support vector machines, two moons, plain, rbf, Penalty C 0.1, seed 0" in page
    # A certificate outlives the configuration that named the family.
    monkeypatch.delitem(FAMILIES, "svc")
    assert "1 of 4 training jobs of svc" in certificate_page(made, manifest)


def test_a_certificate_of_an_earlier_version_counts_as_none(tmp_path, certificate):
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(certificate[0]))
    assert read_certificate(path) == certificate[0]
    path.write_text(
        json.dumps({key: certificate[0][key] for key in certificate[0].keys() - {"format"}})
    )
    assert read_certificate(path) is None


@pytest.fixture
def certificate(trained):
    jobs = [compare(trained / "one", trained / "again")]
    jobs[0]["folder"] = FOLDERS[0]
    manifest = {"cells": {FOLDERS[0]: {"files": jobs[0]["files"]}}}
    made = make_certificate(
        date="2026-01-02 03:04:05 +0000",
        choice={"share": 0.1, "seed": 7},
        cells={"dense": 20},
        manifest=manifest,
        environment=ENVIRONMENT,
        jobs=jobs,
    )
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
