"""The results of a cell that a user names by a path, as a shell completes it."""

from __future__ import annotations

import difflib
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import pandas as pd

from restudy.analysis.comparison import Side
from restudy.claims.evidence import Evidence
from restudy.data.tables import read_table
from restudy.errors import UserError
from restudy.families.contract import DATASET, Family, Measure
from restudy.families.registry import FAMILIES
from restudy.plan import paths
from restudy.study.cell import Cell, make_cell, read_value

RUNS = "runs.csv"
AXIS_VALUE = re.compile("(?!seed~)[^~]+~")  # a part of a cell's path


class NoCellError(UserError):
    """A path that names no cell, or one without results."""


class Address(NamedTuple):
    """Which cell a path names.

    Attributes
    ----------
    root : Path
        The folder that has ``results/``.
    cell : Cell
        Its values.
    """

    root: Path
    cell: Cell

    @property
    def family(self) -> Family:
        """The cell's family."""
        return FAMILIES[self.cell.family]


def read_address(text: str, directory: str | Path = ".") -> Address:
    """Return the cell that a path names.

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
        If the path has no family that is known, or not a value for every axis of it.
    """
    places = [
        PurePath(os.path.normpath(Path(folder, text).absolute())) for folder in (directory, ".")
    ]
    found = [_split(place.parts, text) for place in places]
    root, name, parts = next((each for each in found if (each[0] / "results").is_dir()), found[0])
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise NoCellError(
            f"{text}: got the family {name!r}; known: {known} (--family FILE loads one of yours)"
        )
    family, texts = FAMILIES[name], dict(part.split("~", 1) for part in parts)
    if set(texts) != set(family.axis_names):
        axes = ", ".join(family.axis_names)
        raise NoCellError(
            f"{text}: got values of {', '.join(texts)}; a {name} cell has one of each of {axes}"
        )
    values = {}
    for axis in family.all_axes:
        try:
            values[axis.name] = read_value(axis, texts[axis.name])
        except ValueError:
            raise NoCellError(
                f"{text}: {axis.name}: got {texts[axis.name]!r}, allowed: a number"
            ) from None
    return Address(root, make_cell(family, values))


def measures_of(addresses: Sequence[Address], name: str | None) -> list[str]:
    """Return the measures to compare: the one that is asked for, or all that the cells share.

    Raises
    ------
    UserError
        If there is none, or not the one.
    """
    first, *others = (
        [measure.name for measure in address.family.measures] for address in addresses
    )
    common = [each for each in first if all(each in names for names in others)]
    if name is None and not common:
        families = " and ".join(address.family.name for address in addresses)
        raise UserError(f"{families} have no measure of the same name")
    if name is not None and name not in common:
        raise UserError(f"--measure: got {name!r}, allowed: {', '.join(common) or 'none'}")
    return common if name is None else [name]


def read_side(address: Address, measures: Sequence[str]) -> Side:
    """Return what was measured of a cell; without the measures that its results lack.

    Raises
    ------
    NoCellError
        If the cell has no results.
    """
    family, cell = address.family, address.cell
    tables = {f"{family.name}_runs": _read_runs(address)}
    values = {}
    for measure in map(family.measure, measures):
        if measure.table:
            tables |= _further_table(address, measure)
        if _has(tables, family, measure):
            values[measure.name] = Evidence(tables).values(measure.name, cell, None)
    return Side(str(address.root), family, cell, tables[f"{family.name}_runs"], values)


def _split(parts: tuple[str, ...], text: str) -> tuple[Path, str, list[str]]:
    """Return the folder that has ``results/``, the family, and the parts of the cell's path."""
    beginning = f"{DATASET.name}~"
    start = next((place for place, part in enumerate(parts) if part.startswith(beginning)), 0)
    if start < 2:
        raise NoCellError(
            f"{text}: not a path of a cell, such as results/dense/{beginning}moons/…/optimizer~gd"
        )
    before = parts[: start - 1]
    root = Path(*(before[:-1] if before[-1] == "results" else before))
    cell = itertools.takewhile(lambda part: AXIS_VALUE.match(part), parts[start:])
    return root, parts[start - 1], list(cell)


def _read_runs(address: Address) -> pd.DataFrame:
    """Return a row per run of a cell: from the table of all runs, or what its jobs left."""
    root, cell = address
    table = root / paths.table(address.family, RUNS)
    known = _checked(table, address.family) if table.is_file() else None
    if known is not None and len(runs := _rows_of(known, cell)):
        return runs
    files = _files_of(root / cell.folder)
    if not files:
        raise NoCellError(_no_such_cell(address, known))
    return pd.concat([_checked(file, address.family) for file in files], ignore_index=True)


def _files_of(folder: Path) -> list[Path]:
    """Return the tables of runs that a cell's jobs left: one of all seeds, or one of each."""
    whole = folder / RUNS
    return [whole] if whole.is_file() else sorted(folder.glob(f"seed~*/{RUNS}"))


def _checked(path: Path, family: Family) -> pd.DataFrame:
    """Return a table of runs, in the order of its seeds."""
    needed = (*family.keys, "diverged_at")
    try:
        table = read_table(path)
    except ValueError as fault:
        raise UserError(f"{path}: can't be read as a table: {str(fault).splitlines()[0]}") from None
    if missing := [name for name in needed if name not in table]:
        raise UserError(f"{path}: lacks the columns {', '.join(missing)}")
    return table


def _rows_of(table: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """Return a cell's rows in a table of many cells."""
    chosen = pd.Series(True, index=table.index)
    for axis, value in cell.items():
        chosen &= table[axis] == value
    return table[chosen].reset_index(drop=True)


def _further_table(address: Address, measure: Measure) -> dict[str, pd.DataFrame]:
    """Return the cell's rows of the table that has a measure, by its name; none without a table."""
    name = f"{address.family.name}_{measure.table}"
    path = address.root / paths.table(address.family, f"{measure.table}.parquet")
    return {name: _rows_of(read_table(path), address.cell)} if path.is_file() else {}


def _has(tables: Mapping[str, pd.DataFrame], family: Family, measure: Measure) -> bool:
    """Whether the tables have what a measure is taken from."""
    table = tables.get(f"{family.name}_{measure.table or 'runs'}")
    columns = measure.difference or (measure.name,)
    return table is not None and len(table) > 0 and set(columns) <= set(table.columns)


def _no_such_cell(address: Address, known: pd.DataFrame | None) -> str:
    """Return a line that says that a cell has no results, and which one next to it has."""
    family, cell = address.family, address.cell
    folder = address.root / "results" / family.name
    pattern = "/".join(f"{axis}~*" for axis in family.axis_names)
    found = {
        path.relative_to(folder).as_posix() for path in folder.glob(pattern) if _files_of(path)
    }
    if known is not None:
        rows = known[list(family.axis_names)].drop_duplicates().to_dict("records")
        found |= {make_cell(family, row).path for row in rows}
    if not found:
        return f"{folder}: no cell has results there"
    own = cell.path.split("/")

    def likeness(path: str) -> tuple[int, float, str]:
        same = sum(one == other for one, other in zip(own, path.split("/"), strict=True))
        return same, difflib.SequenceMatcher(None, path, cell.path).ratio(), path

    nearest = max(sorted(found), key=likeness)
    return f"{cell.folder}: no results of such a cell; nearest: results/{family.name}/{nearest}"
