"""Activation functions of the convolutional network; TensorFlow finds their derivatives.

The kinds and their parameters are those records of `restudy.families.components` that say
``tensorflow``. A factory takes the parameters, where there are any, and returns an `Activation`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

from restudy.families.lookup import make_kind, with_own
from restudy.internals.lean_tensorflow import tf


class Activation(NamedTuple):
    """An activation function.

    Attributes
    ----------
    function : callable
        Net inputs (…, pieces · units) -> activations (…, units).
    pieces : int
        Net inputs of one unit: 1, except for maxout.
    steepest : float
        Largest |f'|.
    """

    function: Callable[[tf.Tensor], tf.Tensor]
    pieces: int = 1
    steepest: float = 1.0


def identity() -> Activation:
    """f(z) = z."""
    return Activation(tf.identity)


def tanh() -> Activation:
    """f(z) = tanh(z)."""
    return Activation(tf.math.tanh)


def sigmoid() -> Activation:
    """f(z) = 1 / (1 + exp(-z))."""
    return Activation(tf.math.sigmoid, steepest=0.25)


def relu() -> Activation:
    """f(z) = max(0, z)."""
    return Activation(tf.nn.relu)


def leaky_relu(slope: float = 0.01) -> Activation:
    """f(z) = z where z > 0, else slope · z (Maas et al. 2013)."""
    return Activation(lambda net_input: tf.nn.leaky_relu(net_input, alpha=slope))


def elu(alpha: float = 1.0) -> Activation:
    """f(z) = z where z > 0, else α (exp(z) - 1) (Clevert et al. 2016)."""

    def function(net_input):
        value = tf.nn.elu(net_input)
        return value if alpha == 1.0 else tf.where(net_input > 0, value, alpha * value)

    return Activation(function, steepest=max(1.0, alpha))


def softplus() -> Activation:
    """f(z) = log(1 + exp(z)) (Dugas et al. 2001)."""
    return Activation(tf.math.softplus)


def silu() -> Activation:
    """f(z) = z σ(z), σ the sigmoid (Elfwing et al. 2018)."""
    return Activation(tf.nn.silu, steepest=1.0998)


def gelu() -> Activation:
    """f(z) = z Φ(z), exact rather than by tanh (Hendrycks and Gimpel 2016)."""
    return Activation(lambda net_input: tf.nn.gelu(net_input, approximate=False), steepest=1.1289)


def maxout(pieces: int = 2) -> Activation:
    """f(z₁ … z_k) = max zᵢ: each unit has k net inputs (Goodfellow et al. 2013).

    Of a layer's net inputs, the first piece of every unit comes first, then the second, and so on.
    """

    def function(net_input):
        return reduce(tf.maximum, tf.split(net_input, pieces, axis=-1))

    return Activation(function, pieces=pieces)


ACTIVATIONS: dict[str, Callable[..., Activation]] = {
    "identity": identity,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "softplus": softplus,
    "silu": silu,
    "gelu": gelu,
    "maxout": maxout,
}


def make_activation(settings: Mapping) -> Activation:
    """Activation of a mapping with its ``kind`` and parameters.

    Raises
    ------
    ValueError
        If the kind is none of `ACTIVATIONS`.
    TypeError
        If a parameter is not one of that kind's.
    """
    return make_kind("activation", with_own(ACTIVATIONS, "activations", _own), settings)


def _own(own: Any) -> Callable[..., Activation]:
    """Return the factory of one in a file of the user's."""

    def factory(**settings: Any) -> Activation:
        def function(net_input):
            return own.in_tensorflow(net_input, **settings)

        z = tf.linspace(-20.0, 20.0, 4001)
        with tf.GradientTape() as tape:
            tape.watch(z)
            activation = function(z)
        slopes = tape.gradient(activation, z)
        return Activation(function, steepest=float(tf.reduce_max(tf.abs(slopes))))

    return factory
