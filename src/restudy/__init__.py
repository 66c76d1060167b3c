"""A reproducible study of small neural networks; the library behind the workflow."""

from importlib import import_module
from typing import Any

# Imported on first use, so that no part of the library loads what only this one needs.
_HOMES = {"open_results": "results"}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """Return a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
