"""Dense networks with forward and backward passes written by hand, stacked over replicates.

`Layer` holds one layer of all replicates and its two steps; `DenseNetwork` chains them, with
softmax cross-entropy and an L2 penalty on top. Points lie along the last axis and the bias is
one more input, so that every elementwise operation runs over contiguous memory.
"""

from collections.abc import Sequence

import numpy as np

from backprop.dense.activations import ACTIVATIONS, Activation
from backprop.dense.initializers import draw_weights

ARITHMETICS = ("corrected", "published")


class Layer:
    """One dense layer of R replicates: a = f(W x), its bias the last column of W.

    Parameters
    ----------
    weights, gradient : ndarray, shape (R, fan_out, fan_in + 1)
        Views into the network's flat arrays; the last column is the bias.
    activation : Activation or None
        None for the output layer, which hands on its net input (the logits).
    derivative_at_activation : bool
        Evaluate f' at a in place of z: the published study's error.
    points : int
        Number of points N that one call carries.
    """

    def __init__(self, weights, gradient, activation, derivative_at_activation, points):
        replicates, fan_out, columns = weights.shape
        self.weights = weights
        self.gradient = gradient
        self.fan_in = columns - 1
        self.activation: Activation | None = activation
        self.derivative_at_activation = derivative_at_activation
        shape = (replicates, fan_out, points)
        self.net_input = np.empty(shape, weights.dtype)
        if activation is None:
            self.output = self.net_input
            return
        # A last row of ones carries the next layer's bias.
        self.output = np.ones((replicates, fan_out + 1, points), weights.dtype)
        self.value = self.output[:, :fan_out]
        self.delta = np.empty(shape, weights.dtype)
        self.derivative = np.empty(shape, weights.dtype)

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Net input and activation of all replicates.

        Parameters
        ----------
        inputs : ndarray, shape (fan_in + 1, N) or (R, fan_in + 1, N)
            The points (one set for all replicates), or the previous layer's output.

        Returns
        -------
        ndarray, shape (R, fan_out + 1, N), or (R, fan_out, N) for the output layer
            A buffer that the next call overwrites.
        """
        if inputs.ndim == 2:
            # All replicates read the same points: one matrix product serves them all.
            rows = self.weights.shape[0] * self.weights.shape[1]
            np.matmul(self.weights.reshape(rows, -1), inputs, out=self.net_input.reshape(rows, -1))
        else:
            np.matmul(self.weights, inputs, out=self.net_input)
        if self.activation is not None:
            self.activation.value(self.net_input, self.value)
        return self.output

    def backward(self, delta: np.ndarray, inputs: np.ndarray, previous: "Layer | None") -> None:
        """Gradient of this layer's weights, and the error signal of the layer before.

        With δ = dL/dz of this layer: dL/dW = δ xᵀ, and the layer before has
        δ = (Wᵀ δ) ∘ f'(z), written into ``previous.delta``.

        Parameters
        ----------
        delta : ndarray, shape (R, fan_out, N)
            Loss gradient with respect to this layer's net input.
        inputs : ndarray
            What `forward` was given.
        previous : Layer or None
            The layer before; None for the first.
        """
        np.matmul(delta, np.swapaxes(inputs, -1, -2), out=self.gradient)
        if previous is None:
            return
        back = np.swapaxes(self.weights[:, :, : self.fan_in], 1, 2)
        np.matmul(back, delta, out=previous.delta)
        previous.multiply_by_derivative()

    def multiply_by_derivative(self) -> None:
        """Multiply `delta` by f', at the net input or, as published, at the activation."""
        if self.derivative_at_activation:
            # f'(a): a takes the place of z, and f(a) that of a. The net input is not needed
            # any more in this pass, so its buffer holds f(a).
            self.activation.value(self.value, self.net_input)
            self.activation.derivative(self.value, self.net_input, self.derivative)
        else:
            self.activation.derivative(self.net_input, self.value, self.derivative)
        self.delta *= self.derivative


class DenseNetwork:
    """Fully connected classifier with softmax output, R replicates side by side.

    Parameters
    ----------
    sizes : sequence of int
        Layer sizes from input to output; the last is the number of classes.
    activation : str
        Name in `backprop.dense.activations.ACTIVATIONS`.
    initializer : str
        Name in `backprop.dense.initializers.INITIALIZERS`.
    seeds : sequence of int
        One replicate a seed.
    l2 : float
        λ of the penalty (λ/2) Σ W²; biases are not penalised.
    arithmetic : {"corrected", "published"}
        ``published`` evaluates the activation's derivative at the activation, uses a softmax
        that overflows for logits beyond 709, and shares initial matrices in deep networks.
    precision : {"float64", "float32"}
        Type of all arrays.

    Attributes
    ----------
    parameters, gradient : ndarray, shape (R · P,)
        All weights and biases of all replicates, layer by layer, and their loss gradient.
    weights, gradients : list of ndarray, shape (R, fan_out, fan_in + 1)
        The same memory, a view for each layer; the last column is the bias.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "tanh",
        initializer: str = "fan_in_normal",
        seeds: Sequence[int] = (0,),
        l2: float = 0.01,
        arithmetic: str = "corrected",
        precision: str = "float64",
    ):
        if arithmetic not in ARITHMETICS:
            raise ValueError(f"arithmetic: got {arithmetic!r}, allowed: {', '.join(ARITHMETICS)}")
        self.sizes = tuple(sizes)
        self.activation = activation
        self.seeds = tuple(seeds)
        self.l2 = l2
        self.arithmetic = arithmetic
        self.dtype = np.dtype(precision)
        shapes = [
            (len(self.seeds), fan_out, fan_in + 1)
            for fan_in, fan_out in zip(self.sizes[:-1], self.sizes[1:], strict=True)
        ]
        total = sum(int(np.prod(shape)) for shape in shapes)
        self.parameters = np.zeros(total, self.dtype)
        self.gradient = np.zeros(total, self.dtype)
        self.weights = _views(self.parameters, shapes)
        self.gradients = _views(self.gradient, shapes)
        self._penalty = np.zeros(total, self.dtype)
        for view in _views(self._penalty, shapes):
            view[:, :, :-1] = l2
        self._scratch = np.empty(total, self.dtype)
        self._stacks: dict[int, list[Layer]] = {}
        for replicate, seed in enumerate(self.seeds):
            drawn = draw_weights(self.sizes, initializer, seed, arithmetic)
            for view, matrix in zip(self.weights, drawn, strict=True):
                view[replicate, :, :-1] = matrix.T

    def layers(self, points: int) -> list[Layer]:
        """Layers with buffers for ``points`` points; made once for each number of points."""
        if points not in self._stacks:
            hidden = ACTIVATIONS[self.activation]
            last = len(self.weights) - 1
            self._stacks[points] = [
                Layer(
                    weights,
                    gradient,
                    None if index == last else hidden,
                    self.arithmetic == "published",
                    points,
                )
                for index, (weights, gradient) in enumerate(
                    zip(self.weights, self.gradients, strict=True)
                )
            ]
        return self._stacks[points]

    def prepare(self, points: np.ndarray) -> np.ndarray:
        """Points (N, D) as the layers want them: (D + 1, N), the last row ones."""
        points = np.asarray(points, self.dtype)
        return np.vstack([points.T, np.ones(len(points), self.dtype)])

    def forward(self, inputs: np.ndarray) -> np.ndarray:
        """Logits, shape (R, C, N), of prepared inputs; the next call overwrites them."""
        signal = inputs
        for layer in self.layers(inputs.shape[-1]):
            signal = layer.forward(signal)
        return signal

    def backward(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Fill `gradient` with the gradient of mean cross-entropy plus penalty.

        Reads the state that `forward` left for the same inputs.

        Parameters
        ----------
        inputs : ndarray, shape (D + 1, N)
            Prepared points.
        targets : ndarray, shape (C, N)
            One-hot labels divided by N (see `scaled_targets`).
        """
        layers = self.layers(inputs.shape[-1])
        delta = layers[-1].net_input
        _softmax_in_place(delta, 1.0 / inputs.shape[-1], self.arithmetic == "corrected")
        delta -= targets
        for index in range(len(layers) - 1, -1, -1):
            previous = layers[index - 1] if index else None
            below = inputs if previous is None else previous.output
            layers[index].backward(delta, below, previous)
            if previous is not None:
                delta = previous.delta
        np.multiply(self._penalty, self.parameters, out=self._scratch)
        self.gradient += self._scratch

    def penalty(self) -> np.ndarray:
        """(λ/2) Σ W² of each replicate, shape (R,)."""
        squares = [np.einsum("roi,roi->r", w[:, :, :-1], w[:, :, :-1]) for w in self.weights]
        return 0.5 * self.l2 * np.sum(squares, axis=0)

    def cross_entropy(self, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Mean cross-entropy of each replicate, shape (R,).

        ``corrected`` goes through log-sum-exp; ``published`` takes the logarithm of the plain
        softmax, and is not finite where that overflows.
        """
        chosen = logits[:, labels, np.arange(len(labels))]
        if self.arithmetic == "published":
            probability = np.exp(chosen) / np.exp(logits).sum(axis=1)
            return -np.log(probability).mean(axis=1)
        largest = logits.max(axis=1)
        total = np.exp(logits - largest[:, None]).sum(axis=1)
        return (np.log(total) + largest - chosen).mean(axis=1)

    def measure(self, inputs: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss (with penalty) and accuracy of each replicate on prepared points, each (R,)."""
        logits = self.forward(inputs)
        loss = self.cross_entropy(logits, labels) + self.penalty()
        return loss, (logits.argmax(axis=1) == labels).mean(axis=1)

    def gradient_norm(self) -> np.ndarray:
        """Euclidean norm of each replicate's gradient, shape (R,)."""
        return np.sqrt(np.sum([np.einsum("roi,roi->r", g, g) for g in self.gradients], axis=0))

    def predict_proba(self, points: np.ndarray) -> np.ndarray:
        """Class probabilities of points (N, D), shape (R, N, C)."""
        logits = self.forward(self.prepare(points)).copy()
        _softmax_in_place(logits, 1.0, subtract_maximum=True)
        return np.swapaxes(logits, 1, 2)

    def predict(self, points: np.ndarray) -> np.ndarray:
        """Class labels of points (N, D), shape (R, N)."""
        return self.forward(self.prepare(points)).argmax(axis=1)

    def load(self, weights: Sequence[np.ndarray]) -> None:
        """Take over weights as `weights` holds them, for instance from a saved run."""
        for view, values in zip(self.weights, weights, strict=True):
            view[...] = values


def scaled_targets(labels: np.ndarray, classes: int, dtype=np.float64) -> np.ndarray:
    """One-hot labels divided by their number, shape (classes, N)."""
    targets = np.zeros((classes, len(labels)), dtype)
    targets[labels, np.arange(len(labels))] = 1.0 / len(labels)
    return targets


def _views(flat: np.ndarray, shapes) -> list[np.ndarray]:
    """Consecutive pieces of a flat array in the given shapes."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [
        flat[end - int(np.prod(shape)) : end].reshape(shape)
        for end, shape in zip(ends, shapes, strict=True)
    ]


def _softmax_in_place(logits: np.ndarray, scale: float, subtract_maximum: bool) -> None:
    """Replace logits (R, C, N) by ``scale`` × softmax over C.

    Classes are few: working on whole rows of points is much faster than reducing a short axis.
    """
    classes = range(logits.shape[1])
    if subtract_maximum:
        largest = logits[:, 0].copy()
        for index in classes[1:]:
            np.maximum(largest, logits[:, index], out=largest)
        logits -= largest[:, None]
    np.exp(logits, out=logits)
    total = logits[:, 0].copy()
    for index in classes[1:]:
        total += logits[:, index]
    np.divide(scale, total, out=total)
    logits *= total[:, None]
