"""The layers of the convolutional network and the shapes of their parameters; loads no library."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Layer(NamedTuple):
    """A layer, as its sizes determine it.

    Attributes
    ----------
    name : str
        ``conv1``, ``conv2`` and so on, ``fc1`` or ``fc2``.
    weights : tuple of int
        Shape of its weights: (kernel, kernel, inputs, outputs) of a convolution, (inputs, outputs)
        of a dense layer. It has a bias for each output.
    places : int
        Pixels at which the kernel of a convolution is applied; 1 for a dense layer.
    """

    name: str
    weights: tuple[int, ...]
    places: int = 1


def list_layers(
    sizes: Mapping, image_shape: tuple[int, int] = (28, 28), classes: int = 10, pieces: int = 1
) -> list[Layer]:
    """Return the layers in the order of the network: convolutions, then two dense layers.

    Parameters
    ----------
    sizes
        ``channels``, the output channels of each convolution; ``kernel``, the side of its kernel;
        and ``units``, of the first dense layer: settings of a protocol.
    image_shape
        Height and width. A convolution keeps both; the pooling after it halves them and rounds up.
    classes
        Number of classes, the units of the second dense layer.
    pieces
        Net inputs of a unit: 1, except for maxout; the second dense layer has no activation.
    """
    (height, width), inputs, layers = image_shape, 1, []
    for number, channels in enumerate(sizes["channels"], start=1):
        weights = (sizes["kernel"], sizes["kernel"], inputs, channels * pieces)
        layers.append(Layer(f"conv{number}", weights, height * width))
        inputs, height, width = channels, math.ceil(height / 2), math.ceil(width / 2)
    return [
        *layers,
        Layer("fc1", (height * width * inputs, sizes["units"] * pieces)),
        Layer("fc2", (sizes["units"], classes)),
    ]


def parameter_shapes(layers: Iterable[Layer]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all weights and biases by name: ``conv1/weights``, ``conv1/bias``, …"""
    shapes = {}
    for layer in layers:
        shapes |= {f"{layer.name}/weights": layer.weights, f"{layer.name}/bias": layer.weights[-1:]}
    return shapes


def layer_names(settings: Mapping) -> list[str]:
    """Return the names of the layers that the network of a cell's settings has, in their order."""
    return [layer.name for layer in list_layers(settings["protocol"])]
