"""Predictions of a trained cell on a grid, from which decision boundaries are drawn."""

from collections.abc import Mapping, Sequence

import numpy as np

from restudy.families.arguments import check_argument
from restudy.families.contract import Setting
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.training import DenseResult

CHUNK = 2_000  # points, a few times the training set: the buffers stay within the cache
# The published step gives about 150,000 grid points around two moons.
MAX_POINTS = 200_000
MIN_POINTS_PER_AXIS = 100  # with fewer, curves look angular
POINTS_PER_AXIS = 400  # where the step gives too many or too few
STEP = Setting("step", "Distance of two grid points.", above=0)
MARGIN = Setting("margin", "How far the grid extends beyond the points.", minimum=0)


def map_boundary(
    weights: Sequence[np.ndarray],
    activation: str | Mapping,
    points: np.ndarray,
    step: float = 0.01,
    margin: float = 0.5,
) -> dict[str, np.ndarray]:
    """Evaluate all replicates of a cell on a grid around its two-dimensional training points.

    Parameters
    ----------
    weights : sequence of ndarray, shape (R, rows, fan_in + 1)
        One array per layer, with the bias in the last column.
    activation : str or mapping
        The hidden layers' activation: a name, or ``kind`` and parameters.
    points : ndarray, shape (N, 2)
        The points that the grid covers.
    step, margin : float
        Grid step, and how far the grid extends beyond the points, in units of the coordinates; by
        default those of the published study. For points of another extent, see `grid_axes`.

    Returns
    -------
    dict
        x1 (n1,) and x2 (n2,), the grid's coordinates, float64. The others have shape (n2, n1).
        For two classes: probability, the first replicate's probability of class 1, and share, the
        share of replicates that predict class 1; both float32. For more classes: chosen, the first
        replicate's predicted class, int16; probability, its probability of that class; and share,
        the share of replicates that predict the point's most frequently predicted class; both
        float32.
    """
    x1, x2 = grid_axes(points, step, margin)
    grid = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    network = network_of(weights, activation)
    summarize = _summarize_two if network.sizes[-1] == 2 else _summarize_many
    chunks = [
        summarize(network.predict_proba(grid[start : start + CHUNK]))
        for start in range(0, len(grid), CHUNK)
    ]
    fields = {
        name: np.concatenate([chunk[name] for chunk in chunks]).reshape(len(x2), len(x1))
        for name in chunks[0]
    }
    return {"x1": x1, "x2": x2, **fields}


def grid_axes(points: np.ndarray, step: float, margin: float) -> list[np.ndarray]:
    """Return the coordinates of a grid around points.

    If the step gives more than `MAX_POINTS`, or fewer than `MIN_POINTS_PER_AXIS` along an axis,
    each axis gets `POINTS_PER_AXIS` grid points.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        What the grid covers.
    step, margin : float
        As in `map_boundary`; see `plane_extent` for the margin.

    Returns
    -------
    list of ndarray
        x1 (n1,) and x2 (n2,), increasing.
    """
    check_argument(STEP, step)
    low, high = plane_extent(points, margin)
    counts = (high - low) / step
    if counts.prod() > MAX_POINTS or counts.min() < MIN_POINTS_PER_AXIS:
        return [np.linspace(a, b, POINTS_PER_AXIS) for a, b in zip(low, high, strict=True)]
    return [np.arange(a, b, step) for a, b in zip(low, high, strict=True)]


def plane_extent(points: np.ndarray, margin: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower left and the upper right corner of a rectangle around points (N, 2).

    The margin is clipped to between a twentieth of the points' extent along an axis and all of it.

    Raises
    ------
    TypeError, ValueError
        If there are no points, they do not lie in a plane, or the margin is negative.
    """
    check_argument(MARGIN, margin)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"points: got shape {points.shape}, allowed: (N, 2), N from 1")
    if not np.isfinite(points).all():
        raise ValueError("points: got a value that is not finite, allowed: finite numbers")
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    margins = np.where(extent > 0, np.clip(margin, extent / 20, extent), margin)
    return low - margins, high + margins


def network_of(weights: Sequence[np.ndarray], activation: str | Mapping) -> DenseNetwork:
    """Return a network with the given weights.

    Parameters
    ----------
    weights, activation
        As in `map_boundary`. A hidden layer has several rows per unit if its activation has
        several pieces, so its number of units is taken from the next layer's inputs.
    """
    inputs = [layer.shape[2] - 1 for layer in weights]
    sizes = [*inputs, weights[-1].shape[1]]
    network = DenseNetwork(sizes, activation, "zeros", range(len(weights[0])))
    network.weights = list(weights)
    return network


def _summarize_two(probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return probability and share of class 1, given the probabilities (R, n, 2)."""
    of_class_1 = probabilities[:, :, 1]
    return {
        "probability": of_class_1[0].astype(np.float32),
        "share": (of_class_1 > 0.5).mean(axis=0).astype(np.float32),
    }


def _summarize_many(probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """Return the first replicate's class, its probability, and agreement, given (R, n, C)."""
    choices = probabilities.argmax(axis=2)
    classes = range(probabilities.shape[2])
    votes = np.stack([(choices == label).mean(axis=0) for label in classes])
    return {
        "chosen": choices[0].astype(np.int16),
        "probability": probabilities[0].max(axis=1).astype(np.float32),
        "share": votes.max(axis=0).astype(np.float32),
    }


def map_finished(
    result: DenseResult, activation: str | Mapping, points: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the boundary of the replicates that did not diverge, and their ``seeds``.

    Parameters
    ----------
    result : DenseResult
        Outcome of a training.
    activation
        As in `map_boundary`.
    points : ndarray, shape (N, 2) or (R, N, 2)
        What the grid covers: the training points of all replicates, or of each, of which those of
        the first that did not diverge count.

    Returns
    -------
    dict
        ``seeds``, and the fields of `map_boundary`, unless every replicate diverged or the points
        don't have two coordinates.
    """
    finished = result.runs["diverged_at"].isna().to_numpy()
    seeds = {"seeds": result.runs["seed"].to_numpy()[finished]}
    if not finished.any() or points.shape[-1] != 2:
        return seeds
    if points.ndim == 3:
        points = points[finished][0]
    weights = [layer[finished] for layer in result.weights]
    return seeds | map_boundary(weights, activation, points)


def predict(settings: Mapping, weights: Mapping[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return the class that each of several networks predicts for each point, shape (R, N).

    Parameters
    ----------
    settings : mapping
        Settings of the cell, of which ``activation`` is used.
    weights : mapping of str to ndarray
        ``layer1``, ``layer2``, … of shape (R, rows, fan_in + 1), in any order.
    points : ndarray, shape (N, D)
    """
    layers = [weights[f"layer{n}"] for n in range(1, len(weights) + 1)]
    return network_of(layers, settings["activation"]).predict(points)
