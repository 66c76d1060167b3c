"""Activation functions of the convolutional network, by the names the configuration uses."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

LEAKY_SLOPE = 0.01


def leaky_relu(net_input: tf.Tensor) -> tf.Tensor:
    """f(z) = z where z > 0, else 0.01 z (Maas et al. 2013)."""
    return tf.nn.leaky_relu(net_input, alpha=LEAKY_SLOPE)


def gelu(net_input: tf.Tensor) -> tf.Tensor:
    """f(z) = z Φ(z), exact rather than by tanh (Hendrycks and Gimpel 2016)."""
    return tf.nn.gelu(net_input, approximate=False)


ACTIVATIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "relu": tf.nn.relu,
    "tanh": tf.math.tanh,
    "sigmoid": tf.math.sigmoid,
    "leaky_relu": leaky_relu,
    "elu": tf.nn.elu,
    "gelu": gelu,
}
