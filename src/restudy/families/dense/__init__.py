"""Dense networks written by hand in NumPy: all replicates of a cell train together, stacked."""

from importlib import import_module
from typing import Any

# Imported on first use, so that reading the family's facts does not load NumPy.
_HOMES = {
    "DenseNetwork": "network",
    "adagrad": "optimizers",
    "adam": "optimizers",
    "adamw": "optimizers",
    "gradient_descent": "optimizers",
    "momentum": "optimizers",
    "nesterov": "optimizers",
    "rmsprop": "optimizers",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """Return a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
