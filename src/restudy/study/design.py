"""From a study to its cells: a product of the values of its axes, or a sample of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import product
from math import prod
from typing import Any

from restudy.errors import UserError
from restudy.families.contract import Family, without_overrides
from restudy.families.setting_axes import (
    find_setting,
    is_setting_axis,
    is_whole,
    setting_axis,
    split_axis,
)
from restudy.study.cell import Cell, make_cell, unique_cells
from restudy.study.entries import Entries, as_coordinate, as_typed
from restudy.study.ranges import Range, range_of

# Points that are drawn at most for a sample, since several may be one cell.
MOST_DRAWN = 1 << 20
FEWEST_PREDICTED = 16  # cells of a study; of fewer, a forest can't tell what others would do
MOST_KEPT = 100  # designs
FEWEST_NUMBERS = 3  # of an axis; fewer make no curve


class DesignError(UserError):
    """A study whose cells can't be made; the message names the key."""


@dataclass(frozen=True)
class Design:
    """The cells of a study, and how they came about.

    Attributes
    ----------
    axes : dict of str to list
        What the study varies -> the values that occur, in its order; numbers of a range or a
        sample are sorted. Settings have names such as ``optimizer.learning_rate``.
    cells : tuple of Cell
        Each once, with its ``coordinates``. Of a product, the last axis varies fastest.
    combinations : int
        How many combinations there were, of which some may have been the same cell.
    scales : dict of str to str
        Axis -> ``linear`` or ``log``, of those that were given as a range.
    sampled : bool
        Whether the cells are a sample.
    """

    axes: Mapping[str, list]
    cells: tuple[Cell, ...]
    combinations: int
    scales: Mapping[str, str] = field(default_factory=dict)
    sampled: bool = False

    @property
    def left_out(self) -> int:
        """How many combinations were the same cell as another one."""
        return self.combinations - len(self.cells)

    @cached_property
    def levels(self) -> dict[str, list]:
        """The values of every axis of the family that occur, as tables spell them."""
        names = self.cells[0]
        return {axis: list(dict.fromkeys(cell[axis] for cell in self.cells)) for axis in names}

    def facts(self, name: str, study: Mapping[str, Any]) -> dict[str, Any]:
        """Return the study as figures need it.

        Parameters
        ----------
        name : str
            Of the study.
        study : mapping
            As the configuration has it.

        Returns
        -------
        dict
            ``name``; ``asked``, its question, and ``question``, which says also whether the cells
            are those of a first rung; ``fix``; ``vary``, see `axes`; ``scales``; ``sampled``;
            ``size``, the number of cells; ``left_out``, combinations that are no cell of their own;
            ``numbers``, the axes that are drawn as numbers: settings and ranges; and ``halving``,
            of a study whose cells are those of a first rung, as the configuration has it, else
            None.
        """
        budgets = budgets_of(study)
        rung = f" (First of {len(budgets)} rungs, budget {budgets[0]:,}.)" if budgets else ""
        return {
            "name": name,
            "asked": study["question"],
            "question": f"{study['question']}{rung}",
            "halving": study.get("halving"),
            "fix": study["fix"],
            "vary": dict(self.axes),
            "scales": dict(self.scales),
            "sampled": self.sampled,
            "size": len(self.cells),
            "left_out": self.left_out,
            "numbers": [
                axis
                for axis, values in self.axes.items()
                if (is_setting_axis(axis) or axis in self.scales)
                and len(values) >= FEWEST_NUMBERS
                and all(isinstance(value, int | float) for value in values)
            ],
        }

    @property
    def is_product(self) -> bool:
        """Whether the cells are all combinations of `levels`, which then select their rows."""
        return len(self.cells) == prod(map(len, self.levels.values()))


def budgets_of(study: Mapping[str, Any]) -> list[int]:
    """Return the budgets of the rungs of a study; none if it does no successive halving."""
    return list(study["halving"]["budgets"]) if "halving" in study else []


def design_of(config: Mapping[str, Any], family: Family, study: str, rung: int = 1) -> Design:
    """Return the design of a study of a completed and checked configuration.

    Parameters
    ----------
    config, family, study
        Of which study.
    rung : int
        Of a study with successive halving: with the budget of which rung, from 1. The cells are
        those of the first, whether they are promoted or not, in the same order.

    Raises
    ------
    DesignError
        If a combination has no setting that the study varies or fixes, or if there are not enough
        different cells to sample.
    """
    # Checks, plan and claims ask for the same design, which may have thousands of cells.
    section = config[family.name]
    own = {**section, "studies": section["studies"][study]}
    key = json.dumps([family.name, family.digest, study, rung, config["datasets"], own])
    if key not in _DESIGNS:
        if len(_DESIGNS) >= MOST_KEPT:
            _DESIGNS.clear()
        _DESIGNS[key] = _Builder(config, family, study, rung).design()
    return _DESIGNS[key]


def plain_section(
    config: Mapping[str, Any], family: Family, designs: Mapping[str, Design]
) -> dict[str, Any]:
    """Return a family's section as if it varied names and numbers of its own axes alone.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    family : Family
        Whose section is meant.
    designs : mapping of str to Design
        Of its studies.

    Returns
    -------
    dict
        The section, whose bundles have also the entries that overrides make. Every study has under
        ``vary`` the values of its axes that occur, as tables spell them; its cells are their
        product, if the design is one.
    """
    entries = Entries(config, family)
    baseline = baseline_cell(entries)
    keys = {"protocol": "protocols", **{a: each.name for a, each in family.bundles.items()}}
    section = dict(entries.section)
    for axis, key in keys.items():
        used = [
            baseline[axis],
            *(value for each in designs.values() for value in each.levels[axis]),
        ]
        made = {value: entries.entry(axis, value) for value in used if "+" in value}
        section[key] = {**section[key], **made}
    studies = {
        name: _plain_study(section["studies"][name], design, baseline)
        for name, design in designs.items()
    }
    return {**section, "baseline": baseline.row, "studies": studies}


def _plain_study(study: Mapping[str, Any], design: Design, baseline: Cell) -> dict[str, Any]:
    """A study with the values of a family's own axes, in the order in which it varies them."""
    varied = dict.fromkeys(split_axis(axis)[0] for axis in study["vary"])
    levels = design.levels
    fixed = {
        axis: values[0]
        for axis, values in levels.items()
        if axis not in varied and (values[0] != baseline[axis] or axis in study["fix"])
    }
    vary = {axis: levels[axis] for axis in varied}
    return {"question": study["question"], "fix": fixed, "vary": vary}


def baseline_cell(entries: Entries) -> Cell:
    """Return the cell that every study of a family starts from."""
    values = entries.section["baseline"]
    plain = {axis: value for axis, value in values.items() if not is_setting_axis(axis)}
    row = {axis: typed_value(entries, axis, value) for axis, value in plain.items()}
    for axis, overrides in by_axis(values).items():
        place = f"{entries.family.name}.baseline"
        row[axis] = overridden(entries, axis, row[axis], overrides, place)
    return make_cell(entries.family, row)


def by_axis(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return those of the values that are settings: axis -> setting -> value."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if is_setting_axis(name):
            axis, key = split_axis(name)
            found.setdefault(axis, {})[key] = value
    return found


def overridden(
    entries: Entries, axis: str, text: str, overrides: Mapping[str, Any], place: str
) -> str:
    """Return a value of an axis with other settings.

    Raises
    ------
    DesignError
        If what it stands for has no setting of that name.
    """
    known = entries.settings(axis, text)
    for key in overrides:
        if key not in known:
            name = setting_axis(axis, key)
            raise DesignError(
                f"{place}.{name}: {axis} {entries.lack(axis, text, key)}, or only_if: a condition "
                f"under which {name} varies"
            )
    return entries.apply(axis, text, overrides)


def typed_value(entries: Entries, axis: str, value: Any) -> Any:
    """Return a value of an axis with the type of its facts, so that 1 and 1.0 are one cell."""
    return float(value) if entries.family.axis(axis).values == "number" else value


def given_values(given: Any) -> Any:
    """Return the list or the range that a study gives for an axis, without its condition."""
    return given.get("values", given) if isinstance(given, Mapping) else given


def condition_of(given: Any) -> dict[str, list]:
    """Return the condition under which an axis varies: other axis -> values that it may have."""
    condition = given.get("only_if", {}) if isinstance(given, Mapping) else {}
    return {
        axis: value if isinstance(value, list) else [value] for axis, value in condition.items()
    }


def condition_order(vary: Mapping[str, Any]) -> list[str]:
    """Return the axes in an order in which those that a condition names come before its own.

    Raises
    ------
    CycleError
        If conditions refer to each other in a circle.
    """
    before = {axis: set(condition_of(given)) & set(vary) for axis, given in vary.items()}
    return list(TopologicalSorter(before).static_order())


_DESIGNS: dict[str, Design] = {}


class _Builder:
    """Makes the design of one study."""

    def __init__(self, config: Mapping[str, Any], family: Family, study: str, rung: int):
        self.family, self.entries = family, Entries(config, family)
        self.given = self.entries.section["studies"][study]
        self.place = f"{family.name}.studies.{study}"
        fix = self.given.get("fix", {})
        if budgets := budgets_of(self.given):
            fix = {**fix, setting_axis("protocol", family.time.budget): budgets[rung - 1]}
        self.plain = {
            **baseline_cell(self.entries).row,
            **{
                axis: typed_value(self.entries, axis, value)
                for axis, value in fix.items()
                if not is_setting_axis(axis)
            },
        }
        self.fixed = by_axis(fix)
        vary = self.given["vary"]
        self.domains = {axis: self._domain(axis, given) for axis, given in vary.items()}
        self.conditions = {
            axis: {
                name: [as_coordinate(value) for value in self._levels(name, values)]
                for name, values in condition_of(given).items()
            }
            for axis, given in vary.items()
            if condition_of(given)
        }
        self.order = condition_order(vary) if self.conditions else []
        # Settings with names of their own do not also count as part of the entry's name.
        own = by_axis({**dict.fromkeys(vary), **dict.fromkeys(fix)})
        self.named_apart = {axis: tuple(keys) for axis, keys in own.items()}

    def design(self) -> Design:
        sample = self.given.get("sample")
        vary = list(self.domains)
        scales = {
            axis: given_values(given).get("scale", "linear")
            for axis, given in self.given["vary"].items()
            if isinstance(given_values(given), Mapping)
        }
        if not (sample or self.conditions or self.named_apart):
            cells = tuple(
                make_cell(self.family, {**self.plain, **dict(zip(vary, values, strict=True))})
                for values in product(*self.domains.values())
            )
            return Design(self.domains, cells, len(cells), scales)
        if sample:
            cells = self._sample(sample)
            combinations = len(cells)
        else:
            combinations = prod(map(len, self.domains.values()))
            cells = unique_cells(
                self._cell(dict(zip(vary, values, strict=True)))
                for values in product(*self.domains.values())
            )
        axes = {axis: self._occurring(axis, cells) for axis in vary}
        return Design(axes, tuple(cells), combinations, scales, bool(sample))

    def _domain(self, axis: str, given: Any) -> list | Range:
        """The values of an axis, or the range that they are drawn from."""
        values = given_values(given)
        if isinstance(values, list):
            return self._levels(axis, values)
        numbers = range_of(values, is_whole(self.family, axis))
        return numbers if numbers.count is None else numbers.values()

    def _levels(self, axis: str, values: Sequence) -> list:
        if is_setting_axis(axis):
            setting = find_setting(self.family, axis)
            return [as_typed(setting, value) for value in values]
        return [typed_value(self.entries, axis, value) for value in values]

    def _cell(self, combination: dict[str, Any]) -> Cell:
        """The cell of a combination; an axis whose condition is not met does not vary."""
        for axis in self.order:
            condition = self.conditions.get(axis, {})
            if condition and not self._meets(combination, condition):
                del combination[axis]
        row = dict(self.plain)
        row.update((axis, v) for axis, v in combination.items() if not is_setting_axis(axis))
        overrides = {axis: dict(settings) for axis, settings in self.fixed.items()}
        varied = by_axis(combination)
        for axis, settings in varied.items():
            overrides.setdefault(axis, {}).update(settings)
        for axis, settings in overrides.items():
            key = "vary" if axis in varied else "fix"
            row[axis] = overridden(self.entries, axis, row[axis], settings, f"{self.place}.{key}")
        cell = make_cell(self.family, row)
        return (
            replace(cell, coordinates=tuple(self._coordinates(row))) if self.named_apart else cell
        )

    def _coordinates(self, row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """What the study tells the cell apart by, where it varies or fixes settings."""
        for axis, value in row.items():
            keys = self.named_apart.get(axis, ())
            yield axis, without_overrides(value, *keys) if keys else value
            for key in keys:
                found = self.entries.value(axis, value, key)
                yield setting_axis(axis, key), as_coordinate(found)

    def _meets(self, combination: Mapping[str, Any], condition: Mapping[str, list]) -> bool:
        for axis, allowed in condition.items():
            if is_setting_axis(axis):
                base, key = split_axis(axis)
                text = combination.get(base, self.plain[base])
                value = combination.get(axis, self.fixed.get(base, {}).get(key))
                value = self.entries.value(base, text, key) if value is None else value
            else:
                value = combination.get(axis, self.plain[axis])
            if as_coordinate(value) not in allowed:
                return False
        return True

    def _occurring(self, axis: str, cells: Sequence[Cell]) -> list:
        """The values of an axis that occur: in the study's order, or sorted if it draws them."""
        found = dict.fromkeys(cell.at[axis] for cell in cells)
        domain = self.domains[axis]
        if isinstance(domain, Range):
            return sorted(value for value in found if value is not None)
        listed = [value for value in map(as_coordinate, domain) if value in found]
        return listed + [value for value in found if value not in listed and value is not None]

    def _sample(self, sample: Mapping[str, Any]) -> list[Cell]:
        """As many different cells as the sample is large, the first that are drawn."""
        from restudy.study.samples import METHODS

        size = sample["size"]
        draw = METHODS[sample["method"]]
        most = prod(
            domain.size if isinstance(domain, Range) else len(domain)
            for domain in self.domains.values()
        )
        drawn = size
        while drawn <= MOST_DRAWN:
            points = draw(drawn, len(self.domains), sample["seed"])
            cells = unique_cells(self._cell(self._at(point)) for point in points.tolist())
            if len(cells) >= size:
                return cells[:size]
            # What holds fewer cells need not be drawn from for long.
            if most < size or drawn >= 64 * size:
                break
            drawn *= 2
        raise DesignError(
            f"{self.place}.sample.size: got {size}; allowed: at most {len(cells)}, the different "
            "cells that there are to draw"
        )

    def _at(self, point: Sequence[float]) -> dict[str, Any]:
        """The combination at a point of the unit cube."""
        return {
            axis: domain.draw(share)
            if isinstance(domain, Range)
            else domain[int(share * len(domain))]
            for (axis, domain), share in zip(self.domains.items(), point, strict=True)
        }
