"""Gradients of a stack against finite differences, TensorFlow, scikit-learn, the published code."""

import numpy as np
import pytest
import tensorflow as tf
from dense_references import (
    ACTIVATION_CASES,
    PUBLISHED_ACTIVATIONS,
    PublishedNetwork,
    activation_settings,
    apply_tensorflow,
)
from moons import moons
from scipy.optimize import check_grad
from sklearn.neural_network import MLPClassifier

from restudy.families.dense.activations import make_activation
from restudy.families.dense.stack import Batch, Stack

DEPTHS = [1, 2, 3, 4]
KINKED = {"relu", "leaky_relu", "elu", "maxout"}
STEP = 1e-5  # of the central differences: the square and eps / STEP are both about 1e-11
MARGIN = 1e-3  # how far a start stays from every kink: the step moves no net input so far
# Classes, l2, l1.
LOSSES = {
    "2-classes": (2, 0.0, 0.0),
    "3-classes": (3, 0.0, 0.0),
    "5-classes": (5, 0.0, 0.0),
    "l2": (3, 0.1, 0.0),
    "l1": (2, 0.0, 0.05),
    "l2-l1": (3, 0.1, 0.05),
}


def random_weights(sizes, pieces=1, replicates=1, seed=0):
    """Weights of all layers, biases too: nothing is at zero."""
    rng = np.random.default_rng(seed)
    rows = [*(pieces * size for size in sizes[1:-1]), sizes[-1]]
    return [
        rng.normal(0.0, 1 / np.sqrt(fan_in), (replicates, row, fan_in + 1))
        for row, fan_in in zip(rows, sizes[:-1], strict=True)
    ]


def points(number, inputs, classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((number, inputs)), np.arange(number) % classes


def distance_to_kinks(weights, activation, kind, x, l1):
    """Smallest distance of a net input (of two pieces, for maxout), or weight, to its kink."""
    near, signal = [np.inf], x.T
    for layer in weights[:-1]:
        z = layer[0, :, :-1] @ signal + layer[0, :, -1:]
        units = len(z) // activation.pieces
        signal = np.empty((units, len(x)))
        activation.value(z, signal)
        if kind == "maxout":
            ordered = np.sort(z.reshape(activation.pieces, units, len(x)), axis=0)
            near.append((ordered[-1] - ordered[-2]).min())
        elif kind in KINKED:
            near.append(np.abs(z).min())
    if l1:
        near += [np.abs(layer[:, :, :-1]).min() for layer in weights]
    return min(near)


def start_off_kinks(sizes, case, x, l1=0.0):
    settings = activation_settings(case)
    activation = make_activation(settings)
    for seed in range(1_000):
        weights = random_weights(sizes, activation.pieces, seed=seed)
        if distance_to_kinks(weights, activation, settings["kind"], x, l1) > MARGIN:
            return weights, activation
    raise AssertionError("no start is far enough from all kinks")


def analytic_gradient(stack, batch):
    stack.forward(batch)
    stack.backward(batch)
    return stack.gradient.copy()


def loss_of(stack, batch):
    return stack.measure([batch])[0][0] + stack.penalty()[0]


def numeric_gradient(stack, batch):
    """Central differences, parameter by parameter."""
    gradient = np.empty_like(stack.parameters)
    for place, value in enumerate(stack.parameters.copy()):
        stack.parameters[place] = value + STEP
        above = loss_of(stack, batch)
        stack.parameters[place] = value - STEP
        gradient[place] = (above - loss_of(stack, batch)) / (2 * STEP)
        stack.parameters[place] = value
    return gradient


def by_layer(stack, flat):
    """Parts of a flat gradient of one replicate."""
    return np.split(flat, np.cumsum([layer[0].size for layer in stack.weights])[:-1])


def relative_error(found, expected):
    return np.linalg.norm(found - expected) / (np.linalg.norm(found) + np.linalg.norm(expected))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_gradient_matches_finite_differences(case, depth, loss):
    classes, l2, l1 = LOSSES[loss]
    x, label = points(9, 2, classes)
    weights, activation = start_off_kinks([2, *[4] * depth, classes], case, x, l1)
    stack = Stack(weights, activation, l2, l1)
    batch = Batch(x, label, stack)
    found, expected = analytic_gradient(stack, batch), numeric_gradient(stack, batch)
    # Element by element, the differences' own rounding is about 1e-11.
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    # Layer by layer, so that the small gradients of the first layers count as much.
    for ours, theirs in zip(by_layer(stack, found), by_layer(stack, expected), strict=True):
        assert relative_error(ours, theirs) < 1e-6


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_loss_and_gradient_are_those_of_tensorflow(case, depth, classes):
    l2, l1 = 0.1, 0.05
    x, label = points(40, 3, classes)
    activation = make_activation(activation_settings(case))
    weights = random_weights([3, *[6] * depth, classes], activation.pieces)
    variables = [tf.constant(layer[0]) for layer in weights]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        signal = tf.constant(x.T)
        for number, layer in enumerate(variables, start=1):
            signal = layer[:, :-1] @ signal + layer[:, -1:]
            if number < len(variables):
                signal = apply_tensorflow(case, signal)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(label, tf.transpose(signal))
        )
        for layer in variables:
            loss += l2 / 2 * tf.reduce_sum(layer[:, :-1] ** 2)
            loss += l1 * tf.reduce_sum(tf.abs(layer[:, :-1]))
    stack = Stack(weights, activation, l2, l1)
    batch = Batch(x, label, stack)
    analytic_gradient(stack, batch)
    assert loss_of(stack, batch) == pytest.approx(loss.numpy(), rel=1e-12)
    for ours, theirs in zip(stack.gradients, tape.gradient(loss, variables), strict=True):
        np.testing.assert_allclose(ours[0], theirs.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("activation", "theirs"),
    [("tanh", "tanh"), ("sigmoid", "logistic"), ("relu", "relu"), ("identity", "identity")],
)
def test_loss_and_gradient_are_those_of_scikit_learn(activation, theirs, depth, classes):
    x, label = points(60, 4, classes)
    # Of two classes scikit-learn has one logistic output, whose weights are the difference of
    # ours: the penalty cannot be the same, so there is none. It divides the penalty by N.
    l2 = 0.0 if classes == 2 else 0.1
    weights = random_weights([4, *[6] * depth, classes])
    peer = MLPClassifier([6] * depth, theirs, alpha=l2 * len(x))
    peer.partial_fit(x, label, classes=range(classes))  # builds what _backprop needs
    matrices = [layer[0] for layer in weights]
    if classes == 2:
        matrices = [*matrices[:-1], np.diff(matrices[-1], axis=0)]
    peer.coefs_ = [np.ascontiguousarray(layer[:, :-1].T) for layer in matrices]
    peer.intercepts_ = [layer[:, -1].copy() for layer in matrices]
    sizes = [4, *[6] * depth, len(matrices[-1])]
    targets = label[:, None] if classes == 2 else np.eye(classes)[label]
    loss, of_weights, of_biases = peer._backprop(
        x,
        targets,
        None,
        [x, *(np.empty((len(x), size)) for size in sizes[1:])],
        [np.empty((len(x), size)) for size in sizes[1:]],
        [np.empty_like(matrix) for matrix in peer.coefs_],
        [np.empty_like(bias) for bias in peer.intercepts_],
    )
    stack = Stack(weights, make_activation(activation), l2)
    batch = Batch(x, label, stack)
    analytic_gradient(stack, batch)
    assert loss_of(stack, batch) == pytest.approx(loss, rel=1e-12)
    expected = [np.column_stack([w.T, b]) for w, b in zip(of_weights, of_biases, strict=True)]
    if classes == 2:
        expected[-1] = np.concatenate([-expected[-1], expected[-1]])
    for ours, matrix in zip(stack.gradients, expected, strict=True):
        np.testing.assert_allclose(ours[0], matrix, rtol=1e-10, atol=1e-14)


def test_scipy_agrees_with_the_gradient():
    data = moons(50)
    stack = Stack(random_weights([2, 5, 2]), make_activation("tanh"), l2=0.01)
    batch = Batch(data.x, data.label, stack)

    def loss(parameters):
        stack.parameters[:] = parameters
        return loss_of(stack, batch)

    def gradient(parameters):
        stack.parameters[:] = parameters
        return analytic_gradient(stack, batch)

    assert check_grad(loss, gradient, stack.parameters.copy()) < 1e-6


@pytest.mark.parametrize("case", ["tanh", "relu", "gelu", "maxout-3"])
@pytest.mark.parametrize("sizes", [[2, 3, 2], [2, 8, 8, 2], [64, 50, 10], [2, 1, 2]])
def test_replicates_with_points_of_their_own_are_separate_networks(sizes, case):
    rng = np.random.default_rng(1)
    activation = make_activation(activation_settings(case))
    weights = random_weights(sizes, activation.pieces, replicates=4)
    x = rng.standard_normal((4, 12, sizes[0]))
    label = rng.integers(sizes[-1], size=(4, 12))
    together = Stack(weights, activation, 0.1, 0.01)
    analytic_gradient(together, Batch(x, label, together))
    for replicate in range(4):
        own = slice(replicate, replicate + 1)
        alone = Stack([layer[own] for layer in weights], activation, 0.1, 0.01)
        analytic_gradient(alone, Batch(x[replicate], label[replicate], alone))
        for ours, theirs in zip(together.gradients, alone.gradients, strict=True):
            np.testing.assert_allclose(ours[replicate], theirs[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("points_of_batch", [1, 7, 200, 1_000])
@pytest.mark.parametrize("size", [1, 50, 61, 200])
def test_gradient_of_a_layer_is_the_same_product_however_it_is_cut(size, points_of_batch):
    """The product δ xᵀ is taken in blocks of rows, whose number depends on the sizes."""
    x, label = points(points_of_batch, 2, 2)
    weights = random_weights([2, size, size, 2], replicates=2)
    stack = Stack(weights, make_activation("tanh"))
    batch = Batch(x, label, stack)
    analytic_gradient(stack, batch)
    for replicate in range(2):
        first, second, last = (layer[replicate] for layer in weights)
        ones = np.ones((1, points_of_batch))
        a0 = np.concatenate([x.T, ones])
        a1 = np.concatenate([np.tanh(first @ a0), ones])
        a2 = np.concatenate([np.tanh(second @ a1), ones])
        scores = np.exp(last @ a2)
        delta3 = (scores / scores.sum(axis=0) - np.eye(2)[:, label]) / points_of_batch
        delta2 = last[:, :-1].T @ delta3 * (1 - a2[:-1] ** 2)
        delta1 = second[:, :-1].T @ delta2 * (1 - a1[:-1] ** 2)
        expected = [delta1 @ a0.T, delta2 @ a1.T, delta3 @ a2.T]
        for ours, theirs in zip(stack.gradients, expected, strict=True):
            np.testing.assert_allclose(ours[replicate], theirs, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_published_gradient_differs_from_finite_differences_in_hidden_layers_alone(
    activation, depth
):
    data = moons(50)
    weights = random_weights([2, *[3] * depth, 2])
    stack = Stack(weights, make_activation(activation), 0.01, published=True)
    batch = Batch(data.x, data.label, stack)
    found = by_layer(stack, analytic_gradient(stack, batch))
    expected = by_layer(stack, numeric_gradient(stack, batch))
    for ours, theirs in zip(found[:-1], expected[:-1], strict=True):
        assert relative_error(ours, theirs) > 1e-4
    np.testing.assert_allclose(found[-1], expected[-1], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("case", ["relu", "leaky_relu", "identity", "maxout"])
def test_published_gradient_is_right_where_the_slope_has_the_sign_of_the_value(case, depth):
    """For these f'(a) = f'(z), or there is no published form (maxout)."""
    x, label = points(30, 2, 2)
    weights, activation = start_off_kinks([2, *[3] * depth, 2], case, x)
    stack = Stack(weights, activation, 0.01, published=True)
    batch = Batch(x, label, stack)
    found = analytic_gradient(stack, batch)
    np.testing.assert_allclose(found, numeric_gradient(stack, batch), rtol=1e-6, atol=1e-9)
    corrected = Stack(weights, activation, 0.01)
    expected = analytic_gradient(corrected, Batch(x, label, corrected))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", PUBLISHED_ACTIVATIONS)
def test_published_gradient_is_that_of_the_published_code(activation, depth):
    data = moons(60)
    peer = PublishedNetwork(activation, 2, 5, depth, 2, seed=3)
    peer.biases = [b + 0.1 * np.arange(b.size) for b in peer.biases]
    weights = [
        np.column_stack([w.T, b.T])[None] for w, b in zip(peer.weights, peer.biases, strict=True)
    ]
    stack = Stack(weights, make_activation(activation), 0.01, published=True)
    analytic_gradient(stack, Batch(data.x, data.label, stack))
    for ours, *theirs in zip(stack.gradients, *peer.gradient(data.x, data.label), strict=True):
        of_weights, of_biases = theirs
        np.testing.assert_allclose(ours[0, :, :-1], of_weights.T, rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(ours[0, :, -1:], of_biases.T, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("case", ["silu", "gelu", "softplus", "elu-0.5"])
def test_published_derivative_is_taken_at_the_activation(case):
    """With one hidden layer, dL/dz is dL/da times f'(a): a network whose z are those a shows it."""
    x, label = points(30, 2, 2)
    activation = make_activation(activation_settings(case))
    weights = random_weights([2, 4, 2])
    stack = Stack(weights, activation, published=True)
    batch = Batch(x, label, stack)
    analytic_gradient(stack, batch)
    first, last = (tf.constant(layer[0]) for layer in weights)
    value = apply_tensorflow(case, first[:, :-1] @ x.T + first[:, -1:])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(value)
        logits = tf.transpose(last[:, :-1] @ value + last[:, -1:])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(label, logits))
        again = apply_tensorflow(case, value)
    delta = (tape.gradient(loss, value) * tape.gradient(again, value)).numpy()
    expected = delta @ np.column_stack([x, np.ones(len(x))])
    np.testing.assert_allclose(stack.gradients[0][0], expected, rtol=1e-10, atol=1e-14)


def test_gradient_norms_are_those_of_each_layer():
    x, label = points(20, 2, 3)
    stack = Stack(random_weights([2, 4, 5, 3], replicates=3), make_activation("tanh"), 0.1)
    analytic_gradient(stack, Batch(x, label, stack))
    expected = [[np.linalg.norm(layer[r]) for layer in stack.gradients] for r in range(3)]
    np.testing.assert_allclose(stack.gradient_norms(), expected, rtol=1e-13)
