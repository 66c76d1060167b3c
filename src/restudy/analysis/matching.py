"""Rows of a table that have given values, however these are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.comparison import seed_words
from restudy.errors import UserError, quote
from restudy.study.entries import spell_setting
from restudy.study.validation import hint, join

MAX_NAMED = 12  # values that a message lists


class NoRowError(UserError):
    """A column that a table does not have, or a value that is not in it."""


def matching(
    rows: pd.DataFrame, columns: Iterable[str], where: Mapping[str, Any], what: str
) -> pd.DataFrame:
    """Return the rows that have a given value, or one of several, in each of some columns.

    Parameters
    ----------
    rows : DataFrame
        The table.
    columns : iterable of str
        Those that may be asked for.
    where : mapping
        Column -> value, or several. A number may be a text or of any type; None is a missing one.
    what : str
        Of what the rows are, for messages.

    Raises
    ------
    NoRowError
        If a column may not be asked for, or no row has a value.
    """
    columns = list(columns)
    kept = np.ones(len(rows), dtype=bool)
    for name, given in where.items():
        if name not in columns:
            raise NoRowError(
                f"{what}: got {name!r}{hint(name, columns)}; allowed here: {join(columns)}"
            )
        kept &= is_one_of(rows[name], given)
    return rows[kept].reset_index(drop=True)


def is_one_of(column: pd.Series, given: Any) -> np.ndarray:
    """Return whether each value of a column is a given one, or one of several.

    Raises
    ------
    NoRowError
        If one is not in the column, or none is given.
    """
    values = _each(given)
    if not values:
        raise NoRowError(f"{column.name}: got no value; found: {_found(column)}")
    kept = np.zeros(len(column), dtype=bool)
    for value in values:
        equal = _equals(column, value)
        if not equal.any():
            near = hint(value, column.dropna().unique()) if is_text(column) else ""
            raise NoRowError(f"{column.name}: got {quote(value)}{near}; found: {_found(column)}")
        kept |= equal
    return kept


def is_text(column: pd.Series) -> bool:
    """Return whether a column has texts."""
    return pd.api.types.is_string_dtype(column) or column.dtype == object


def _each(given: Any) -> list[Any]:
    if isinstance(given, np.ndarray | pd.Series | pd.Index):
        return np.ravel(given).tolist()
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    plain = list(given) if several else [given]
    return [value.item() if isinstance(value, np.generic) else value for value in plain]


def _equals(column: pd.Series, value: Any) -> np.ndarray:
    """Whether each value of a column is a given one."""
    if value is None or value is pd.NA or value != value:
        return column.isna().to_numpy()
    if is_text(column):
        wanted = value if isinstance(value, str) else spell_setting(value)
    elif isinstance(value, bool) or not isinstance(value, int | float | str):
        return np.zeros(len(column), dtype=bool)
    else:
        try:
            wanted = float(value)
        except (ValueError, OverflowError):
            return np.zeros(len(column), dtype=bool)
    return (column == wanted).fillna(False).to_numpy(bool)


def _found(column: pd.Series) -> str:
    """The values of a column, as far as a line has room for them."""
    known = column.dropna().unique().tolist()
    if column.name == "seed":
        return seed_words(known) if known else "none"
    known = known if is_text(column) else sorted(known)
    more = f", … ({len(known)} in all)" if len(known) > MAX_NAMED else ""
    return join(map(spell_setting, known[:MAX_NAMED])) + more
