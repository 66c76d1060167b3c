import keras
import numpy as np
import pytest
import tensorflow as tf

from restudy.families.conv.optimizers import OPTIMIZERS, build_optimizer

CASES = {
    "gradient_descent": (
        {"learning_rate": 0.1},
        lambda: keras.optimizers.SGD(0.1),
    ),
    "momentum": (
        {"learning_rate": 0.1, "momentum": 0.8},
        lambda: keras.optimizers.SGD(0.1, momentum=0.8),
    ),
    "nesterov": (
        {"learning_rate": 0.1, "momentum": 0.8},
        lambda: keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True),
    ),
    # Ours divides by √s + ε, Keras by √(s + ε): the same where s is large beside ε.
    "adagrad": (
        {"learning_rate": 0.1, "initial_accumulator": 0.2, "epsilon": 1e-9},
        lambda: keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.2, epsilon=1e-9),
    ),
    "rmsprop": (
        {"learning_rate": 0.01, "rho": 0.8, "epsilon": 1e-4},
        lambda: keras.optimizers.RMSprop(0.01, rho=0.8, epsilon=1e-4),
    ),
    "adam": (
        {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4},
        lambda: keras.optimizers.Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-4),
    ),
    "adamw": (
        {
            "learning_rate": 0.01,
            "beta_1": 0.8,
            "beta_2": 0.99,
            "epsilon": 1e-4,
            "weight_decay": 0.1,
        },
        lambda: keras.optimizers.AdamW(
            0.01, weight_decay=0.1, beta_1=0.8, beta_2=0.99, epsilon=1e-4
        ),
    ),
}


def make_slots(optimizer, variable):
    return {
        name: tf.Variable(tf.fill(variable.shape, value)) for name, value in optimizer.slots.items()
    }


def test_every_optimizer_is_checked():
    assert set(OPTIMIZERS) == set(CASES)


@pytest.mark.parametrize("kind", CASES)
def test_updates_equal_those_of_keras(kind):
    settings, build_reference = CASES[kind]
    random = np.random.default_rng(0)
    start = random.normal(size=(5, 7)).astype(np.float32)
    variable, expected = tf.Variable(start), tf.Variable(start)
    optimizer, reference = build_optimizer({"kind": kind, **settings}), build_reference()
    slots = make_slots(optimizer, variable)
    for number in range(1, 31):
        gradient = tf.constant(random.normal(size=start.shape).astype(np.float32))
        optimizer.update(variable, slots, gradient, tf.constant(number))
        reference.apply([gradient], [expected])
        np.testing.assert_allclose(variable, expected, rtol=1e-6, atol=1e-6, err_msg=str(number))
    assert np.abs(variable.numpy() - start).max() > 0.01


def test_adam_follows_its_published_equations():
    rate, beta_1, beta_2, epsilon = 0.01, 0.9, 0.999, 1e-8
    random = np.random.default_rng(0)
    theta = random.normal(size=4)
    m = v = np.zeros(4)
    variable = tf.Variable(theta.astype(np.float32))
    optimizer = OPTIMIZERS["adam"](rate)
    slots = make_slots(optimizer, variable)
    for t in range(1, 21):
        g = random.normal(size=4)
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        corrected = (m / (1 - beta_1**t)) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        theta = theta - rate * corrected
        optimizer.update(variable, slots, tf.constant(g, tf.float32), tf.constant(t))
    np.testing.assert_allclose(variable, theta, atol=1e-5)


def test_unknown_hyperparameters_are_refused():
    with pytest.raises(TypeError, match="momentum"):
        build_optimizer({"kind": "adam", "learning_rate": 0.1, "momentum": 0.9})


@pytest.mark.parametrize("kind", CASES)
def test_whole_numbers_are_taken_for_what_they_are(kind):
    # YAML reads `learning_rate: 1` as an integer, which the kernels refuse, or crash over.
    whole = {key: int(key in ("learning_rate", "epsilon")) for key in CASES[kind][0]}
    updated = []
    for number in (int, float):
        settings = {key: number(value) for key, value in whole.items()}
        optimizer = build_optimizer({"kind": kind, **settings})
        variable = tf.Variable([1.0, -2.0])
        slots = make_slots(optimizer, variable)
        update = tf.function(optimizer.update, autograph=False)
        update(variable, slots, tf.constant([0.5, 0.25]), tf.constant(1))
        updated.append(variable.numpy())
    np.testing.assert_array_equal(*updated)
    assert (updated[0] != [1.0, -2.0]).all()
