"""Several replicates of one network side by side, all served by one forward and backward pass.

The stack defines the loss: softmax cross-entropy over any number of classes, plus penalties on the
weights. All computations use memory that is allocated once.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from restudy.families.dense.activations import Activation
from restudy.families.dense.layers import Layer, Scratch, by_replicate

NARROW = 32  # columns


class Batch:
    """Labelled points in the form that a stack needs.

    Parameters
    ----------
    x : ndarray, shape (N, D) or (R, N, D)
        One set of points for all replicates, or one per replicate.
    labels : ndarray of int, shape (N,) or (R, N)
        Their classes.
    stack : Stack
        The stack that will use them.

    Attributes
    ----------
    points : int
        N.
    inputs : ndarray, shape (D + 1, N) or (R, D + 1, N)
        The points, with a last row of ones.
    inputs_transposed : ndarray, shape (N, D + 1) or (R, N, D + 1)
        The transpose of ``inputs``.
    targets : ndarray, shape (C, R, N)
        One-hot labels divided by N.
    labels : ndarray of int, shape (R, N)
        Classes.
    signs : ndarray, shape (R, N)
        1 for class 1, -1 for the others.
    """

    def __init__(self, x: np.ndarray, labels: np.ndarray, stack: "Stack"):
        rows = np.ones((*x.shape[:-1], x.shape[-1] + 1), stack.dtype)
        rows[..., :-1] = x
        self.points = x.shape[-2]
        self.inputs = np.ascontiguousarray(rows.swapaxes(-1, -2))
        # In products, a transposed view is faster for narrow matrices, a copy for wide ones.
        narrow = rows.shape[-1] <= NARROW
        self.inputs_transposed = self.inputs.swapaxes(-1, -2) if narrow else rows
        self.labels = np.broadcast_to(labels, (stack.replicates, self.points))
        self.signs = np.where(self.labels == 1, 1, -1).astype(stack.dtype)
        classes = np.arange(stack.classes)[:, None, None]
        self.targets = (self.labels == classes).astype(stack.dtype) / stack.dtype.type(self.points)


class Chain:
    """The layers of a stack, with buffers for a given number of points."""

    def __init__(self, layers: Sequence[Layer]):
        *self.hidden, self.last = self.layers = list(layers)
        self.downwards = self.hidden[::-1]
        self.logits = self.last.value
        self.by_class = tuple(self.logits)


class Stack:
    """R replicates of a fully connected classifier.

    Parameters
    ----------
    weights : sequence of ndarray, shape (R, rows, fan_in + 1)
        Initial values for each layer, with the bias in the last column; in hidden layers, the
        number of rows is that of the units times the activation's pieces. They are copied.
    activation : Activation
        Activation of the hidden layers.
    l2, l1 : float
        λ₂ and λ₁ of the penalty (λ₂/2) Σ W² + λ₁ Σ |W|; biases are not penalised.
    published : bool
        Evaluate the activation's derivative at the activation, and use a softmax that overflows
        for logits above 709, as the published code does.

    Attributes
    ----------
    parameters, gradient : ndarray, shape (P · R,)
        All weights and biases of all replicates, and their loss gradient.
    weights, gradients : list of ndarray, shape (R, rows, fan_in + 1)
        Views of the same memory, one per layer.
    """

    def __init__(
        self,
        weights: Sequence[np.ndarray],
        activation: Activation,
        l2: float = 0.0,
        l1: float = 0.0,
        published: bool = False,
    ):
        self.activation = activation
        self.l2 = l2
        self.l1 = l1
        self.published = published
        self.dtype = weights[0].dtype
        self.replicates = len(weights[0])
        self.classes = weights[-1].shape[1]
        self._shapes = [by_replicate(layer).shape for layer in weights]
        self.parameters = np.concatenate([by_replicate(layer).ravel() for layer in weights])
        self.gradient = np.zeros_like(self.parameters)
        self.weights = [by_replicate(view) for view in self._views(self.parameters)]
        self.gradients = [by_replicate(view) for view in self._views(self.gradient)]
        # 1 for weights and 0 for biases: the penalties are multiplied by it.
        self._penalised = np.zeros_like(self.parameters)
        for view in self._views(self._penalised):
            view[:, :, :-1] = 1.0
        self._decay = (l2 * self._penalised).astype(self.dtype)
        self._work = np.empty_like(self.parameters)
        self._chains: dict[int, Chain] = {}

    def _views(self, flat: np.ndarray) -> list[np.ndarray]:
        """Return each layer's part (rows, R, fan_in + 1) of a flat array."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        return [
            flat[end - int(np.prod(shape)) : end].reshape(shape)
            for end, shape in zip(ends, self._shapes, strict=True)
        ]

    def chain(self, points: int) -> Chain:
        """Return the layers with buffers for a number of points, made on first use."""
        if points not in self._chains:
            widest = max(max(rows, columns) for rows, _, columns in self._shapes)
            scratch = Scratch(widest * self.replicates * points, self.dtype)
            activations = [*(self.activation for _ in self._shapes[:-1]), None]
            parts = zip(
                self._views(self.parameters), self._views(self.gradient), activations, strict=True
            )
            self._chains[points] = Chain(
                [
                    Layer(weights, gradient, activation, self.published, points, scratch)
                    for weights, gradient, activation in parts
                ]
            )
        return self._chains[points]

    def forward(self, batch: Batch) -> np.ndarray:
        """Return the logits of all replicates, shape (C, R, N); the next call overwrites them."""
        chain = self.chain(batch.points)
        signal = batch.inputs
        for layer in chain.layers:
            signal = layer.forward(signal)
        return chain.logits

    def backward(self, batch: Batch) -> None:
        """Fill `gradient` with the gradient of mean cross-entropy plus penalties.

        Uses the state that `forward` left for the same batch, and overwrites the logits.
        """
        chain = self.chain(batch.points)
        logits = chain.logits
        softmax(logits, 1.0 / batch.points, self.published, chain.by_class)
        np.subtract(logits, batch.targets, logits)
        above = chain.last
        for layer in chain.downwards:
            above.store_gradient(layer.output_transposed)
            layer.backward(above.pull_back())
            above = layer
        above.store_gradient(batch.inputs_transposed)
        if self.l2:
            np.multiply(self._decay, self.parameters, self._work)
            np.add(self.gradient, self._work, self.gradient)
        if self.l1:
            np.sign(self.parameters, self._work)
            self._work *= self._penalised
            self._work *= self.l1
            self.gradient += self._work

    def penalty(self) -> np.ndarray:
        """Return (λ₂/2) Σ W² + λ₁ Σ |W| of each replicate, shape (R,)."""
        matrices = [_side_by_side(layer[:, :, :-1]) for layer in self.weights]
        total = np.zeros(self.replicates)
        if self.l2:  # if zero, squares may overflow and must not count
            total += 0.5 * self.l2 * np.sum([np.einsum("ri,ri->r", m, m) for m in matrices], axis=0)
        if self.l1:
            total += self.l1 * np.sum([np.abs(m).sum(axis=1) for m in matrices], axis=0)
        return total

    def measure(self, batches: Iterable[Batch]) -> tuple[np.ndarray, np.ndarray]:
        """Return mean cross-entropy and accuracy of each replicate over batches, both (R,)."""
        losses, correct, points = np.zeros(self.replicates), np.zeros(self.replicates), 0
        for batch in batches:
            logits = self.forward(batch)
            losses += cross_entropy(logits, batch, self.published).sum(axis=1)
            correct += (most_likely(logits) == batch.labels).sum(axis=1)
            points += batch.points
        return losses / points, correct / points

    def hidden_layers(self, batch: Batch) -> list[Layer]:
        """Return the hidden layers in the state that `forward` left for this batch."""
        return self.chain(batch.points).hidden

    def gradient_norms(self) -> np.ndarray:
        """Return the Euclidean norm of each replicate's gradient by layer, shape (R, layers)."""
        parts = [_side_by_side(gradient) for gradient in self.gradients]
        return np.sqrt(np.stack([np.einsum("ri,ri->r", part, part) for part in parts], axis=1))

    def finite(self) -> np.ndarray:
        """Return for each replicate whether all its weights are finite, shape (R,)."""
        return np.logical_and.reduce([np.isfinite(w).all(axis=(1, 2)) for w in self.weights])


def cross_entropy(logits: np.ndarray, batch: Batch, published: bool) -> np.ndarray:
    """Return the cross-entropy of each point, shape (R, N), from logits (C, R, N).

    It is computed by log-sum-exp; with ``published``, as the logarithm of the plain softmax, which
    is not finite where that overflows.
    """
    if published:
        chosen = np.take_along_axis(logits, batch.labels[None], axis=0)[0]
        return -np.log(np.exp(chosen) / np.exp(logits).sum(axis=0))
    if len(logits) == 2:
        # With m the margin of the chosen class over the other: log(1 + exp(-m)), arranged so
        # that nothing overflows.
        margin = logits[1] - logits[0]
        margin *= batch.signs
        loss = np.abs(margin)
        np.negative(loss, loss)
        np.exp(loss, loss)
        loss += 1.0
        np.log(loss, loss)
        loss -= np.minimum(margin, 0.0, out=margin)
        return loss
    largest = logits.max(axis=0)
    total = np.exp(logits - largest).sum(axis=0)
    chosen = np.take_along_axis(logits, batch.labels[None], axis=0)[0]
    return np.log(total) + largest - chosen


def most_likely(logits: np.ndarray) -> np.ndarray:
    """Return the class of the largest of logits (C, R, N), the first of equals; shape (R, N)."""
    return logits[1] > logits[0] if len(logits) == 2 else logits.argmax(axis=0)


def _side_by_side(layer: np.ndarray) -> np.ndarray:
    """Return a copy (R, rows · columns) of a layer (R, rows, columns), one row per replicate.

    A sum over a row adds its numbers in the same order for any number of replicates.
    """
    return np.ascontiguousarray(layer).reshape(len(layer), -1)


def softmax(logits: np.ndarray, scale: float, published: bool, by_class: Sequence) -> None:
    """Replace logits (C, R, N) by ``scale`` × softmax over C, stable unless `published`.

    ``by_class`` are the C parts of the logits. For two classes, the second's probability is
    1 / (1 + exp(z₀ - z₁)): where that exponential overflows, it is 0, as it should be.
    """
    if published or len(by_class) != 2:
        if not published:
            logits -= logits.max(axis=0)
        np.exp(logits, logits)
        logits *= scale / logits.sum(axis=0)
        return
    first, second = by_class
    np.subtract(first, second, first)
    np.exp(first, first)
    np.add(first, 1.0, first)
    np.divide(scale, first, second)
    np.subtract(scale, second, first)
