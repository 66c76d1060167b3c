"""Snapshots of the weights during training: at which passes, and how many a budget allows."""

from collections.abc import Mapping, Sequence

import numpy as np


def snapshot_passes(passes: int, count: int) -> list[int]:
    """Return the passes after which weights are saved: the start, then evenly on a log scale.

    Parameters
    ----------
    passes : int
        Number of passes; the last is always included.
    count : int
        Largest number of snapshots; neighbours that round to the same pass are merged.

    Returns
    -------
    list of int
        Increasing, from 0; for a count of 1 only the last pass, for 0 none.
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
        precision of the training. Without snapshots, there are no layers.
    """
    layers = [np.stack(layer) for layer in zip(*snapshots.values(), strict=True)]
    named = {f"layer{n}": layer for n, layer in enumerate(layers, start=1)}
    return {"seeds": np.array(seeds), "passes": np.array(list(snapshots), int)} | named
