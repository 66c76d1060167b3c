"""The path of a cell's results, taken apart again."""

from __future__ import annotations

import itertools
import re
from typing import NamedTuple

from restudy.errors import UserError
from restudy.families.contract import DATASET, Family
from restudy.study.cell import Cell, make_cell, read_value

HALVING, SEED = "halving", "seed~"
AXIS_VALUE = re.compile(f"(?!{SEED})[^~]+~")
SLOT_PARTS = 4  # of the path of a promoted cell: halving, study, rung and slot


class NoCellError(UserError):
    """What names no cell, more than one, or one without results."""


class Address(NamedTuple):
    """What the path of a cell consists of.

    Attributes
    ----------
    text : str
        The path.
    above : list of str
        Its parts above the family: the folder of the results.
    family : str
        Name of the family.
    parts : list of str
        A value for each axis; or, of a promoted cell, its study, rung and slot.
    """

    text: str
    above: list[str]
    family: str
    parts: list[str]

    @property
    def is_slot(self) -> bool:
        """Whether it is that of a promoted cell."""
        return self.parts[0] == HALVING

    def cell(self, family: Family) -> Cell:
        """Return the cell of the family whose values the path spells.

        Raises
        ------
        NoCellError
            If it has not a value for every axis, or one that the axis can't have.
        """
        texts = dict(part.split("~", 1) for part in self.parts)
        if set(texts) != set(family.axis_names):
            axes = ", ".join(family.axis_names)
            raise NoCellError(
                f"{self.text}: got values of {', '.join(texts)}; a {family.name} cell has one of "
                f"each of {axes}"
            )
        values = {}
        for axis in family.all_axes:
            try:
                values[axis.name] = read_value(axis, texts[axis.name])
            except ValueError:
                raise NoCellError(
                    f"{self.text}: {axis.name}: got {texts[axis.name]!r}, allowed: a number"
                ) from None
        return make_cell(family, values)


def split_address(text: str, given: str = "") -> Address:
    """Return what the path of a cell, or of something in it, consists of.

    Parameters
    ----------
    text : str
        The path.
    given : str
        As the user gave it, where that is another text.

    Raises
    ------
    NoCellError
        If it is none.
    """
    beginning = f"{DATASET.name}~"
    parts = re.split("/+", text.rstrip("/"))
    for place, part in enumerate(parts):
        before = (given or text, parts[: place - 1], parts[place - 1])
        if place and part.startswith(beginning):
            return Address(*before, list(itertools.takewhile(AXIS_VALUE.match, parts[place:])))
        if place and part == HALVING and len(parts) >= place + SLOT_PARTS:
            return Address(*before, parts[place : place + SLOT_PARTS])
    raise NoCellError(
        f"{given or text}: not a path of a cell, such as results/dense/{beginning}moons/…/"
        "optimizer~gd"
    )
