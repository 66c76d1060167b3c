"""What the tests of the dense networks compare with: TensorFlow's functions, the published code."""

import numpy as np
import tensorflow as tf

# Every activation, those with parameters at more than their defaults; the kind stands before "-".
ACTIVATION_CASES = {
    "identity": {},
    "tanh": {},
    "sigmoid": {},
    "relu": {},
    "leaky_relu": {},
    "leaky_relu-0.3": {"slope": 0.3},
    "elu": {},
    "elu-0.5": {"alpha": 0.5},
    "elu-2": {"alpha": 2.0},
    "softplus": {},
    "silu": {},
    "gelu": {},
    "maxout": {},
    "maxout-3": {"pieces": 3},
    "maxout-5": {"pieces": 5},
}
# TensorFlow's own leaky_relu, elu and gelu round their constants (slope, √2) to float32, or have
# no parameter: these three are put together from its float64 operations, and it differentiates.
TENSORFLOW_ACTIVATIONS = {
    "identity": lambda z: tf.identity(z),
    "tanh": lambda z: tf.tanh(z),
    "sigmoid": lambda z: tf.sigmoid(z),
    "relu": lambda z: tf.nn.relu(z),
    "leaky_relu": lambda z, slope=0.01: tf.where(z > 0, z, tf.constant(slope, z.dtype) * z),
    "elu": lambda z, alpha=1.0: tf.where(
        z > 0, z, tf.constant(alpha, z.dtype) * tf.math.expm1(tf.minimum(z, 0))
    ),
    "softplus": lambda z: tf.math.softplus(z),
    "silu": lambda z: tf.nn.silu(z),
    "gelu": lambda z: (
        z * tf.math.erfc(-z / tf.sqrt(tf.constant(2.0, z.dtype))) / tf.constant(2.0, z.dtype)
    ),
    "maxout": lambda z, pieces=2: tf.reduce_max(tf.reshape(z, (pieces, -1, z.shape[-1])), axis=0),
}


def activation_settings(case: str) -> dict:
    """Settings of an activation case, as a configuration gives them."""
    return {"kind": case.partition("-")[0], **ACTIVATION_CASES[case]}


def apply_tensorflow(case: str, net_input: tf.Tensor) -> tf.Tensor:
    """TensorFlow's activation of net inputs (pieces · H, N)."""
    return TENSORFLOW_ACTIVATIONS[case.partition("-")[0]](net_input, **ACTIVATION_CASES[case])


# The activation, and its derivative as the published code evaluates it: at the activation.
PUBLISHED_ACTIVATIONS = {
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": (
        lambda z: 1 / (1 + np.exp(-z)),
        lambda a: 1 / (1 + np.exp(-a)) * (1 - 1 / (1 + np.exp(-a))),
    ),
    "relu": (lambda z: np.maximum(0, z), lambda a: np.where(a > 0, 1.0, 0.0)),
}


class PublishedNetwork:
    """The published code restated plainly: one replicate, points in rows, matrices one by one.

    With one hidden layer it draws the first matrix and then the last; with more, one matrix for
    all hidden-to-hidden layers, then the first, then the last.
    """

    penalty = 0.01

    def __init__(self, activation, inputs, size, depth, classes, seed):
        self.value, self.derivative = PUBLISHED_ACTIVATIONS[activation]
        rng = np.random.RandomState(seed)
        shared = [rng.randn(size, size) / np.sqrt(size)] * (depth - 1) if depth > 1 else []
        first = rng.randn(inputs, size) / np.sqrt(inputs)
        last = rng.randn(size, classes) / np.sqrt(size)
        self.weights = [first, *shared, last]
        self.biases = [np.zeros((1, w.shape[1])) for w in self.weights]

    def forward(self, x):
        """Signals of all layers, and class probabilities without any guard."""
        signals = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            signals.append(self.value(signals[-1] @ w + b))
        scores = np.exp(signals[-1] @ self.weights[-1] + self.biases[-1])
        return signals, scores / scores.sum(axis=1, keepdims=True)

    def gradient(self, x, y):
        """Gradients of the weights and of the biases, layer by layer."""
        signals, delta = self.forward(x)
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        of_weights, of_biases = [], []
        for layer in range(len(self.weights) - 1, -1, -1):
            of_weights.insert(0, signals[layer].T @ delta + self.penalty * self.weights[layer])
            of_biases.insert(0, delta.sum(axis=0, keepdims=True))
            delta = delta @ self.weights[layer].T
            if layer:
                delta = delta * self.derivative(signals[layer])
        return of_weights, of_biases

    def train(self, x, y, rate, passes):
        """Gradient descent on all points."""
        for _ in range(passes):
            of_weights, of_biases = self.gradient(x, y)
            self.weights = [w - rate * g for w, g in zip(self.weights, of_weights, strict=True)]
            self.biases = [b - rate * g for b, g in zip(self.biases, of_biases, strict=True)]

    def reported_loss(self, x, y):
        """Mean cross-entropy and penalty, divided by the number of points a second time."""
        cross_entropy = -np.log(self.forward(x)[1][np.arange(len(y)), y]).mean()
        return (cross_entropy + self.penalty / 2 * sum((w**2).sum() for w in self.weights)) / len(y)

    def accuracy(self, x, y):
        return (self.forward(x)[1].argmax(axis=1) == y).mean()
