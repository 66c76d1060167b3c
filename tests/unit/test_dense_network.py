"""Dense networks: the published figures and code, loss and probabilities, fit and predict."""

import doctest

import keras
import numpy as np
import pytest
import tensorflow as tf
from dense_references import PUBLISHED_ACTIVATIONS, PublishedNetwork
from moons import moons
from scipy.special import log_softmax, softmax

from restudy.families.dense import DenseNetwork, adam, gradient_descent, nesterov
from restudy.families.dense.activations import make_activation
from restudy.families.dense.initializers import draw_weights
from restudy.families.dense.schedules import step
from restudy.families.dense.stack import Batch, Stack
from restudy.families.dense.stack import softmax as softmax_in_place
from restudy.families.dense.training import CHUNK

# Computed by running the published code unchanged (with point 1 corrected for the last), seed 0.
PUBLISHED = {
    ("tanh", "published"): (0.0017015101725321804, 0.855),
    ("relu", "published"): (0.001630262390474999, 0.855),
    ("tanh", "corrected"): (0.0016334398768147907, 0.900),
}


@pytest.mark.parametrize(("activation", "arithmetic"), PUBLISHED)
def test_published_figures_are_reproduced(activation, arithmetic):
    loss, accuracy = PUBLISHED[activation, arithmetic]
    data, heldout = moons(), moons(50, 1)
    network = DenseNetwork([2, 3, 2], activation, seeds=range(3), arithmetic=arithmetic)
    result = network.fit(
        data.x,
        data.label,
        gradient_descent(0.01),
        20_000,
        heldout=(heldout.x, heldout.label),
        record_interval=5_000,
    )
    runs = result.runs
    assert runs["train_loss"][0] / 200 == pytest.approx(loss, rel=1e-9)
    assert runs["train_accuracy"][0] == accuracy
    if arithmetic == "published":
        assert runs["reported_loss"][0] == pytest.approx(loss, rel=1e-9)
    else:
        assert runs["reported_loss"].isna().all()


def follow_published(activation, size, depth, passes, seeds=(0, 5)):
    data = moons()
    network = DenseNetwork([2, *[size] * depth, 2], activation, seeds=seeds, arithmetic="published")
    runs = network.fit(data.x, data.label, gradient_descent(0.01), passes).runs
    for replicate, seed in enumerate(seeds):
        peer = PublishedNetwork(activation, 2, size, depth, 2, seed)
        peer.train(data.x, data.label, 0.01, passes)
        expected = peer.reported_loss(data.x, data.label)
        assert runs["reported_loss"][replicate] == pytest.approx(expected, rel=1e-9)
        assert runs["train_accuracy"][replicate] == peer.accuracy(data.x, data.label)
        pairs = zip(network.weights, peer.weights, peer.biases, strict=True)
        for layer, w, b in pairs:
            np.testing.assert_allclose(layer[replicate, :, :-1], w.T, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(layer[replicate, :, -1], b[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("size", [3, 5, 8, 50])
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("activation", PUBLISHED_ACTIVATIONS)
def test_published_arithmetic_is_that_of_the_published_code(activation, depth, size):
    follow_published(activation, size, depth, 50)


@pytest.mark.parametrize(
    ("activation", "depth", "size"),
    [("tanh", 1, 3), ("tanh", 4, 8), ("sigmoid", 2, 5), ("relu", 3, 3)],
)
def test_published_code_is_followed_for_2_000_passes(activation, depth, size):
    follow_published(activation, size, depth, 2_000, seeds=[0])


@pytest.mark.parametrize(
    ("optimizer", "theirs", "tolerance"),
    [
        (adam(0.01), lambda: keras.optimizers.Adam(0.01), 1e-5),
        (nesterov(0.1), lambda: keras.optimizers.SGD(0.1, 0.9, nesterov=True), 1e-6),
    ],
    ids=["adam", "nesterov"],
)
def test_training_is_that_of_tensorflow_and_keras(optimizer, theirs, tolerance):
    data = moons(60)
    network = DenseNetwork([2, 6, 5, 2], "silu", "he_normal", [0, 4], l2=0.02, l1=0.003)
    starts = [layer.copy() for layer in network.weights]
    losses = network.fit(data.x, data.label, optimizer, 20).runs["train_loss"]
    for replicate in range(2):
        variables = [keras.Variable(layer[replicate], dtype="float64") for layer in starts]
        peer = theirs()

        def loss(variables=variables):
            signal = tf.constant(data.x.T)
            for layer in variables[:-1]:
                signal = tf.nn.silu(layer[:, :-1] @ signal + layer[:, -1:])
            logits = tf.transpose(variables[-1][:, :-1] @ signal + variables[-1][:, -1:])
            total = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(data.label, logits)
            )
            for layer in variables:
                total += 0.01 * tf.reduce_sum(layer[:, :-1] ** 2)
                total += 0.003 * tf.reduce_sum(tf.abs(layer[:, :-1]))
            return total

        for _ in range(20):
            with tf.GradientTape() as tape:
                value = loss()
            peer.apply(tape.gradient(value, [v.value for v in variables]), variables)
        # Keras keeps rates and powers in float32.
        assert losses[replicate] == pytest.approx(loss().numpy(), rel=tolerance)


def test_network_starts_from_its_seeds_weights_and_zero_biases():
    network = DenseNetwork([2, 5, 4, 3], "tanh", "he_uniform", seeds=[3, 8])
    for replicate, seed in enumerate([3, 8]):
        drawn = draw_weights([2, 5, 4, 3], "he_uniform", seed, "corrected")
        for layer, matrix in zip(network.weights, drawn, strict=True):
            np.testing.assert_array_equal(layer[replicate, :, :-1], matrix.T)
            assert not layer[replicate, :, -1].any()


def test_maxout_network_has_rows_for_all_pieces_of_hidden_units():
    network = DenseNetwork([2, 5, 4, 3], {"kind": "maxout", "pieces": 3}, seeds=range(2))
    assert [layer.shape for layer in network.weights] == [(2, 15, 3), (2, 12, 6), (2, 3, 5)]


def stack_of(network, **settings):
    given = {"l2": network.l2, "l1": network.l1, **settings}
    return Stack(network.weights, network.activation, **given)


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_cross_entropy_and_probabilities_agree_with_scipy(classes, published):
    network = DenseNetwork([2, 6, classes], "relu", seeds=range(3))
    x = np.random.default_rng(0).standard_normal((30, 2)) * 3
    label = np.arange(30) % classes
    stack = stack_of(network, published=published)
    batch = Batch(x, label, stack)
    logits = stack.forward(batch).copy()
    expected = -log_softmax(logits, axis=0)[label, :, np.arange(30)].mean(axis=0)
    loss, accuracy = stack.measure([batch])
    np.testing.assert_allclose(loss, expected, rtol=1e-13)
    np.testing.assert_allclose(accuracy, (logits.argmax(axis=0) == label).mean(axis=1))
    probability = network.predict_proba(x)
    assert probability.shape == (3, 30, classes)
    np.testing.assert_allclose(
        probability, softmax(logits, axis=0).transpose(1, 2, 0), rtol=1e-12, atol=1e-16
    )
    assert (network.predict(x) == probability.argmax(axis=2)).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_loss_of_huge_logits_is_finite_unless_published(classes):
    weights = np.zeros((1, classes, 3))  # no hidden layer: the points are the logits
    weights[0, 0, 0] = weights[0, 1, 1] = 1.0
    x = np.array([[1000.0, -1000.0], [-1000.0, 1000.0], [500.0, 500.0], [-3.0, 2.0]])
    label = np.array([0, 0, 1, 1])
    logits = weights[0, :, :-1] @ x.T
    expected = -log_softmax(logits, axis=0)[label, np.arange(4)].mean()
    assert expected > 400
    activation = make_activation("tanh")
    corrected, published = (Stack([weights], activation, published=p) for p in (False, True))
    with np.errstate(all="raise", under="ignore"):
        found = corrected.measure([Batch(x, label, corrected)])[0]
    np.testing.assert_allclose(found, [expected], rtol=1e-13)
    with np.errstate(all="ignore"):
        assert not np.isfinite(published.measure([Batch(x, label, published)])[0]).any()


@pytest.mark.parametrize("scale", [1.0, 0.005])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("classes", [2, 3])
def test_softmax_of_any_logits_is_scipys(classes, dtype, scale):
    logits = np.random.default_rng(0).standard_normal((classes, 2, 40)).astype(dtype)
    logits *= np.geomspace(1e-3, 1e4, 40).astype(dtype)
    expected = scale * softmax(logits.astype(float), axis=0)
    with np.errstate(over="ignore"):
        softmax_in_place(logits, scale, False, tuple(logits))
    rounding = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(logits, expected, rtol=10 * rounding, atol=scale * rounding)


@pytest.mark.parametrize("classes", [2, 3])
def test_published_softmax_overflows_beyond_709(classes):
    for largest, finite in ((700.0, True), (710.0, False)):
        logits = np.zeros((classes, 1, 1))
        logits[0] = largest
        with np.errstate(all="ignore"):
            softmax_in_place(logits, 1.0, True, tuple(logits))
        assert np.isfinite(logits).all() == finite


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_recorded_loss_is_cross_entropy_plus_both_penalties(precision):
    data = moons(80)
    network = DenseNetwork([2, 5, 4, 2], seeds=range(3), l2=0.3, l1=0.02, precision=precision)
    runs = network.fit(data.x, data.label, gradient_descent(0.1), 20).runs
    assert network.weights[0].dtype == precision
    for replicate in range(3):
        *hidden, last = (layer[replicate].astype(float) for layer in network.weights)
        signal = data.x.T
        for layer in hidden:
            signal = np.tanh(layer[:, :-1] @ signal + layer[:, -1:])
        logits = last[:, :-1] @ signal + last[:, -1:]
        loss = -log_softmax(logits, axis=0)[data.label, np.arange(80)].mean()
        for layer in (*hidden, last):
            loss += 0.15 * (layer[:, :-1] ** 2).sum() + 0.02 * np.abs(layer[:, :-1]).sum()
        rounding = {"float64": 1e-13, "float32": 1e-6}[precision]
        assert runs["train_loss"][replicate] == pytest.approx(loss, rel=rounding)
        accuracy = (logits.argmax(axis=0) == data.label).mean()
        assert runs["train_accuracy"][replicate] == pytest.approx(accuracy)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("points", [1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_predictions_of_many_points_are_those_of_each(points, classes):
    network = DenseNetwork([2, 5, classes], seeds=range(3))
    x = np.random.default_rng(0).standard_normal((points, 2))
    probability, chosen = network.predict_proba(x), network.predict(x)
    assert probability.shape == (3, points, classes) and chosen.shape == (3, points)
    np.testing.assert_allclose(probability.sum(axis=2), 1.0, rtol=1e-12)
    assert (chosen == probability.argmax(axis=2)).all()
    for place in {0, points // 2, points - 1}:
        alone = network.predict_proba(x[place : place + 1])
        np.testing.assert_allclose(probability[:, place], alone[:, 0], rtol=1e-12)
        signal = np.tanh(network.weights[0] @ [*x[place], 1.0])
        ones = np.ones((3, 1))
        logits = np.einsum("rij,rj->ri", network.weights[1], np.concatenate([signal, ones], axis=1))
        np.testing.assert_allclose(probability[:, place], softmax(logits, axis=1), rtol=1e-12)


def test_predictions_change_nothing():
    network = DenseNetwork([2, 5, 2], seeds=range(2))
    before = [layer.copy() for layer in network.weights]
    first = network.predict_proba(moons().x)
    np.testing.assert_array_equal(first, network.predict_proba(moons().x))
    for layer, kept in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(layer, kept)


def test_predictions_are_those_of_the_measured_accuracy():
    data, heldout = moons(), moons(1_300, 1)
    network = DenseNetwork([2, 8, 2], seeds=range(4))
    runs = network.fit(data.x, data.label, adam(0.02), 100, heldout=(heldout.x, heldout.label)).runs
    for points, name in ((data, "train_accuracy"), (heldout, "heldout_accuracy")):
        accuracy = (network.predict(points.x) == points.label).mean(axis=1)
        np.testing.assert_allclose(runs[name], accuracy, rtol=1e-12)
    logits = np.log(network.predict_proba(heldout.x))
    loss = -logits[:, np.arange(1_300), heldout.label].mean(axis=1)
    penalty = sum(0.005 * (layer[:, :, :-1] ** 2).sum(axis=(1, 2)) for layer in network.weights)
    np.testing.assert_allclose(runs["heldout_loss"], loss + penalty, rtol=1e-12)


def test_float32_trains_close_to_float64():
    losses = []
    for precision in ("float64", "float32"):
        network = DenseNetwork([2, 3, 2], precision=precision)
        runs = network.fit(moons().x, moons().label, gradient_descent(0.1), 200).runs
        losses.append(runs["train_loss"][0])
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_three_classes_are_learned():
    rng = np.random.default_rng(0)
    label = np.arange(90) % 3
    centres = np.array([[0, 0], [4, 0], [0, 4]])
    x = centres[label] + 0.3 * rng.standard_normal((90, 2))
    network = DenseNetwork([2, 8, 3], seeds=range(2))
    runs = network.fit(x, label, gradient_descent(0.5), 300).runs
    assert (runs["train_accuracy"] > 0.98).all()


def test_fit_goes_on_from_the_present_weights():
    data = moons()
    once, twice = (DenseNetwork([2, 5, 5, 2], seeds=range(3)) for _ in range(2))
    result = once.fit(data.x, data.label, gradient_descent(0.1), 20)
    twice.fit(data.x, data.label, gradient_descent(0.1), 10)
    again = twice.fit(data.x, data.label, gradient_descent(0.1), 10)
    for layer, same in zip(once.weights, twice.weights, strict=True):
        np.testing.assert_array_equal(layer, same)
    np.testing.assert_array_equal(result.runs["train_loss"], again.runs["train_loss"])
    for layer, same in zip(once.weights, result.weights, strict=True):
        np.testing.assert_array_equal(layer, same)


def test_schedule_multiplies_the_learning_rate_of_its_pass():
    data = moons()
    scheduled, by_hand = (DenseNetwork([2, 5, 2], seeds=range(3)) for _ in range(2))
    halved = step(9, interval=3, factor=0.5)
    scheduled.fit(data.x, data.label, gradient_descent(0.4), 9, schedule=halved)
    for rate in (0.4, 0.2, 0.1):
        by_hand.fit(data.x, data.label, gradient_descent(rate), 3)
    for layer, same in zip(scheduled.weights, by_hand.weights, strict=True):
        np.testing.assert_array_equal(layer, same)


def test_units_that_start_equal_stay_equal():
    x = moons().x
    # Classes of different sizes: with equal ones, weights of zero are next to a saddle.
    label = (x[:, 0] > 1.0).astype(int)
    network = DenseNetwork([2, 4, 2], "sigmoid", "zeros", seeds=range(2), l2=0.0)
    network.fit(x, label, gradient_descent(1.0), 200)
    first, last = network.weights
    assert np.abs(first).min() > 1e-3 and np.abs(last[:, :, :-1]).min() > 1e-3
    np.testing.assert_allclose(first - first[:, :1], 0.0, atol=1e-12)
    np.testing.assert_allclose(last[:, :, :-1] - last[:, :, :1], 0.0, atol=1e-12)


def test_example_of_the_docstring_runs():
    (example, *others) = doctest.DocTestFinder(recurse=False).find(
        DenseNetwork, "DenseNetwork", globs={}
    )
    assert len(example.examples) >= 5 and not others
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0


@pytest.mark.parametrize("memory", [1, 100_000, 1 << 40])
@pytest.mark.parametrize("seeds", [1, 2, 7, 20])
def test_every_replicate_is_in_one_block(seeds, memory, monkeypatch):
    monkeypatch.setattr("restudy.families.dense.network.WORKING_MEMORY", memory)
    network = DenseNetwork([2, 8, 8, 2], seeds=range(seeds))
    blocks = list(network._blocks(200))
    found = [replicate for block in blocks for replicate in range(seeds)[block]]
    assert found == list(range(seeds))
    lengths = [block.stop - block.start for block in blocks]
    assert max(lengths) - min(lengths) <= 1
    if memory == 1:
        assert len(blocks) == seeds
    if memory == 1 << 40:
        assert len(blocks) == 1


@pytest.mark.parametrize("memory", [1, 1 << 40])
def test_progress_counts_the_passes_of_all_replicates(memory, monkeypatch):
    monkeypatch.setattr("restudy.families.dense.network.WORKING_MEMORY", memory)
    told = []
    network = DenseNetwork([2, 3, 2], seeds=range(3))
    result = network.fit(
        moons().x,
        moons().label,
        gradient_descent(0.1),
        20,
        record_interval=10,
        progress=lambda number, loss: told.append((number, loss)),
    )
    numbers = [number for number, _ in told]
    # A third of the replicates after another, or all at once.
    expected = {1: [0, 3, 6, 6, 10, 13, 13, 16, 20], 1 << 40: [0, 10, 20]}
    assert numbers == expected[memory]
    losses = result.runs["train_loss"]
    last = losses[2] if memory == 1 else losses.mean()
    assert told[-1][1] == pytest.approx(last, rel=1e-12)


@pytest.mark.parametrize(
    ("x", "label", "message"),
    [
        (np.zeros((5, 3)), np.zeros(5, int), r"x: got shape \(5, 3\), allowed: \(N, 2\)"),
        (np.zeros(5), np.zeros(5, int), r"x: got shape \(5,\), allowed: \(N, 2\)"),
        (np.zeros((5, 2)), np.zeros(4, int), r"label: got shape \(4,\), allowed: \(5,\)"),
        (np.zeros((5, 2)), np.zeros((5, 1)), r"label: got shape \(5, 1\), allowed: \(5,\)"),
        (np.zeros((2, 2)), np.array([0, 2]), "label: got 2, allowed: whole numbers from 0 to 1"),
        (np.zeros((2, 2)), np.array([-1, 0]), "label: got -1, allowed: whole numbers from 0 to 1"),
        (
            np.zeros((2, 2)),
            np.array([0, 0.5]),
            "label: got 0.5, allowed: whole numbers from 0 to 1",
        ),
    ],
)
def test_points_that_do_not_fit_are_refused(x, label, message):
    network = DenseNetwork([2, 3, 2])
    with pytest.raises(ValueError, match=message):
        network.fit(x, label, gradient_descent(0.1), 5)
    with pytest.raises(ValueError, match=message):
        network.fit(moons().x, moons().label, gradient_descent(0.1), 5, heldout=(x, label))


@pytest.mark.parametrize("number", [-1, 6])
def test_snapshots_outside_the_training_are_refused(number):
    network = DenseNetwork([2, 3, 2])
    with pytest.raises(ValueError, match=f"snapshot_passes: got {number}, allowed: a whole number"):
        network.fit(moons().x, moons().label, gradient_descent(0.1), 5, snapshot_passes=[2, number])


def test_lists_will_do_as_points():
    network, same = (DenseNetwork([2, 3, 2]) for _ in range(2))
    data = moons(20)
    network.fit(data.x.tolist(), data.label.astype(float).tolist(), gradient_descent(0.1), 5)
    same.fit(data.x, data.label, gradient_descent(0.1), 5)
    np.testing.assert_array_equal(network.weights[0], same.weights[0])


def test_unknown_arithmetic_and_precision_are_refused():
    with pytest.raises(ValueError, match="'right', allowed: corrected, published"):
        DenseNetwork([2, 3, 2], arithmetic="right")
    with pytest.raises(ValueError, match="'float16', allowed: float64, float32"):
        DenseNetwork([2, 3, 2], precision="float16")
