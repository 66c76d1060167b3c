"""Snapshots of the weights during training: at which passes, and how many a budget allows."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

FINEST = 10  # 1,024 rungs between a pass and twice as many: every pass up to the thousandth


def snapshot_passes(passes: int, count: int) -> list[int]:
    """Return the passes after which weights are saved: the start, then about evenly on a log scale.

    They are rungs of a ladder that does not depend on how many passes there are, so that training
    can go on to more passes: of all earlier snapshots of the longer training, the shorter one has
    those up to its end. Level l of the ladder has the passes :math:`2^{k / 2^l}`, rounded, for
    every k; each level has those of the level below. As many levels are taken as there is room
    for, and what is left of the room goes to the largest rungs of the next level.

    Parameters
    ----------
    passes : int
        Number of passes; the last is always included.
    count : int
        Largest number of snapshots.

    Returns
    -------
    list of int
        Increasing, from 0; for a count of 1 only the last pass, for 0 none.
    """
    if count < 2:
        return [passes][:count]
    room = count - 2
    levels = (_rungs(passes, level) for level in range(FINEST, -FINEST, -1))
    finer: set[int] = set()
    for rungs in levels:
        if len(rungs) <= room:
            break
        finer = rungs
    else:
        rungs = set()
    more = sorted(finer - rungs)
    return sorted({0, passes, *rungs, *more[len(more) - min(room - len(rungs), len(more)) :]})


def _rungs(passes: int, level: int) -> set[int]:
    """Return the passes of a level of the ladder before the last pass."""
    steps = math.floor(math.log2(max(passes, 1)) * 2.0**level) + 1
    rungs = np.exp2(np.arange(steps) / 2.0**level).round().astype(int)
    return set(rungs[rungs < passes].tolist())


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
