"""What was measured of a cell, seed by seed: the one place that knows which table has it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from restudy.families.contract import Measure
from restudy.families.registry import FAMILIES
from restudy.study.cell import Cell


class Evidence:
    """Values of measures by cell and seed, from a run's tables.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By name, such as ``{family}_runs``, as far as the claims need them: of a family ``runs``,
        ``history``, ``scalars`` (what was monitored of tensors), ``shapes`` (distances of trained
        tensors from distributions), and the tables that its measures name.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame]):
        self._tables = tables
        self._groups: dict[tuple[str, str], dict[tuple, pd.DataFrame]] = {}

    def values(self, measure: str, cell: Cell, at: int | None) -> pd.Series:
        """Return the value of a measure for each seed of a cell.

        Parameters
        ----------
        measure : str
            A measure of the family, ``{tensor}/{shape}_distance``, or a monitored statistic.
        cell : Cell
            Whose runs count.
        at : int or None
            Pass or step; None for the end of training.

        Returns
        -------
        Series
            Index seed, only the runs that did not diverge and have the measure, as a finite number.
        """
        runs = self._rows("runs", cell)
        finished = runs.loc[runs["diverged_at"].isna(), "seed"]
        facts = FAMILIES[cell.family].measure(measure)
        if facts is not None:
            found = self._measured(facts, cell, at)
        elif measure.endswith("_distance"):
            found = self._distances(measure, cell)
        else:
            found = self._monitored(measure, cell, at)
        found = found[found.index.isin(finished)].astype(float)
        return found[np.isfinite(found)]

    def tried(self, cell: Cell) -> int:
        """Return how many runs of a cell there are, those that diverged included."""
        return len(self._rows("runs", cell))

    def _measured(self, measure: Measure, cell: Cell, at: int | None) -> pd.Series:
        """Return a measure of the family at the end, or as the history has it."""
        if measure.table:
            rows = self._rows(measure.table, cell)
        elif at is None:
            rows = self._rows("runs", cell)
        else:
            rows = self._at(self._rows("history", cell), cell, at)
        rows = rows.set_index("seed")
        if measure.difference:
            minuend, subtrahend = measure.difference
            return rows[minuend] - rows[subtrahend]
        return rows[measure.name]

    def _distances(self, measure: str, cell: Cell) -> pd.Series:
        tensor, _, column = measure.rpartition("/")
        rows = self._rows("shapes", cell)
        return rows[rows["tensor"] == tensor].set_index("seed")[column]

    def _monitored(self, tag: str, cell: Cell, at: int | None) -> pd.Series:
        """Return a monitored statistic; its end is its last record."""
        rows = self._rows("scalars", cell)
        rows = rows[rows["tag"] == tag]
        if at is None:
            at = rows[FAMILIES[cell.family].time.name].max()
        return self._at(rows, cell, at).set_index("seed")["value"]

    def _at(self, rows: pd.DataFrame, cell: Cell, at: int) -> pd.DataFrame:
        return rows[rows[FAMILIES[cell.family].time.name] == at]

    def _rows(self, name: str, cell: Cell) -> pd.DataFrame:
        """Return the rows of a cell in one of its family's tables; none if the table has none."""
        key = cell.family, name
        if key not in self._groups:
            axes = list(FAMILIES[cell.family].axis_names)
            table = self._tables[f"{cell.family}_{name}"]
            self._groups[key] = dict(list(table.groupby(axes)))
        rows = self._groups[key].get(tuple(cell.values()))
        return self._tables[f"{cell.family}_{name}"].iloc[:0] if rows is None else rows
