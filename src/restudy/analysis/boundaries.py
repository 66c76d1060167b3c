"""Decision boundaries of a cell's runs: one in full, all others as lines, how many are straight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.shapes import is_straight
from restudy.analysis.typical import typical_seeds
from restudy.data.planes import grid_axes, grid_points
from restudy.data.tables import parts_of, split_draws
from restudy.families.contract import Family, draw_of
from restudy.families.predicting import predict_probabilities

COARSER = 8  # times: the grid on which the lines of the other runs are found
Predict = Callable[[np.ndarray, Sequence[int]], np.ndarray]


@dataclass(frozen=True)
class Boundaries:
    """What the runs of a cell that finished predict in the plane.

    Attributes
    ----------
    seed : int
        Of the run that is shown in full: the one nearest the median, see `typical_seeds`.
    chosen_by : str
        Of which measure, in words.
    others : tuple of int
        The seeds of the others.
    x1, x2 : ndarray, shapes (n1,) and (n2,)
        A grid around the training points of all draws, so that pictures of a data set are alike.
    probability : ndarray, shape (n2, n1, C)
        What it gives each of C classes there.
    line_x1, line_x2 : ndarray, shapes (m1,) and (m2,)
        A coarser grid over the same rectangle.
    leads : ndarray, shape (R - 1, L, m2, m1)
        By how much each of the others finds a class more probable than the most probable of its
        rivals, so that the boundary of the class is where this is 0: of two classes, for the
        second (L = 1), else for each (L = C).
    straight : int or None
        In how many of all runs a straight line gives the network's own class of at least
        `STRAIGHT` of the held-out points; None for more than two classes.
    single : int
        How many of all runs give all held-out points the same class; they count as neither
        straight nor bent.
    """

    seed: int
    chosen_by: str
    others: tuple[int, ...]
    x1: np.ndarray
    x2: np.ndarray
    probability: np.ndarray
    line_x1: np.ndarray
    line_x2: np.ndarray
    leads: np.ndarray
    straight: int | None
    single: int

    @property
    def lead(self) -> np.ndarray:
        """The leads of the run that is shown, on the finer grid, shape (L, n2, n1)."""
        return _leads(self.probability[np.newaxis].transpose(0, 3, 1, 2))[0]


def map_boundaries(
    family: Family,
    settings: Mapping[str, Any],
    runs: pd.DataFrame,
    weights: Mapping[str, np.ndarray],
    points: pd.DataFrame,
    classes: int,
) -> Boundaries | None:
    """Return the boundaries of a cell; None if all of its runs diverged.

    Parameters
    ----------
    family : Family
        It has ``predict``.
    settings : mapping
        Settings of the cell.
    runs : DataFrame
        The cell's runs.
    weights : mapping of str to ndarray
        What was trained, with the run as the first axis, in the order of the table.
    points : DataFrame
        Of the data set, in all draws: part, x1, x2 and label.
    classes : int
        How many the data set has, C.
    """
    places = {seed: place for place, seed in enumerate(runs["seed"].tolist())}

    def predict(x: np.ndarray, seeds: Sequence[int]) -> np.ndarray:
        own = {name: values[[places[seed] for seed in seeds]] for name, values in weights.items()}
        return predict_probabilities(family, settings, own, x, classes)

    seeds = typical_seeds(runs, family)
    if not seeds:
        return None
    draws = [parts_of(own) for own in split_draws(points)]
    shown, others = seeds[0], tuple(sorted(seeds[1:]))
    x1, x2 = grid_axes(np.concatenate([parts["train"][0] for parts in draws]))
    line_x1, line_x2 = (np.linspace(x[0], x[-1], len(x) // COARSER + 1) for x in (x1, x2))
    probability = predict(grid_points(x1, x2), [shown])[0]
    shape = (len(others), len(line_x2), len(line_x1), classes)
    lines = predict(grid_points(line_x1, line_x2), others) if others else np.empty(shape)
    straight, single = _count_straight(predict, seeds, draws, classes)
    return Boundaries(
        shown,
        family.measure(family.ranked_by[-1]).label,
        others,
        x1,
        x2,
        probability.reshape(len(x2), len(x1), classes),
        line_x1,
        line_x2,
        _leads(lines.reshape(shape).transpose(0, 3, 1, 2)),
        straight,
        single,
    )


def _leads(probability: np.ndarray) -> np.ndarray:
    """Return by how much classes lead, given probabilities (R, C, …), see `Boundaries.leads`."""
    if probability.shape[1] == 2:
        return probability[:, 1:] - probability[:, :1]
    labels = range(probability.shape[1])
    rivals = [np.delete(probability, label, axis=1).max(axis=1) for label in labels]
    return probability - np.stack(rivals, axis=1)


def _count_straight(
    predict: Predict,
    seeds: Sequence[int],
    draws: Sequence[Mapping[str, tuple[np.ndarray, np.ndarray]]],
    classes: int,
) -> tuple[int | None, int]:
    """Return how many boundaries are straight, and how many runs predict one class alone."""
    straight = single = 0
    for draw, parts in enumerate(draws):
        members = [seed for seed in seeds if draw_of(seed, len(draws)) == draw]
        if not members:
            continue
        points, _ = parts["heldout"]
        for predicted in predict(points, members).argmax(axis=2):
            alone = len(np.unique(predicted)) < 2
            single += alone
            if classes == 2 and not alone:
                straight += is_straight(points, predicted)
    return (straight if classes == 2 else None), single
