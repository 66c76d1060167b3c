"""What the initial values of dense networks are drawn from; loads no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from restudy.families.distributions import Distribution, stated_distribution


def initial_distribution(
    settings: Mapping, tensor: str
) -> Callable[[tuple[int, int]], Distribution] | None:
    """Return what a tensor's values are drawn from, given its shape (rows, fan_in).

    Parameters
    ----------
    settings : mapping
        Those of a cell.
    tensor : str
        Such as ``layer1/weights``.

    Returns
    -------
    callable or None
        None where values are not drawn independently from a known distribution.
    """
    layer, _, part = tensor.partition("/")
    stated = stated_distribution(settings["initializer"])
    if part != "weights" or stated is None:
        return None
    is_last = layer == f"layer{settings['cell']['depth'] + 1}"
    pieces = 1 if is_last else settings["activation"].get("pieces", 1)
    return lambda shape: stated(shape[1], shape[0] // pieces)
