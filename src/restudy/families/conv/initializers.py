"""Initial values of the weights; all draws are stateless.

The kinds and their parameters are those of the dense networks. Each factory takes the
distribution's parameters, where there are any, and returns a function that draws one kernel from
a key; `restudy.families.conv.initial` states the distributions. The fan-in of a kernel is the
number of inputs to one output unit, the fan-out the number of output units that one input reaches:
for a convolution both count the kernel's window. Normal distributions are cut off beyond two
standard deviations and have the stated variance after the cut, as in Keras; only `fan_in_normal` is
not cut, as published.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from restudy.families.conv.initial import Shape, kernel_distribution
from restudy.families.lookup import make_kind
from restudy.internals.lean_tensorflow import tf

Initializer = Callable[[Shape, tf.Tensor], tf.Tensor]


def fan_in_normal() -> Initializer:
    """Normal, not cut off, with variance 1 / fan-in."""
    return _drawn("fan_in_normal")


def xavier_uniform() -> Initializer:
    """Uniform on ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010)."""
    return _drawn("xavier_uniform")


def xavier_normal() -> Initializer:
    """Variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010)."""
    return _drawn("xavier_normal")


def he_uniform() -> Initializer:
    """Uniform on ±√(6 / fan-in) (He et al. 2015)."""
    return _drawn("he_uniform")


def he_normal() -> Initializer:
    """Variance 2 / fan-in (He et al. 2015)."""
    return _drawn("he_normal")


def lecun_normal() -> Initializer:
    """Variance 1 / fan-in (LeCun et al. 1998)."""
    return _drawn("lecun_normal")


def orthogonal(gain: float = 1.0) -> Initializer:
    """Gain times orthonormal columns, or rows where there are more columns (Saxe et al. 2014)."""

    def draw(shape, key):
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        q, r = tf.linalg.qr(tf.random.stateless_normal(tall, key, alg="philox"))
        q *= tf.sign(tf.linalg.diag_part(r))  # makes the draw uniform over orthogonal matrices
        return gain * tf.reshape(q if rows >= columns else tf.transpose(q), shape)

    return draw


def truncated_normal(scale: float = 0.1) -> Initializer:
    """Normal with this standard deviation before it is cut off; 0.1 is the published one."""
    return _drawn("truncated_normal", scale=scale)


def uniform(limit: float = 0.05) -> Initializer:
    """Uniform on ±limit."""
    return _drawn("uniform", limit=limit)


def zeros() -> Initializer:
    """All zero: units of a layer stay equal forever, so the symmetry never breaks."""
    return lambda shape, key: tf.zeros(shape)


def _drawn(kind: str, **settings: float) -> Initializer:
    """Return the initializer that draws from the distribution which is stated of it."""
    distribution = kernel_distribution({"kind": kind, **settings})

    def draw(shape, key):
        stated = distribution(shape)
        if stated.shape == "uniform":
            limit = stated.scale
            return tf.random.stateless_uniform(shape, key, -limit, limit, alg="philox")
        normal = {
            "normal": tf.random.stateless_normal,
            "truncated_normal": tf.random.stateless_truncated_normal,
        }
        return normal[stated.shape](shape, key, stddev=stated.scale, alg="philox")

    return draw


INITIALIZERS: dict[str, Callable[..., Initializer]] = {
    "fan_in_normal": fan_in_normal,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
    "truncated_normal": truncated_normal,
    "uniform": uniform,
    "zeros": zeros,
}


def make_initializer(settings: Mapping) -> Initializer:
    """Return the initializer of a mapping with its ``kind`` and parameters.

    Raises
    ------
    ValueError
        If the kind is none of `INITIALIZERS`.
    TypeError
        If a parameter is not one of that kind's.
    """
    return make_kind("initializer", INITIALIZERS, settings)
