"""Training of a stack of replicates, with records of its progress.

A replicate diverges when its loss or one of its weights stops being finite for good. Its last
finite weights are kept, pass and cause are recorded, and the others train on undisturbed. A loss
that is infinite only for a while (the published softmax can yield log 0) is no divergence. Whether
and when a replicate diverged must not depend on which passes are recorded: if something is not
finite at one of two successive records, every pass between them is examined.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from restudy.data.kinds import EVALUATED
from restudy.families.dense.optimizers import Optimizer
from restudy.families.dense.schedules import Schedule
from restudy.families.dense.stack import Batch, Stack

MEASURES = tuple(
    f"{part}_{quantity}" for part in ("train", *EVALUATED) for quantity in ("loss", "accuracy")
)
ACTIVITY = ("grad_norm", "saturated_share", "dead_share")
CHUNK = 500  # points per evaluation


@dataclass
class Points:
    """Labelled points: ``x`` of shape (N, D), float; ``label`` of shape (N,), int."""

    x: np.ndarray
    label: np.ndarray


@dataclass
class Plan:
    """What to do in which pass.

    Attributes
    ----------
    passes : int
        Number of passes over the training points.
    record : frozenset of int
        Passes after which measures are recorded; pass 0 is the start.
    snapshot : frozenset of int
        Passes after which the weights are saved.
    batch_size : int
        Points per update; 0 takes all, so that a pass is one update.
    schedule : callable
        Pass -> factor of the learning rate.
    """

    passes: int
    record: frozenset[int]
    snapshot: frozenset[int]
    batch_size: int
    schedule: Schedule


@dataclass
class DenseResult:
    """Outcome of a training; replicates are identified by their seeds.

    Attributes
    ----------
    runs : DataFrame
        A row per seed: passes, `MEASURES`, reported_loss, grad_norm, diverged_at (<NA> if it did
        not) and diverged_by ("loss", "weights" or missing). Measures of a diverged run are NaN.
    history : DataFrame
        A row per seed and recorded pass: seed, pass and `MEASURES`.
    layers : DataFrame
        A row per seed, recorded pass and layer (from 1; the last is the output layer): seed, pass,
        layer and `ACTIVITY`; the shares are NaN for the output layer.
    weights : list of ndarray, shape (R, rows, fan_in + 1)
        Final weights, with the bias in the last column; for a diverged run, the last finite ones.
    snapshots : dict of int to list of ndarray
        Pass -> weights after it, as in `weights`.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    layers: pd.DataFrame
    weights: list[np.ndarray]
    snapshots: dict[int, list[np.ndarray]]


@dataclass
class Divergence:
    """When and why a replicate stopped being finite, and its weights before that."""

    pass_number: int
    cause: str
    weights: list[np.ndarray]


class Trainer:
    """Trainer of all replicates of a stack.

    Parameters
    ----------
    stack : Stack
        Changed in place.
    seeds : sequence of int
        One per replicate: it identifies the replicate's rows and determines its minibatches.
    optimizer : Optimizer
        Update rule.
    plan : Plan
        Passes, records, batch size and schedule.
    training : Points
        Points to train on.
    evaluated : mapping of str to Points
        Those parts of `EVALUATED` that there are.
    """

    def __init__(
        self,
        stack: Stack,
        seeds: Sequence[int],
        optimizer: Optimizer,
        plan: Plan,
        training: Points,
        evaluated: Mapping[str, Points],
    ):
        self.stack = stack
        self.seeds = list(seeds)
        self.optimizer = optimizer
        self.plan = plan
        self.training = training
        self.full_batch = Batch(training.x, training.label, stack)
        self.evaluated = {part: list(self._chunks(points)) for part, points in evaluated.items()}
        self.slots = [np.full_like(stack.parameters, start) for start in optimizer.slots]
        self.updates = 0
        self.diverged: dict[int, Divergence] = {}
        # Whether a record has already computed the full-batch gradient at the present weights.
        self.gradient_ready = False

    def train(self, progress: Callable[[int, float], None]) -> DenseResult:
        """Train for all passes.

        Parameters
        ----------
        progress : callable
            Called at each record with the pass and the mean training loss of the replicates that
            have not diverged.
        """
        plan = self.plan
        records, snapshots = {}, {}
        if 0 in plan.snapshot:
            snapshots[0] = self._weights()
        # Overflow is a result here (a divergence), not a reason for a warning.
        with np.errstate(all="ignore"):
            for before, mark in pairwise([0, *sorted(plan.record)]):
                state = [array.copy() for array in self._state()], self.updates
                for pass_number in range(before + 1, mark + 1):
                    self._do_pass(pass_number)
                    if pass_number in plan.snapshot:
                        snapshots[pass_number] = self._weights()
                records[mark] = self._measure()
                suspects = self._suspects(records[mark]["train_loss"])
                if suspects:
                    self._find_divergence(suspects, state, before, mark)
                progress(mark, _mean_of_finite(records[mark]["train_loss"]))
        self._leave_out_diverged(records, snapshots)
        return DenseResult(
            runs=self._runs(records[plan.passes]),
            history=self._history(records),
            layers=self._layers(records),
            weights=self._freeze(self._weights(), plan.passes),
            snapshots=snapshots,
        )

    def _do_pass(self, pass_number: int) -> None:
        """Make one pass over the training points, with one update per batch."""
        stack, factor = self.stack, self.plan.schedule(pass_number)
        for batch in self._batches(pass_number):
            if not self.gradient_ready:
                stack.forward(batch)
                stack.backward(batch)
            self.gradient_ready = False
            self.updates += 1
            self.optimizer.update(
                stack.parameters, stack.gradient, self.slots, self.updates, factor
            )

    def _batches(self, pass_number: int) -> Iterator[Batch]:
        """Yield the batch of each update of a pass.

        Minibatches follow a random order of the points, which differs between replicates and
        depends only on seed and pass; the last batch takes what is left.
        """
        size = self.plan.batch_size
        if size == 0:
            yield self.full_batch
            return
        points = len(self.training.label)
        order = np.stack(
            [np.random.default_rng([seed, pass_number]).permutation(points) for seed in self.seeds]
        )
        for start in range(0, points, size):
            chosen = order[:, start : start + size]
            if chosen.shape[1] == 1:
                # With a single column, NumPy multiplies in a way that depends on the number of
                # replicates. The mean over the same point twice is the same.
                chosen = chosen.repeat(2, axis=1)
            yield Batch(self.training.x[chosen], self.training.label[chosen], self.stack)

    def _chunks(self, points: Points) -> Iterator[Batch]:
        """Yield points to evaluate in chunks, so that the buffers stay within the cache."""
        chunks = math.ceil(len(points.label) / CHUNK)
        # Of similar size: a last chunk of a single point would be summed in another way.
        for x, label in zip(
            np.array_split(points.x, chunks), np.array_split(points.label, chunks), strict=True
        ):
            yield Batch(x, label, self.stack)

    def _state(self) -> tuple[np.ndarray, ...]:
        return self.stack.parameters, *self.slots

    def _suspects(self, loss: np.ndarray) -> list[int]:
        """Return the replicates that are not finite now or were not at the last record.

        Those whose weights are known not to be finite stay so, and are not examined again.
        """
        finite = self.stack.finite()
        known = np.isin(range(self.stack.replicates), list(self.diverged))
        suspect = np.where(known, finite, ~finite | ~np.isfinite(loss))
        return np.flatnonzero(suspect).tolist()

    def _find_divergence(self, suspects: list[int], state, before: int, mark: int) -> None:
        """Repeat the passes since the last record to find when and why the suspects diverged.

        The numbers of all other replicates come out the same again.
        """
        arrays, self.updates = state
        for array, copy in zip(self._state(), arrays, strict=True):
            np.copyto(array, copy)
        self.gradient_ready = False
        self._note_divergence(suspects, before, self._weights())
        for pass_number in range(before + 1, mark + 1):
            weights = self._weights()
            self._do_pass(pass_number)
            self._note_divergence(suspects, pass_number, weights)

    def _note_divergence(
        self, suspects: list[int], pass_number: int, weights: list[np.ndarray]
    ) -> None:
        """Note which suspects stopped being finite in this pass, with the weights before it."""
        finite = self.stack.finite()
        loss = self.stack.measure([self.full_batch])[0] + self.stack.penalty()
        for replicate in suspects:
            if np.isfinite(loss[replicate]):
                self.diverged.pop(replicate, None)
            elif replicate not in self.diverged:
                cause = "loss" if finite[replicate] else "weights"
                own = [layer[replicate].copy() for layer in weights]
                self.diverged[replicate] = Divergence(pass_number, cause, own)

    def _weights(self) -> list[np.ndarray]:
        """Return a copy of all weights."""
        return [layer.copy() for layer in self.stack.weights]

    def _freeze(self, weights: list[np.ndarray], pass_number: int) -> list[np.ndarray]:
        """Replace weights of replicates that have diverged by their last finite ones, in place."""
        for replicate, divergence in self.diverged.items():
            if divergence.pass_number <= pass_number:
                for layer, own in zip(weights, divergence.weights, strict=True):
                    layer[replicate] = own
        return weights

    def _leave_out_diverged(self, records: dict, snapshots: dict) -> None:
        """Remove the values of replicates after their divergence from records and snapshots."""
        for mark, record in records.items():
            gone = [r for r, each in self.diverged.items() if each.pass_number <= mark]
            for values in record.values():
                values[gone] = np.nan
        for pass_number, weights in snapshots.items():
            self._freeze(weights, pass_number)

    def _measure(self) -> dict[str, np.ndarray]:
        """Return `MEASURES`, each (R,), and `ACTIVITY`, each (R, layers)."""
        stack = self.stack
        penalty = stack.penalty()
        record = dict.fromkeys(MEASURES, np.full(stack.replicates, np.nan))
        for part, batches in self.evaluated.items():
            loss, record[f"{part}_accuracy"] = stack.measure(batches)
            record[f"{part}_loss"] = loss + penalty
        loss, record["train_accuracy"] = stack.measure([self.full_batch])
        record["train_loss"] = loss + penalty
        shares = [layer.inactive_shares() for layer in stack.hidden_layers(self.full_batch)]
        stack.backward(self.full_batch)
        self.gradient_ready = self.plan.batch_size == 0
        # The output layer has no activation that could saturate.
        shares.append((np.full(stack.replicates, np.nan),) * 2)
        saturated, dead = zip(*shares, strict=True)
        record["grad_norm"] = stack.gradient_norms()
        record["saturated_share"] = np.stack(saturated, axis=1)
        record["dead_share"] = np.stack(dead, axis=1)
        return {name: np.array(values, float) for name, values in record.items()}

    def _runs(self, record: dict[str, np.ndarray]) -> pd.DataFrame:
        """Return a row per seed: the state after the last pass."""
        replicates = range(len(self.seeds))
        found = [self.diverged.get(replicate) for replicate in replicates]
        published = self.stack.published
        points = len(self.training.label)
        return pd.DataFrame(
            {
                "seed": self.seeds,
                "passes": [self.plan.passes if one is None else one.pass_number for one in found],
                **{name: record[name] for name in MEASURES},
                # The published code divides its loss by the number of points a second time.
                "reported_loss": record["train_loss"] / points if published else np.nan,
                "grad_norm": np.sqrt((record["grad_norm"] ** 2).sum(axis=1)),
                "diverged_at": pd.array(
                    [None if one is None else one.pass_number for one in found], dtype="Int64"
                ),
                "diverged_by": pd.array(
                    [None if one is None else one.cause for one in found], dtype="str"
                ),
            }
        )

    def _history(self, records: dict[int, dict[str, np.ndarray]]) -> pd.DataFrame:
        """Return a row per seed and record, up to the last record before a divergence."""
        columns = _long_form({"seed": self.seeds, "pass": list(records)})
        for name in MEASURES:
            values = np.stack([record[name] for record in records.values()], axis=1)
            columns[name] = values.ravel()
        history = pd.DataFrame(columns)
        return history[history["train_loss"].notna()].reset_index(drop=True)

    def _layers(self, records: dict[int, dict[str, np.ndarray]]) -> pd.DataFrame:
        """Return a row per seed, record and layer, up to the last record before a divergence."""
        layer_numbers = range(1, len(self.stack.weights) + 1)
        columns = _long_form({"seed": self.seeds, "pass": list(records), "layer": layer_numbers})
        for name in ACTIVITY:
            values = np.stack([record[name] for record in records.values()], axis=1)
            columns[name] = values.ravel()
        layers = pd.DataFrame(columns)
        return layers[layers["grad_norm"].notna()].reset_index(drop=True)


def _long_form(keys: dict[str, Sequence[int]]) -> dict[str, np.ndarray]:
    """Return columns of a table with a row for each combination of the keys' values."""
    grids = np.meshgrid(*keys.values(), indexing="ij")
    return {name: grid.ravel() for name, grid in zip(keys, grids, strict=True)}


def _mean_of_finite(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("nan")
