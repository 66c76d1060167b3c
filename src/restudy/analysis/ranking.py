"""The order of the cells of a rung of successive halving."""

from __future__ import annotations

import pandas as pd

from restudy.analysis.choice import cells_in_order
from restudy.analysis.summaries import summarize
from restudy.families.contract import Family

COLUMNS = ("study", "rung", "rank", "promoted")  # before those of a summary of cells


def rank_cells(family: Family, runs: pd.DataFrame, measure: str, promoted: int) -> pd.DataFrame:
    """Return the cells of a rung in the order of the rung, with their ranks.

    Parameters
    ----------
    family : Family
        Which axes and measures there are.
    runs : DataFrame
        A row per run of the rung, with the settings that the study varies as columns; ``cell``
        says which cell it is of. The cells are in the order of the rung.
    measure : str
        By whose mean over the runs that did not diverge cells are ranked.
    promoted : int
        How many go on: those of the first ranks.

    Returns
    -------
    DataFrame
        A row per cell: ``cell``; ``rank``, from 1; ``promoted``; and what `summarize` says of it. A
        cell with a larger share of diverged runs comes after one with a smaller share, and of
        equals the earlier one first.
    """
    rows = [
        summarize(family, own.drop(columns="cell")).assign(cell=cell)
        for cell, own in runs.groupby("cell", sort=False)
    ]
    table = pd.concat(rows, ignore_index=True)
    ordered = cells_in_order(table, family.measure(measure))
    ranks = pd.Series(range(1, len(table) + 1), index=ordered.index).sort_index()
    first = table.columns.drop("cell")
    return table[["cell"]].assign(rank=ranks, promoted=ranks <= promoted).join(table[first])
