"""Initial weight matrices; biases always start at zero.

Each factory takes the distribution's parameters, if there are any, and returns a function that
draws one (fan_in, fan_out) matrix from a legacy ``RandomState``, the generator of the published
study, whose stream NumPy has frozen. Its docstring states the distribution.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from restudy.families.arguments import held_against
from restudy.families.components import INITIALIZERS as KINDS
from restudy.families.distributions import DISTRIBUTIONS, TRUNCATED_DEVIATION
from restudy.families.lookup import make_kind, with_own

_stated = held_against(KINDS)

Initializer = Callable[[np.random.RandomState, int, int], np.ndarray]


def fan_in_normal() -> Initializer:
    """Normal with variance 1 / fan_in: the initial values of the published study.

    Divided, as there: a product with the deviation may differ in the last digit.
    """
    return lambda rng, fan_in, fan_out: rng.randn(fan_in, fan_out) / np.sqrt(fan_in)


def xavier_uniform() -> Initializer:
    """Uniform on ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16)."""
    return _drawn("xavier_uniform")


def xavier_normal() -> Initializer:
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, eq. 12)."""
    return _drawn("xavier_normal")


def he_uniform() -> Initializer:
    """Uniform on ±sqrt(6 / fan_in): the variance of `he_normal` (He et al. 2015)."""
    return _drawn("he_uniform")


def he_normal() -> Initializer:
    """Normal with variance 2 / fan_in (He et al. 2015, eq. 10)."""
    return _drawn("he_normal")


def lecun_normal() -> Initializer:
    """Normal, truncated at two standard deviations, with variance 1 / fan_in after truncation.

    The form in which today's libraries offer LeCun et al. (1998); without truncation it would be
    `fan_in_normal`.
    """
    return lambda rng, fan_in, fan_out: (
        _truncated(rng, (fan_in, fan_out)) / (TRUNCATED_DEVIATION * np.sqrt(fan_in))
    )


@_stated
def orthogonal(gain: float = 1.0) -> Initializer:
    """Gain times a matrix whose shorter side's vectors are orthonormal (Saxe et al. 2014).

    Uniform over all such matrices: Q of a normal matrix's QR decomposition, with the signs of R's
    diagonal.
    """

    def draw(rng, fan_in, fan_out):
        tall = rng.randn(max(fan_in, fan_out), min(fan_in, fan_out))
        q, r = np.linalg.qr(tall)
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)
        return gain * (q if fan_in >= fan_out else q.T)

    return draw


@_stated
def truncated_normal(scale: float = 0.1) -> Initializer:
    """Normal with the given standard deviation, values beyond two of them drawn again."""
    return _drawn("truncated_normal", scale=scale)


@_stated
def uniform(limit: float = 0.05) -> Initializer:
    """Uniform on ±limit."""
    return _drawn("uniform", limit=limit)


def zeros() -> Initializer:
    """All zero: hidden units stay equal forever, so the symmetry never breaks."""
    return lambda rng, fan_in, fan_out: np.zeros((fan_in, fan_out))


def _drawn(name: str, **settings: float) -> Initializer:
    """Return the initializer that draws from the distribution which is stated of it."""

    def draw(rng, fan_in, fan_out):
        stated, size = DISTRIBUTIONS[name](fan_in, fan_out, **settings), (fan_in, fan_out)
        if stated.shape == "uniform":
            return rng.uniform(-stated.scale, stated.scale, size)
        standard = rng.randn(*size) if stated.shape == "normal" else _truncated(rng, size)
        return stated.scale * standard

    return draw


def _truncated(rng, shape):
    """Return standard normal values, redrawn while they lie beyond ±2."""
    values = rng.randn(*shape)
    beyond = np.abs(values) > 2.0
    while beyond.any():
        values[beyond] = rng.randn(beyond.sum())
        beyond = np.abs(values) > 2.0
    return values


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


def make_initializer(settings: str | Mapping) -> Initializer:
    """Return the initializer of a name in `INITIALIZERS`, or of a mapping with a ``kind``.

    Parameters
    ----------
    settings : str or mapping
        A name, or ``kind`` and its parameters.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    settings = {"kind": settings} if isinstance(settings, str) else settings
    return make_kind("initializer", with_own(INITIALIZERS, "initializers", _own), settings)


def _own(own: Any) -> Callable[..., Initializer]:
    """Return the factory of one in a file of the user's."""
    return lambda **settings: (
        lambda rng, fan_in, fan_out: own.draw(rng, fan_in, fan_out, **settings)
    )


def draw_weights(
    sizes: Sequence[int],
    initializer: str | Mapping,
    seed: int,
    arithmetic: str,
    pieces: int = 1,
) -> list[np.ndarray]:
    """Draw the initial weights of one replicate.

    Parameters
    ----------
    sizes : sequence of int
        Layer sizes from input to output.
    initializer : str or mapping
        What `make_initializer` takes.
    seed : int
        Seed of the legacy generator.
    arithmetic : {"published", "corrected"}
        ``corrected`` draws layer after layer. ``published`` does the same with one hidden layer,
        but with more it draws a single hidden-to-hidden matrix first, starts every hidden layer
        from it, and then draws the first and the last layer, as the published deep code does.
        (In that code, these layers also share one zero bias object. Biases differ from the
        first update on here, as they do wherever an update makes a new array.)
    pieces : int
        Net inputs of a hidden unit; each piece of a layer is drawn as a matrix of its own.

    Returns
    -------
    list of ndarray
        Matrix l of shape (sizes[l], pieces · sizes[l + 1]), float64; of the last layer,
        (sizes[l], sizes[l + 1]).
    """
    rng = np.random.RandomState(seed)
    draw_one = make_initializer(initializer)

    def draw(shape, pieces):
        return np.hstack([draw_one(rng, *shape) for _ in range(pieces)])

    *hidden, last = pairwise(sizes)
    if arithmetic == "published" and len(hidden) > 1:
        shared = draw(hidden[1], pieces)
        first = draw(hidden[0], pieces)
        return [first, *(shared.copy() for _ in hidden[1:]), draw(last, 1)]
    return [*(draw(shape, pieces) for shape in hidden), draw(last, 1)]
