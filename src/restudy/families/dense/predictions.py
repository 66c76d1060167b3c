"""What trained dense networks predict of points."""

from collections.abc import Mapping, Sequence

import numpy as np

from restudy.families.dense.network import DenseNetwork


def network_of(weights: Sequence[np.ndarray], activation: str | Mapping) -> DenseNetwork:
    """Return a network with the given weights.

    Parameters
    ----------
    weights : sequence of ndarray, shape (R, rows, fan_in + 1)
        One array per layer, with the bias in the last column. A hidden layer has several rows per
        unit if its activation has several pieces, so its number of units is taken from the next
        layer's inputs.
    activation : str or mapping
        The hidden layers' activation: a name, or ``kind`` and parameters.
    """
    inputs = [layer.shape[2] - 1 for layer in weights]
    sizes = [*inputs, weights[-1].shape[1]]
    network = DenseNetwork(sizes, activation, "zeros", range(len(weights[0])))
    network.weights = list(weights)
    return network


def predict(settings: Mapping, weights: Mapping[str, np.ndarray], points: np.ndarray) -> np.ndarray:
    """Return the probability that each of several networks gives to each class.

    Parameters
    ----------
    settings : mapping
        Settings of the cell, of which ``activation`` is used.
    weights : mapping of str to ndarray
        ``layer1``, ``layer2``, … of shape (R, rows, fan_in + 1), in any order.
    points : ndarray, shape (N, D)

    Returns
    -------
    ndarray, shape (R, N, C)
    """
    layers = [weights[f"layer{n}"] for n in range(1, len(weights) + 1)]
    return network_of(layers, settings["activation"]).predict_proba(points)
