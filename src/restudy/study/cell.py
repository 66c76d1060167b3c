"""A cell: one value for every axis of a family, with its path, its row and its settings."""

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

    Two cells are equal if their families and values are; settings are not compared.

    Attributes
    ----------
    family : str
        Name of the family.
    pairs : tuple of (str, value)
        Axis and value, in the order of the axes.
    settings : mapping or None
        Everything that determines what the cell computes, see `settings_lookup`; None if not
        looked up.
    coordinates : tuple of (str, value)
        In a study that varies settings: each of them with its value, and what stands on its axis
        without it. The same cell of another study may have others; they are not compared.
    """

    family: str
    pairs: tuple[tuple[str, Value], ...]
    settings: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    coordinates: tuple[tuple[str, Value], ...] = field(default=(), compare=False, repr=False)

    @cached_property
    def row(self) -> dict[str, Value]:
        """Values by axis: the first columns of a table's row."""
        return dict(self.pairs)

    @cached_property
    def at(self) -> dict[str, Value]:
        """Values by axis, with those of the settings that its study varies."""
        return self.row | dict(self.coordinates)

    @cached_property
    def path(self) -> str:
        """Nested folders ``axis~value`` in the order of the axes, below the family's folder."""
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
    """Return the cell with these values, one for every axis."""
    return Cell(family.name, tuple((name, values[name]) for name in family.axis_names))


def spell(value: Value) -> str:
    """Return a value as written in paths: numbers in the shortest form that reads back the same."""
    if not isinstance(value, float):
        return str(value)
    digits, _, exponent = repr(float(value)).partition("e")
    return digits.removesuffix(".0") + (f"e{int(exponent)}" if exponent else "")


def read_value(axis: Axis, text: str) -> Value:
    """Return the value of an axis from its text in a path.

    Raises
    ------
    ValueError
        If the axis takes numbers and the text is not one.
    """
    if axis.values == "whole_number":
        return int(text)
    return float(text) if axis.values == "number" else str(text)


def cell_pattern(family: Family) -> str:
    """Return the path of a cell with a wildcard for every value."""
    return "/".join(f"{axis}~{{{axis}}}" for axis in family.axis_names)


def cell_from_wildcards(family: Family, wildcards: Mapping[str, str]) -> Cell:
    """Return the cell that a path's wildcards name."""
    return make_cell(
        family, {axis.name: read_value(axis, wildcards[axis.name]) for axis in family.all_axes}
    )


def unique_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Return cells without repeats, in order of first appearance."""
    return list(dict.fromkeys(cells))
