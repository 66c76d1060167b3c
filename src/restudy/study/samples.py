"""Points of the unit cube for the cells of a sampled study.

A longer sequence begins like a shorter one: a study of 128 cells has all cells of the one of 64
with the same seed, and only the others are trained.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from restudy.errors import packages_of_extras


def sobol(size: int, dimensions: int, seed: int) -> np.ndarray:
    """Return the first points of a scrambled Sobol sequence (Owen 1998).

    Parameters
    ----------
    size, dimensions : int
        How many points of how many coordinates.
    seed : int
        Another seed scrambles differently.

    Returns
    -------
    ndarray, shape (size, dimensions)
        From 0 to below 1.
    """
    with packages_of_extras():
        from scipy.stats import qmc

    powers = max(size - 1, 0).bit_length()
    return qmc.Sobol(dimensions, scramble=True, rng=seed).random_base2(powers)[:size]


def random(size: int, dimensions: int, seed: int) -> np.ndarray:
    """Return independent, uniformly distributed points, as `sobol` does."""
    return np.random.default_rng(seed).random((size, dimensions))


def latin_hypercube(size: int, dimensions: int, seed: int) -> np.ndarray:
    """Return points of nested Latin hypercubes, as `sobol` does.

    The first :math:`2^k` points are a Latin hypercube for every :math:`k`: of the :math:`2^k` equal
    parts of each coordinate, each has one point. The next :math:`2^k` take the halves of these
    parts that are still empty, in an order drawn for each coordinate (Qian 2009, nested Latin
    hypercube designs). SciPy's sampler has no such sequence: its points for another size are
    others.
    """
    rng = np.random.default_rng(seed)
    points = rng.random((1, dimensions))
    while len(points) < size:
        halves = 2 * len(points)
        taken = np.floor(points * halves).astype(int)
        empty = taken ^ 1
        columns = [rng.permutation(empty[:, axis]) for axis in range(dimensions)]
        # Never so close to the end of a half that rounding carries a point into the next.
        within = np.minimum(rng.random(points.shape), 1 - 1e-9)
        points = np.concatenate([points, (np.stack(columns, axis=1) + within) / halves])
    return points[:size]


METHODS: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "sobol": sobol,
    "random": random,
    "latin_hypercube": latin_hypercube,
}
