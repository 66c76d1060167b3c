"""Activation functions of the hidden layers, each with its derivative, in place.

Every function writes into arrays that its caller allocated once: training calls them some
hundred thousand times on small arrays, where an allocation costs as much as the arithmetic.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """An activation function f and its derivative.

    Attributes
    ----------
    value : callable ``(net_input, out)``
        Writes f(z) into ``out``; the two never share memory.
    derivative : callable ``(net_input, activation, out)``
        Writes f'(z) into ``out``, given z and a = f(z). Which of the two it reads is its own
        choice: tanh and sigmoid need a alone.
    """

    value: Callable[[np.ndarray, np.ndarray], None]
    derivative: Callable[[np.ndarray, np.ndarray, np.ndarray], None]


def identity(net_input, out):
    """f(z) = z."""
    np.copyto(out, net_input)


def identity_derivative(net_input, activation, out):
    """f'(z) = 1."""
    out.fill(1.0)


def tanh(net_input, out):
    """f(z) = tanh(z)."""
    np.tanh(net_input, out=out)


def tanh_derivative(net_input, activation, out):
    """f'(z) = 1 - a²."""
    np.multiply(activation, activation, out=out)
    np.subtract(1.0, out, out=out)


def sigmoid(net_input, out):
    """f(z) = 1 / (1 + exp(-z)), as (1 + tanh(z/2)) / 2, which cannot overflow."""
    np.multiply(net_input, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5


def sigmoid_derivative(net_input, activation, out):
    """f'(z) = a (1 - a)."""
    np.subtract(1.0, activation, out=out)
    out *= activation


def relu(net_input, out):
    """f(z) = max(0, z)."""
    np.maximum(net_input, 0.0, out=out)


def relu_derivative(net_input, activation, out):
    """f'(z) = 1 where z > 0, else 0 (a > 0 exactly where z > 0)."""
    np.greater(activation, 0.0, out=out, casting="unsafe")


LEAKY_SLOPE = 0.01


def leaky_relu(net_input, out):
    """f(z) = z where z > 0, else 0.01 z (Maas et al. 2013)."""
    np.multiply(net_input, LEAKY_SLOPE, out=out)
    np.maximum(net_input, out, out=out)


def leaky_relu_derivative(net_input, activation, out):
    """f'(z) = 1 where z > 0, else 0.01."""
    np.greater(activation, 0.0, out=out, casting="unsafe")
    out *= 1.0 - LEAKY_SLOPE
    out += LEAKY_SLOPE


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation(identity, identity_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "relu": Activation(relu, relu_derivative),
    "leaky_relu": Activation(leaky_relu, leaky_relu_derivative),
}
