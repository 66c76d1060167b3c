"""Dense training: records, snapshots, minibatches, divergence, independence of company."""

import hashlib
import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dense_references import PublishedNetwork
from moons import moons

from restudy.families.calibration import measure_calibration
from restudy.families.dense import DenseNetwork, adam, gradient_descent, momentum
from restudy.families.dense.activations import make_activation
from restudy.families.dense.optimizers import make_optimizer
from restudy.families.dense.schedules import constant, cosine
from restudy.families.dense.stack import Batch, Stack
from restudy.families.dense.training import (
    ACTIVITY,
    CALIBRATION,
    CHUNK,
    MEASURES,
    Plan,
    Points,
    Trainer,
)

SOURCE = Path(__file__).parents[2] / "src"


def fit(network, optimizer, passes, **given):
    """Train on the moons, with 50 others held out."""
    data, heldout = moons(), moons(50, 1)
    settings = {"heldout": (heldout.x, heldout.label), **given}
    return network.fit(data.x, data.label, optimizer, passes, **settings)


def assert_same_weights(found, expected):
    for layer, same in zip(found, expected, strict=True):
        np.testing.assert_array_equal(layer, same)


def assert_same_tables(found, expected):
    for name in ("runs", "history", "layers"):
        pd.testing.assert_frame_equal(
            getattr(found, name), getattr(expected, name), check_exact=True
        )


# Records ------------------------------------------------------------------------------------


def test_history_has_the_first_the_last_and_every_recorded_pass():
    network = DenseNetwork([2, 3, 2], seeds=[4, 9])
    result = fit(network, gradient_descent(0.01), 25, record_interval=10)
    assert result.history["pass"].tolist() == [0, 10, 20, 25] * 2
    assert result.history["seed"].tolist() == [4] * 4 + [9] * 4
    last = result.history.groupby("seed").last()
    for name in MEASURES:
        np.testing.assert_array_equal(last[name], result.runs[name])
    assert result.runs["passes"].tolist() == [25, 25]


def test_columns_of_the_tables():
    result = fit(DenseNetwork([2, 3, 3, 2], seeds=[4, 9]), gradient_descent(0.01), 10)
    assert list(result.runs) == [
        "seed",
        "passes",
        *("train_loss", "train_accuracy", "validation_loss", "validation_accuracy"),
        *("heldout_loss", "heldout_accuracy", "heldout_ece", "heldout_brier"),
        *("reported_loss", "grad_norm", "diverged_at", "diverged_by", "stopped_at", "best_at"),
    ]
    assert list(result.history) == ["seed", "pass", *MEASURES]
    assert list(result.layers) == ["seed", "pass", "layer", *ACTIVITY]
    assert result.layers["layer"].tolist() == [1, 2, 3] * 4
    assert result.layers["pass"].tolist() == ([0] * 3 + [10] * 3) * 2
    assert result.layers["seed"].tolist() == [4] * 6 + [9] * 6


@pytest.mark.parametrize("batch_size", [0, 30])
def test_recording_more_often_changes_no_number(batch_size):
    results = []
    for interval in (1, 7, 1000):
        network = DenseNetwork([2, 3, 2], seeds=range(2))
        results.append(fit(network, adam(0.1), 30, record_interval=interval, batch_size=batch_size))
    every, *others = results
    for other in others:
        pd.testing.assert_frame_equal(every.runs, other.runs, check_exact=True)
        assert_same_weights(other.weights, every.weights)
        for name, keys in (("history", ["seed", "pass"]), ("layers", ["seed", "pass", "layer"])):
            found = getattr(other, name).set_index(keys)
            expected = getattr(every, name).set_index(keys).loc[found.index]
            pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_heldout_points_are_measured_and_never_learned_from():
    first, second, third = (DenseNetwork([2, 3, 2]) for _ in range(3))
    other = moons(80, 2)
    a = fit(first, gradient_descent(0.1), 40).runs
    b = fit(second, gradient_descent(0.1), 40, heldout=(other.x, other.label)).runs
    c = fit(third, gradient_descent(0.1), 40, heldout=None).runs
    assert a["train_loss"][0] == b["train_loss"][0] == c["train_loss"][0]
    assert a["heldout_loss"][0] != b["heldout_loss"][0]
    assert c[["heldout_loss", "heldout_accuracy", *CALIBRATION]].isna().all(axis=None)
    assert_same_weights(second.weights, first.weights)
    assert_same_weights(third.weights, first.weights)


@pytest.mark.parametrize("points", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 1])
def test_heldout_measures_are_those_of_all_heldout_points(points):
    network = DenseNetwork([2, 5, 3], seeds=range(2), l2=0.0)
    rng = np.random.default_rng(0)
    x, label = rng.standard_normal((points, 2)), rng.integers(3, size=points)
    result = network.fit(x[:1], label[:1], gradient_descent(0.1), 1, heldout=(x, label))
    log_probability = np.log(network.predict_proba(x))[:, np.arange(points), label]
    np.testing.assert_allclose(
        result.runs["heldout_loss"], -log_probability.mean(axis=1), rtol=1e-12
    )
    accuracy = (network.predict(x) == label).mean(axis=1)
    np.testing.assert_allclose(result.runs["heldout_accuracy"], accuracy, rtol=1e-14)
    for name, values in measure_calibration("heldout", network.predict_proba(x), label).items():
        np.testing.assert_allclose(result.runs[name], values, rtol=1e-12)


def test_recorded_gradient_norms_are_those_of_finite_differences():
    data = moons(40)
    network = DenseNetwork([2, 4, 3, 2], "softplus", seeds=range(2), l2=0.05, l1=0.01)
    result = network.fit(data.x, data.label, gradient_descent(0.5), 10, batch_size=8)
    stack = Stack(network.weights, network.activation, 0.05, 0.01)
    batch = Batch(data.x, data.label, stack)
    step, norms = 1e-5, np.zeros((2, 3))
    for number, layer in enumerate(stack.weights):
        for place in np.ndindex(layer.shape[1:]):
            losses = []
            for shift in (step, -2 * step):
                layer[:, *place] += shift
                losses.append(stack.measure([batch])[0] + stack.penalty())
            layer[:, *place] += step
            norms[:, number] += ((losses[0] - losses[1]) / (2 * step)) ** 2
    last = result.layers[result.layers["pass"] == 10]
    np.testing.assert_allclose(last["grad_norm"], np.sqrt(norms).ravel(), rtol=1e-7)
    np.testing.assert_allclose(result.runs["grad_norm"], np.sqrt(norms.sum(axis=1)), rtol=1e-7)


def shares(activation, weights, x, arithmetic="corrected"):
    """Saturated and dead shares, layer by layer, of hand-built weights at the start."""
    sizes = [weights[0].shape[1] - 1, *(len(layer) for layer in weights[:-1]), 2]
    network = DenseNetwork(sizes, activation, "zeros", arithmetic=arithmetic)
    network.weights = [layer[None] for layer in weights]
    label = np.zeros(len(x), int)
    layers = network.fit(x, label, gradient_descent(0.1), 0).layers
    assert layers["pass"].tolist() == [0] * len(weights)
    return layers["saturated_share"].tolist(), layers["dead_share"].tolist()


@pytest.mark.parametrize("arithmetic", ["corrected", "published"])
def test_relu_unit_is_dead_where_no_point_reaches_it(arithmetic):
    x = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    # Net inputs: x; x - 100; 3 - x, which is above zero for every point.
    first = np.array([[1.0, 0.0], [1.0, -100.0], [-1.0, 3.0]])
    second = np.array([[1.0, 1.0, 1.0, -1.5], [-1.0, -1.0, -1.0, 0.0]])
    # The first layer's values: (0, 0, 1, 2); 0; (5, 4, 2, 1). Sums: 5, 4, 3, 3.
    saturated, dead = shares("relu", [first, second, np.ones((2, 3))], x, arithmetic)
    np.testing.assert_allclose(saturated, [6 / 12, 4 / 8, np.nan])
    np.testing.assert_allclose(dead, [1 / 3, 1 / 2, np.nan])


# |z| from which the slope is below a twentieth of the steepest: for tanh, 1 - t² = 0.05; for the
# sigmoid, s (1 - s) = 0.05 / 4.
EDGES = {"tanh": np.arctanh(np.sqrt(0.95)), "sigmoid": -np.log(1 / (0.5 + np.sqrt(0.2375)) - 1)}


@pytest.mark.parametrize("arithmetic", ["corrected", "published"])
@pytest.mark.parametrize("activation", EDGES)
def test_unit_is_saturated_where_its_slope_is_below_a_twentieth(activation, arithmetic):
    edge = EDGES[activation]
    x = np.array([[0.0], [0.999 * edge], [1.001 * edge], [-0.999 * edge], [-1.001 * edge], [9.0]])
    # Net inputs: x, and 100 + x.
    weights = [np.array([[1.0, 0.0], [1.0, 100.0]]), np.ones((2, 3))]
    saturated, dead = shares(activation, weights, x, arithmetic)
    np.testing.assert_allclose(saturated, [(3 + 6) / 12, np.nan])
    np.testing.assert_allclose(dead, [1 / 2, np.nan])


def test_linear_units_never_saturate():
    weights = [np.array([[1.0, 0.0], [1.0, 100.0]]), np.ones((2, 3))]
    saturated, dead = shares("identity", weights, np.linspace(-9, 9, 7)[:, None])
    np.testing.assert_allclose([saturated, dead], [[0.0, np.nan]] * 2)


# Snapshots ----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [0, 30])
@pytest.mark.parametrize("optimizer", [gradient_descent(0.1), adam(0.01)], ids=["gd", "adam"])
def test_snapshot_is_what_a_training_stopped_there_leaves(optimizer, batch_size):
    marks = [0, 3, 10, 25]
    whole = DenseNetwork([2, 4, 4, 2], seeds=range(3))
    snapshots = fit(
        whole, optimizer, 25, snapshot_passes=marks, record_interval=10, batch_size=batch_size
    ).snapshots
    assert list(snapshots) == marks
    for mark in marks:
        part = DenseNetwork([2, 4, 4, 2], seeds=range(3))
        fit(part, optimizer, mark, record_interval=4, batch_size=batch_size)
        assert_same_weights(snapshots[mark], part.weights)
    assert_same_weights(snapshots[25], whole.weights)


# Minibatches --------------------------------------------------------------------------------


def batches(points, size, seeds, number, hidden=3):
    """Which points each batch of a pass has: a list of arrays (R, batch)."""
    x = np.arange(points, dtype=float)[:, None]
    weights = [np.zeros((len(seeds), hidden, 2)), np.zeros((len(seeds), 2, hidden + 1))]
    stack = Stack(weights, make_activation("tanh"))
    plan = Plan(9, 9, frozenset(), size, constant(9))
    data = Points(x, np.arange(points) % 2)
    trainer = Trainer(stack, seeds, gradient_descent(0.1), plan, data, {})
    found = []
    for batch in trainer._batches(number):
        chosen = batch.inputs[:, 0].astype(int)
        np.testing.assert_array_equal(batch.labels, chosen % 2)
        found.append(chosen)
    return found


@pytest.mark.parametrize(("points", "size"), [(20, 6), (20, 5), (20, 19), (20, 1), (21, 5)])
def test_every_point_is_learned_from_once_a_pass(points, size):
    found = batches(points, size, [0, 3], 4)
    # A point by itself comes twice in its batch, so that the batch is a matrix.
    for replicate in range(2):
        once = [np.unique(batch[replicate]) for batch in found]
        assert [len(batch) for batch in once[:-1]] == [size] * (len(once) - 1)
        assert len(once[-1]) == (points % size or size)
        assert sorted(np.concatenate(once)) == list(range(points))


def test_order_of_the_points_depends_on_seed_and_pass_alone():
    def order(seeds, number, size=6, hidden=3):
        return np.concatenate(batches(20, size, seeds, number, hidden), axis=1)

    reference = order([0, 3], 4)
    np.testing.assert_array_equal(reference, order([0, 3], 4, size=10, hidden=8))
    np.testing.assert_array_equal(reference[1:], order([3], 4))
    np.testing.assert_array_equal(reference[::-1], order([3, 0], 4))
    assert (reference[0] != reference[1]).any()
    assert (reference != order([0, 3], 5)).any(axis=1).all()


@pytest.mark.parametrize("size", [200, 201, 10_000])
def test_batch_as_large_as_the_points_is_the_full_batch(size):
    full, same = (DenseNetwork([2, 3, 2], seeds=range(2)) for _ in range(2))
    assert_same_tables(
        fit(same, adam(0.1), 20, batch_size=size), fit(full, adam(0.1), 20, batch_size=0)
    )
    assert_same_weights(same.weights, full.weights)


@pytest.mark.parametrize("size", [1, 7, 64, 199])
def test_minibatch_training_is_that_of_the_published_code_on_each_batch(size):
    data, seeds, passes = moons(), [2, 5], 3
    network = DenseNetwork([2, 4, 4, 2], seeds=seeds, arithmetic="published")
    network.fit(
        data.x,
        data.label,
        gradient_descent(0.1),
        passes,
        batch_size=size,
        schedule=cosine(passes, 0.1),
    )
    for replicate, seed in enumerate(seeds):
        peer = PublishedNetwork("tanh", 2, 4, 2, 2, seed)
        for number in range(1, passes + 1):
            order = np.random.default_rng([seed, number]).permutation(200)
            rate = 0.1 * (0.1 + 0.45 * (1 + np.cos(np.pi * (number - 1) / passes)))
            for start in range(0, 200, size):
                chosen = order[start : start + size]
                peer.train(data.x[chosen], data.label[chosen], rate, 1)
        for layer, w, b in zip(network.weights, peer.weights, peer.biases, strict=True):
            expected = np.column_stack([w.T, b.T])
            np.testing.assert_allclose(layer[replicate], expected, rtol=1e-9, atol=1e-12)


# Divergence ---------------------------------------------------------------------------------


def by_loss(seeds=range(3)):
    """A penalty that throws the weights farther in every pass, until their squares overflow."""
    network = DenseNetwork([2, 3, 2], "relu", seeds=seeds, l2=30.0)
    return network, {"optimizer": gradient_descent(1.0)}


def by_weights(seeds=range(3)):
    """Sensible steps, until one is infinite."""
    network = DenseNetwork([2, 3, 2], "tanh", seeds=seeds, l2=0.0)
    return network, {
        "optimizer": gradient_descent(1e200),
        "schedule": lambda number: 1e-200 if number < 60 else 1e200,
    }


@pytest.mark.parametrize("build", [by_loss, by_weights])
def test_pass_and_cause_of_divergence_are_exact_whatever_the_interval(build):
    expected = None
    for interval in (1, 7, 50, 1000):
        network, how = build()
        result = fit(network, passes=300, record_interval=interval, **how)
        runs = result.runs
        if expected is None:
            expected = result
            assert runs["diverged_by"].tolist() == [build.__name__.removeprefix("by_")] * 3
            assert (runs["diverged_at"] > 1).all()
        pd.testing.assert_frame_equal(runs, expected.runs, check_exact=True)
        assert_same_weights(result.weights, expected.weights)


@pytest.mark.parametrize("build", [by_loss, by_weights])
def test_pass_of_divergence_is_the_first_that_a_plain_loop_finds(build):
    network, how = build()
    data = moons()
    found = fit(network, passes=300, record_interval=50, **how).runs
    optimizer, factor = how["optimizer"], how.get("schedule", constant(300))
    for replicate, seed in enumerate(network.seeds):
        alone, _ = build([seed])
        stack = Stack(alone.weights, alone.activation, alone.l2)
        batch = Batch(data.x, data.label, stack)
        finite, number = True, 0
        with np.errstate(all="ignore"):
            while finite:
                stack.forward(batch)
                stack.backward(batch)
                number += 1
                optimizer.update(stack.parameters, stack.gradient, [], number, factor(number))
                weights = np.isfinite(stack.parameters).all()
                finite = weights and np.isfinite(stack.measure([batch])[0] + stack.penalty())[0]
        assert found["diverged_at"][replicate] == number
        assert found["diverged_by"][replicate] == ("loss" if weights else "weights")


@pytest.mark.parametrize("interval", [1, 7, 1000])
@pytest.mark.parametrize("build", [by_loss, by_weights])
def test_diverged_run_keeps_the_last_finite_weights(build, interval):
    network, how = build()
    result = fit(network, passes=300, record_interval=interval, **how)
    assert_same_weights(network.weights, result.weights)
    for replicate, (seed, number) in enumerate(
        result.runs[["seed", "diverged_at"]].itertuples(index=False)
    ):
        before, _ = build([seed])
        stopped = fit(before, passes=number - 1, **how)
        assert stopped.runs["diverged_at"].isna().all()
        assert np.isfinite(stopped.runs["train_loss"]).all()
        for layer, own in zip(result.weights, before.weights, strict=True):
            assert np.isfinite(layer[replicate]).all()
            np.testing.assert_array_equal(layer[replicate], own[0])


@pytest.mark.parametrize("build", [by_loss, by_weights])
def test_tables_of_a_diverged_run_end_before_the_divergence(build):
    network, how = build()
    marks = [0, 1, 150, 300]
    result = fit(network, passes=300, record_interval=2, snapshot_passes=marks, **how)
    runs = result.runs.set_index("seed")
    for seed, number in runs["diverged_at"].items():
        recorded = range(0, number, 2)
        for table, rows in ((result.history, 1), (result.layers, 2)):
            own = table[table["seed"] == seed]
            assert own["pass"].tolist() == [mark for mark in recorded for _ in range(rows)]
        assert np.isfinite(result.history["train_loss"]).all()
    assert runs[[*MEASURES, *CALIBRATION, "grad_norm", "reported_loss"]].isna().all(axis=None)
    assert (runs["passes"] == runs["diverged_at"]).all()
    assert_same_weights(result.snapshots[300], result.weights)
    for mark in (0, 1):
        part, _ = build()
        fit(part, passes=mark, **how)
        assert_same_weights(result.snapshots[mark], part.weights)


@pytest.mark.parametrize("build", [by_loss, by_weights])
def test_divergence_in_the_last_pass_is_noticed_and_frozen(build):
    network, how = build([0])
    (number,) = fit(network, passes=300, **how).runs["diverged_at"]
    last, before = (build([0])[0] for _ in range(2))
    fit(before, passes=number - 1, **how)
    result = fit(last, passes=number, snapshot_passes=[number], **how)
    assert result.runs["diverged_at"].tolist() == [number]
    assert_same_weights(result.weights, before.weights)
    assert_same_weights(result.snapshots[number], before.weights)


def with_one_large_start(seeds, large):
    """Published arithmetic, where a replicate's weights are so large that its softmax overflows."""
    network = DenseNetwork([2, 3, 2], "identity", seeds=seeds, arithmetic="published", l2=0.0)
    for replicate in range(len(seeds)):
        if seeds[replicate] == large:
            network.weights[1][replicate] *= 1e5
    return network


@pytest.mark.parametrize("memory", [1, 1 << 40])
@pytest.mark.parametrize("interval", [1, 20, 60])
def test_divergence_is_a_result_and_leaves_the_others_untouched(interval, memory, monkeypatch):
    monkeypatch.setattr("restudy.families.dense.network.WORKING_MEMORY", memory)
    others = with_one_large_start([0, 2], None)
    # Adam counts its updates: going back must not lose count.
    expected = fit(others, adam(0.01), 60, record_interval=interval)
    together = with_one_large_start([0, 1, 2], 1)
    start = [layer.copy() for layer in together.weights]
    result = fit(together, adam(0.01), 60, record_interval=interval)
    runs = result.runs
    assert runs["diverged_at"].isna().tolist() == [True, False, True]
    # Its loss is not finite from the start: no pass was right.
    assert (runs["diverged_at"][1], runs["diverged_by"][1]) == (0, "loss")
    assert runs["passes"].tolist() == [60, 0, 60]
    assert np.isnan(runs["train_loss"][1])
    assert not (result.history["seed"] == 1).any() and not (result.layers["seed"] == 1).any()
    for name in ("runs", "history", "layers"):
        table = getattr(result, name)
        pd.testing.assert_frame_equal(
            table[table["seed"] != 1].reset_index(drop=True),
            getattr(expected, name),
            check_exact=True,
        )
    for layer, without, first in zip(result.weights, expected.weights, start, strict=True):
        np.testing.assert_array_equal(layer[[0, 2]], without)
        np.testing.assert_array_equal(layer[1], first[1])


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_weights_whose_squares_overflow_are_no_divergence_without_a_penalty(precision):
    large = {"float64": 1e160, "float32": 1e25}[precision]
    network = DenseNetwork([2, 3, 2], l2=0.0, precision=precision)
    network.weights[0][:] *= large
    runs = fit(network, gradient_descent(0.1), 5).runs
    assert runs["diverged_at"].isna().all() and np.isfinite(runs["train_loss"]).all()


def test_going_back_for_a_divergence_does_not_lose_count_of_updates():
    """Adam's steps depend on their number; replicate 1 starts close to where exp overflows."""
    results = []
    for interval in (1, 30):
        network = DenseNetwork([2, 3, 2], seeds=range(3), arithmetic="published")
        network.weights[1][1, :, -1] = 708.0
        results.append(fit(network, adam(0.05), 90, record_interval=interval))
    every, seldom = results
    assert every.runs["diverged_at"].isna().tolist() == [True, False, True]
    assert 30 < every.runs["diverged_at"][1] < 60
    pd.testing.assert_frame_equal(seldom.runs, every.runs, check_exact=True)
    assert_same_weights(seldom.weights, every.weights)


def spiking(seeds, interval, passes=400, **given):
    """Published softmax with huge steps: infinite losses that pass, weights that stay finite."""
    network = DenseNetwork([2, 8, 2], seeds=seeds, arithmetic="published", l2=0.0)
    return fit(network, gradient_descent(100.0), passes, record_interval=interval, **given)


def test_infinite_loss_that_passes_is_no_divergence_whatever_the_interval():
    marks = [0, 5, 40, 399]
    every, *others = (
        spiking(range(6), interval, snapshot_passes=marks) for interval in (1, 7, 50, 400)
    )
    for other in others:
        pd.testing.assert_frame_equal(other.runs, every.runs, check_exact=True)
        assert_same_weights(other.weights, every.weights)
        for mark in marks:
            assert_same_weights(other.snapshots[mark], every.snapshots[mark])
    history = every.history
    finished = every.runs.loc[every.runs["diverged_at"].isna(), "seed"]
    losses = history[history["seed"].isin(finished)]["train_loss"]
    assert np.isinf(losses).any(), "the case that is tested does not occur"


def test_infinite_loss_at_the_end_is_a_divergence_of_the_pass_since_which_it_lasts():
    history = spiking(range(6), 1).history.set_index(["seed", "pass"])["train_loss"]
    checked = 0
    for seed in range(6):
        finite = np.isfinite(history[seed])
        for number in np.flatnonzero(~finite)[:3]:
            since = number
            while not finite[since - 1]:
                since -= 1
            for interval in (1, 7, 400):
                runs = spiking([seed], interval, passes=number).runs
                assert runs["diverged_at"].tolist() == [since]
                assert runs["diverged_by"].tolist() == ["loss"]
            checked += 1
    assert checked > 10, "the case that is tested does not occur"


def test_one_replicates_divergence_does_not_end_its_neighbours():
    together = spiking(range(6), 100).runs
    for seed in range(6):
        alone = spiking([seed], 100).runs
        pd.testing.assert_frame_equal(
            alone, together[together["seed"] == seed].reset_index(drop=True), check_exact=True
        )


def test_progress_leaves_diverged_replicates_out():
    told = []
    network = with_one_large_start([0, 1, 2], 1)
    result = fit(
        network, gradient_descent(0.01), 20, progress=lambda number, loss: told.append(loss)
    )
    assert told[-1] == pytest.approx(result.runs["train_loss"][[0, 2]].mean(), rel=1e-12)
    assert np.isfinite(told).all()


# Independence of company and of the machine -------------------------------------------------

COMPANIES = {
    "two": ([3, 7], None),
    "twenty": (list(range(20)), None),
    "reversed-in-one-block": (list(range(19, -1, -1)), 1 << 40),
    "many-blocks": (list(range(20)), 150_000),
}


def wide_points():
    rng = np.random.default_rng(0)
    return Points(rng.standard_normal((200, 64)), np.arange(200) % 10)


def train_seed_7(data, sizes, seeds, batch_size=0, **settings):
    """Everything that is found out about seed 7, in the company of others."""
    network = DenseNetwork(sizes, seeds=seeds, l1=1e-3, **settings)
    result = network.fit(
        data.x,
        data.label,
        momentum(0.05),
        6,
        heldout=(data.x[:101], data.label[:101]),
        batch_size=batch_size,
        record_interval=4,
        snapshot_passes=[5],
    )
    place = seeds.index(7)
    tables = [
        table[table["seed"] == 7].drop(columns="diverged_by", errors="ignore").to_numpy(float)
        for table in (result.runs, result.history, result.layers)
    ]
    weights = [layer[place] for layer in (*result.weights, *result.snapshots[5])]
    return [*tables, *weights]


def assert_independent_of_company(monkeypatch, data, sizes, **settings):
    expected = train_seed_7(data, sizes, [7], **settings)
    for seeds, memory in COMPANIES.values():
        with monkeypatch.context() as patch:
            if memory is not None:
                patch.setattr("restudy.families.dense.network.WORKING_MEMORY", memory)
            found = train_seed_7(data, sizes, seeds, **settings)
        for array, same in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array, same)


@pytest.mark.parametrize("batch_size", [0, 32])
@pytest.mark.parametrize("arithmetic", ["corrected", "published"])
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("size", [3, 8, 50])
@pytest.mark.parametrize("depth", [1, 4])
def test_replicate_does_not_depend_on_its_company(
    depth, size, precision, arithmetic, batch_size, monkeypatch
):
    assert_independent_of_company(
        monkeypatch,
        moons(),
        [2, *[size] * depth, 2],
        precision=precision,
        arithmetic=arithmetic,
        batch_size=batch_size,
    )


@pytest.mark.parametrize("batch_size", [0, 32])
@pytest.mark.parametrize(("precision", "depth"), list(product(["float64", "float32"], [1, 4])))
def test_replicate_with_wide_inputs_does_not_depend_on_its_company(
    precision, depth, batch_size, monkeypatch
):
    assert_independent_of_company(
        monkeypatch,
        wide_points(),
        [64, *[50] * depth, 10],
        precision=precision,
        batch_size=batch_size,
    )


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_replicate_with_tiny_batches_does_not_depend_on_its_company(batch_size, monkeypatch):
    """The last batch of 3 is a single point: a vector, which NumPy multiplies otherwise."""
    assert_independent_of_company(monkeypatch, moons(25), [2, 8, 8, 2], batch_size=batch_size)


@pytest.mark.parametrize("case", ["gelu", "maxout", "leaky_relu", "softplus"])
def test_replicate_of_any_activation_does_not_depend_on_its_company(case, monkeypatch):
    assert_independent_of_company(monkeypatch, moons(), [2, 8, 8, 2], activation=case)


@pytest.mark.parametrize("batch_size", [0, 7])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_replicate_with_one_hidden_unit_hardly_depends_on_its_company(precision, batch_size):
    """A layer of one unit is a vector to NumPy, whose product may round by the distance of rows."""
    settings = {"precision": precision, "batch_size": batch_size}
    expected = train_seed_7(moons(), [2, 1, 1, 2], [7], **settings)
    found = train_seed_7(moons(), [2, 1, 1, 2], list(range(20)), **settings)
    tolerance = {"float64": 1e-12, "float32": 1e-5}[precision]
    for array, same in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, same, rtol=tolerance, atol=tolerance)


SCRIPT = """
import hashlib, sys
import numpy as np
from restudy.families.dense import DenseNetwork, adam
rng = np.random.default_rng(0)
x, label = rng.standard_normal((3000, 64)), np.arange(3000) % 10
digest = hashlib.sha256()
for batch_size in (0, 1000):
    network = DenseNetwork([64, 100, 100, 10], seeds=range(2), l2=0.01)
    result = network.fit(x, label, adam(0.01), 3, heldout=(x, label), batch_size=batch_size)
    for array in (*network.weights, network.predict_proba(x)):
        digest.update(np.ascontiguousarray(array).tobytes())
    for table in (result.runs, result.history, result.layers):
        digest.update(table.to_csv().encode())
print(digest.hexdigest())
"""


def test_numbers_do_not_depend_on_the_number_of_threads():
    digests = set()
    for threads in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": str(SOURCE)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout.strip())
    (digest,) = digests
    assert len(digest) == hashlib.sha256().digest_size * 2


def test_settings_of_a_configuration_train():
    """Optimizer, initializer and activation as mappings, the way a configuration gives them."""
    network = DenseNetwork(
        [2, 4, 2],
        {"kind": "leaky_relu", "slope": 0.2},
        {"kind": "orthogonal", "gain": 1.4},
        seeds=range(2),
    )
    optimizer = make_optimizer({"kind": "rmsprop", "learning_rate": 0.01})
    runs = fit(network, optimizer, 200).runs
    assert (runs["train_accuracy"] > 0.8).all()
