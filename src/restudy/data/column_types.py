"""Types of columns of CSV files that their text does not determine; cheap to import."""

from collections.abc import Iterable

# Without a declared type, a column of passes that has gaps would be read as float, 17.0, and so
# would one of texts where all are missing.
TYPES = dict.fromkeys(("diverged_at", "stopped_at", "best_at"), "Int64")
TYPES |= dict.fromkeys(("diverged_by", "two_groups"), "str")


def declare_text_columns(names: Iterable[str]) -> None:
    """Declare that columns hold names, which stay text: even one called "inf"."""
    TYPES.update(dict.fromkeys(names, "str"))
