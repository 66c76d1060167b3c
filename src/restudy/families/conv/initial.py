"""What the initial values of the convolutional network are drawn from; loads no library."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from restudy.families.distributions import Distribution, stated_distribution

Shape = tuple[int, ...]


def count_fans(shape: Shape) -> tuple[int, int]:
    """Return fan-in and fan-out of a dense (in, out) or convolution (h, w, in, out) kernel."""
    *window, inputs, outputs = shape
    area = math.prod(window)
    return area * inputs, area * outputs


def kernel_distribution(initializer: Mapping) -> Callable[[Shape], Distribution] | None:
    """Return what an initializer draws a kernel from, given its shape; None if none is stated.

    Normal distributions are truncated and keep their variance, as in Keras; only `fan_in_normal`
    is not, as published.
    """
    stated = stated_distribution(initializer)
    if stated is None:
        return None

    def distribution(shape: Shape) -> Distribution:
        found = stated(*count_fans(shape))
        plain = found.shape == "normal" and initializer["kind"] != "fan_in_normal"
        return found.truncated() if plain else found

    return distribution


def initial_distribution(settings: Mapping, tensor: str) -> Callable[[Shape], Distribution] | None:
    """Return what a tensor's values are drawn from, given its shape; None if they are not.

    Parameters
    ----------
    settings : mapping
        Those of a cell.
    tensor : str
        Such as ``conv1/weights``.
    """
    layer, _, part = tensor.partition("/")
    drawn = kernel_distribution(settings["initializer"])
    if part != "weights" or drawn is None:
        return None
    pieces = 1 if layer == "fc2" else settings["activation"].get("pieces", 1)
    return lambda shape: drawn((*shape[:-1], shape[-1] // pieces))
