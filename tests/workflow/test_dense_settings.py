"""A training job takes every setting of the dense networks from the configuration."""

import numpy as np
import pytest
import yaml
from conftest import copy_project

from restudy.data.tables import parts_of, read_table
from restudy.families.dense import DenseNetwork, adamw
from restudy.families.dense.schedules import make_schedule

CELL = {
    "dataset": "spirals",
    "protocol": "batches",
    "activation": "maxout_of_3",
    "hidden_size": 4,
    "depth": 2,
    "initializer": "small",
    "optimizer": "adamw",
}
PATH = "/".join(f"{axis}~{value}" for axis, value in CELL.items())
SCHEDULE = {"kind": "cosine", "warm_up": 5, "final": 0.1}
CONFIG = {
    "datasets": {"spirals": {"kind": "spirals", "classes": 3, "points": 90, "standardize": True}},
    "dense": {
        "baseline": CELL,
        "protocols": {
            "batches": {
                "arithmetic": "corrected",
                "passes": 40,
                "replicates": 3,
                "batch_size": 32,
                "schedule": SCHEDULE,
                "l2": 0.001,
                "l1": 0.002,
                "precision": "float32",
                "record_interval": 20,
                "snapshots": 6,
                "snapshot_megabytes": 0.004,
            }
        },
        "activations": {"maxout_of_3": {"kind": "maxout", "pieces": 3}},
        "initializers": {"small": {"kind": "uniform", "limit": 0.3}},
        "optimizers": {"adamw": {"kind": "adamw", "learning_rate": 0.01, "weight_decay": 0.1}},
        "studies": {"one": {"question": "Does it train?", "vary": {"depth": [2]}}},
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = copy_project(tmp_path_factory.mktemp("settings") / "project")
    (project.folder / "ours.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    target = f"results/dense/{PATH}/runs.csv"
    done = project.snakemake("--configfile", "ours.yaml", "--cores", "1", "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="module")
def folder(project):
    return project.folder / "results/dense" / PATH


def test_a_job_trains_as_the_library_does_with_the_same_settings(project, folder):
    parts = parts_of(read_table(project.folder / "results/data/spirals/points.csv"))
    network = DenseNetwork(
        [2, 4, 4, 3],
        {"kind": "maxout", "pieces": 3},
        {"kind": "uniform", "limit": 0.3},
        seeds=range(3),
        l2=0.001,
        l1=0.002,
        precision="float32",
    )
    network.fit(
        *parts["train"],
        adamw(0.01, weight_decay=0.1),
        40,
        batch_size=32,
        schedule=make_schedule(SCHEDULE, 40),
    )
    with np.load(folder / "weights.npz") as saved:
        for number, layer in enumerate(network.weights, start=1):
            assert saved[f"layer{number}"].dtype == np.float32
            np.testing.assert_array_equal(saved[f"layer{number}"], layer)


def test_history_and_layers_have_the_recorded_passes(folder):
    history, layers = (read_table(folder / f"{name}.parquet") for name in ("history", "layers"))
    assert sorted(set(history["pass"])) == sorted(set(layers["pass"])) == [0, 20, 40]
    assert len(layers) == 3 * 3 * 3


def test_snapshots_stay_within_their_budget_and_the_log_says_so(project, folder):
    with np.load(folder / "snapshots.npz") as saved:
        layers = [saved[name] for name in saved.files if name.startswith("layer")]
        assert saved["passes"].tolist() == [0, 1, 40]
    assert sum(layer.nbytes for layer in layers) <= 4_000
    log = project.folder / f"results/logs/train_dense/{PATH}.log"
    assert "snapshot_megabytes allows 3 of 6 snapshots" in log.read_text()
