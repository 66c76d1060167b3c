"""What a run will cost: sums by hand, records before models, and a schedule that wastes no core."""

import copy

import numpy as np
import pytest

from restudy.operation.cost import (
    Job,
    Prices,
    describe_estimate,
    estimate,
    features,
    read_reference,
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


def record(rule, seconds, settings=None, name="", cells=10):
    return {
        "rule": rule,
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
    return prices.of(job, 10)


def test_counts_of_operations_are_those_of_the_network():
    starts, calls, elementwise, products, _, updates = features("train_dense", SETTINGS, 0)
    weights = 3 * 3 + 4 * 2  # two layers, each with its bias
    assert starts == 1
    assert calls == 1000 * 2
    assert elementwise == 1000 * 4 * 200 * (3 + 2)
    assert (products, updates) == (1000 * 4 * 200 * weights, 1000 * 4 * weights)


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
    seconds = [prices.of(Job("combine_tables", "x"), cells).seconds for cells in (20, 5000)]
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
    assert found.rules["train_dense"][0] == 3
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
