"""Initial weight matrices; biases always start at zero.

Each function draws one (fan_in, fan_out) matrix from a legacy ``RandomState``, the generator of
the published study, whose stream NumPy has frozen.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

Initializer = Callable[[np.random.RandomState, int, int], np.ndarray]


def fan_in_normal(rng, fan_in, fan_out):
    """Normal with variance 1 / fan_in: the initial values of the published study."""
    return rng.randn(fan_in, fan_out) / np.sqrt(fan_in)


def xavier_uniform(rng, fan_in, fan_out):
    """Uniform on ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16)."""
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, (fan_in, fan_out))


def xavier_normal(rng, fan_in, fan_out):
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, eq. 12)."""
    return rng.randn(fan_in, fan_out) * np.sqrt(2.0 / (fan_in + fan_out))


def he_normal(rng, fan_in, fan_out):
    """Normal with variance 2 / fan_in (He et al. 2015, eq. 10)."""
    return rng.randn(fan_in, fan_out) * np.sqrt(2.0 / fan_in)


def zeros(rng, fan_in, fan_out):
    """All zero: hidden units stay equal for ever, so the symmetry never breaks."""
    return np.zeros((fan_in, fan_out))


INITIALIZERS: dict[str, Initializer] = {
    "fan_in_normal": fan_in_normal,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "he_normal": he_normal,
    "zeros": zeros,
}


def draw_weights(
    sizes: Sequence[int], initializer: str, seed: int, arithmetic: str
) -> list[np.ndarray]:
    """Initial weight matrices of one replicate.

    Parameters
    ----------
    sizes : sequence of int
        Layer sizes from input to output.
    initializer : str
        Name in `INITIALIZERS`.
    seed : int
        Seed of the legacy generator.
    arithmetic : {"published", "corrected"}
        ``corrected`` draws layer after layer. ``published`` does the same with one hidden layer,
        but with more it draws a single hidden-to-hidden matrix first, starts every hidden layer
        from it, and then draws the first and the last layer, as the published deep code does.
        (That code also hands these layers one zero bias object. Biases part at the first update
        here, as they do wherever an update makes a new array.)

    Returns
    -------
    list of ndarray
        Matrix l of shape (sizes[l], sizes[l + 1]), float64.
    """
    rng = np.random.RandomState(seed)
    draw = INITIALIZERS[initializer]
    shapes = list(pairwise(sizes))
    if arithmetic == "published" and len(shapes) > 2:
        hidden = draw(rng, *shapes[1])
        first = draw(rng, *shapes[0])
        last = draw(rng, *shapes[-1])
        return [first, *(hidden.copy() for _ in shapes[1:-1]), last]
    return [draw(rng, *shape) for shape in shapes]
