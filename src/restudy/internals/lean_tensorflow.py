"""TensorFlow in half the time: without what Keras imports only where it is installed.

For its wrappers and pictures Keras imports scikit-learn, SciPy, Matplotlib and pandas, and does
without each that is missing. No network of ours uses those parts; a job that trains would pay for
them before its first step, in time and in memory. So they seem to be missing while TensorFlow is
imported, and are there afterwards as ever.
"""

import gc
import importlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

OPTIONAL = ("matplotlib", "pandas", "scipy", "sklearn")


@contextmanager
def _hidden(names: Iterable[str]) -> Iterator[None]:
    """Let libraries that have not been imported yet seem to be missing."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Keep Python from looking for garbage: importing makes hundreds of thousands of objects, and
    nearly all of them stay.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


with _hidden(OPTIONAL), _without_collections():
    tf = importlib.import_module("tensorflow")
