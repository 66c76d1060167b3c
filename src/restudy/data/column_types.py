"""Columns of CSV files whose type their text does not tell; free of any library, and so cheap."""

from collections.abc import Iterable

# Without its type a column of divergences would come back as float, 17.0.
TYPES = {"diverged_at": "Int64"}


def declare_text_columns(names: Iterable[str]) -> None:
    """Say of columns that they hold names: these stay text, even one called "inf"."""
    TYPES.update(dict.fromkeys(names, "str"))
