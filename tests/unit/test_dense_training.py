"""Dense training: records, divergence, optimizers against Keras', boundaries."""

import os

import numpy as np
import pandas as pd
import pytest
from moons import moons

from backprop.dense.boundary import map_boundary
from backprop.dense.network import DenseNetwork
from backprop.dense.optimizers import OPTIMIZERS, gradient_descent, make_optimizer
from backprop.dense.training import Points, train


def test_history_has_the_first_the_last_and_every_recorded_pass():
    network = DenseNetwork([2, 3, 2], seeds=range(2))
    result = train(network, gradient_descent(0.01), moons(), moons(50, 1), 25, 10)
    assert result.history["pass"].tolist() == [0, 10, 20, 25] * 2
    assert result.history["seed"].tolist() == [0] * 4 + [1] * 4
    last = result.history.groupby("seed").last()
    np.testing.assert_array_equal(last["train_loss"], result.runs["train_loss"])


def test_recording_more_often_changes_no_number():
    runs = []
    for interval in (1, 7, 1000):
        network = DenseNetwork([2, 3, 2], seeds=range(2))
        runs.append(train(network, gradient_descent(0.1), moons(), moons(50, 1), 30, interval).runs)
    pd.testing.assert_frame_equal(runs[0], runs[1], check_exact=True)
    pd.testing.assert_frame_equal(runs[0], runs[2], check_exact=True)


def test_heldout_points_are_measured_and_never_learned_from():
    first, second = (DenseNetwork([2, 3, 2]) for _ in range(2))
    a = train(first, gradient_descent(0.1), moons(), moons(50, 1), 40, 10).runs
    b = train(second, gradient_descent(0.1), moons(), moons(80, 2), 40, 10).runs
    assert a["train_loss"][0] == b["train_loss"][0]
    assert a["heldout_loss"][0] != b["heldout_loss"][0]


def diverging(interval):
    """Replicate 1 starts where the published softmax overflows after a while; 0 and 2 do not."""
    network = DenseNetwork([2, 3, 2], "identity", seeds=range(3), arithmetic="published", l2=0.0)
    network.weights[1][1] *= 1e5
    return network, train(network, gradient_descent(0.01), moons(), moons(50, 1), 60, interval)


def test_divergence_is_a_result_and_leaves_the_others_untouched():
    alone = DenseNetwork([2, 3, 2], "identity", seeds=[0, 2], arithmetic="published", l2=0.0)
    expected = train(alone, gradient_descent(0.01), moons(), moons(50, 1), 60, 20).runs
    _, result = diverging(20)
    runs = result.runs
    assert runs["diverged_at"].isna().tolist() == [True, False, True]
    assert runs["passes"].tolist()[::2] == [60, 60]
    assert runs["passes"][1] == runs["diverged_at"][1]
    assert np.isnan(runs["train_loss"][1])
    np.testing.assert_allclose(runs["train_loss"][::2], expected["train_loss"], rtol=1e-12)
    assert all(np.isfinite(w).all() for w in result.weights)


@pytest.mark.parametrize("factor", [3.0, 30.0])
def test_pass_of_divergence_is_exact_whatever_the_interval(factor):
    found = set()
    for interval in (1, 7, 1000):
        network = DenseNetwork([2, 3, 2], "relu", l2=factor)
        result = train(network, gradient_descent(1.0), moons(), moons(50, 1), 3000, interval)
        found.add(int(result.runs["diverged_at"][0]))
    assert len(found) == 1
    assert found.pop() > 1


def test_history_of_a_diverged_run_ends_before_the_divergence():
    network = DenseNetwork([2, 3, 2], "relu", l2=30.0)
    result = train(network, gradient_descent(1.0), moons(), moons(50, 1), 3000, 10)
    assert result.history["pass"].max() < result.runs["diverged_at"][0]
    assert np.isfinite(result.history["train_loss"]).all()


def keras_optimizer(kind, settings):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = pytest.importorskip("keras")
    classes = {
        "gradient_descent": "SGD",
        "momentum": "SGD",
        "nesterov": "SGD",
        "adagrad": "Adagrad",
        "rmsprop": "RMSprop",
        "adam": "Adam",
    }
    names = {"initial_accumulator": "initial_accumulator_value"}
    arguments = {names.get(key, key): value for key, value in settings.items()}
    if kind == "nesterov":
        arguments["nesterov"] = True
    return keras, getattr(keras.optimizers, classes[kind])(**arguments)


SETTINGS = {
    "gradient_descent": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8},
    # Keras adds epsilon under Adagrad's root, here it is added to the root: take it out of play.
    "adagrad": {"initial_accumulator": 0.1, "epsilon": 1e-12},
    "rmsprop": {"rho": 0.95, "epsilon": 1e-3},
    "adam": {"beta_1": 0.85, "beta_2": 0.99, "epsilon": 1e-7},
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizer_follows_keras_for_100_updates(kind):
    settings = {"learning_rate": 0.01, **SETTINGS[kind]}
    keras, theirs = keras_optimizer(kind, settings)
    rng = np.random.default_rng(0)
    start = rng.standard_normal(50)
    ours = make_optimizer({"kind": kind, **settings})
    parameters = start.copy()
    slots = [np.full_like(parameters, value) for value in ours.slots]
    variable = keras.Variable(start, dtype="float64")
    for number in range(1, 101):
        gradient = rng.standard_normal(50)
        ours.update(parameters, gradient.copy(), slots, number)
        theirs.apply([gradient], [variable])
    np.testing.assert_allclose(parameters, np.array(variable), rtol=1e-6, atol=1e-6)


def test_optimizer_takes_whole_numbers_from_yaml():
    optimizer = make_optimizer({"kind": "momentum", "learning_rate": 1, "momentum": 0})
    parameters = np.zeros(2)
    optimizer.update(parameters, np.ones(2), [np.zeros(2)], 1)
    assert parameters.tolist() == [-1.0, -1.0]


def test_boundary_is_the_networks_own_prediction():
    network = DenseNetwork([2, 4, 2], seeds=range(3))
    train(network, gradient_descent(0.5), moons(), moons(50, 1), 50, 50)
    points = moons().x
    grid = map_boundary(network.weights, "tanh", points, step=0.1, margin=0.5)
    low = points.min(axis=0) - 0.5
    assert grid["x1"][0] == pytest.approx(low[0]) and grid["x2"][0] == pytest.approx(low[1])
    at = np.array([[grid["x1"][5], grid["x2"][3]]], float)
    probability = network.predict_proba(at)[:, 0, 1]
    assert grid["probability"][3, 5] == pytest.approx(probability[0], rel=1e-5)
    assert grid["share"][3, 5] == pytest.approx((probability > 0.5).mean())


def test_float32_trains_close_to_float64():
    losses = []
    for precision in ("float64", "float32"):
        network = DenseNetwork([2, 3, 2], precision=precision)
        runs = train(network, gradient_descent(0.1), moons(), moons(50, 1), 200, 100).runs
        losses.append(runs["train_loss"][0])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_three_classes_are_learned():
    rng = np.random.default_rng(0)
    label = np.arange(90) % 3
    centres = np.array([[0, 0], [4, 0], [0, 4]])
    data = Points(centres[label] + 0.3 * rng.standard_normal((90, 2)), label)
    network = DenseNetwork([2, 8, 3], seeds=range(2))
    runs = train(network, gradient_descent(0.5), data, data, 300, 100).runs
    assert (runs["train_accuracy"] > 0.98).all()


def spiking(seeds, interval):
    """Published softmax with huge steps: infinite losses that pass, weights that stay finite."""
    network = DenseNetwork([2, 8, 2], seeds=seeds, arithmetic="published", l2=0.0)
    return train(network, gradient_descent(100.0), moons(), moons(50, 1), 400, interval)


def test_infinite_loss_that_passes_is_no_divergence_whatever_the_interval():
    runs = [spiking(range(6), interval).runs for interval in (1, 50, 400)]
    for other in runs[1:]:
        pd.testing.assert_series_equal(other["diverged_at"], runs[0]["diverged_at"])
    history = spiking(range(6), 1).history
    finished = runs[0].loc[runs[0]["diverged_at"].isna(), "seed"]
    losses = history[history["seed"].isin(finished)]["train_loss"]
    assert np.isinf(losses).any(), "the case that is tested does not occur"


def test_one_replicates_divergence_does_not_end_its_neighbours():
    together = spiking(range(6), 100).runs
    for seed in range(6):
        alone = spiking([seed], 100).runs
        assert str(alone["diverged_at"][0]) == str(together["diverged_at"][seed])
