"""Initial values of the weights, by the names the configuration uses; all draws are stateless.

The fan-in of a kernel is the number of inputs to one output unit, the fan-out the number of
output units that one input reaches: for a convolution both count the kernel's 5 × 5 window.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

# A standard normal cut off at ±2 has this standard deviation; dividing by it restores the wanted
# one. Keras does the same for its scaled normal initializers.
TRUNCATED_DEVIATION = 0.87962566103423978

Shape = tuple[int, ...]
Initializer = Callable[[Shape, tf.Tensor], tf.Tensor]


def count_fans(shape: Shape) -> tuple[int, int]:
    """Return fan-in and fan-out of a dense (in, out) or convolution (h, w, in, out) kernel."""
    *window, inputs, outputs = shape
    area = math.prod(window)
    return area * inputs, area * outputs


def truncated_normal(shape: Shape, key: tf.Tensor, deviation: float = 0.1) -> tf.Tensor:
    """Normal with standard deviation 0.1 before it is cut off at two standard deviations."""
    return tf.random.stateless_truncated_normal(shape, key, stddev=deviation, alg="philox")


def scaled_normal(shape: Shape, key: tf.Tensor, variance: float) -> tf.Tensor:
    """Truncated normal with the given variance after truncation."""
    return truncated_normal(shape, key, math.sqrt(variance) / TRUNCATED_DEVIATION)


def scaled_uniform(shape: Shape, key: tf.Tensor, variance: float) -> tf.Tensor:
    """Uniform on ±√(3 variance)."""
    bound = math.sqrt(3.0 * variance)
    return tf.random.stateless_uniform(shape, key, -bound, bound, alg="philox")


def xavier_normal(shape: Shape, key: tf.Tensor) -> tf.Tensor:
    """Variance 2 / (fan-in + fan-out) (Glorot and Bengio 2010)."""
    return scaled_normal(shape, key, 2.0 / sum(count_fans(shape)))


def xavier_uniform(shape: Shape, key: tf.Tensor) -> tf.Tensor:
    """Uniform on ±√(6 / (fan-in + fan-out)) (Glorot and Bengio 2010)."""
    return scaled_uniform(shape, key, 2.0 / sum(count_fans(shape)))


def he_normal(shape: Shape, key: tf.Tensor) -> tf.Tensor:
    """Variance 2 / fan-in (He et al. 2015)."""
    return scaled_normal(shape, key, 2.0 / count_fans(shape)[0])


def he_uniform(shape: Shape, key: tf.Tensor) -> tf.Tensor:
    """Uniform on ±√(6 / fan-in) (He et al. 2015)."""
    return scaled_uniform(shape, key, 2.0 / count_fans(shape)[0])


def lecun_normal(shape: Shape, key: tf.Tensor) -> tf.Tensor:
    """Variance 1 / fan-in (LeCun et al. 1998)."""
    return scaled_normal(shape, key, 1.0 / count_fans(shape)[0])


def orthogonal(shape: Shape, key: tf.Tensor) -> tf.Tensor:
    """Orthonormal columns, or rows where there are more columns than rows (Saxe et al. 2014)."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    tall = (max(rows, columns), min(rows, columns))
    q, r = tf.linalg.qr(tf.random.stateless_normal(tall, key, alg="philox"))
    q *= tf.sign(tf.linalg.diag_part(r))  # makes the draw uniform over orthogonal matrices
    return tf.reshape(q if rows >= columns else tf.transpose(q), shape)


INITIALIZERS: dict[str, Initializer] = {
    "truncated_normal": truncated_normal,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
}
