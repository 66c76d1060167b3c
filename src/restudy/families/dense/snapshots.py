"""Weights kept on the way: at which passes, how many, and what a page must know to use them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from restudy.families import components


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


def describe_for_browser(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page has to know of a cell's networks to run them from their weights.

    Parameters
    ----------
    settings : mapping
        Of the cell.

    Returns
    -------
    dict
        ``activation``, its kind and all its settings; ``form``, the JavaScript of the kind, empty
        where it has none; ``arithmetic``, ``l1`` and ``l2``.
    """
    activation = dict(settings["activation"])
    forms = {kind.name: kind.javascript for kind in components.ACTIVATIONS}
    return {
        "activation": activation,
        "form": forms.get(activation["kind"], ""),
        **{key: settings["protocol"][key] for key in ("arithmetic", "l1", "l2")},
    }
