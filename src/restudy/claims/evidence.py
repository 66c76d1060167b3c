"""What was measured of a cell, seed by seed: the one place that knows which table has it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from restudy.study.grid import AXES

TIME = {"dense": "pass", "conv": "step"}


class Evidence:
    """Values of measures by cell and seed, from a run's tables.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By name, as far as the claims need them: ``dense_runs``, ``dense_history``,
        ``dense_linearity``, ``dense_shapes``, and ``conv_runs``, ``conv_history``,
        ``conv_scalars``, ``conv_shapes``.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame]):
        self._groups = {
            name: dict(list(table.groupby(list(AXES[name.split("_")[0]]))))
            for name, table in tables.items()
        }

    def values(self, model: str, measure: str, cell: Mapping, at: int | None) -> pd.Series:
        """Value of a measure for each seed of a cell.

        Parameters
        ----------
        model : {"dense", "conv"}
            The cell's model.
        measure : str
            A column, or one of the derived measures.
        cell : mapping
            A value for every axis.
        at : int or None
            Pass or step; None for the end of training.

        Returns
        -------
        Series
            Index seed, only the runs that did not diverge and have the measure, as a finite number.
        """
        runs = self._rows(f"{model}_runs", cell)
        finished = runs.loc[runs["diverged_at"].isna(), "seed"]
        found = self._all(model, measure, cell, at, runs)
        found = found[found.index.isin(finished)].astype(float)
        return found[np.isfinite(found)]

    def tried(self, model: str, cell: Mapping) -> int:
        """How many runs of a cell there are, those that diverged included."""
        return len(self._rows(f"{model}_runs", cell))

    def _all(
        self, model: str, measure: str, cell: Mapping, at: int | None, runs: pd.DataFrame
    ) -> pd.Series:
        if measure == "boundary_linearity":
            return self._rows("dense_linearity", cell).set_index("seed")[measure]
        tensor, _, last = measure.rpartition("/")
        if last.endswith("_distance"):
            rows = self._rows(f"{model}_shapes", cell)
            return rows[rows["tensor"] == tensor].set_index("seed")[last]
        rows, column = runs, measure
        if tensor:
            rows, column = self._rows("conv_scalars", cell), "value"
            rows = rows[rows["tag"] == measure]
            at = rows["step"].max() if at is None else at
        elif at is not None:
            rows = self._rows(f"{model}_history", cell)
        if at is not None:
            rows = rows[rows[TIME[model]] == at]
        rows = rows.set_index("seed")
        if measure == "generalisation_gap":
            return rows["heldout_loss"] - rows["train_loss"]
        return rows[column]

    def _rows(self, table: str, cell: Mapping) -> pd.DataFrame:
        groups = self._groups[table]
        rows = groups.get(tuple(cell.values()))
        return next(iter(groups.values())).iloc[:0] if rows is None else rows
