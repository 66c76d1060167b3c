"""What the axes of a study do to a measure: means by level, and shares of its variance."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from restudy.analysis.statistics import mean_interval, without_scale


class Decomposition(NamedTuple):
    """Where the variance of a measure comes from.

    Attributes
    ----------
    shares : dict of tuple of str to float
        Eta squared of each axis, each pair of axes, what three or more do together (named by all
        axes), and ``("seed",)``, the seeds within cells; they add up to 1. Empty where there is
        nothing to share out.
    reason : str
        Why it is empty, as a sentence.
    """

    shares: dict[tuple[str, ...], float]
    reason: str = ""


def level_means(runs: pd.DataFrame, axes: Sequence[str], measure: str) -> pd.DataFrame:
    """Mean of a measure at each level of one axis, or at each pair of levels of two.

    Parameters
    ----------
    runs : DataFrame
        A row per finished run of a study; runs without the measure are skipped.
    axes : sequence of str
        What tells levels apart.
    measure : str
        The column to average.

    Returns
    -------
    DataFrame
        A row per level: the axes, mean, low and high (95% interval by Student's t over seeds) and
        seeds, the array of what is averaged: each seed's mean over the cells of that level.
    """
    by_seed = runs.dropna(subset=[measure]).groupby([*axes, "seed"], sort=False)[measure].mean()
    rows = []
    for level, values in by_seed.groupby(level=list(axes), sort=False):
        mean, low, high = mean_interval(values)
        named = dict(zip(axes, level if isinstance(level, tuple) else (level,), strict=True))
        rows.append(named | {"mean": mean, "low": low, "high": high, "seeds": values.to_numpy()})
    return pd.DataFrame(rows, columns=[*axes, "mean", "low", "high", "seeds"])


def variance_shares(runs: pd.DataFrame, axes: Sequence[str], measure: str) -> Decomposition:
    """Share of a measure's variance that each axis and each interaction explains.

    Every cell counts alike, however many of its runs diverged (analysis of unweighted means with
    the harmonic mean of the numbers of runs); without divergences it is the usual eta squared.

    Parameters
    ----------
    runs : DataFrame
        A row per finished run of a full factorial.
    axes : sequence of str
        The varied axes, each with two levels or more.
    measure : str
        The column to explain.
    """
    if not axes:
        return Decomposition({}, "Nothing varies between the cells.")
    runs = runs[np.isfinite(runs[measure].to_numpy(float))]
    values, _ = without_scale(runs[measure])
    groups = values.groupby([runs[axis] for axis in axes])
    counts, means = groups.size(), groups.mean()
    levels = [runs[axis].nunique() for axis in axes]
    if not len(runs) or len(means) < np.prod(levels):
        return Decomposition({}, "Some cells have no finished run, so the design is not complete.")
    table = means.to_numpy().reshape(levels)
    weight = len(counts) / (1 / counts).sum()
    total = table.mean()
    effects = {(): np.full([1] * len(axes), total)}
    squares = {}
    for size in (1, 2):
        for chosen in combinations(range(len(axes)), size):
            others = tuple(set(range(len(axes))) - set(chosen))
            parts = [effects[part] for n in range(size) for part in combinations(chosen, n)]
            effects[chosen] = table.mean(axis=others, keepdims=True) - sum(parts)
            spread = (effects[chosen] ** 2).mean() * table.size
            squares[tuple(axes[number] for number in chosen)] = weight * spread
    if len(axes) > 2:
        rest = weight * ((table - total) ** 2).sum() - sum(squares.values())
        squares[tuple(axes)] = max(rest, 0.0)
    squares[("seed",)] = ((values - groups.transform("mean")) ** 2).sum()
    whole = sum(squares.values())
    # Rounding alone makes differences of this size.
    if whole <= (1e-12 * max(abs(total), 1e-300)) ** 2 * len(runs):
        return Decomposition({}, "All runs give the same value, so there is no variance.")
    return Decomposition({term: float(square / whole) for term, square in squares.items()})
