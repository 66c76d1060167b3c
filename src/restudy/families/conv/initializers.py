"""Initial values of the weights; all draws are stateless.

The kinds and their parameters are those of the dense networks. Each factory takes the
distribution's parameters, where there are any, and returns a function that draws one kernel from
a key. The fan-in of a kernel is the number of inputs to one output unit, the fan-out the number
of output units that one input reaches: for a convolution both count the kernel's window.
Normal distributions are cut off beyond two standard deviations and have the stated variance after
the cut, as in Keras; only `fan_in_normal` is not cut, as published.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from restudy.families.lookup import make_kind
from restudy.internals.lean_tensorflow import tf

# Standard deviation of a standard normal variable that is cut off beyond ±2.
TRUNCATED_DEVIATION = 0.87962566103423978

Shape = tuple[int, ...]
Initializer = Callable[[Shape, tf.Tensor], tf.Tensor]


def count_fans(shape: Shape) -> tuple[int, int]:
    """Return fan-in and fan-out of a dense (in, out) or convolution (h, w, in, out) kernel."""
    *window, inputs, outputs = shape
    area = math.prod(window)
    return area * inputs, area * outputs


def fan_in_normal() -> Initializer:
    """Normal, not cut off, with variance 1 / fan-in."""

    def draw(shape, key):
        deviation = 1.0 / math.sqrt(count_fans(shape)[0])
        return tf.random.stateless_normal(shape, key, stddev=deviation, alg="philox")

    return draw


def xavier_uniform() -> Initializer:
    """Uniform on ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010)."""
    return lambda shape, key: _uniform(shape, key, math.sqrt(6.0 / sum(count_fans(shape))))


def xavier_normal() -> Initializer:
    """Variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010)."""
    return lambda shape, key: _normal(shape, key, 2.0 / sum(count_fans(shape)))


def he_uniform() -> Initializer:
    """Uniform on ±√(6 / fan-in) (He et al. 2015)."""
    return lambda shape, key: _uniform(shape, key, math.sqrt(6.0 / count_fans(shape)[0]))


def he_normal() -> Initializer:
    """Variance 2 / fan-in (He et al. 2015)."""
    return lambda shape, key: _normal(shape, key, 2.0 / count_fans(shape)[0])


def lecun_normal() -> Initializer:
    """Variance 1 / fan-in (LeCun et al. 1998)."""
    return lambda shape, key: _normal(shape, key, 1.0 / count_fans(shape)[0])


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
    return lambda shape, key: _truncated(shape, key, scale)


def uniform(limit: float = 0.05) -> Initializer:
    """Uniform on ±limit."""
    return lambda shape, key: _uniform(shape, key, limit)


def zeros() -> Initializer:
    """All zero: units of a layer stay equal forever, so the symmetry never breaks."""
    return lambda shape, key: tf.zeros(shape)


def _uniform(shape: Shape, key: tf.Tensor, limit: float) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, key, -limit, limit, alg="philox")


def _truncated(shape: Shape, key: tf.Tensor, deviation: float) -> tf.Tensor:
    return tf.random.stateless_truncated_normal(shape, key, stddev=deviation, alg="philox")


def _normal(shape: Shape, key: tf.Tensor, variance: float) -> tf.Tensor:
    return _truncated(shape, key, math.sqrt(variance) / TRUNCATED_DEVIATION)


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
