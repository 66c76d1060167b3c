"""Activation functions of the hidden layers, each with its derivative, in place.

Every function writes into arrays that its caller allocated once: training calls them some
hundred thousand times on small arrays, where an allocation costs as much as the arithmetic.
A factory takes the parameters, if there are any, and returns an `Activation`; its docstring states
the formula. The record in `restudy.families.components` describes the kind in words.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from restudy.errors import packages_of_extras
from restudy.families.arguments import Remade, held_against
from restudy.families.components import ACTIVATIONS as KINDS
from restudy.families.lookup import make_kind, with_own

_stated = held_against(KINDS)

SLOPES_AT = np.linspace(-20.0, 20.0, 4001)  # where the steepest slope of a user's is looked for
LARGEST_EXPONENT = {np.dtype("float64"): 709.0, np.dtype("float32"): 88.0}


class _Activation(NamedTuple):
    """The fields of an `Activation`.

    Attributes
    ----------
    value : callable ``(net_input, out)``
        Writes f(z) into ``out``, which may be ``net_input`` itself only if ``in_place``.
    derivative : callable ``(net_input, activation, out)``
        Writes f'(z) into ``out``, given z and a = f(z).
    reads_net_input : bool
        Whether the derivative needs z; if not, it is computed from a alone, and z need not be kept.
    in_place : bool
        Whether f(z) may overwrite z as it is computed, which saves memory traffic.
    pieces : int
        Net inputs of one unit: 1, except for maxout.
    steepest : float
        Largest |f'|.
    """

    value: Callable[[np.ndarray, np.ndarray], None]
    derivative: Callable[[np.ndarray | None, np.ndarray, np.ndarray], None]
    reads_net_input: bool = False
    in_place: bool = False
    pieces: int = 1
    steepest: float = 1.0


class Activation(Remade, _Activation):
    """An activation function f and its derivative."""


@_stated
def identity() -> Activation:
    """f(z) = z; f'(z) = 1."""

    def derivative(net_input, activation, out):
        out.fill(1.0)

    return Activation(lambda net_input, out: np.copyto(out, net_input), derivative, in_place=True)


@_stated
def tanh() -> Activation:
    """f(z) = tanh(z); f'(z) = 1 - a²."""

    def derivative(net_input, activation, out):
        np.multiply(activation, activation, out)
        np.subtract(1.0, out, out)

    return Activation(np.tanh, derivative, in_place=True)


@_stated
def sigmoid() -> Activation:
    """f(z) = 1 / (1 + exp(-z)); f'(z) = a (1 - a)."""

    def derivative(net_input, activation, out):
        np.subtract(1.0, activation, out=out)
        out *= activation

    return Activation(_logistic, derivative, in_place=True, steepest=0.25)


@_stated
def relu() -> Activation:
    """f(z) = max(0, z); f'(z) = 1 where z > 0, else 0 (a > 0 exactly where z > 0)."""

    def value(net_input, out):
        np.maximum(net_input, 0.0, out=out)

    def derivative(net_input, activation, out):
        np.greater(activation, 0.0, out=out, casting="unsafe")

    return Activation(value, derivative, in_place=True)


@_stated
def leaky_relu(slope: float = 0.01) -> Activation:
    """f(z) = z where z > 0, else slope · z, with 0 < slope < 1 (Maas et al. 2013)."""

    def value(net_input, out):
        np.multiply(net_input, slope, out=out)
        np.maximum(net_input, out, out=out)

    def derivative(net_input, activation, out):
        np.greater(activation, 0.0, out=out, casting="unsafe")
        out *= 1.0 - slope
        out += slope

    return Activation(value, derivative)


@_stated
def elu(alpha: float = 1.0) -> Activation:
    """f(z) = z where z > 0, else α (exp(z) - 1); f'(z) = 1 or a + α (Clevert et al. 2016).

    α > 0.
    """

    def value(net_input, out):
        np.minimum(net_input, 0.0, out=out)
        np.expm1(out, out=out)
        out *= alpha
        out += np.maximum(net_input, 0.0)

    def derivative(net_input, activation, out):
        np.add(activation, alpha, out=out)
        np.copyto(out, 1.0, where=activation > 0.0)

    return Activation(value, derivative, steepest=max(1.0, alpha))


@_stated
def softplus() -> Activation:
    """f(z) = log(1 + exp(z)) (Dugas et al. 2001); f'(z) = 1 - exp(-a), the sigmoid of z."""

    def value(net_input, out):
        # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)): nothing overflows.
        np.abs(net_input, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
        np.log1p(out, out=out)
        out += np.maximum(net_input, 0.0)

    def derivative(net_input, activation, out):
        np.negative(activation, out=out)
        np.expm1(out, out=out)
        np.negative(out, out=out)

    return Activation(value, derivative)


@_stated
def silu() -> Activation:
    """f(z) = z σ(z), σ the sigmoid (Elfwing et al. 2018); f'(z) = σ(z) + a (1 - σ(z))."""

    def value(net_input, out):
        _logistic(net_input, out)
        out *= net_input

    def derivative(net_input, activation, out):
        _logistic(net_input, out)
        rest = 1.0 - out
        rest *= activation
        out += rest

    return Activation(value, derivative, reads_net_input=True, steepest=1.0998)


@_stated
def gelu() -> Activation:
    """f(z) = z Φ(z), Φ the normal distribution function; f'(z) = Φ(z) + z φ(z).

    The exact form of Hendrycks and Gimpel (2016), not their approximation by tanh.
    """
    # NumPy has no error function. SciPy is slow to load, so it is imported only when needed.
    with packages_of_extras():
        from scipy.special import ndtr

    def value(net_input, out):
        ndtr(net_input, out=out)
        out *= net_input

    def derivative(net_input, activation, out):
        density = np.multiply(net_input, net_input)
        density *= -0.5
        np.exp(density, out=density)
        density *= 1.0 / np.sqrt(2.0 * np.pi)
        density *= net_input
        ndtr(net_input, out=out)
        out += density

    return Activation(value, derivative, reads_net_input=True, steepest=1.1289)


@_stated
def maxout(pieces: int = 2) -> Activation:
    """f(z₁ … z_k) = max zᵢ: each unit has k net inputs (Goodfellow et al. 2013).

    The net inputs of a layer of H units are k blocks of H rows: the first piece of every unit,
    then the second, and so on. The derivative is 1 for the largest, the first of equals, and 0
    for the others.
    """

    def value(net_input, out):
        np.max(net_input.reshape(pieces, *out.shape), axis=0, out=out)

    def derivative(net_input, activation, out):
        parts = net_input.reshape(pieces, *activation.shape)
        slopes = out.reshape(pieces, *activation.shape)
        free = np.ones(activation.shape, bool)
        for part, slope in zip(parts, slopes, strict=True):
            largest = (part == activation) & free
            np.copyto(slope, largest)
            free &= ~largest

    return Activation(value, derivative, reads_net_input=True, pieces=pieces)


def _logistic(net_input, out):
    """Write 1 / (1 + exp(-z)), with -z clipped so that exp(-z) is finite: no digit is lost."""
    np.negative(net_input, out=out)
    np.minimum(out, LARGEST_EXPONENT[out.dtype], out=out)
    np.exp(out, out=out)
    out += 1.0
    np.reciprocal(out, out=out)


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


def make_activation(settings: str | Mapping) -> Activation:
    """Return the activation of a name in `ACTIVATIONS`, or of a mapping with a ``kind``.

    Parameters
    ----------
    settings : str or mapping
        A name, or ``kind`` and its parameters.

    Raises
    ------
    ValueError
        If there is no such kind, or a parameter is outside its range.
    """
    settings = {"kind": settings} if isinstance(settings, str) else settings
    return make_kind("activation", with_own(ACTIVATIONS, "activations", _own), settings)


def _own(own: Any) -> Callable[..., Activation]:
    """Return the factory of one in a file of the user's."""

    def factory(**settings: Any) -> Activation:
        def value(net_input, out):
            np.copyto(out, own.value(net_input, **settings))

        def derivative(net_input, activation, out):
            np.copyto(out, own.derivative(net_input, **settings))

        steepest = float(np.abs(own.derivative(SLOPES_AT, **settings)).max())
        return Activation(value, derivative, reads_net_input=True, steepest=steepest)

    return factory
