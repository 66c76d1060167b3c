"""Dense networks: gradients, the published figures, stacking, softmax at the limits."""

import numpy as np
import pytest
from moons import moons
from scipy.optimize import check_grad
from scipy.special import log_softmax, softmax

from backprop.dense.activations import ACTIVATIONS
from backprop.dense.initializers import INITIALIZERS, draw_weights
from backprop.dense.network import DenseNetwork, scaled_targets
from backprop.dense.optimizers import gradient_descent
from backprop.dense.training import train


def loss_and_gradient(network, data):
    """The analytic loss and gradient of a network with one replicate, as functions of its θ."""
    inputs = network.prepare(data.x)
    targets = scaled_targets(data.label, network.sizes[-1])

    def loss(parameters):
        network.parameters[:] = parameters
        return network.measure(inputs, data.label)[0][0]

    def gradient(parameters):
        network.parameters[:] = parameters
        network.forward(inputs)
        network.backward(inputs, targets)
        return network.gradient.copy()

    return loss, gradient


@pytest.mark.parametrize("depth", [1, 2, 4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_matches_finite_differences(activation, depth):
    data = moons(20)
    network = DenseNetwork([2, *[4] * depth, 3], activation, seeds=[1], l2=0.1)
    data.label = np.arange(20) % 3
    loss, gradient = loss_and_gradient(network, data)
    start = network.parameters + 0.1 * np.random.default_rng(0).standard_normal(
        network.parameters.shape
    )
    numeric = np.array(
        [
            (loss(start + 1e-6 * unit) - loss(start - 1e-6 * unit)) / 2e-6
            for unit in np.eye(len(start))
        ]
    )
    np.testing.assert_allclose(gradient(start), numeric, rtol=1e-6, atol=1e-8)


def test_scipy_agrees_with_the_gradient():
    network = DenseNetwork([2, 5, 2], "tanh", seeds=[3])
    loss, gradient = loss_and_gradient(network, moons(50))
    assert check_grad(loss, gradient, network.parameters.copy()) < 1e-6


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_published_gradient_differs_from_finite_differences_in_hidden_layers_alone(activation):
    data = moons(50)
    network = DenseNetwork([2, 3, 2], activation, arithmetic="published")
    loss, gradient = loss_and_gradient(network, data)
    start = network.parameters.copy()
    numeric = np.array(
        [
            (loss(start + 1e-6 * unit) - loss(start - 1e-6 * unit)) / 2e-6
            for unit in np.eye(len(start))
        ]
    )
    first = network.weights[0].size
    found = gradient(start)
    assert np.abs(found[:first] - numeric[:first]).max() > 1e-3
    np.testing.assert_allclose(found[first:], numeric[first:], rtol=1e-6, atol=1e-8)


# Computed by running the published code unchanged (with point 1 corrected for the last), seed 0.
PUBLISHED = {
    ("tanh", "published"): (0.0017015101725321804, 0.855),
    ("relu", "published"): (0.001630262390474999, 0.855),
    ("tanh", "corrected"): (0.0016334398768147907, 0.900),
}


@pytest.mark.parametrize(("activation", "arithmetic"), PUBLISHED)
def test_published_figures_are_reproduced(activation, arithmetic):
    loss, accuracy = PUBLISHED[activation, arithmetic]
    data = moons()
    network = DenseNetwork([2, 3, 2], activation, seeds=range(3), arithmetic=arithmetic)
    runs = train(network, gradient_descent(0.01), data, moons(50, 1), 20_000, 5_000).runs
    assert runs["train_loss"][0] / 200 == pytest.approx(loss, rel=1e-9)
    assert runs["train_accuracy"][0] == accuracy
    if arithmetic == "published":
        assert runs["reported_loss"][0] == pytest.approx(loss, rel=1e-9)
    else:
        assert runs["reported_loss"].isna().all()


def published_deep_loss(depth, size, passes):
    """The published deep code restated plainly: one replicate, seed 0, tanh, reported loss."""
    data = moons()
    x, y = data.x, data.label
    rng = np.random.RandomState(0)
    shared = rng.randn(size, size) / np.sqrt(size)
    weights = [rng.randn(2, size) / np.sqrt(2)]
    weights += [shared.copy() for _ in range(depth - 1)]
    weights += [rng.randn(size, 2) / np.sqrt(size)]
    biases = [np.zeros((1, w.shape[1])) for w in weights]

    def forward():
        signals = [x]
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            signals.append(np.tanh(signals[-1] @ w + b))
        return signals, softmax(signals[-1] @ weights[-1] + biases[-1], axis=1)

    for _ in range(passes):
        signals, delta = forward()
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        for layer in range(depth, -1, -1):
            step_w = signals[layer].T @ delta + 0.01 * weights[layer]
            step_b = delta.sum(axis=0, keepdims=True)
            if layer:
                delta = delta @ weights[layer].T * (1 - np.tanh(signals[layer]) ** 2)
            weights[layer] = weights[layer] - 0.01 * step_w
            biases[layer] = biases[layer] - 0.01 * step_b
    cross_entropy = -np.log(forward()[1][np.arange(len(y)), y]).mean()
    return (cross_entropy + 0.005 * sum((w**2).sum() for w in weights)) / len(y)


@pytest.mark.parametrize(("depth", "size"), [(2, 3), (4, 8)])
def test_published_deep_network_follows_the_published_code(depth, size):
    network = DenseNetwork([2, *[size] * depth, 2], arithmetic="published")
    runs = train(network, gradient_descent(0.01), moons(), moons(50, 1), 2_000, 500).runs
    assert runs["reported_loss"][0] == pytest.approx(
        published_deep_loss(depth, size, 2_000), rel=1e-9
    )


def test_published_deep_network_starts_all_hidden_layers_from_one_matrix():
    published = draw_weights([2, 5, 5, 5, 2], "fan_in_normal", 0, "published")
    corrected = draw_weights([2, 5, 5, 5, 2], "fan_in_normal", 0, "corrected")
    assert (published[1] == published[2]).all()
    assert (corrected[1] != corrected[2]).all()


@pytest.mark.parametrize("depth", [1, 4])
def test_a_replicate_does_not_depend_on_its_company(depth):
    sizes = [2, *[5] * depth, 2]
    results = {}
    for seeds in ([7], [3, 7], range(20)):
        network = DenseNetwork(sizes, seeds=seeds)
        train(network, gradient_descent(0.05), moons(), moons(50, 1), 300, 100)
        place = list(seeds).index(7)
        results[str(seeds)] = np.concatenate([w[place].ravel() for w in network.weights])
    first, *others = results.values()
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-12, atol=1e-14)


def test_cross_entropy_and_probabilities_agree_with_scipy():
    network = DenseNetwork([2, 6, 4], "relu", seeds=range(3))
    x = np.random.default_rng(0).standard_normal((30, 2)) * 3
    label = np.arange(30) % 4
    logits = network.forward(network.prepare(x)).copy()
    expected = -log_softmax(logits, axis=1)[:, label, np.arange(30)].mean(axis=1)
    np.testing.assert_allclose(network.cross_entropy(logits, label), expected, rtol=1e-13)
    probability = network.predict_proba(x)
    np.testing.assert_allclose(probability, softmax(logits, axis=1).swapaxes(1, 2), rtol=1e-13)
    assert (network.predict(x) == probability.argmax(axis=2)).all()


def test_corrected_loss_stays_finite_where_the_published_one_overflows():
    logits = np.array([[[1000.0, -1000.0], [-1000.0, 1000.0]]])
    label = np.array([0, 0])
    corrected = DenseNetwork([2, 2], arithmetic="corrected")
    published = DenseNetwork([2, 2], arithmetic="published")
    assert corrected.cross_entropy(logits, label)[0] == pytest.approx(1000.0)
    with np.errstate(all="ignore"):
        assert not np.isfinite(published.cross_entropy(logits, label)[0])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_activations_stay_finite_for_large_inputs(activation, dtype):
    z = np.array([-1e4, -50.0, 0.0, 50.0, 1e4], dtype)
    value, slope = np.empty_like(z), np.empty_like(z)
    ACTIVATIONS[activation].value(z, value)
    ACTIVATIONS[activation].derivative(z, value, slope)
    assert np.isfinite(value).all() and np.isfinite(slope).all()


VARIANCES = {
    "fan_in_normal": 1 / 300,
    "xavier_uniform": 2 / 500,
    "xavier_normal": 2 / 500,
    "he_normal": 2 / 300,
    "zeros": 0.0,
}


def test_initial_weights_have_the_variance_of_their_formula():
    assert list(VARIANCES) == list(INITIALIZERS)
    for name, variance in VARIANCES.items():
        (matrix,) = draw_weights([300, 200], name, 0, "corrected")
        assert matrix.shape == (300, 200)
        assert matrix.var() == pytest.approx(variance, rel=0.03)
        assert abs(matrix.mean()) <= 4 * np.sqrt(variance / matrix.size)


def test_uniform_initial_weights_fill_their_bounds():
    (matrix,) = draw_weights([300, 200], "xavier_uniform", 0, "corrected")
    limit = np.sqrt(6 / 500)
    assert limit * 0.999 < matrix.max() <= limit and -limit <= matrix.min() < -limit * 0.999


def test_unknown_arithmetic_is_refused():
    with pytest.raises(ValueError, match="'right', allowed: corrected, published"):
        DenseNetwork([2, 3, 2], arithmetic="right")
