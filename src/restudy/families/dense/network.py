"""The public interface of dense networks: make one, fit it, predict with it.

All replicates of a network, one per seed, train side by side in `Stack`s that fit into the
processor's cache.
"""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from restudy.families.arguments import check_argument, check_settings, show, whole_numbers
from restudy.families.contract import LARGEST_JOB, Setting, count
from restudy.families.dense.activations import make_activation
from restudy.families.dense.family import FAMILY
from restudy.families.dense.footprint import LAYER_RECORD_BYTES, RECORD_BYTES
from restudy.families.dense.initializers import draw_weights
from restudy.families.dense.optimizers import Optimizer
from restudy.families.dense.schedules import constant
from restudy.families.dense.stack import Batch, Stack, softmax
from restudy.families.dense.training import CHUNK, FACTOR, DenseResult, Plan, Points, Trainer

# What the configuration allows of a protocol is what is allowed here.
SETTINGS = {setting.name: setting for setting in FAMILY.protocol}
SIZES = replace(count("sizes", "Units of each layer."), type="counts", min_length=2)
PASSES = replace(SETTINGS["passes"], minimum=0)
SEEDS = Setting("seeds", "What `RandomState` takes.", "counts", minimum=0, maximum=2**32 - 1)
STOP_EARLY = SETTINGS["stop_early"]
# Working memory of a stack, in bytes: small enough for a core's caches. With less, too few
# replicates would share the overhead of each NumPy call.
WORKING_MEMORY = 2 << 20


class DenseNetwork:
    """Fully connected classifier with softmax output, with one replicate per seed.

    Parameters
    ----------
    sizes : sequence of int
        Layer sizes from input to output; the last is the number of classes.
    activation : str or mapping
        A name in `restudy.families.dense.activations.ACTIVATIONS`, or ``kind`` and parameters.
    initializer : str or mapping
        A name in `restudy.families.dense.initializers.INITIALIZERS`, or ``kind`` and parameters.
    seeds : sequence of int
        Seeds of the initial weights and of the order of minibatches, each once.
    l2, l1 : float
        λ₂ and λ₁ of the penalty (λ₂/2) Σ W² + λ₁ Σ |W|; biases are not penalised.
    arithmetic : {"corrected", "published"}
        ``published`` evaluates the activation's derivative at the activation, uses a softmax
        that overflows for logits above 709, and shares initial matrices in deep networks.
    precision : {"float64", "float32"}
        Type of all arrays.

    Attributes
    ----------
    weights : list of ndarray, shape (R, rows, fan_in + 1)
        One array per layer, with the bias in the last column; in hidden layers, the number of
        rows is that of the units times the activation's pieces.

    Raises
    ------
    TypeError, ValueError
        If an argument is of another type, or outside its range, which is the configuration's
        (``config/README.md``); the message names it, what was found and what is allowed.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from restudy.families.dense import DenseNetwork, adam
    >>> x, label = make_moons(200, noise=0.2, random_state=0)
    >>> network = DenseNetwork([2, 8, 2], activation="relu", seeds=range(20))
    >>> result = network.fit(x, label, adam(0.01), passes=500)
    >>> network.predict(x).shape
    (20, 200)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Mapping = "tanh",
        initializer: str | Mapping = "fan_in_normal",
        seeds: Sequence[int] = (0,),
        l2: float = 0.01,
        l1: float = 0.0,
        arithmetic: str = "corrected",
        precision: str = "float64",
    ):
        given = {"l2": l2, "l1": l1, "arithmetic": arithmetic, "precision": precision}
        for name, value in given.items():
            check_argument(SETTINGS[name], value)
        self.sizes = tuple(whole_numbers(SIZES, sizes))
        if self.sizes[-1] < 2:
            raise ValueError(f"sizes: got {self.sizes[-1]} classes, the last, allowed: from 2")
        self.activation = make_activation(activation)
        self.seeds = whole_numbers(SEEDS, seeds)
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: got {show(self.seeds)}, allowed: each seed once")
        self.l2 = l2
        self.l1 = l1
        self.arithmetic = arithmetic
        self.dtype = np.dtype(precision)
        self._check_memory()
        drawn = [
            draw_weights(self.sizes, initializer, seed, arithmetic, self.activation.pieces)
            for seed in self.seeds
        ]
        self.weights = [
            np.stack([_with_bias(matrix) for matrix in layer]).astype(self.dtype)
            for layer in zip(*drawn, strict=True)
        ]

    def _check_memory(self) -> None:
        """Refuse a network that no machine can hold."""
        fan_out = [*(size * self.activation.pieces for size in self.sizes[1:-1]), self.sizes[-1]]
        weights = sum((a + 1) * b for a, b in zip(self.sizes[:-1], fan_out, strict=True))
        needed = weights * len(self.seeds) * self.dtype.itemsize / 1e6
        if needed > LARGEST_JOB:
            raise ValueError(
                f"sizes: got {show(list(self.sizes))} with {len(self.seeds):,} seeds, whose "
                f"weights take {needed:,.0f} MB of memory, allowed: at most {LARGEST_JOB:,} MB"
            )

    def _check_records(self, passes: int, record_interval: int) -> None:
        """Refuse more records than a machine can hold."""
        layers = len(self.sizes) - 1
        records = passes / record_interval * len(self.seeds)
        needed = 1e-6 * records * (RECORD_BYTES + LAYER_RECORD_BYTES * layers)
        if needed > LARGEST_JOB:
            raise ValueError(
                f"record_interval: got {record_interval:,} with {passes:,} passes, whose records "
                f"take {needed:,.0f} MB of memory, allowed: at most {LARGEST_JOB:,} MB"
            )

    def fit(
        self,
        x: np.ndarray,
        label: np.ndarray,
        optimizer: Optimizer,
        passes: int,
        *,
        validation: tuple[np.ndarray, np.ndarray] | None = None,
        heldout: tuple[np.ndarray, np.ndarray] | None = None,
        batch_size: int = 0,
        schedule: Callable[[int], float] | None = None,
        record_interval: int = 400,
        snapshot_passes: Sequence[int] = (),
        stop_early: Mapping | None = None,
        earlier: Mapping[str, np.ndarray] | None = None,
        progress: Callable[[int, float], None] = lambda done, loss: None,
    ) -> DenseResult:
        """Train all replicates, starting from their present weights.

        Parameters
        ----------
        x : ndarray, shape (N, D) or (R, N, D)
            Training points: for all replicates, or of each, in the order of their seeds.
        label : ndarray of int, shape (N,) or (R, N)
            Their classes, from 0.
        optimizer : Optimizer
            Update rule, for instance ``gradient_descent(0.01)``.
        passes : int
            Passes over the training points; after 0, the start is recorded and nothing else.
        validation, heldout : (x, label), optional
            Points that are measured but never trained on: those by which the best is chosen, and
            those on which it is reported. Of shapes like those of the training points.
        batch_size : int
            Points per update; 0 takes all.
        schedule : callable, optional
            Pass (from 1) -> factor of the learning rate, from 0, the same whenever it is asked;
            see `restudy.families.dense.schedules`.
        record_interval : int
            Passes between two records; the start (pass 0) and the last pass are always recorded.
        snapshot_passes : sequence of int
            Passes after which the weights are saved.
        stop_early : mapping, optional
            ``measure``, ``patience`` and ``min_delta``, as in a protocol: each replicate ends when
            the measure has not become better for a while, with the weights that it was best with.
        earlier : mapping of str to ndarray, optional
            ``state`` of the result of an earlier call with fewer passes, and the same arguments
            otherwise, to go on from: the result is that of a single call. The schedule must not
            depend on the number of passes, and of the snapshots up to the earlier end there can be
            only those that were saved.
        progress : callable
            Called at each record with the passes done and a mean training loss. Since replicates
            may train in blocks, one after another, the passes are a mean over all replicates.

        Returns
        -------
        DenseResult

        Raises
        ------
        TypeError, ValueError
            If an argument is of another type or outside its range, or points or labels do not fit
            the network; the message names it, what was found and what is allowed. Nothing is
            trained then.
        """
        check_argument(PASSES, passes)
        for name, value in {"batch_size": batch_size, "record_interval": record_interval}.items():
            check_argument(SETTINGS[name], value)
        allowed = Setting("snapshot_passes", "", "counts", minimum=0, maximum=passes, min_length=0)
        snapshot_passes = whole_numbers(allowed, snapshot_passes)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer: got {show(optimizer)}, allowed: one such as adam(0.01)")
        if stop_early is not None:
            stop_early = check_settings(STOP_EARLY, stop_early)
            part = FAMILY.measure(stop_early["measure"]).part
            if {"validation": validation, "train": x}[part] is None:
                raise ValueError(
                    f"stop_early.measure: got {stop_early['measure']!r} without {part} points, "
                    f"allowed: with them, {part}=(x, label)"
                )
        self._check_records(passes, record_interval)
        if earlier is not None:
            self._check_earlier(earlier, passes, snapshot_passes)
        schedule = constant(max(passes, 1)) if schedule is None else schedule
        for name, value in {"schedule": schedule, "progress": progress}.items():
            if not callable(value):
                raise TypeError(f"{name}: got {show(value)}, allowed: a function")
        for pass_number in {1, passes} if passes else ():
            check_argument(FACTOR, schedule(pass_number))
        training = self._points(x, label)
        evaluated = {}
        for part, given in {"validation": validation, "heldout": heldout}.items():
            if given is None:
                continue
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise TypeError(f"{part}: got {show(given)}, allowed: points and their labels")
            evaluated[part] = self._points(*given, f"{part} ")
        plan = Plan(
            passes=passes,
            record_interval=record_interval,
            snapshot=frozenset(snapshot_passes),
            batch_size=batch_size if batch_size < len(training) else 0,
            schedule=schedule,
            stop_early=stop_early,
        )
        results = []
        # One thread: the matrices are small, and results must not depend on the number of cores.
        with _controller().limit(limits=1, user_api="blas"):
            for number, chosen in enumerate(self._blocks(len(training))):
                stack = self._stack(chosen)
                trainer = Trainer(
                    stack,
                    self.seeds[chosen],
                    optimizer,
                    plan,
                    training.of(chosen),
                    {part: points.of(chosen) for part, points in evaluated.items()},
                    None if earlier is None else _of_block(earlier, number),
                )
                done = chosen.start * passes
                results.append(
                    trainer.train(
                        lambda pass_number, loss, done=done, n=stack.replicates: progress(
                            (done + pass_number * n) // len(self.seeds), loss
                        )
                    )
                )
        result = _join(results)
        self.weights = result.weights
        return result

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the class probabilities of points (N, D), shape (R, N, C).

        Raises
        ------
        ValueError
            If the points do not fit the network, or are not finite.
        """
        parts = []
        for logits in self._logits(x):
            with np.errstate(over="ignore"):
                softmax(logits, 1.0, False, tuple(logits))
            parts.append(logits.transpose(1, 2, 0))
        return np.concatenate(parts, axis=1)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predicted class of each of the points (N, D), shape (R, N).

        Raises
        ------
        ValueError
            If the points do not fit the network, or are not finite.
        """
        return np.concatenate([logits.argmax(axis=0) for logits in self._logits(x)], axis=1)

    def _logits(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the logits (C, R, n) of a chunk of points at a time; the caller may change them."""
        stack = self._stack(slice(None))
        x = self._coordinates(x)
        with _controller().limit(limits=1, user_api="blas"):
            if not len(x):
                yield np.empty((self.sizes[-1], len(self.seeds), 0), self.dtype)
            for start in range(0, len(x), CHUNK):
                chosen = x[start : start + CHUNK]
                labels = np.zeros(len(chosen), int)
                yield stack.forward(Batch(chosen, labels, stack)).copy()

    def _stack(self, chosen: slice) -> Stack:
        rows = [size * self.activation.pieces for size in self.sizes[1:-1]]
        shapes = [
            (len(self.seeds), n, fan_in + 1)
            for n, fan_in in zip([*rows, self.sizes[-1]], self.sizes[:-1], strict=True)
        ]
        if not isinstance(self.weights, list | tuple):
            raise TypeError(f"weights: got {show(self.weights)}, allowed: a list of arrays")
        found = [_array("weights", layer).shape for layer in self.weights]
        if found != shapes:
            raise ValueError(f"weights: got arrays of shapes {found}, allowed: {shapes}")
        weights = [np.asarray(layer) for layer in self.weights]
        for given, layer in zip(self.weights, weights, strict=True):
            numbers = layer.dtype.kind in "fiu" and not _is_masked(given)
            if not numbers or not np.isfinite(layer).all():
                raise ValueError("weights: got a value that is not finite, allowed: finite numbers")
        weights = [layer[chosen].astype(self.dtype, copy=False) for layer in weights]
        return Stack(weights, self.activation, self.l2, self.l1, self.arithmetic == "published")

    def _blocks(self, points: int) -> Iterator[slice]:
        """Yield the replicates that train together: blocks of similar size that fit the memory."""
        rows = [layer.shape[1] for layer in self.weights]
        arrays = sum(self.sizes[1:]) + 2 * max(rows)
        if self.activation.reads_net_input:
            arrays += sum(rows)
        if self.arithmetic == "published":
            arrays += max(rows)
        largest = max(1, WORKING_MEMORY // (arrays * points * self.dtype.itemsize))
        blocks = math.ceil(len(self.seeds) / largest)
        ends = np.linspace(0, len(self.seeds), blocks + 1).round().astype(int).tolist()
        yield from (slice(start, end) for start, end in pairwise(ends))

    def _check_earlier(
        self, earlier: Mapping[str, np.ndarray], passes: int, snapshot_passes: Sequence[int]
    ) -> None:
        """Refuse the state of a training that can't go on to so many passes and snapshots.

        Raises
        ------
        ValueError
            If it is of more passes, of other weights, or lacks a snapshot.
        """
        if not isinstance(earlier, Mapping) or "0/made" not in earlier:
            raise TypeError(f"earlier: got {show(earlier)}, allowed: the state of a result")
        state = _of_block(earlier, 0)
        try:
            done, kept = int(state["made"][0]), set(state["snapshots/passes"].tolist())
            found = sum(array.size for name, array in earlier.items() if name.endswith("/arrays/0"))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            raise ValueError("earlier: got a damaged state, allowed: that of a result") from None
        if done > passes:
            raise ValueError(f"passes: got {passes}, allowed: at least {done}, those made earlier")
        lost = [each for each in snapshot_passes if each <= done and each not in kept]
        if lost:
            raise ValueError(
                f"snapshot_passes: got {lost[0]}, allowed: after the {done} passes made earlier, "
                "or among those saved then"
            )
        expected = sum(layer.size for layer in self.weights)
        if found != expected:
            raise ValueError(
                f"earlier: got a state of {found:,} weights, allowed: of the {expected:,} of this "
                "network"
            )

    def _points(self, x: np.ndarray, label: np.ndarray, part: str = "") -> Points:
        """Return points, after checking them.

        Raises
        ------
        ValueError
            If the shapes or the labels do not fit the network; ``part`` leads the names in it.
        """
        x = self._coordinates(x, f"{part}x", of_each=True)
        if not x.shape[-2]:
            raise ValueError(f"{part}x: got no points, allowed: one or more")
        if _is_masked(label):
            raise ValueError(f"{part}label: got masked values, allowed: a class of every point")
        label = _array(f"{part}label", label)
        if label.dtype == object and all(isinstance(each, Real) for each in label.ravel()):
            label = label.astype(float)
        if label.shape != x.shape[:-1]:
            raise ValueError(f"{part}label: got shape {label.shape}, allowed: {x.shape[:-1]}")
        classes = self.sizes[-1]
        others = label[~np.isin(label, range(classes))] if label.dtype.kind in "biuf" else label
        if others.size:
            raise ValueError(
                f"{part}label: got {show(others.ravel()[:1].tolist()[0])}, "
                f"allowed: whole numbers from 0 to {classes - 1}"
            )
        return Points(x, label.astype(int))

    def _coordinates(self, x: np.ndarray, name: str = "x", of_each: bool = False) -> np.ndarray:
        """Return points (N, D) as an array of real numbers, after checking them.

        With ``of_each``, they may also be a set for each replicate, (R, N, D).

        Raises
        ------
        ValueError
            If they are of another shape, no real numbers, masked, or not finite.
        """
        dimensions, replicates = self.sizes[0], len(self.seeds)
        allowed = f"(N, {dimensions})"
        if of_each:
            allowed += f" or ({replicates}, N, {dimensions}), a set for each seed"
        if _is_masked(x):
            raise ValueError(f"{name}: got masked values, allowed: finite numbers")
        given, x = x, _array(name, x)
        if x.ndim == 0:
            raise ValueError(f"{name}: got {show(given)}, allowed: an array {allowed}")
        sets = x.shape[:-2]
        if x.ndim < 2 or x.shape[-1] != dimensions or sets not in ((), (replicates,)[:of_each]):
            raise ValueError(f"{name}: got shape {x.shape}, allowed: {allowed}")
        if x.dtype == object:
            with contextlib.suppress(TypeError, ValueError, OverflowError):
                x = x.astype(float)
        if x.dtype.kind not in "fiub":
            raise ValueError(f"{name}: got values of type {x.dtype}, allowed: finite numbers")
        if not np.isfinite(x).all():
            raise ValueError(f"{name}: got a value that is not finite, allowed: finite numbers")
        return x


def _is_masked(found: Any) -> bool:
    """Return whether an array, or one of a list of them, has values that are masked."""
    rows = found if isinstance(found, list | tuple) else (found,)
    return any(np.ma.is_masked(row) for row in rows)


def _array(name: str, found: Any) -> np.ndarray:
    """Return what is given for an argument as an array."""
    try:
        return np.asarray(found)
    except ValueError:  # such as rows of different lengths
        raise ValueError(f"{name}: got {show(found)}, allowed: an array") from None


@cache
def _controller() -> ThreadpoolController:
    """Return what sets the threads of the library that multiplies matrices.

    Looking for that library takes longer than predicting a point.
    """
    return ThreadpoolController()


def _with_bias(matrix: np.ndarray) -> np.ndarray:
    """Return a drawn matrix (fan_in, rows) as (rows, fan_in + 1), with a bias of zero."""
    return np.hstack([matrix.T, np.zeros((matrix.shape[1], 1))])


def _join(results: Sequence[DenseResult]) -> DenseResult:
    """Join the results of consecutive blocks of replicates."""

    def stacked(parts):
        return [np.concatenate(layer) for layer in zip(*parts, strict=True)]

    tables = {
        name: pd.concat([getattr(result, name) for result in results], ignore_index=True)
        for name in ("runs", "history", "layers")
    }
    snapshots = {
        pass_number: stacked([result.snapshots[pass_number] for result in results])
        for pass_number in results[0].snapshots
    }
    return DenseResult(
        **tables,
        weights=stacked([result.weights for result in results]),
        snapshots=snapshots,
        state={
            f"{number}/{name}": array
            for number, result in enumerate(results)
            for name, array in result.state.items()
        },
    )


def _of_block(state: Mapping[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    """Return the part of a result's state that is of one block of replicates."""
    start = f"{number}/"
    return {
        name.removeprefix(start): array for name, array in state.items() if name.startswith(start)
    }
