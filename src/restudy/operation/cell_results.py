"""The results of a cell that a user names by a path, as a shell completes it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath

import pandas as pd

from restudy.analysis.comparison import Side
from restudy.analysis.summaries import rows_of
from restudy.claims.evidence import Evidence
from restudy.errors import UserError
from restudy.families.contract import Family, Measure
from restudy.families.registry import FAMILIES
from restudy.reading.cells import CellResults
from restudy.reading.files import ResultsError
from restudy.results import RESULTS, Results, open_results
from restudy.study.addresses import Address, NoCellError, split_address


def read_cell(text: str, directory: str | Path = ".") -> tuple[Results, CellResults]:
    """Return the cell that a path names, and the results that it is a part of.

    Parameters
    ----------
    text : str
        A cell's folder, something in it, or either without ``results/``; absolute, or relative to
        the directory or to the working directory.
    directory : path
        The folder that has ``results/``, where the path does not say which.

    Raises
    ------
    NoCellError
        If the path has no family that is known, or not a value for every axis of it, or if there
        are no results of the cell.
    ResultsError
        If there are no results.
    """
    places = [
        PurePath(os.path.normpath(Path(folder, text).absolute())) for folder in (directory, ".")
    ]
    address, *others = [split_address(place.as_posix(), text) for place in places]
    if address.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise NoCellError(
            f"{text}: got the family {address.family!r}; known: {known} "
            "(--family FILE loads one of yours)"
        )
    if not address.is_slot:
        address.cell(FAMILIES[address.family])
    results = _open_first([address, *others])
    return results, results.cell("/".join([RESULTS, address.family, *address.parts]))


def measures_of(cells: Sequence[CellResults], name: str | None) -> list[str]:
    """Return the measures to compare: the one that is asked for, or all that the cells share.

    Raises
    ------
    UserError
        If there is none, or not the one.
    """
    first, *others = (
        [measure.name for measure in FAMILIES[cell.family].measures] for cell in cells
    )
    common = [each for each in first if all(each in names for names in others)]
    if name is None and not common:
        families = " and ".join(cell.family for cell in cells)
        raise UserError(f"{families} have no measure of the same name")
    if name is not None and name not in common:
        raise UserError(f"--measure: got {name!r}, allowed: {', '.join(common) or 'none'}")
    return common if name is None else [name]


def read_side(results: Results, cell: CellResults, measures: Sequence[str]) -> Side:
    """Return what was measured of a cell; without the measures that its results lack."""
    family, runs = FAMILIES[cell.family], cell.runs
    tables = {f"{family.name}_runs": runs}
    values = {}
    for measure in map(family.measure, measures):
        further = f"{family.name}_{measure.table}"
        if measure.table and further in results.tables:
            tables[further] = rows_of(results.table(further), [cell.values])
        if _has(tables, family, measure):
            values[measure.name] = Evidence(tables).values(measure.name, cell.values, None)
    return Side(results.path, family, cell.values, runs, values)


def _open_first(addresses: Sequence[Address]) -> Results:
    """The first results that there are, of those above several paths."""
    faults = []
    for address in addresses:
        try:
            return open_results("/".join(address.above) or "/")
        except ResultsError as fault:
            faults.append(fault)
    raise faults[0]


def _has(tables: Mapping[str, pd.DataFrame], family: Family, measure: Measure) -> bool:
    """Whether the tables have what a measure is taken from."""
    table = tables.get(f"{family.name}_{measure.table or 'runs'}")
    columns = measure.difference or (measure.name,)
    return table is not None and len(table) > 0 and set(columns) <= set(table.columns)
