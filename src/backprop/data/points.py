"""Two-dimensional point sets for the dense networks: training points and fresh held-out points."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from sklearn.datasets import make_moons


def make_points(dataset: Mapping) -> pd.DataFrame:
    """Training and held-out points of a named data set.

    Parameters
    ----------
    dataset : mapping
        A completed entry of ``datasets``: its ``kind`` and that kind's settings.

    Returns
    -------
    DataFrame
        part ("train" or "heldout"), x1, x2, label; the held-out points come from the same
        distribution with a seed of their own.
    """
    draw = POINT_SETS[dataset["kind"]]
    parts = {
        "train": draw(dataset, dataset["points"], dataset["seed"]),
        "heldout": draw(dataset, dataset["heldout_points"], dataset["heldout_seed"]),
    }
    return pd.concat(
        [
            pd.DataFrame({"part": part, "x1": x[:, 0], "x2": x[:, 1], "label": label})
            for part, (x, label) in parts.items()
        ],
        ignore_index=True,
    )


def moons(dataset: Mapping, points: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaving half circles, as the published study draws them (legacy generator)."""
    return make_moons(points, noise=dataset["noise"], random_state=np.random.RandomState(seed))


POINT_SETS: dict[str, Callable] = {"moons": moons}
