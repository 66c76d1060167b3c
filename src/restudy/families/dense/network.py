"""The public interface of dense networks: make one, fit it, predict with it.

All replicates of a network, one per seed, train side by side in `Stack`s that fit into the
processor's cache.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from restudy.families.dense.activations import make_activation
from restudy.families.dense.initializers import draw_weights
from restudy.families.dense.optimizers import Optimizer
from restudy.families.dense.schedules import constant
from restudy.families.dense.stack import Batch, Stack, softmax
from restudy.families.dense.training import CHUNK, DenseResult, Plan, Points, Trainer
from restudy.families.lookup import check_allowed

ARITHMETICS = ("corrected", "published")
PRECISIONS = ("float64", "float32")
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
        Seeds of the initial weights and of the order of minibatches.
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
        check_allowed("arithmetic", arithmetic, ARITHMETICS)
        check_allowed("precision", precision, PRECISIONS)
        self.sizes = tuple(sizes)
        self.activation = make_activation(activation)
        self.seeds = list(seeds)
        self.l2 = l2
        self.l1 = l1
        self.arithmetic = arithmetic
        self.dtype = np.dtype(precision)
        drawn = [
            draw_weights(self.sizes, initializer, seed, arithmetic, self.activation.pieces)
            for seed in self.seeds
        ]
        self.weights = [
            np.stack([_with_bias(matrix) for matrix in layer]).astype(self.dtype)
            for layer in zip(*drawn, strict=True)
        ]

    def fit(
        self,
        x: np.ndarray,
        label: np.ndarray,
        optimizer: Optimizer,
        passes: int,
        *,
        heldout: tuple[np.ndarray, np.ndarray] | None = None,
        batch_size: int = 0,
        schedule: Callable[[int], float] | None = None,
        record_interval: int = 400,
        snapshot_passes: Sequence[int] = (),
        progress: Callable[[int, float], None] = lambda done, loss: None,
    ) -> DenseResult:
        """Train all replicates, starting from their present weights.

        Parameters
        ----------
        x : ndarray, shape (N, D)
            Training points.
        label : ndarray of int, shape (N,)
            Their classes, from 0.
        optimizer : Optimizer
            Update rule, for instance ``gradient_descent(0.01)``.
        passes : int
            Passes over the training points.
        heldout : (x, label), optional
            Points that are evaluated but never trained on.
        batch_size : int
            Points per update; 0 takes all.
        schedule : callable, optional
            Pass (from 1) -> factor of the learning rate; see `restudy.families.dense.schedules`.
        record_interval : int
            Passes between two records; the start (pass 0) and the last pass are always recorded.
        snapshot_passes : sequence of int
            Passes after which the weights are saved.
        progress : callable
            Called at each record with the passes done and a mean training loss. Since replicates
            may train in blocks, one after another, the passes are a mean over all replicates.

        Returns
        -------
        DenseResult

        Raises
        ------
        ValueError
            If points or labels do not fit the network, or a snapshot is outside the passes.
        """
        training = self._points(x, label)
        outside = sorted({each for each in snapshot_passes if not 0 <= each <= passes})
        if outside:
            raise ValueError(f"snapshot_passes: got {outside[0]}, allowed: from 0 to {passes}")
        plan = Plan(
            passes=passes,
            record=frozenset([*range(0, passes, record_interval), passes]),
            snapshot=frozenset(snapshot_passes),
            batch_size=batch_size if batch_size < len(label) else 0,
            schedule=schedule or constant(passes),
        )
        evaluated = None if heldout is None else self._points(*heldout)
        results = []
        # One thread: the matrices are small, and results must not depend on the number of cores.
        with threadpool_limits(1, "blas"):
            for chosen in self._blocks(len(label)):
                stack = self._stack(chosen)
                trainer = Trainer(stack, self.seeds[chosen], optimizer, plan, training, evaluated)
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
        """Return the class probabilities of points (N, D), shape (R, N, C)."""
        parts = []
        for logits in self._logits(x):
            with np.errstate(over="ignore"):
                softmax(logits, 1.0, False, tuple(logits))
            parts.append(logits.transpose(1, 2, 0))
        return np.concatenate(parts, axis=1)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predicted class of each of the points (N, D), shape (R, N)."""
        return np.concatenate([logits.argmax(axis=0) for logits in self._logits(x)], axis=1)

    def _logits(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the logits (C, R, n) of a chunk of points at a time; the caller may change them."""
        stack = self._stack(slice(None))
        x = np.asarray(x)
        with threadpool_limits(1, "blas"):
            for start in range(0, len(x), CHUNK):
                chosen = x[start : start + CHUNK]
                labels = np.zeros(len(chosen), int)
                yield stack.forward(Batch(chosen, labels, stack)).copy()

    def _stack(self, chosen: slice) -> Stack:
        weights = [layer[chosen] for layer in self.weights]
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

    def _points(self, x: np.ndarray, label: np.ndarray) -> Points:
        """Return points, after checking them.

        Raises
        ------
        ValueError
            If the shapes or the labels do not fit the network.
        """
        x, label = np.asarray(x), np.asarray(label)
        if x.ndim != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(f"x: got shape {x.shape}, allowed: (N, {self.sizes[0]})")
        if label.shape != (len(x),):
            raise ValueError(f"label: got shape {label.shape}, allowed: ({len(x)},)")
        classes = self.sizes[-1]
        if not np.isin(label, range(classes)).all():
            raise ValueError(f"label: allowed: whole numbers from 0 to {classes - 1}")
        return Points(x, label.astype(int))


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
        **tables, weights=stacked([result.weights for result in results]), snapshots=snapshots
    )
