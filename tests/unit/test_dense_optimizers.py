"""Dense optimizers: updates against Keras' own and against their equations written out plainly."""

import keras
import numpy as np
import pytest

from restudy.families.dense.optimizers import OPTIMIZERS, make_optimizer

RATE = 0.01
SETTINGS = {
    "gradient_descent": {},
    "momentum": {"momentum": 0.8},
    "nesterov": {"momentum": 0.8},
    # Keras adds epsilon under Adagrad's root, here it is added to the root: take it out of play.
    "adagrad": {"initial_accumulator": 0.1, "epsilon": 1e-12},
    "rmsprop": {"rho": 0.95, "epsilon": 1e-3},
    "adam": {"beta_1": 0.85, "beta_2": 0.99, "epsilon": 1e-4},
    "adamw": {"beta_1": 0.85, "beta_2": 0.99, "epsilon": 1e-4, "weight_decay": 0.2},
}
KERAS = {
    "gradient_descent": lambda **given: keras.optimizers.SGD(**given),
    "momentum": lambda **given: keras.optimizers.SGD(**given),
    "nesterov": lambda **given: keras.optimizers.SGD(nesterov=True, **given),
    "adagrad": lambda initial_accumulator=0.1, **given: keras.optimizers.Adagrad(
        initial_accumulator_value=initial_accumulator, **given
    ),
    "rmsprop": lambda **given: keras.optimizers.RMSprop(**given),
    "adam": lambda **given: keras.optimizers.Adam(**given),
    "adamw": lambda **given: keras.optimizers.AdamW(**given),
}


def constant(number):
    return 1.0


def waves(number):
    """A factor that goes up and down."""
    return 0.1 + (number * 7 % 10) / 5


FACTORS = {"constant": constant, "changing": waves}


def draws(updates=100, size=50):
    """Start and gradients of very different sizes, some of them zero."""
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((updates, size)) * np.geomspace(1e-3, 10.0, size)
    gradients[rng.random(gradients.shape) < 0.1] = 0.0
    return rng.standard_normal(size), gradients


def follow(kind, settings, factor, dtype=np.float64):
    """Parameters after each update of ours."""
    optimizer = make_optimizer({"kind": kind, "learning_rate": RATE, **settings})
    start, gradients = draws()
    parameters = start.astype(dtype)
    slots = [np.full_like(parameters, value) for value in optimizer.slots]
    for number, gradient in enumerate(gradients, start=1):
        optimizer.update(parameters, gradient.astype(dtype), slots, number, factor(number))
        yield parameters.copy()


def test_every_optimizer_is_checked():
    assert set(OPTIMIZERS) == set(SETTINGS) == set(KERAS) == set(EQUATIONS)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_100_updates_are_those_of_keras(kind, factor):
    theirs = KERAS[kind](learning_rate=RATE, **SETTINGS[kind])
    start, gradients = draws()
    variable = keras.Variable(start, dtype="float64")
    ours = follow(kind, SETTINGS[kind], FACTORS[factor])
    for number, (found, gradient) in enumerate(zip(ours, gradients, strict=True), start=1):
        theirs.learning_rate = RATE * FACTORS[factor](number)
        theirs.apply([gradient], [variable])
        # Keras keeps the learning rate in float32, which is right to 6e-8.
        np.testing.assert_allclose(found, variable.numpy(), rtol=1e-6, atol=1e-6)
    assert np.abs(found - start).max() > 0.04


@pytest.mark.parametrize("kind", ["rmsprop", "adam", "adamw"])
def test_defaults_are_those_of_keras(kind):
    theirs = KERAS[kind](learning_rate=RATE)
    start, gradients = draws()
    variable = keras.Variable(start, dtype="float64")
    for gradient in gradients:
        theirs.apply([gradient], [variable])
    *_, found = follow(kind, {}, constant)
    # Keras rounds β₂ to float32 for its bias correction: 1 - β₂ᵗ is right to 6e-5 at first.
    np.testing.assert_allclose(found, variable.numpy(), rtol=1e-5, atol=1e-5)


def gradient_descent(theta, gradients, rates):
    for g, rate in zip(gradients, rates, strict=True):
        theta = theta - rate * g
        yield theta


def momentum(theta, gradients, rates, momentum):
    v = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = momentum * v - rate * g
        theta = theta + v
        yield theta


def nesterov(theta, gradients, rates, momentum):
    v = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        v = momentum * v - rate * g
        theta = theta + momentum * v - rate * g
        yield theta


def adagrad(theta, gradients, rates, initial_accumulator, epsilon):
    s = initial_accumulator
    for g, rate in zip(gradients, rates, strict=True):
        s = s + g**2
        theta = theta - rate * g / (np.sqrt(s) + epsilon)
        yield theta


def rmsprop(theta, gradients, rates, rho, epsilon):
    s = 0.0
    for g, rate in zip(gradients, rates, strict=True):
        s = rho * s + (1 - rho) * g**2
        theta = theta - rate * g / np.sqrt(s + epsilon)
        yield theta


def adam(theta, gradients, rates, beta_1, beta_2, epsilon, weight_decay=0.0):
    """Both moments corrected for their start, and ε scaled with the second (section 2's end)."""
    m = s = 0.0
    for t, (g, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        theta = theta - rate * weight_decay * theta
        m = beta_1 * m + (1 - beta_1) * g
        s = beta_2 * s + (1 - beta_2) * g**2
        mean, square = m / (1 - beta_1**t), s / (1 - beta_2**t)
        theta = theta - rate * mean / (np.sqrt(square) + epsilon / np.sqrt(1 - beta_2**t))
        yield theta


EQUATIONS = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
}


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_100_updates_follow_the_equations(kind, factor):
    # An epsilon that counts shows on which side of the root it stands.
    settings = dict.fromkeys(SETTINGS[kind].keys() & {"epsilon"}, 0.05)
    settings = SETTINGS[kind] | settings
    start, gradients = draws()
    rates = [RATE * FACTORS[factor](number) for number in range(1, len(gradients) + 1)]
    expected = EQUATIONS[kind](start, gradients, rates, **settings)
    for found, theirs in zip(follow(kind, settings, FACTORS[factor]), expected, strict=True):
        np.testing.assert_allclose(found, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_float32_stays_float32_and_close(kind):
    for found, expected in zip(
        follow(kind, SETTINGS[kind], waves, np.float32),
        follow(kind, SETTINGS[kind], waves),
        strict=True,
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_update_is_in_place_and_elementwise(kind):
    optimizer = make_optimizer({"kind": kind, "learning_rate": RATE, **SETTINGS[kind]})
    start, gradients = draws()
    whole, part = start.copy(), start[10:20].copy()
    for parameters, chosen in ((whole, slice(None)), (part, slice(10, 20))):
        slots = [np.full_like(parameters, value) for value in optimizer.slots]
        for number, gradient in enumerate(gradients, start=1):
            optimizer.update(parameters, gradient[chosen].copy(), slots, number, 1.0)
    np.testing.assert_array_equal(whole[10:20], part)


def test_optimizer_takes_whole_numbers_from_yaml():
    optimizer = make_optimizer({"kind": "momentum", "learning_rate": 1, "momentum": 0})
    parameters = np.zeros(2)
    optimizer.update(parameters, np.ones(2), [np.zeros(2)], 1, 1.0)
    assert parameters.tolist() == [-1.0, -1.0]


def test_unknown_hyperparameters_are_refused():
    with pytest.raises(TypeError, match="momentum"):
        make_optimizer({"kind": "adam", "learning_rate": 0.1, "momentum": 0.9})
