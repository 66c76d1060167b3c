"""Full-batch training of all replicates of a cell, with a record of what happened.

A replicate diverges when one of its weights is no longer finite, from which there is no way back.
The pass is noted exactly, its results are those of the last record before, and the others go on
untouched. A loss that is infinite for a while (the published softmax can say log 0) is no
divergence, unless it stands so at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from backprop.dense.network import DenseNetwork, scaled_targets
from backprop.dense.optimizers import Optimizer

MEASURES = ("train_loss", "train_accuracy", "heldout_loss", "heldout_accuracy")


@dataclass
class Points:
    """Labelled points: ``x`` of shape (N, D), float; ``label`` of shape (N,), int."""

    x: np.ndarray
    label: np.ndarray


@dataclass
class DenseResult:
    """What a training run leaves.

    Attributes
    ----------
    history : DataFrame
        A row per seed and recorded pass: seed, pass and `MEASURES`.
    runs : DataFrame
        A row per seed: passes, `MEASURES`, reported_loss, grad_norm, diverged_at (<NA> where it
        did not). Measures of a diverged run are NaN.
    weights : list of ndarray, shape (R, fan_out, fan_in + 1)
        Final weights, the bias in the last column; of a diverged run, the last finite record.
    """

    history: pd.DataFrame
    runs: pd.DataFrame
    weights: list[np.ndarray]


def train(
    network: DenseNetwork,
    optimizer: Optimizer,
    training: Points,
    heldout: Points,
    passes: int,
    record_interval: int,
    progress: Callable[[int, float], None] = lambda number, loss: None,
) -> DenseResult:
    """Train all replicates for a number of full-batch passes.

    Parameters
    ----------
    network : DenseNetwork
        Changed in place.
    optimizer : Optimizer
        Update rule.
    training, heldout : Points
        What is learned from, and fresh points that are only measured.
    passes : int
        Number of updates.
    record_interval : int
        Passes between two records; the first (pass 0) and the last are always recorded.
    progress : callable
        Told the pass and the mean training loss of the finite replicates at each record.

    Returns
    -------
    DenseResult
    """
    inputs = network.prepare(training.x)
    heldout_inputs = network.prepare(heldout.x)
    targets = scaled_targets(training.label, network.sizes[-1], network.dtype)
    slots = [np.full_like(network.parameters, start) for start in optimizer.slots]
    state = (network.parameters, *slots)
    saved = [array.copy() for array in state]
    diverged_at = np.zeros(len(network.seeds), int)
    frozen: dict[int, list[np.ndarray]] = {}
    records = []

    def advance(number: int) -> None:
        network.forward(inputs)
        network.backward(inputs, targets)
        optimizer.update(network.parameters, network.gradient, slots, number)

    def measure() -> np.ndarray:
        on_training = network.measure(inputs, training.label)
        on_heldout = network.measure(heldout_inputs, heldout.label)
        return np.array([*on_training, *on_heldout])

    # Overflow is a result here (a divergence), not a reason for a warning on the terminal.
    with np.errstate(all="ignore"):
        previous = 0
        for mark in [*range(0, passes, record_interval), passes]:
            for number in range(previous + 1, mark + 1):
                advance(number)
            measures = measure()
            fresh = np.flatnonzero(~_finite(network) & (diverged_at == 0))
            if fresh.size:
                # Some pass since the last record did it. Go back there and look at every pass:
                # the others' numbers come out the same a second time.
                for array, copy in zip(state, saved, strict=True):
                    np.copyto(array, copy)
                frozen.update({r: [w[r].copy() for w in network.weights] for r in fresh})
                for number in range(previous + 1, mark + 1):
                    advance(number)
                    diverged_at[~_finite(network) & (diverged_at == 0)] = number
            if mark == passes:
                diverged_at[~np.isfinite(measures[0]) & (diverged_at == 0)] = passes
            measures[:, diverged_at > 0] = np.nan
            records.append((mark, measures))
            alive = measures[0][diverged_at == 0]
            progress(mark, float(alive.mean()) if alive.size else float("nan"))
            for copy, array in zip(saved, state, strict=True):
                np.copyto(copy, array)
            previous = mark
        network.forward(inputs)
        network.backward(inputs, targets)
        gradient_norm = np.where(diverged_at > 0, np.nan, network.gradient_norm())
    weights = [view.copy() for view in network.weights]
    for replicate, last_finite in frozen.items():
        for matrix, values in zip(weights, last_finite, strict=True):
            matrix[replicate] = values
    history = _history(records, network.seeds)
    runs = _runs(records[-1], network, gradient_norm, diverged_at, len(training.label))
    return DenseResult(history, runs, weights)


def _finite(network: DenseNetwork) -> np.ndarray:
    """Whether each replicate's weights are all finite, shape (R,)."""
    return np.logical_and.reduce([np.isfinite(w).all(axis=(1, 2)) for w in network.weights])


def _history(records, seeds) -> pd.DataFrame:
    """A row per seed and record, up to the last record before a divergence."""
    frames = [
        pd.DataFrame({"seed": seeds, "pass": mark, **dict(zip(MEASURES, measures, strict=True))})
        for mark, measures in records
    ]
    history = pd.concat(frames, ignore_index=True)
    history = history.sort_values(["seed", "pass"], kind="stable", ignore_index=True)
    return history[history["train_loss"].notna()].reset_index(drop=True)


def _runs(record, network, gradient_norm, diverged_at, points) -> pd.DataFrame:
    """A row per seed: the state after the last pass."""
    passes, measures = record
    loss = measures[0]
    published = network.arithmetic == "published"
    return pd.DataFrame(
        {
            "seed": network.seeds,
            "passes": np.where(diverged_at > 0, diverged_at, passes),
            **dict(zip(MEASURES, measures, strict=True)),
            # The published code divides its loss by the number of points a second time.
            "reported_loss": loss / points if published else np.nan,
            "grad_norm": gradient_norm,
            "diverged_at": pd.array(
                [number if number > 0 else None for number in diverged_at], dtype="Int64"
            ),
        }
    )
