"""Which of several can't be told apart from the best: of equals, chance makes one look best."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.significance import LEVEL, correct, critical_count, sign_p


def by_unit(runs: pd.DataFrame, levels: Sequence[Hashable], values: Sequence[float]):
    """Return values in a row per seed, or per draw of the data where seeds share one.

    Parameters
    ----------
    runs : DataFrame
        A row per run: ``seed``, and ``draw`` where there are several.
    levels : sequence
        Of each run, what is compared.
    values : sequence of float
        Of each run; missing if it diverged.

    Returns
    -------
    DataFrame
        A column per level. Of several runs of one level with the same seed or draw, the mean.
    """
    is_shared = "draw" in runs and 1 < runs["draw"].nunique() < runs["seed"].nunique()
    unit = runs["draw" if is_shared else "seed"].to_numpy()
    table = pd.DataFrame({"unit": unit, "level": levels, "value": np.asarray(values, float)})
    return table.dropna().pivot_table(index="unit", columns="level", values="value")


def tied_with(table: pd.DataFrame, best: Hashable) -> list[Any]:
    """Return the levels that can't be told apart from the best one.

    Each is compared with it by the test of signs of the paired differences, in both directions; the
    p-values are corrected for one another by Holm's method. It is exact for any distribution.

    Parameters
    ----------
    table : DataFrame
        As `by_unit` gives it.
    best : hashable
        One of its columns.
    """
    others = [level for level in table.columns if level != best]
    p_values = [sign_p((table[level] - table[best]).dropna()) for level in others]
    return [level for level, p in zip(others, correct(p_values), strict=True) if p > LEVEL]


def can_tell(table: pd.DataFrame) -> bool:
    """Return whether there are enough pairs for a difference to show, if all had its sign."""
    others = len(table.columns) - 1
    return others > 0 and critical_count(len(table), LEVEL / (2 * others)) is not None
