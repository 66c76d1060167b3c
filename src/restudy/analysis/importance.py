"""What matters: the share of a measure's variance that each axis, and each pair, explains.

Unlike `restudy.analysis.effects`, which needs a full factorial, this takes any cells, such as a
random sample of settings: a random forest predicts those that are not there.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import qmc

from restudy.analysis.statistics import without_scale
from restudy.analysis.student import quantile
from restudy.study.design import FEWEST_PREDICTED

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

MAX_LEVELS = 64  # values of an axis that are told apart
MAX_LEAVES = 512  # of a tree
TREES = 100
REPLICATES, REPLICATE_TREES = 25, 25  # forests of simulated data, and trees of each
TREES_AT_ONCE = 16  # whose leaves are held in memory
POINTS = 1 << 13  # at which interactions of more than two axes are evaluated
COLUMNS = ["axis", "other", "share", "share_low", "share_high"]

# Axes, by their places -> variance that they explain together.
Variances = dict[tuple[int, ...], float]


@dataclass(frozen=True)
class Importance:
    """Where the variance of a measure between cells comes from, and how far to trust it.

    Attributes
    ----------
    shares : DataFrame
        A row per axis, then a row per pair, both by falling share: axis, other (empty for a single
        axis), share, and share_low and share_high, the ends of its 95% interval. No rows if there
        is nothing to share out.
    reason : str
        Why there are no rows, as a sentence.
    higher : float or None
        Share of what three or more axes do together; all shares add up to 1.
    r_squared : float or None
        Of the forest's predictions of cells that its trees have not seen (out of bag). Far from 1,
        the shares are those of a prediction that misses much of what distinguishes the cells.
    cells, lost_cells : int
        Cells that the shares are worked out from, and those of which all runs diverged.
    lost_runs : int
        Runs that diverged.
    between, within : float or None
        Variance of the cells' means, and mean variance over the seeds of a cell (n - 1 in the
        denominators); None without two cells, or without two finished runs of a cell.
    """

    shares: pd.DataFrame
    reason: str
    higher: float | None
    r_squared: float | None
    cells: int
    lost_cells: int
    lost_runs: int
    between: float | None
    within: float | None


@dataclass(frozen=True)
class Factor:
    """An axis as trees see it.

    Attributes
    ----------
    codes : ndarray of int, shape (C,)
        Level of each cell, from 0 to K - 1.
    weights : ndarray, shape (K,)
        Probability of each level.
    ordered : bool
        Whether levels are numbers, which trees cut between; names they take one by one.
    """

    codes: np.ndarray
    weights: np.ndarray
    ordered: bool


def variance_importance(
    runs: pd.DataFrame,
    axes: Sequence[str],
    measure: str,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> Importance:
    r"""Return the share of a measure's variance that each axis and each pair explains.

    A random forest is trained on the mean of every cell over its seeds, and its prediction
    :math:`\hat f(x_1, \dots, x_d)` is decomposed by functional analysis of variance (Hutter, Hoos
    and Leyton-Brown 2014). With axes that are independent of one another,

    .. math:: f_i = E[\hat f \mid x_i] - E[\hat f], \qquad
              f_{ij} = E[\hat f \mid x_i, x_j] - f_i - f_j - E[\hat f]

    and shares such as :math:`s_{ij} = E[f_{ij}^2] / \operatorname{Var} \hat f`. Here the mean of
    all trees is decomposed; the authors average the shares of single trees, which fit noise, so
    that nothing has a share of 0.

    A forest still turns noise into shares, and misses some of what matters little. How much is seen
    where the truth is known: in data simulated from the forest itself, whose prediction takes
    residuals of unseen cells, drawn with replacement, for noise. With the shares :math:`s^*` of
    forests trained on such data, the share is :math:`2 s - \bar s^*`, at least 0, over their sum,
    and its interval is Student's, from the standard deviation of :math:`s^*` (Efron and Tibshirani
    1993, sections 9.4 and 10.6).

    Parameters
    ----------
    runs : DataFrame
        A row per run of a study. A run without a finite measure, or with a ``diverged_at``, counts
        as diverged.
    axes : sequence of str
        What tells cells apart: columns of names or numbers. Of numbers only the order matters, so
        that a logarithmic axis needs no special care; more than `MAX_LEVELS` different ones are
        grouped into that many parts of equal size. Every value counts as often as the cells have
        it, those lost included, and together with every value of the other axes, whether or not
        there is such a cell. A missing value is a value of its own, below all numbers.
    measure : str
        The column to explain.
    seed : int
        Of the forests.
    replicates : int
        Forests trained on simulated data, at least two.

    Returns
    -------
    Importance
        The intervals do not cover what a forest of so few cells can't see, for which there is
        ``r_squared``: of a sum of three inputs with shares 0.64, 0.29 and 0.07, evaluated in 64
        random cells, it overstates the largest by 0.06 and finds a third of the smallest.
    """
    axes = list(axes)
    finished = np.isfinite(runs[measure].to_numpy(float))
    if "diverged_at" in runs:
        finished &= runs["diverged_at"].isna().to_numpy()
    values, exponent = without_scale(runs[measure].where(finished))
    cells, means, variances = _cells(runs, axes, values)
    known = np.flatnonzero(~np.isnan(means))
    spreads = variances[~np.isnan(variances)]
    with np.errstate(over="ignore"):
        facts = {
            "cells": len(known),
            "lost_cells": len(cells) - len(known),
            "lost_runs": int((~finished).sum()),
            "between": float(np.ldexp(means[known].var(ddof=1), 2 * exponent))
            if len(known) > 1
            else None,
            "within": float(np.ldexp(spreads.mean(), 2 * exponent)) if len(spreads) else None,
        }
    factors = [encode(cells[axis]) for axis in axes]
    if reason := _obstacle(axes, factors, means[known]):
        return Importance(pd.DataFrame(columns=COLUMNS), reason, None, None, **facts)
    # In an order of the cells' own, whatever that of their runs is.
    order = known[np.lexsort([factor.codes[known] for factor in factors])]
    factors, means = choose_cells(factors, order), means[order]
    # The smallest variance that trees split is a fixed number.
    means = (means - means.mean()) / means.std()
    forest = fit_forest(factors, means, TREES, seed, oob_score=True)
    shares = _shares(decompose(forest, factors))
    simulated = list(_simulated_shares(forest, factors, means, seed, replicates))
    bias, spread = (
        {term: each([one[term] for one in simulated]) for term in shares}
        for each in (np.mean, functools.partial(np.std, ddof=1))
    )
    corrected = _shares({term: max(2 * share - bias[term], 0.0) for term, share in shares.items()})
    halves = {term: quantile(0.975, replicates - 1) * each for term, each in spread.items()}
    r_squared = float(forest.oob_score_)
    return Importance(_table(axes, corrected, halves), "", _higher(corrected), r_squared, **facts)


def encode(values: pd.Series) -> Factor:
    """Return an axis as trees see it, from its value in every cell; see `variance_importance`."""
    missing = values.isna().to_numpy()
    ordered = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    present = values[~missing].to_numpy(float if ordered else str)
    levels = np.unique(present)
    if ordered and len(levels) > MAX_LEVELS:
        # Each of these is one of the values, so that a scale makes no difference.
        shares = np.arange(1, MAX_LEVELS + 1) / MAX_LEVELS
        levels = np.unique(np.quantile(present, shares, method="inverted_cdf"))
    codes = np.zeros(len(values), dtype=int)
    codes[~missing] = np.searchsorted(levels, present) + missing.any()
    return Factor(codes, np.bincount(codes) / len(codes), ordered)


def choose_cells(factors: Sequence[Factor], places: np.ndarray) -> list[Factor]:
    """Return the factors of the cells at these places; levels weigh the same as before."""
    return [replace(factor, codes=factor.codes[places]) for factor in factors]


def fit_forest(
    factors: Sequence[Factor], means: np.ndarray, trees: int, seed: int, oob_score: bool = False
) -> RandomForestRegressor:
    """Return a random forest that predicts means of cells, shape (C,)."""
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(
        trees, max_leaf_nodes=MAX_LEAVES, random_state=seed, oob_score=oob_score
    )
    return forest.fit(features(factors), means)


def features(factors: Sequence[Factor]) -> np.ndarray:
    """Return what trees split, shape (C, D): the level of numbers, an indicator per name."""
    columns = [
        factor.codes[:, None]
        if factor.ordered
        else factor.codes[:, None] == np.arange(len(factor.weights))
        for factor in factors
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def decompose(forest: RandomForestRegressor, factors: Sequence[Factor]) -> Variances:
    r"""Return the variance of a forest's prediction by axes.

    A leaf is a box: on every axis, a set of levels. With the probability :math:`p_i` of leaf
    :math:`\ell` on axis :math:`i`, the mean :math:`v` of its cells, and sums over the leaves of all
    :math:`B` trees,

    .. math:: E[\hat f \mid x_i] = \frac 1 B \sum_{\ell : x_i \in \ell} v \prod_{k \ne i} p_k,
              \qquad
              E[\hat f \mid x_i, x_j] = \frac 1 B
              \sum_{\ell : x_i, x_j \in \ell} v \prod_{k \ne i, j} p_k

    so that these are exact. What is left of the prediction is evaluated at all combinations of
    levels or, where these are too many, at points of a Sobol sequence.

    Returns
    -------
    dict
        Places of one axis, of two, and of all where there are more than two: what three or more do
        together.
    """
    weights = [factor.weights for factor in factors]
    mean, single, double = _marginals(forest, factors)
    single = [marginal - mean for marginal in single]
    for (i, j), marginal in double.items():
        marginal -= mean + single[i][:, None] + single[j]
    variances = {(i,): float(weights[i] @ effect**2) for i, effect in enumerate(single)}
    for (i, j), effect in double.items():
        variances[i, j] = float(weights[i] @ effect**2 @ weights[j])
    if len(factors) > 2:
        points, density = _points(factors)
        codes = [factor.codes for factor in points]
        known = mean + sum(effect[codes[i]] for i, effect in enumerate(single))
        known += sum(effect[codes[i], codes[j]] for (i, j), effect in double.items())
        rest = forest.predict(features(points)) - known
        variances[tuple(range(len(factors)))] = float(density @ rest**2)
    return variances


def _cells(
    runs: pd.DataFrame, axes: Sequence[str], values: pd.Series
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return axes, mean and variance over seeds of each cell, from the value of every run."""
    keys = [runs[axis] for axis in axes] or np.zeros(len(runs))
    groups = values.groupby(keys, sort=False, dropna=False)
    means, variances = groups.mean(), groups.var()
    cells = means.index.to_frame(index=False)
    return cells, means.to_numpy(), variances.to_numpy()


def _obstacle(axes: Sequence[str], factors: Sequence[Factor], means: np.ndarray) -> str:
    """Return why there is nothing to share out; empty if there is."""
    if not axes:
        return "Nothing varies between the cells."
    for axis, factor in zip(axes, factors, strict=True):
        if not factor.ordered and len(factor.weights) > MAX_LEVELS:
            return f"{axis} has {len(factor.weights)} names; at most {MAX_LEVELS} are told apart."
    if len(means) < FEWEST_PREDICTED:
        return f"{len(means)} cells have a finished run; at least {FEWEST_PREDICTED} are needed."
    # Rounding alone makes differences of this size.
    if means.std() <= 1e-12 * max(abs(means.mean()), 1e-300):
        return "All cells have the same mean, so there is no variance."
    return ""


def _simulated_shares(
    forest: RandomForestRegressor,
    factors: Sequence[Factor],
    means: np.ndarray,
    seed: int,
    replicates: int,
) -> Iterator[Variances]:
    """Yield the shares that forests find in data of which a forest's prediction is the truth."""
    truth, residuals = forest.predict(features(factors)), means - forest.oob_prediction_
    residuals = residuals - residuals.mean()
    for replicate in range(replicates):
        noise = np.random.default_rng([seed, replicate]).choice(residuals, len(means))
        other = fit_forest(factors, truth + noise, REPLICATE_TREES, seed + 1 + replicate)
        yield _shares(decompose(other, factors))


def _marginals(
    forest: RandomForestRegressor, factors: Sequence[Factor]
) -> tuple[float, list[np.ndarray], dict[tuple[int, int], np.ndarray]]:
    """Return the mean prediction, and that at each level of an axis and of two; see `decompose`."""
    weights = [factor.weights for factor in factors]
    sizes = [len(each) for each in weights]
    pairs = list(combinations(range(len(factors)), 2))
    mean, single = 0.0, [np.zeros(size) for size in sizes]
    double = {(i, j): np.zeros((sizes[i], sizes[j])) for i, j in pairs}
    trees = [estimator.tree_ for estimator in forest.estimators_]
    for start in range(0, len(trees), TREES_AT_ONCE):
        boxes, values = _leaves(trees[start : start + TREES_AT_ONCE], factors)
        chances = [box @ weight for box, weight in zip(boxes, weights, strict=True)]
        parts = values / len(trees) * np.prod(chances, axis=0)
        mean += float(parts.sum())
        for i, box in enumerate(boxes):
            single[i] += (parts / chances[i]) @ box
        for i, j in pairs:
            double[i, j] += (boxes[i] * (parts / chances[i] / chances[j])[:, None]).T @ boxes[j]
    return mean, single, double


def _leaves(trees: Sequence, factors: Sequence[Factor]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return which levels the leaves of trees contain, and the leaves' values.

    Parameters
    ----------
    trees : sequence of Tree
        As scikit-learn has them: arrays with an entry per node.
    factors : sequence of Factor
        The axes.

    Returns
    -------
    boxes : list of ndarray, each of shape (L, K)
        By axis, 1 for every level that a leaf contains, else 0.
    values : ndarray, shape (L,)
    """
    sizes = [tree.node_count for tree in trees]
    first = np.cumsum([0, *sizes[:-1]])
    shift = np.repeat(first, sizes)
    left, right, feature, threshold, values = (
        np.concatenate([getattr(tree, name) for tree in trees])
        for name in ("children_left", "children_right", "feature", "threshold", "value")
    )
    left, right = left + shift, right + shift
    levels = [np.arange(len(factor.weights)) for factor in factors]
    boxes = [np.ones((len(feature), len(each)), dtype=bool) for each in levels]
    axis, name = _columns(factors)
    # From the roots down, all nodes of a depth at once.
    nodes = first[feature[first] >= 0]
    while len(nodes):
        for i, box in enumerate(boxes):
            box[left[nodes]] = box[right[nodes]] = box[nodes]
            cut = nodes[axis[feature[nodes]] == i]
            chosen = name[feature[cut]][:, None]
            goes_left = (
                levels[i] <= threshold[cut][:, None] if factors[i].ordered else levels[i] != chosen
            )
            box[left[cut]] &= goes_left
            box[right[cut]] &= ~goes_left
        nodes = np.concatenate([left[nodes], right[nodes]])
        nodes = nodes[feature[nodes] >= 0]
    leaves = feature < 0
    return [box[leaves].astype(float) for box in boxes], values[leaves, 0, 0]


def _columns(factors: Sequence[Factor]) -> tuple[np.ndarray, np.ndarray]:
    """Return the axis of every column of `features`, and the level that an indicator is of."""
    sizes = [1 if factor.ordered else len(factor.weights) for factor in factors]
    return np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(n) for n in sizes])


def _points(factors: Sequence[Factor]) -> tuple[list[Factor], np.ndarray]:
    """Return combinations of levels, and their probabilities: all, or an even sample of them."""
    weights = [factor.weights for factor in factors]
    sizes = [len(each) for each in weights]
    if math.prod(sizes) <= POINTS:
        codes = np.indices(sizes).reshape(len(sizes), -1)
        chances = [each[code] for each, code in zip(weights, codes, strict=True)]
        density = np.prod(chances, axis=0)
    else:
        places = qmc.Sobol(len(sizes), rng=0).random(POINTS).T
        ends = [np.cumsum(each)[:-1] for each in weights]
        codes = [np.searchsorted(*each, side="right") for each in zip(ends, places, strict=True)]
        density = np.full(POINTS, 1 / POINTS)
    points = [replace(factor, codes=code) for factor, code in zip(factors, codes, strict=True)]
    return points, density


def _shares(variances: Variances) -> Variances:
    """Return variances as shares of their sum; all 0 where nothing varies."""
    whole = sum(variances.values())
    return {term: variance / whole if whole else 0.0 for term, variance in variances.items()}


def _higher(shares: Variances) -> float:
    """Return the share of what three or more axes do together."""
    return sum(share for term, share in shares.items() if len(term) > 2)


def _table(
    axes: Sequence[str], shares: Variances, halves: Mapping[tuple[int, ...], float]
) -> pd.DataFrame:
    """Return the shares of axes and of pairs with their intervals; see `Importance`."""
    rows = []
    for term, share in sorted(shares.items(), key=lambda each: (len(each[0]), -each[1])):
        ends = max(share - halves[term], 0.0), min(share + halves[term], 1.0)
        if len(term) <= 2:
            axis, other = (*(axes[place] for place in term), "")[:2]
            rows.append((axis, other, share, *ends))
    return pd.DataFrame(rows, columns=COLUMNS)
