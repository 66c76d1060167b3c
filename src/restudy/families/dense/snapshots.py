"""Weights kept on the way: at which passes, and how many of them a budget allows."""

from collections.abc import Mapping, Sequence

import numpy as np


def snapshot_passes(passes: int, count: int) -> list[int]:
    """Return the passes after which weights are kept: the start, others evenly on a log scale.

    Parameters
    ----------
    passes : int
        Passes of the training; the last is always among them.
    count : int
        How many at most; neighbours that round to the same pass count once.

    Returns
    -------
    list of int
        Increasing, from 0; only the last pass for a count of 1, none for 0.
    """
    if count < 2:
        return [passes][:count]
    return [0, *np.unique(np.geomspace(passes, 1, count - 1).round().astype(int)).tolist()]


def affordable_count(weights: Sequence[np.ndarray], count: int, megabytes: float) -> int:
    """Return how many of the wanted snapshots of these weights fit a budget (1 MB = 10⁶ bytes)."""
    size = sum(layer.nbytes for layer in weights)
    return min(count, int(megabytes * 1e6 // size))


def pack_snapshots(
    snapshots: Mapping[int, Sequence[np.ndarray]], seeds: Sequence[int]
) -> dict[str, np.ndarray]:
    """Return snapshots as arrays to save.

    Returns
    -------
    dict
        seeds (R,); passes (S,); and layer1, layer2, … of shape (S, R, rows, fan_in + 1), in the
        precision of the training. Without a snapshot, no layer.
    """
    layers = [np.stack(layer) for layer in zip(*snapshots.values(), strict=True)]
    named = {f"layer{number}": layer for number, layer in enumerate(layers, start=1)}
    return {"seeds": np.array(seeds), "passes": np.array(list(snapshots), int)} | named
