"""A cell: one value for every axis of a family; it knows its path, its row and its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from restudy.families.contract import Axis, Family

Value = str | int | float


@dataclass(frozen=True)
class Cell(Mapping):
    """One combination of values, as a mapping of axes to values in the order of the axes.

    Two cells are the same if their families and values are, whatever is known of their settings.

    Attributes
    ----------
    family : str
        Name of the family.
    values : tuple of (str, value)
        Axis and value, in the order of the axes.
    settings : mapping or None
        All that decides what the cell computes, see `settings_lookup`; None if nobody asked.
    """

    family: str
    pairs: tuple[tuple[str, Value], ...]
    settings: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def row(self) -> dict[str, Value]:
        """Values by axis, as a table's row begins."""
        return dict(self.pairs)

    @cached_property
    def path(self) -> str:
        """``axis~value`` folders in the order of the axes, below the family's folder."""
        return "/".join(f"{axis}~{spell(value)}" for axis, value in self.pairs)

    @property
    def folder(self) -> str:
        """Folder of the cell's results."""
        return f"results/{self.family}/{self.path}"

    def __getitem__(self, axis: str) -> Value:
        return self.row[axis]

    def __iter__(self) -> Iterator[str]:
        return iter(self.row)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return hash((self.family, self.pairs))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Cell):
            return self.family == other.family and self.pairs == other.pairs
        return NotImplemented


def make_cell(family: Family, values: Mapping[str, Value]) -> Cell:
    """Return the cell with these values, which every axis has."""
    return Cell(family.name, tuple((name, values[name]) for name in family.axis_names))


def spell(value: Value) -> str:
    """Return a value as paths spell it: numbers in their shortest form that reads back the same."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def read_value(axis: Axis, text: str) -> Value:
    """Return the value of an axis that a path spells.

    Raises
    ------
    ValueError
        If the text is no number of an axis of numbers.
    """
    if axis.values == "whole_number":
        return int(text)
    return float(text) if axis.values == "number" else str(text)


def cell_pattern(family: Family) -> str:
    """Return the path of a cell with a wildcard for every value."""
    return "/".join(f"{axis}~{{{axis}}}" for axis in family.axis_names)


def cell_from_wildcards(family: Family, wildcards: Mapping[str, str]) -> Cell:
    """Return the cell that a path's wildcards spell."""
    return make_cell(
        family, {axis.name: read_value(axis, wildcards[axis.name]) for axis in family.all_axes}
    )


def unique_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Return cells without repeats, in order of first appearance."""
    return list(dict.fromkeys(cells))
