"""What was measured of a cell, seed by seed: the one place that knows which table has it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from restudy.families.contract import Measure
from restudy.families.registry import FAMILIES
from restudy.study.cell import Cell


def course(records: pd.DataFrame, over: Mapping) -> pd.Series:
    """Return how a measure goes with time, for each seed: its rank correlation (Spearman 1904).

    Parameters
    ----------
    records : DataFrame
        seed, time and value, in order of time.
    over : mapping
        ``from`` and ``to``: the first and the last time that count.

    Returns
    -------
    Series
        Index seed: 1 of a measure that never falls, -1 of one that never rises, 0 of one that does
        not change.
    """
    rows = records[records["time"].between(over["from"], over["to"])]
    ranks = rows.groupby("seed")[["time", "value"]].rank()
    centred = ranks - ranks.groupby(rows["seed"]).transform("mean")
    sums = (
        pd.DataFrame(
            {
                "both": centred["time"] * centred["value"],
                "time": centred["time"] ** 2,
                "value": centred["value"] ** 2,
            }
        )
        .groupby(rows["seed"])
        .sum()
    )
    scale = np.sqrt(sums["time"] * sums["value"])
    return (sums["both"] / scale.where(scale > 0)).fillna(0.0)


def time_to_reach(records: pd.DataFrame, over: Mapping) -> pd.Series:
    """Return the first recorded time at which a measure is at a level or beyond, for each seed.

    Parameters
    ----------
    records : DataFrame
        seed, time and value, in order of time.
    over : mapping
        ``level``, and ``better``: "lower" or "higher".

    Returns
    -------
    Series
        Index seed; infinite where no record is.
    """
    sign = 1 if over["better"] == "higher" else -1
    there = records[sign * records["value"] >= sign * over["level"]]
    seeds = pd.Index(records["seed"].unique(), name="seed")
    first = there.groupby("seed")["time"].min().astype(float)
    return first.reindex(seeds, fill_value=np.inf)


SUMMARIES = {"course": course, "time_to_reach": time_to_reach}


def _column(measure: Measure, rows: pd.DataFrame) -> pd.Series:
    """Return a measure of the family, or the difference that it is."""
    if measure.difference:
        minuend, subtrahend = measure.difference
        return rows[minuend] - rows[subtrahend]
    return rows[measure.name]


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

    def values(
        self, measure: str, cell: Cell, at: int | None, over: Mapping | None = None
    ) -> pd.Series:
        """Return the value of a measure for each seed of a cell.

        Parameters
        ----------
        measure : str
            A measure of the family, ``{tensor}/{shape}_distance``, or a monitored statistic.
        cell : Cell
            Whose runs count.
        at : int or None
            Pass or step; None for the end of training.
        over : mapping or None
            What is made of its whole course, instead of taking it at one time: see `course` and
            `time_to_reach`, which have the other keys of the mapping, as its ``kind`` says.

        Returns
        -------
        Series
            Index seed, only the runs that did not diverge and have the measure, as a finite number;
            infinite where it did not reach a level.
        """
        runs = self._rows("runs", cell)
        finished = runs.loc[runs["diverged_at"].isna(), "seed"]
        facts = FAMILIES[cell.family].measure(measure)
        if over:
            records = self._records(measure, cell)
            records = records[records["seed"].isin(finished)]
            return SUMMARIES[over["kind"]](records, over)
        if facts is not None:
            found = self._measured(facts, cell, at)
        elif measure.endswith("_distance"):
            found = self._distances(measure, cell)
        else:
            found = self._monitored(measure, cell, at)
        found = found[found.index.isin(finished)].astype(float)
        return found[np.isfinite(found)]

    def started(self, cell: Cell) -> set[int]:
        """Return the seeds of all runs of a cell, those that diverged included."""
        return set(self._rows("runs", cell)["seed"].tolist())

    def draws(self, cell: Cell) -> dict[int, int]:
        """Return which draw of the points each seed of a cell had; nothing where all are one."""
        runs = self._rows("runs", cell)
        if "draw" not in runs or runs["draw"].isna().all():
            return {}
        return dict(zip(runs["seed"].tolist(), runs["draw"].tolist(), strict=True))

    def _measured(self, measure: Measure, cell: Cell, at: int | None) -> pd.Series:
        """Return a measure of the family at the end, or as the history has it."""
        if measure.table:
            rows = self._rows(measure.table, cell)
        elif at is None:
            rows = self._rows("runs", cell)
        else:
            rows = self._at(self._rows("history", cell), cell, at)
        return _column(measure, rows.set_index("seed"))

    def _records(self, measure: str, cell: Cell) -> pd.DataFrame:
        """Return seed, time and value of a recorded measure or a monitored statistic."""
        facts = FAMILIES[cell.family].measure(measure)
        time = FAMILIES[cell.family].time.name
        if facts is None:
            rows = self._tagged(measure, cell)
            values = rows["value"]
        else:
            rows = self._rows("history", cell)
            values = _column(facts, rows)
        found = pd.DataFrame({"seed": rows["seed"], "time": rows[time], "value": values})
        return found.dropna().sort_values(["seed", "time"], kind="stable")

    def _distances(self, measure: str, cell: Cell) -> pd.Series:
        tensor, _, column = measure.rpartition("/")
        rows = self._rows("shapes", cell)
        return rows[rows["tensor"] == tensor].set_index("seed")[column]

    def _monitored(self, tag: str, cell: Cell, at: int | None) -> pd.Series:
        """Return a monitored statistic; its end is its last record."""
        rows = self._tagged(tag, cell)
        if at is None:
            at = rows[FAMILIES[cell.family].time.name].max()
        return self._at(rows, cell, at).set_index("seed")["value"]

    def _tagged(self, tag: str, cell: Cell) -> pd.DataFrame:
        """Return the records of a monitored statistic."""
        rows = self._rows("scalars", cell)
        return rows[rows["tag"] == tag]

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
