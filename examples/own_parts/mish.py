"""Mish: an activation function, with its derivative and its form in TensorFlow for the CNN."""

import numpy as np

from restudy.families.plugins import Activation


def value(z):
    """f(z) = z tanh(log(1 + exp(z)))."""
    return z * np.tanh(np.logaddexp(0, z))


def derivative(z):
    """f'(z) = t + z (1 - t²) σ(z), with t = tanh(log(1 + exp(z))) and σ the sigmoid."""
    t = np.tanh(np.logaddexp(0, z))
    return t + z * (1 - t**2) / (1 + np.exp(-z))


def in_tensorflow(z):
    """f(z) of tensors; TensorFlow finds the derivative."""
    import tensorflow as tf

    return z * tf.tanh(tf.math.softplus(z))


MISH = Activation(
    "mish",
    "Mish",
    "f(z) = z tanh(log(1 + exp(z))).",
    value=value,
    derivative=derivative,
    in_tensorflow=in_tensorflow,
)
