"""Training of a stack of replicates, with records of its progress.

A replicate diverges when its loss or one of its weights stops being finite for good. Its last
finite weights are kept, pass and cause are recorded, and the others train on undisturbed. A loss
that is infinite only for a while (the published softmax can yield log 0) is no divergence. Whether
and when a replicate diverged must not depend on which passes are recorded: if something is not
finite at one of two successive records, every pass between them is examined.

A replicate may stop early too, when a measure has not become better for a while; it keeps the
weights that it was best with, and the others train on undisturbed.

Training can go on from the state that an earlier one with fewer passes left, and ends as if it had
never paused. So a state has no record that was made only because the last pass was the last.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from restudy.families.arguments import check_argument
from restudy.families.calibration import measure_calibration
from restudy.families.contract import POINTS, Setting, calibration_measures
from restudy.families.dense.family import FAMILY
from restudy.families.dense.optimizers import Optimizer
from restudy.families.dense.schedules import Schedule
from restudy.families.dense.stack import Batch, Stack, softmax
from restudy.families.dense.state import Divergence, State
from restudy.families.stopping import EarlyStopping

MEASURES = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "heldout_loss",
    "heldout_accuracy",
)
CALIBRATION = tuple(each.name for each in calibration_measures(POINTS))
ACTIVITY = ("grad_norm", "saturated_share", "dead_share")
CHUNK = 500  # points per evaluation
FACTOR = Setting("schedule", "Factor of the learning rate.", minimum=0)


@dataclass
class Points:
    """Labelled points, the same for all replicates or a set for each of them.

    Attributes
    ----------
    x : ndarray of float, shape (N, D) or (R, N, D)
        Features.
    label : ndarray of int, shape (N,) or (R, N)
        Classes.
    """

    x: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        """Return N."""
        return self.label.shape[-1]

    def of(self, replicates: slice) -> "Points":
        """Return the points of some of the replicates."""
        if self.label.ndim == 1:
            return self
        return Points(self.x[replicates], self.label[replicates])

    def take(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return x (R, n, D) and labels (R, n) of the points at the places ``chosen`` (R, n)."""
        if self.label.ndim == 1:
            return self.x[chosen], self.label[chosen]
        x = np.take_along_axis(self.x, chosen[:, :, None], axis=1)
        return x, np.take_along_axis(self.label, chosen, axis=1)


@dataclass
class Plan:
    """What to do in which pass.

    Attributes
    ----------
    passes : int
        Number of passes over the training points.
    record_interval : int
        Passes between two records; the start (pass 0) and the last pass are always recorded.
    snapshot : frozenset of int
        Passes after which the weights are saved.
    batch_size : int
        Points per update; 0 takes all, so that a pass is one update.
    schedule : callable
        Pass -> factor of the learning rate.
    stop_early : mapping or None
        ``measure``, ``patience`` and ``min_delta``, see `restudy.families.stopping`; without it,
        every replicate trains for all passes.
    """

    passes: int
    record_interval: int
    snapshot: frozenset[int]
    batch_size: int
    schedule: Schedule
    stop_early: Mapping | None = None

    @property
    def records(self) -> tuple[int, ...]:
        """The passes after which measures are recorded, in order."""
        return (*range(0, self.passes, self.record_interval), self.passes)


@dataclass
class DenseResult:
    """Outcome of a training; replicates are identified by their seeds.

    Attributes
    ----------
    runs : DataFrame
        A row per seed: passes, `MEASURES`, `CALIBRATION`, reported_loss, grad_norm, diverged_at
        (<NA> if it did not), diverged_by ("loss", "weights" or missing), stopped_at (<NA> if it did
        not stop early) and best_at, the pass that measures and weights are of where it may stop
        early.
        Measures of a diverged run are NaN.
    history : DataFrame
        A row per seed and recorded pass: seed, pass and `MEASURES`.
    layers : DataFrame
        A row per seed, recorded pass and layer (from 1; the last is the output layer): seed, pass,
        layer and `ACTIVITY`; the shares are NaN for the output layer.
    weights : list of ndarray, shape (R, rows, fan_in + 1)
        Final weights, with the bias in the last column; for a diverged run, the last finite ones.
    snapshots : dict of int to list of ndarray
        Pass -> weights after it, as in `weights`.
    state : dict of str to ndarray
        From which training can go on to more passes.
    """

    runs: pd.DataFrame
    history: pd.DataFrame
    layers: pd.DataFrame
    weights: list[np.ndarray]
    snapshots: dict[int, list[np.ndarray]]
    state: dict[str, np.ndarray]


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
        The validation and the held-out points, as far as there are some, by part.
    earlier : mapping of str to ndarray, optional
        State that an earlier training left after at most as many passes, to go on from.
    """

    def __init__(
        self,
        stack: Stack,
        seeds: Sequence[int],
        optimizer: Optimizer,
        plan: Plan,
        training: Points,
        evaluated: Mapping[str, Points],
        earlier: Mapping[str, np.ndarray] | None = None,
    ):
        self.stack = stack
        self.seeds = list(seeds)
        self.optimizer = optimizer
        self.plan = plan
        self.training = training
        self.full_batch = Batch(training.x, training.label, stack)
        self.evaluated = {part: list(self._chunks(points)) for part, points in evaluated.items()}
        self.slots = [np.full_like(stack.parameters, start) for start in optimizer.slots]
        self.passes = self.updates = 0
        self.records: dict[int, dict[str, np.ndarray]] = {}
        self.snapshots: dict[int, list[np.ndarray]] = {}
        self.diverged: dict[int, Divergence] = {}
        self.stopping = [self._rule() for _ in self.seeds if plan.stop_early]
        self.best = self._weights() if plan.stop_early else []
        # Whether a record has already computed the full-batch gradient at the present weights.
        self.gradient_ready = False
        if earlier is not None:
            try:
                self._restore(State.unpack(earlier, self._rule))
            except (KeyError, IndexError, TypeError, ValueError):
                raise ValueError(
                    "earlier: got a state that this optimizer and these seeds can't go on from, "
                    "allowed: the state of a result with the same arguments"
                ) from None

    def _rule(self) -> EarlyStopping:
        measure = FAMILY.measure(self.plan.stop_early["measure"])
        return EarlyStopping.of(self.plan.stop_early, measure)

    def _restore(self, state: State) -> None:
        """Go back to where an earlier training was left."""
        for array, kept in zip(self._state(), state.arrays, strict=True):
            np.copyto(array, kept)
        self.passes, self.updates = state.passes, state.updates
        self.records, self.snapshots = state.records, state.snapshots
        self.diverged, self.stopping, self.best = state.diverged, state.stopping, state.best

    def _pack(self) -> dict[str, np.ndarray]:
        return State(
            self.passes,
            self.updates,
            [*self._state()],
            self.records,
            self.snapshots,
            self.diverged,
            self.stopping,
            self.best,
        ).pack()

    def train(self, progress: Callable[[int, float], None]) -> DenseResult:
        """Train for all passes.

        Parameters
        ----------
        progress : callable
            Called at each record with the pass and the mean training loss of the replicates that
            have not diverged.
        """
        state = None
        if not self.records and 0 in self.plan.snapshot:
            self.snapshots[0] = self._weights()
        # Overflow is a result here (a divergence), not a reason for a warning.
        with np.errstate(all="ignore"):
            for mark in self.plan.records:
                if mark in self.records or self._has_ended():
                    continue
                record = self._train_to(mark)
                if mark % self.plan.record_interval:
                    # A training of more passes has no record here.
                    state = self._pack()
                self.records[mark] = record
                self._stop(mark, record)
                progress(mark, _mean_of_finite(record["train_loss"]))
        return self._result(state or self._pack())

    def _train_to(self, mark: int) -> dict[str, np.ndarray]:
        """Make all passes up to a record; return what is measured there."""
        before, state = self.passes, ([array.copy() for array in self._state()], self.updates)
        for pass_number in range(before + 1, mark + 1):
            self._do_pass(pass_number)
            if pass_number in self.plan.snapshot:
                self.snapshots[pass_number] = self._weights()
        self.passes = mark
        record = self._measure()
        suspects = self._suspects(record["train_loss"])
        if suspects:
            self._find_divergence(suspects, state, before, mark)
        return record

    def _stop(self, mark: int, record: dict[str, np.ndarray]) -> None:
        """Note which replicates are better than ever, and which stop early."""
        for replicate, rule in enumerate(self.stopping):
            if rule.stopped_at is None and replicate not in self.diverged:
                value = record[self.plan.stop_early["measure"]][replicate]
                if rule.record(mark, float(value)):
                    for best, layer in zip(self.best, self.stack.weights, strict=True):
                        best[replicate] = layer[replicate]

    def _has_ended(self) -> bool:
        """Whether every replicate has stopped early, or will never be finite again."""
        stopped = np.array([rule.stopped_at is not None for rule in self.stopping])
        return bool(stopped.any() and (stopped | ~self.stack.finite()).all())

    def _result(self, state: dict[str, np.ndarray]) -> DenseResult:
        """Return what was recorded, but for what came after the end of each replicate."""
        final = {name: values.copy() for name, values in self._final().items()}
        # Where all replicates have ended, later weights are those that they ended with.
        snapshots = {
            mark: self.snapshots.get(mark) or self._weights() for mark in sorted(self.plan.snapshot)
        }
        weights = self._weights()
        for replicate, (end, kept) in self._ends().items():
            gone = replicate in self.diverged
            void = [record for mark, record in self.records.items() if mark >= end]
            for record in [*void, *([final] if gone else [])]:
                for values in record.values():
                    values[replicate] = np.nan
            later = [each for mark, each in snapshots.items() if mark >= min(end, self.plan.passes)]
            for layers in (weights, *later):
                for layer, own in zip(layers, kept, strict=True):
                    layer[replicate] = own
        final |= self._calibration(weights)
        return DenseResult(
            runs=self._runs(final),
            history=self._history(self.records),
            layers=self._layers(self.records),
            weights=weights,
            snapshots=snapshots,
            state=state,
        )

    def _calibration(self, weights: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Return `CALIBRATION` of networks with these weights, each (R,); NaN if one diverged.

        The stack keeps the weights.
        """
        if "heldout" not in self.evaluated:
            return dict.fromkeys(CALIBRATION, np.full(self.stack.replicates, np.nan))
        for own, kept in zip(self.stack.weights, weights, strict=True):
            np.copyto(own, kept)
        probabilities = []
        for batch in self.evaluated["heldout"]:
            with np.errstate(all="ignore"):
                logits = self.stack.forward(batch)
                softmax(logits, 1.0, False, tuple(logits))
            # A copy, as the next batch overwrites them; each replicate's by itself, as its sums are
            # then taken in the same order for any number of replicates.
            probabilities.append(np.ascontiguousarray(logits.transpose(1, 2, 0)))
        label = np.concatenate([batch.labels for batch in self.evaluated["heldout"]], axis=1)
        found = measure_calibration("heldout", np.concatenate(probabilities, axis=1), label)
        for values in found.values():
            values[list(self.diverged)] = np.nan
        return found

    def _ends(self) -> dict[int, tuple[int, list[np.ndarray]]]:
        """Return the first pass that no longer counts, and the weights that are kept.

        Of each replicate that diverged or may stop early.
        """
        ends = {}
        for replicate, rule in enumerate(self.stopping):
            last = self.plan.passes if rule.stopped_at is None else rule.stopped_at
            ends[replicate] = last + 1, [layer[replicate] for layer in self.best]
        for replicate, each in self.diverged.items():
            ends[replicate] = each.pass_number, each.weights
        return ends

    def _final(self) -> dict[str, np.ndarray]:
        """Return what each replicate ends with: the last record, or the best one."""
        if not self.stopping:
            return self.records[self.plan.passes]
        chosen = [self.records[rule.best_at or 0] for rule in self.stopping]
        return {
            name: np.stack([record[name][replicate] for replicate, record in enumerate(chosen)])
            for name in chosen[0]
        }

    def _do_pass(self, pass_number: int) -> None:
        """Make one pass over the training points, with one update per batch."""
        stack, factor = self.stack, self.plan.schedule(pass_number)
        if not (type(factor) is float and 0 <= factor < math.inf):
            check_argument(FACTOR, factor)
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
        points = len(self.training)
        order = np.stack(
            [np.random.default_rng([seed, pass_number]).permutation(points) for seed in self.seeds]
        )
        for start in range(0, points, size):
            chosen = order[:, start : start + size]
            if chosen.shape[1] == 1:
                # With a single column, NumPy multiplies in a way that depends on the number of
                # replicates. The mean over the same point twice is the same.
                chosen = chosen.repeat(2, axis=1)
            yield Batch(*self.training.take(chosen), self.stack)

    def _chunks(self, points: Points) -> Iterator[Batch]:
        """Yield points to evaluate in chunks, so that the buffers stay within the cache."""
        chunks = math.ceil(len(points) / CHUNK)
        # Of similar size: a last chunk of a single point would be summed in another way.
        for x, label in zip(
            np.array_split(points.x, chunks, axis=-2),
            np.array_split(points.label, chunks, axis=-1),
            strict=True,
        ):
            yield Batch(x, label, self.stack)

    def _state(self) -> tuple[np.ndarray, ...]:
        return self.stack.parameters, *self.slots

    def _suspects(self, loss: np.ndarray) -> list[int]:
        """Return the replicates that are not finite now or were not at the last record.

        Those whose weights are known not to be finite stay so, and are not examined again; nor is
        what became of those that have stopped.
        """
        finite = self.stack.finite()
        known = np.isin(range(self.stack.replicates), list(self.diverged))
        suspect = np.where(known, finite, ~finite | ~np.isfinite(loss))
        for replicate, rule in enumerate(self.stopping):
            suspect[replicate] &= rule.stopped_at is None
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
        """Return a row per seed: what it ended with."""
        replicates = range(len(self.seeds))
        found = [self.diverged.get(replicate) for replicate in replicates]
        stopped = [rule.stopped_at for rule in self.stopping] or [None for _ in replicates]
        passes = [
            one.pass_number if one else self.plan.passes if at is None else at
            for one, at in zip(found, stopped, strict=True)
        ]
        published = self.stack.published
        points = len(self.training)
        return pd.DataFrame(
            {
                "seed": self.seeds,
                "passes": passes,
                **{name: record[name] for name in (*MEASURES, *CALIBRATION)},
                # The published code divides its loss by the number of points a second time.
                "reported_loss": record["train_loss"] / points if published else np.nan,
                "grad_norm": np.sqrt((record["grad_norm"] ** 2).sum(axis=1)),
                "diverged_at": pd.array(
                    [None if one is None else one.pass_number for one in found], dtype="Int64"
                ),
                "diverged_by": pd.array(
                    [None if one is None else one.cause for one in found], dtype="str"
                ),
                "stopped_at": pd.array(stopped, dtype="Int64"),
                "best_at": pd.array(
                    [
                        rule.best_at if one is None else None
                        for rule, one in zip(self.stopping, found, strict=True)
                    ]
                    if self.stopping
                    else [None for _ in replicates],
                    dtype="Int64",
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
