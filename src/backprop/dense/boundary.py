"""A trained cell's answer at every point of a grid: what a decision boundary is drawn from."""

from collections.abc import Sequence

import numpy as np

from backprop.dense.network import DenseNetwork

CHUNK = 2_000  # a few times the training set: the buffers stay within the cache


def map_boundary(
    weights: Sequence[np.ndarray],
    activation: str,
    points: np.ndarray,
    step: float = 0.01,
    margin: float = 0.5,
) -> dict[str, np.ndarray]:
    """Evaluate all replicates of a two-class cell on a grid round its training points.

    Parameters
    ----------
    weights : sequence of ndarray, shape (R, fan_out, fan_in + 1)
        A layer each, the bias in the last column.
    activation : str
        Name of the hidden layers' activation.
    points : ndarray, shape (N, 2)
        The points that the grid covers.
    step : float
        Grid step, in the unit of the coordinates.
    margin : float
        How far the grid reaches beyond the points.

    Returns
    -------
    dict
        x1 (n1,) and x2 (n2,), the grid's coordinates; probability (n2, n1), the first
        replicate's probability of class 1; share (n2, n1), the share of the replicates that
        choose class 1. All float32.
    """
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    x1, x2 = (np.arange(a, b, step) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    sizes = [weights[0].shape[2] - 1, *(layer.shape[1] for layer in weights)]
    network = DenseNetwork(sizes, activation, "zeros", range(len(weights[0])))
    network.load(weights)
    probability, share = np.empty(len(grid)), np.empty(len(grid))
    for start in range(0, len(grid), CHUNK):
        chunk = slice(start, start + CHUNK)
        of_class_1 = network.predict_proba(grid[chunk])[:, :, 1]
        probability[chunk] = of_class_1[0]
        share[chunk] = (of_class_1 > 0.5).mean(axis=0)
    shape = (len(x2), len(x1))
    fields = {"probability": probability.reshape(shape), "share": share.reshape(shape)}
    return {
        name: values.astype(np.float32) for name, values in {"x1": x1, "x2": x2, **fields}.items()
    }
