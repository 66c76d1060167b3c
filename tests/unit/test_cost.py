"""What a run will cost: sums by hand, records before models, and a schedule that wastes no core."""

import copy
import json

import numpy as np
import pytest
import svc_family
from conftest import ROOT
from moons import moons

from restudy.data.image_files import PUBLISHED_SETS, ImageCounts
from restudy.families.conv import cost as conv_cost
from restudy.families.dense import DenseNetwork, adam
from restudy.families.dense.snapshots import snapshot_passes
from restudy.families.registry import FAMILIES, read_family
from restudy.operation.cost import (
    Job,
    Prices,
    describe_estimate,
    disk_of,
    estimate,
    features,
    identify_job,
    read_records,
    read_reference,
    state_of,
    wall_time,
    write_reference,
)

SETTINGS = {
    "cell": {"hidden_size": 3, "depth": 1},
    "dataset": {"kind": "moons", "points": 200, "heldout_points": 100},
    "protocol": {
        "passes": 1000,
        "replicates": 4,
        "batch_size": 0,
        "precision": "float64",
        "record_interval": 100,
        "snapshots": 5,
        "snapshot_megabytes": 8,
    },
    "optimizer": {"kind": "gradient_descent", "learning_rate": 0.1},
    "activation": {"kind": "tanh"},
    "initializer": {"kind": "zeros"},
}
WEIGHTS = np.array([2.0, 1e-4, 1e-8, 3e-9, 1e-8, 1e-7])  # seconds that each feature costs


def settings(passes=1000, replicates=4, hidden_size=3, depth=1):
    changed = copy.deepcopy(SETTINGS)
    changed["protocol"] |= {"passes": passes, "replicates": replicates}
    changed["cell"] = {"hidden_size": hidden_size, "depth": depth}
    return changed


def training(seconds=None, speed=1.0, **changes):
    """A record of a training job that takes what the weights say."""
    chosen = settings(**changes)
    if seconds is None:
        seconds = speed * float(np.dot(features("train_dense", chosen, 0), WEIGHTS))
    return record("train_dense", seconds, settings=chosen, name=str(changes))


def record(kind, seconds, settings=None, name="", cells=10):
    return {
        "kind": kind,
        "name": name,
        "settings": settings,
        "cells": cells,
        "seconds": seconds,
        "memory_mb": 100.0,
        "disk": 0.0,
    }


REFERENCE = [
    training(passes=passes, replicates=replicates, hidden_size=size, depth=depth)
    for passes in (100, 20_000)
    for replicates in (1, 20)
    for size in (3, 50)
    for depth in (1, 4)
]


def price(prices, **changes):
    job = Job("train_dense", str(changes), settings(**changes))
    return prices.price(job, 10)


def test_counts_of_operations_are_those_of_the_network():
    starts, calls, elementwise, products, _, updates = features("train_dense", SETTINGS, 0)
    weights = 3 * 3 + 4 * 2  # two layers, each with its bias
    assert starts == 1
    assert calls == 1000 * 2
    assert elementwise == 1000 * 4 * 200 * (3 + 2)
    assert (products, updates) == (1000 * 4 * 200 * weights, 1000 * 4 * weights)


def test_bytes_are_those_of_weights_snapshots_and_records():
    weights, rows = 3 * 3 + 4 * 2, 4 * (1000 / 100 + 1)
    snapshots = 8 * weights * 4 * 6
    assert disk_of("train_dense", SETTINGS) == 60e3 + snapshots + rows * (35 + 25 * 2)


CONV = {
    "cell": {},
    "activation": {"kind": "maxout", "pieces": 2},
    "dataset": {"kind": "mnist", "validation_examples": 5000, "test_examples": 0},
    "protocol": {
        "channels": [4, 3],
        "kernel": 2,
        "units": 6,
        "steps": 1000,
        "batch_size": 50,
        "evaluate_interval": 500,
        "monitor_interval": 100,
    },
}


def test_work_of_a_convolutional_network_is_that_of_its_layers():
    # Two pieces of each unit; images of 28 × 28 pixels, pooled to 14 × 14 and 7 × 7.
    products = 28 * 28 * (2 * 2 * 1 * 8) + 14 * 14 * (2 * 2 * 4 * 6) + 7 * 7 * 3 * 12 + 6 * 10
    image = products + 20 * (28 * 28 * 8 + 14 * 14 * 6 + 12 + 10)
    parameters = (2 * 2 + 1) * 8 + (2 * 2 * 4 + 1) * 6 + (7 * 7 * 3 + 1) * 12 + (6 + 1) * 10
    step = 50 * image + 50 * parameters
    assert features("train_conv", CONV, 0) == [1.0, 1000 * step, 3 * 15_000 * image, 11 * step]
    few = CONV | {"dataset": CONV["dataset"] | {"test_examples": 100}}
    assert features("train_conv", few, 0)[2] == 3 * (5000 + 100) * image
    assert disk_of("train_conv", few) == 140e3 + 4 * parameters + 12.5 * 100 + 1650 * 16 * 11


MEASURED = [  # settings of a job with Adam, and what it left and took: bytes, MB
    ({"channels": [4], "kernel": 3, "units": 16}, 28, 295_338, 778),
    ({"channels": [32, 64], "kernel": 5, "units": 1024}, 28, 13_396_162, 961),
    ({"channels": [128, 128], "kernel": 5, "units": 1024}, 28, 27_692_679, 1168),
    ({"channels": [32, 64], "kernel": 5, "units": 8192}, 28, 103_627_651, 1743),
    ({"channels": [64, 32], "kernel": 15, "units": 64, "batch_size": 250}, 28, 2_634_864, 1080),
    (
        {"channels": [32, 32, 64, 64], "kernel": 3, "units": 256, "batch_size": 100},
        64,
        1_848_118,
        1218,
    ),
]


@pytest.mark.parametrize(("passes", "size", "depth"), [(200, 3, 1), (1000, 20, 2)])
def test_the_state_of_a_dense_cell_takes_what_is_estimated(passes, size, depth):
    data, job = moons(), settings(passes=passes, hidden_size=size, depth=depth)
    network = DenseNetwork([2, *[size] * depth, 2], seeds=range(4))
    result = network.fit(
        data.x,
        data.label,
        adam(0.01),
        passes,
        record_interval=100,
        snapshot_passes=snapshot_passes(passes, 5),
    )
    found = sum(array.nbytes for array in result.state.values())
    estimate = state_of("train_dense", job)
    assert 0.3 * estimate < found < estimate


def test_a_state_that_is_too_large_to_be_kept_takes_no_room():
    job = settings(hidden_size=2000, depth=3)
    job["protocol"]["replicates"] = 20
    assert state_of("train_dense", job) == 0
    price = Prices([], [training()]).price(Job("train_dense", "x", settings()), 1)
    assert price.disk == disk_of("train_dense", settings()) + state_of("train_dense", settings())


@pytest.mark.parametrize(("sizes", "side", "disk", "megabytes"), MEASURED)
def test_disk_and_memory_of_a_convolutional_network_are_near_what_was_measured(
    monkeypatch, sizes, side, disk, megabytes
):
    counts = ImageCounts(train=750, test=500, height=side, width=side, classes=10)
    monkeypatch.setattr(conv_cost, "OWN_IMAGES", counts)
    protocol = {"steps": 8, "monitor_interval": 2, "batch_size": 50}
    dataset = {"kind": "idx", "test_examples": 500}
    job = {"activation": {"kind": "relu"}, "dataset": dataset, "protocol": protocol | sizes}
    assert disk_of("train_conv", job) == pytest.approx(disk, rel=0.1)
    assert conv_cost.memory(job, counts) == pytest.approx(megabytes, rel=0.12)


def test_jobs_of_the_reference_take_the_memory_and_the_disk_that_are_estimated():
    reference = read_reference(ROOT / "benchmarks/results/reference_jobs.csv")
    jobs = [each for each in reference if each["kind"] == "train_conv"]
    assert len(jobs) > 10
    for each in jobs:
        assert disk_of("train_conv", each["settings"]) == pytest.approx(each["disk"], rel=0.05)
    study = CONV | {"activation": {"kind": "relu"}}
    study["protocol"] = study["protocol"] | {"channels": [32, 64], "kernel": 5, "units": 1024}
    estimated = conv_cost.memory(study, PUBLISHED_SETS["mnist"].counts)
    assert estimated == pytest.approx(max(each["memory_mb"] for each in jobs), rel=0.05)


def test_record_that_is_older_than_a_setting_is_of_its_default():
    older = copy.deepcopy(CONV)
    for key in ("channels", "kernel", "units"):
        del older["protocol"][key]
    now = CONV["protocol"] | {"channels": [32, 64], "kernel": 5, "units": 1024}
    assert features("train_conv", older, 0) == features("train_conv", CONV | {"protocol": now}, 0)


@pytest.mark.parametrize("family", ["dense", "conv"])
def test_jobs_of_the_reference_are_estimated_at_what_they_took(family):
    reference = read_reference(ROOT / "benchmarks/results/reference_jobs.csv")
    prices = Prices([], reference)
    jobs = [each for each in reference if each["kind"] == f"train_{family}"]
    estimated = [prices.price(Job(each["kind"], "", each["settings"]), 40).seconds for each in jobs]
    assert sum(estimated) == pytest.approx(sum(each["seconds"] for each in jobs), rel=0.1)


SVC_PLACE = "dataset~moons/protocol~plain/kernel~rbf/c~0.1/seed~0"


def test_family_that_says_nothing_of_its_cost_is_priced_by_records_alone(monkeypatch):
    monkeypatch.setitem(FAMILIES, "svc", svc_family.FAMILY)
    job = Job("train_svc", SVC_PLACE, svc_family.SETTINGS)
    assert features("train_svc", svc_family.SETTINGS, 10_000) == [1.0]
    unknown = Prices([], REFERENCE).price(job, 10)
    assert (unknown.seconds, unknown.disk, unknown.known) == (2.0, 0.3e6, "reference")
    own = [record("train_svc", 4.0, svc_family.SETTINGS | {"protocol": {"x": x}}) for x in (1, 2)]
    scaled = Prices(own, REFERENCE).price(job, 10)
    assert scaled.seconds == pytest.approx(4.0) and scaled.known == "scaled"
    own.append(record("train_svc", 7.0, svc_family.SETTINGS))
    assert Prices(own, REFERENCE).price(job, 10).seconds == 7.0
    assert estimate([job], 1, Prices(own, REFERENCE), cores=1).kinds == {"train_svc": (1, 7.0)}


def test_records_of_a_family_that_is_not_loaded_are_priced_all_the_same():
    own = [record("train_svc", 4.0, svc_family.SETTINGS)]
    job = Job("train_svc", SVC_PLACE, svc_family.SETTINGS)
    assert Prices(own, REFERENCE).price(job, 10).seconds == 4.0


def test_family_in_a_file_of_the_user_s_says_there_what_it_costs(tmp_path, monkeypatch):
    path = tmp_path / "user_svc.py"
    path.write_text(
        "from dataclasses import replace\n"
        "import svc_family\n"
        "class Cost:\n"
        "    def features(settings): return [1.0, settings['cell']['c']]\n"
        "    def disk(settings): return 5e6\n"
        "FAMILY = replace(svc_family.FAMILY, name='user_svc', cost='Cost')\n"
    )
    monkeypatch.setitem(FAMILIES, "user_svc", read_family(path))
    assert features("train_user_svc", svc_family.SETTINGS, 0) == [1.0, 0.1]

    def training_of(c: float, seconds: float) -> dict:
        cell = svc_family.CELL | {"c": c}
        return record("train_user_svc", seconds, svc_family.SETTINGS | {"cell": cell})

    prices = Prices([], [training_of(1.0, 3.0), training_of(2.0, 5.0)])
    wanted = training_of(10.0, 0.0)["settings"]
    price = prices.price(Job("train_user_svc", "", wanted), 10)
    assert price.seconds == pytest.approx(1 + 2 * 10) and price.disk == 5e6


def test_job_is_known_by_the_place_of_its_benchmark_file():
    assert identify_job(f"results/benchmarks/train_svc/{SVC_PLACE}.tsv") == ("train_svc", SVC_PLACE)
    again = identify_job(f"results/benchmarks/retrain_svc/{SVC_PLACE}.tsv")
    assert again == ("train_svc", SVC_PLACE)
    assert identify_job("results/benchmarks/state_findings.tsv") == ("state_findings", "")
    in_bucket = "s3/bucket/study/results/benchmarks/plot_effects/svc_kernels.tsv"
    assert identify_job(in_bucket) == ("plot_effects", "svc_kernels")


def test_records_are_read_of_any_family(tmp_path):
    job = svc_family.train_job(tmp_path / "svc" / SVC_PLACE)
    (job / "provenance.json").write_text(json.dumps({"settings": svc_family.SETTINGS}))
    undone = SVC_PLACE.replace("seed~0", "seed~1")
    for place in (
        f"train_svc/{SVC_PLACE}",
        f"train_svc/{undone}",
        f"retrain_svc/{SVC_PLACE}",
        "plot_effects/svc_kernels",
    ):
        path = tmp_path / "benchmarks" / f"{place}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("s\th:m:s\tmax_rss\tcpu_time\n1.5\t0:00:01\t140.0\t1.2\n")
    effects, training = read_records(tmp_path)
    assert (effects["kind"], effects["name"]) == ("plot_effects", "svc_kernels")
    assert (training["kind"], training["name"]) == ("train_svc", SVC_PLACE)
    assert training["settings"] == svc_family.SETTINGS
    assert training["disk"] == sum(file.stat().st_size for file in job.iterdir())
    assert {each["cells"] for each in (effects, training)} == {1}
    assert (training["seconds"], training["memory_mb"]) == (1.5, 140.0)


def test_model_gives_back_times_that_follow_it_for_sizes_it_has_not_seen():
    found = price(Prices([], REFERENCE), passes=5000, replicates=8, hidden_size=20, depth=2)
    expected = training(passes=5000, replicates=8, hidden_size=20, depth=2)["seconds"]
    assert found.seconds == pytest.approx(expected, rel=0.01)
    assert found.known == "reference"


def test_machine_of_half_the_speed_takes_twice_as_long():
    own = [training(speed=2.0, passes=300), training(speed=2.0, passes=900)]
    found = price(Prices(own, REFERENCE), passes=5000)
    assert found.seconds == pytest.approx(2 * training(passes=5000)["seconds"], rel=0.01)
    assert found.known == "scaled"


def test_job_that_was_recorded_takes_what_it_took_and_with_other_settings_does_not():
    own = [training(seconds=77.0, passes=300)]
    prices = Prices(own, REFERENCE)
    assert price(prices, passes=300).seconds == 77.0
    assert price(prices, passes=300).known == "recorded"
    assert price(prices, passes=301).known == "scaled"


def test_table_over_all_cells_takes_longer_with_thousands_of_them():
    reference = [record("combine_tables", 1.0), record("combine_tables", 21.0, cells=10_000)]
    prices = Prices([], reference)
    seconds = [prices.price(Job("combine_tables", "x"), cells).seconds for cells in (20, 5000)]
    assert seconds == pytest.approx([1.0, 11.0])


def test_wall_time_follows_cores_dependencies_and_priorities():
    jobs = [Job("a", str(number)) for number in range(4)]
    assert wall_time(jobs, [2.0] * 4, cores=1, delay=0.5) == 10
    assert wall_time(jobs, [2.0] * 4, cores=2, delay=0.0) == 4
    chain = [Job("a", "0"), Job("a", "1", needs=(0,)), Job("a", "2", needs=(1,))]
    assert wall_time(chain, [1.0, 2.0, 3.0], cores=8, delay=0.0) == 6
    # The longest first: it would otherwise run alone at the end.
    late = [*jobs, Job("long", "", priority=1)]
    assert wall_time(late, [2.0] * 4 + [8.0], cores=2, delay=0.0) == 8
    wide = [Job("a", "0", threads=4), Job("a", "1", threads=4)]
    assert wall_time(wide, [3.0, 3.0], cores=2, delay=0.0) == 6


def test_estimate_adds_up_and_says_where_it_comes_from():
    jobs = [Job("train_dense", str(n), settings(passes=300)) for n in range(3)]
    jobs.append(Job("combine_tables", "all", needs=(0, 1, 2)))
    reference = [*REFERENCE, record("combine_tables", 2.0)]
    found = estimate(jobs, 3, Prices([], reference), cores=1)
    one = training(passes=300)["seconds"]
    assert found.core_seconds == pytest.approx(3 * one + 2, rel=0.02)
    assert found.kinds["train_dense"][0] == 3
    assert found.wall_seconds > found.core_seconds
    assert "No job has been recorded in this folder" in describe_estimate(found)
    own = [training(seconds=9.0, passes=300)]
    known = estimate(jobs, 3, Prices(own, reference), cores=1)
    assert known.known == {"recorded": 3, "scaled": 0, "reference": 1}
    assert "3 jobs as recorded in this folder" in describe_estimate(known)
    assert describe_estimate(estimate([], 3, Prices([], reference), 1)) == (
        "Nothing is left to be done."
    )


def test_reference_survives_its_file(tmp_path):
    records = [training(passes=300), record("combine_tables", 2.0, name="dense_runs.csv")]
    write_reference(records, tmp_path / "reference.csv")
    assert read_reference(tmp_path / "reference.csv") == records
