"""Check the gradient used in training against central differences of the recorded loss."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from restudy.data.tables import parts_of
from restudy.families.dense.network import SETTINGS, DenseNetwork
from restudy.families.dense.stack import Batch, Stack

BIAS_DEVIATION = 0.1
STEP = 1e-5  # balances truncation error (quadratic in it) and rounding error (inverse to it)
MAX_POINTS = 200


def check(choice: Mapping, points: pd.DataFrame) -> pd.DataFrame:
    """Check the gradients of chosen networks; see `check_gradients`.

    Parameters
    ----------
    choice : mapping
        As `choose_gradient_check` returns it.
    points : DataFrame
        A draw of the data set; at most `MAX_POINTS` of its training points are used.
    """
    x, label = parts_of(points)["train"]
    hidden = [choice["hidden_size"]] * choice["depth"]
    return check_gradients(
        [x.shape[1], *hidden, int(label.max()) + 1],
        choice["activations"],
        choice["initializer"],
        x[:MAX_POINTS],
        label[:MAX_POINTS],
        choice["l2"],
    )


def check_gradients(
    sizes: Sequence[int],
    activations: Mapping[str, Mapping],
    initializer: Mapping,
    x: np.ndarray,
    label: np.ndarray,
    l2: float,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the gradient's relative error by activation, arithmetic, layer and kind of parameter.

    Both arithmetics are checked at the same weights: the corrected initial ones, with random
    biases. With zero biases, units behind dead ones would lie exactly on the kink of a ReLU, where
    there is no derivative to compare with.

    Parameters
    ----------
    sizes : sequence of int
        Layer sizes from input to output.
    activations : mapping
        Name -> settings, as `restudy.families.dense.activations.make_activation` takes them.
    initializer : mapping
        Settings of the initial weights.
    x, label : ndarray, shapes (N, D) and (N,)
        Points over which the loss is averaged.
    l2 : float
        λ of the penalty.
    seed : int
        Seed of initial weights and biases.

    Returns
    -------
    DataFrame
        activation, arithmetic, layer (from 1), parameter ("weights" or "bias"), gradient_norm
        (by central differences) and relative_error: ‖g - n‖ / max(‖g‖, ‖n‖), with g the gradient
        by backpropagation and n the one by central differences; 0 where both are zero.
    """
    rows = []
    for name, activation in activations.items():
        network = DenseNetwork(sizes, activation, initializer, [seed])
        weights = network.weights
        rng = np.random.default_rng(seed)
        for layer in weights:
            layer[:, :, -1] = rng.normal(0.0, BIAS_DEVIATION, layer.shape[:2])
        stack = Stack(weights, network.activation, l2)
        numeric = numeric_gradient(stack, Batch(x, label, stack))
        for arithmetic in SETTINGS["arithmetic"].choices:
            checked = Stack(weights, network.activation, l2, published=arithmetic == "published")
            batch = Batch(x, label, checked)
            checked.forward(batch)
            checked.backward(batch)
            layers = enumerate(zip(checked.gradients, numeric, strict=True), start=1)
            for layer, (found, expected) in layers:
                parts = {"weights": np.s_[:, :, :-1], "bias": np.s_[:, :, -1]}
                for parameter, part in parts.items():
                    error = np.linalg.norm(found[part] - expected[part])
                    norms = [np.linalg.norm(array[part]) for array in (found, expected)]
                    rows.append(
                        {
                            "activation": name,
                            "arithmetic": arithmetic,
                            "layer": layer,
                            "parameter": parameter,
                            "gradient_norm": norms[1],
                            "relative_error": error / max(norms) if error else 0.0,
                        }
                    )
    return pd.DataFrame(rows)


def numeric_gradient(stack: Stack, batch: Batch) -> list[np.ndarray]:
    """Return central differences of a one-replicate stack's loss, shaped like its weights."""

    def loss() -> float:
        return float(stack.measure([batch])[0][0] + stack.penalty()[0])

    gradients = [np.empty_like(layer) for layer in stack.weights]
    for layer, gradient in zip(stack.weights, gradients, strict=True):
        for place in np.ndindex(layer.shape):
            value = layer[place]
            layer[place] = value + STEP
            above = loss()
            layer[place] = value - STEP
            below = loss()
            layer[place] = value
            gradient[place] = (above - below) / (2 * STEP)
    return gradients
