"""NumPy as the published study writes it: one replicate after another, a new array at each step."""

import numpy as np
from common import L2, LEARNING_RATE, Case, initial_weights, points, run


def prepare(case: Case):
    """Plain loops over layers; the derivative taken where it belongs."""
    x, label = points(case.precision)
    rows = np.arange(len(label))
    models = []
    for seed in range(case.replicates):
        weights = initial_weights(case, seed)
        models.append((weights, [np.zeros((1, w.shape[1]), w.dtype) for w in weights]))

    def forward(weights, biases):
        signals = [x]
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            signals.append(np.tanh(signals[-1].dot(w) + b))
        exponentials = np.exp(signals[-1].dot(weights[-1]) + biases[-1])
        return signals, exponentials / np.sum(exponentials, axis=1, keepdims=True)

    def one_pass(weights, biases):
        signals, delta = forward(weights, biases)
        delta[rows, label] -= 1
        delta /= len(label)
        for layer in range(len(weights) - 1, -1, -1):
            step_w = signals[layer].T.dot(delta) + L2 * weights[layer]
            step_b = np.sum(delta, axis=0, keepdims=True)
            if layer:
                delta = delta.dot(weights[layer].T) * (1 - signals[layer] ** 2)
            weights[layer] = weights[layer] - LEARNING_RATE * step_w
            biases[layer] = biases[layer] - LEARNING_RATE * step_b

    def train():
        for weights, biases in models:
            for _ in range(case.passes):
                one_pass(weights, biases)

    def losses():
        found = []
        for weights, biases in models:
            probability = forward(weights, biases)[1][rows, label]
            penalty = L2 / 2 * sum(float((w**2).sum()) for w in weights)
            found.append(float(-np.log(probability).mean()) + penalty)
        return found

    return train, losses


run(prepare)
