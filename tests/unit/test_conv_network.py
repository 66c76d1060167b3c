import keras
import numpy as np
import pytest
import tensorflow as tf

from backprop.conv.activations import ACTIVATIONS
from backprop.conv.network import (
    PARAMETER_SHAPES,
    compute_losses,
    compute_signals,
    count_correct,
    draw_parameters,
)
from backprop.conv.training import configure_tensorflow

KERAS_ACTIVATIONS = {
    "relu": keras.activations.relu,
    "tanh": keras.activations.tanh,
    "sigmoid": keras.activations.sigmoid,
    "leaky_relu": lambda z: keras.activations.leaky_relu(z, negative_slope=0.01),
    "elu": keras.activations.elu,
    "gelu": lambda z: keras.activations.gelu(z, approximate=False),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    configure_tensorflow(1)


def build_keras_model(activation):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 5, padding="same", activation=activation),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 5, padding="same", activation=activation),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1024, activation=activation),
            layers.Dense(10),
        ]
    )


def draw_examples(count):
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (count, 28, 28), np.uint8)
    return images, random.integers(0, 10, count).astype(np.int32)


def test_parameter_count_is_that_of_the_study():
    # 5·5·1·32 + 32 + 5·5·32·64 + 64 + 3136·1024 + 1024 + 1024·10 + 10
    parameters = draw_parameters("truncated_normal", seed=0)
    assert sum(int(tf.size(value)) for value in parameters.values()) == 3_274_634
    assert {name: tuple(value.shape) for name, value in parameters.items()} == PARAMETER_SHAPES


def test_every_activation_has_a_reference():
    assert set(ACTIVATIONS) == set(KERAS_ACTIVATIONS)


@pytest.mark.parametrize("activation", KERAS_ACTIVATIONS)
def test_loss_and_gradients_equal_those_of_keras_layers(activation):
    images, labels = draw_examples(6)
    parameters = draw_parameters("xavier_uniform", seed=3)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        logits = compute_signals(parameters, images, ACTIVATIONS[activation])["fc2/net_input"]
        loss = tf.reduce_mean(compute_losses(logits, labels))
    gradients = tape.gradient(loss, parameters)

    model = build_keras_model(KERAS_ACTIVATIONS[activation])
    model.set_weights([value.numpy() for value in parameters.values()])
    with tf.GradientTape() as tape:
        expected_logits = model(images[..., np.newaxis].astype(np.float32) / 255)
        expected_loss = tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(labels, expected_logits, from_logits=True)
        )
    expected = tape.gradient(expected_loss, model.trainable_variables)

    np.testing.assert_allclose(logits, expected_logits, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for (name, gradient), reference in zip(gradients.items(), expected, strict=True):
        scale = np.abs(reference).max()
        assert scale > 0, name
        np.testing.assert_allclose(gradient, reference, atol=1e-5 * scale, err_msg=name)


def test_signals_have_the_shapes_of_the_study():
    images, _ = draw_examples(3)
    signals = compute_signals(draw_parameters("truncated_normal", 0), images, tf.nn.relu)
    assert {name: tuple(signal.shape) for name, signal in signals.items()} == {
        "conv1/net_input": (3, 28, 28, 32),
        "conv1/activation": (3, 28, 28, 32),
        "conv1/pooled": (3, 14, 14, 32),
        "conv2/net_input": (3, 14, 14, 64),
        "conv2/activation": (3, 14, 14, 64),
        "conv2/pooled": (3, 7, 7, 64),
        "fc1/net_input": (3, 1024),
        "fc1/activation": (3, 1024),
        "fc2/net_input": (3, 10),
    }


def test_dropout_acts_on_the_first_dense_layer_only():
    images, _ = draw_examples(2)
    parameters = draw_parameters("truncated_normal", 0)
    signals = compute_signals(parameters, images, tf.nn.relu, drop=tf.zeros_like)
    plain = compute_signals(parameters, images, tf.nn.relu)
    np.testing.assert_array_equal(signals["fc1/activation"], plain["fc1/activation"])
    np.testing.assert_allclose(signals["fc2/net_input"], 0.1, rtol=1e-6)  # the bias alone


def test_loss_is_finite_for_huge_logits():
    losses = compute_losses(tf.constant([[1e30, -1e30], [0.0, 0.0]]), tf.constant([0, 1]))
    np.testing.assert_allclose(losses, [0.0, np.log(2)], rtol=1e-6)


def test_correct_predictions_are_counted():
    logits = tf.constant([[1.0, 2.0, 0.0], [3.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    assert int(count_correct(logits, tf.constant([1, 1, 2]))) == 2
