"""The convolutional network of the study: its parameters, its forward step and its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import tensorflow as tf

from backprop.conv.initializers import INITIALIZERS
from backprop.conv.randomness import INITIAL_VALUES, make_key

PARAMETER_SHAPES = {
    "conv1/weights": (5, 5, 1, 32),
    "conv1/bias": (32,),
    "conv2/weights": (5, 5, 32, 64),
    "conv2/bias": (64,),
    "fc1/weights": (7 * 7 * 64, 1024),
    "fc1/bias": (1024,),
    "fc2/weights": (1024, 10),
    "fc2/bias": (10,),
}

Tensors = Mapping[str, tf.Tensor]
Function = Callable[[tf.Tensor], tf.Tensor]


def draw_parameters(initializer: str, seed: int, bias: float = 0.1) -> dict[str, tf.Tensor]:
    """Return the initial parameters: weights drawn, every bias the same constant.

    Parameters
    ----------
    initializer
        A name in `INITIALIZERS`.
    seed
        Each layer's weights are drawn from a key of their own, made from this seed.
    bias
        The constant.
    """
    return {
        name: INITIALIZERS[initializer](shape, make_key(seed, INITIAL_VALUES, number))
        if name.endswith("weights")
        else tf.fill(shape, bias)
        for number, (name, shape) in enumerate(PARAMETER_SHAPES.items())
    }


def compute_signals(
    parameters: Tensors, images: tf.Tensor, activate: Function, drop: Function = tf.identity
) -> dict[str, tf.Tensor]:
    """Run the network and return every signal in it, by name.

    Parameters
    ----------
    parameters
        By the names and of the shapes in `PARAMETER_SHAPES`.
    images
        uint8 (n, 28, 28).
    activate
        The activation function of both convolutions and the first dense layer.
    drop
        What dropout does to the first dense layer's activation; by default nothing.

    Returns
    -------
    dict
        ``conv1`` and ``conv2`` with ``/net_input``, ``/activation`` and ``/pooled``, ``fc1`` with
        ``/net_input`` and ``/activation``, and ``fc2/net_input``: the logits, (n, 10).
    """
    signals = {}
    with tf.name_scope("input"):
        signal = tf.cast(images[..., tf.newaxis], tf.float32) / 255.0  # (n, 28, 28, 1)

    # conv1: (n, 28, 28, 32) pooled to (n, 14, 14, 32); conv2: (n, 14, 14, 64) to (n, 7, 7, 64)
    for layer in ("conv1", "conv2"):
        with tf.name_scope(layer):
            weights, bias = parameters[f"{layer}/weights"], parameters[f"{layer}/bias"]
            convolved = tf.nn.conv2d(signal, weights, strides=1, padding="SAME")
            net_input = tf.nn.bias_add(convolved, bias)
            activation = activate(net_input)
            signal = tf.nn.max_pool2d(activation, ksize=2, strides=2, padding="SAME")
        signals[f"{layer}/net_input"] = net_input
        signals[f"{layer}/activation"] = activation
        signals[f"{layer}/pooled"] = signal

    with tf.name_scope("fc1"):
        flat = tf.reshape(signal, (-1, 7 * 7 * 64))  # (n, 3136)
        net_input = tf.linalg.matmul(flat, parameters["fc1/weights"]) + parameters["fc1/bias"]
        signals["fc1/net_input"] = net_input  # (n, 1024)
        signals["fc1/activation"] = activate(net_input)
    with tf.name_scope("dropout"):
        kept = drop(signals["fc1/activation"])
    with tf.name_scope("fc2"):
        logits = tf.linalg.matmul(kept, parameters["fc2/weights"]) + parameters["fc2/bias"]
        signals["fc2/net_input"] = logits  # (n, 10)
    return signals


def compute_losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of softmax(logits) for each example, (n,), in nats."""
    with tf.name_scope("loss"):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def count_correct(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return how many of the examples have their largest logit at their label."""
    with tf.name_scope("accuracy"):
        predicted = tf.argmax(logits, axis=1, output_type=labels.dtype)
        return tf.math.count_nonzero(predicted == labels, dtype=tf.int32)
