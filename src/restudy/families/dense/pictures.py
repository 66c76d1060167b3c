"""Measures and pictures of networks at their snapshots, for a page that cannot run them itself."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from restudy.data.planes import plane_extent
from restudy.families.dense.activations import make_activation
from restudy.families.dense.predictions import network_of
from restudy.families.dense.stack import Batch, Stack

PLANE = 48  # rows and columns of a picture
CHUNK = 500  # points per evaluation


def draw_snapshots(
    description: Mapping[str, Any],
    snapshots: Mapping[str, np.ndarray],
    parts: Mapping[str, tuple[np.ndarray, np.ndarray]],
) -> dict[str, Any]:
    """Return what a page shows of networks at their snapshots if it cannot run them itself.

    Parameters
    ----------
    description : mapping
        As `restudy.families.dense.twin.describe_for_browser` returns it.
    snapshots : mapping of str to ndarray
        As `pack_snapshots` returns them, or a selection of their passes and seeds.
    parts : mapping of str to (x, label)
        Points (N, D) and their classes (N,), or (R, N, D) and (R, N), a set for each seed:
        "train", and others to evaluate.

    Returns
    -------
    dict
        pieces: net inputs of a unit; parts: for each part its ``loss``, penalties included, and
        ``accuracy``, both (S, R); units: for each hidden layer the share of the training points at
        which each unit is saturated, (S, R, rows). For two features also extent: the lowest and
        highest value of each, of all seeds' points together; and plane, of shape
        (S, R, C - 1, rows, columns): the probability of every class but the first in 255ths, at
        the centres of the picture's pixels, top row first, with one more row and column on each
        side.
    """
    activation = make_activation(description["activation"])
    published = description["arithmetic"] == "published"
    names = [f"layer{n}" for n in range(1, sum(name.startswith("layer") for name in snapshots) + 1)]
    layers = [snapshots[name] for name in names]
    x, _ = parts["train"]
    corners = plane_extent(x.reshape(-1, 2)) if x.shape[-1] == 2 else None
    states, planes = [], []
    # Overflow is a result here, as it is in training.
    with np.errstate(all="ignore"):
        for weights in ([layer[n] for layer in layers] for n in range(len(snapshots["passes"]))):
            stack = Stack(weights, activation, description["l2"], description["l1"], published)
            states.append(_measure(stack, parts))
            if corners:
                network = network_of(weights, description["activation"])
                planes.append(_picture(network.predict_proba(_pixel_centres(*corners))))
    pictures = {
        "pieces": activation.pieces,
        "parts": {
            part: {
                "loss": np.stack([losses[part][0] for losses, _ in states]),
                "accuracy": np.stack([losses[part][1] for losses, _ in states]),
            }
            for part in parts
        },
        "units": [np.stack(layer) for layer in zip(*(units for _, units in states), strict=True)],
    }
    if corners:
        low, high = corners
        pictures["extent"] = [list(map(float, ends)) for ends in zip(low, high, strict=True)]
        pictures["plane"] = np.stack(planes)
    return pictures


def _measure(
    stack: Stack, parts: Mapping[str, tuple[np.ndarray, np.ndarray]]
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[np.ndarray]]:
    """Return loss and accuracy (R,) of each part, and the units' shares in each hidden layer."""
    penalty, losses = stack.penalty(), {}
    for part, (x, label) in parts.items():
        loss, accuracy = stack.measure(_batches(x, label, stack))
        losses[part] = loss + penalty, accuracy
    x, label = parts["train"]
    inactive = [np.zeros(layer.shape[:2]) for layer in stack.weights[:-1]]
    for batch in _batches(x, label, stack):
        stack.forward(batch)
        for total, layer in zip(inactive, stack.hidden_layers(batch), strict=True):
            total += layer.inactive().sum(axis=2).T
    return losses, [total / x.shape[-2] for total in inactive]


def _batches(x: np.ndarray, label: np.ndarray, stack: Stack) -> Iterator[Batch]:
    for start in range(0, x.shape[-2], CHUNK):
        chosen = slice(start, start + CHUNK)
        yield Batch(x[..., chosen, :], label[..., chosen], stack)


def _pixel_centres(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the centres of a picture's pixels and of a frame, top row first, shape (N, 2)."""
    places = (np.arange(PLANE + 2) - 0.5) / PLANE
    x1, x2 = (a + (b - a) * places for a, b in zip(low, high, strict=True))
    return np.stack(np.meshgrid(x1, x2[::-1]), axis=-1).reshape(-1, 2)


def _picture(probabilities: np.ndarray) -> np.ndarray:
    """Return probabilities (R, N, C) as bytes (R, C - 1, rows, columns)."""
    others = np.nan_to_num(probabilities[:, :, 1:]).swapaxes(1, 2)
    return (255 * others).round().astype(np.uint8).reshape(*others.shape[:2], PLANE + 2, PLANE + 2)
