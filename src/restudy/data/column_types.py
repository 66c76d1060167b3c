"""Types of columns of CSV files that their text does not determine; cheap to import."""

from collections.abc import Iterable

# Without a declared type, a column of divergences would be read as float: 17.0.
TYPES = {"diverged_at": "Int64"}


def declare_text_columns(names: Iterable[str]) -> None:
    """Declare that columns hold names, which stay text: even one called "inf"."""
    TYPES.update(dict.fromkeys(names, "str"))
