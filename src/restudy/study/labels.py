"""Words for axes, measures, values and cells, from the facts of the families and data sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from restudy.data.kinds import DATASET_KINDS
from restudy.families.contract import Axis, Family
from restudy.families.registry import FAMILIES
from restudy.study.cell import spell

# Words for names that no family or data set states: columns that several tables share, and parts of
# a data set.
OWN_LABELS = {
    "seed": "Seed",
    "diverged_at": "Diverged at",
    "diverged_by": "Diverged by",
    "saturated_share": "Saturated share",
    "dead_share": "Dead share",
    "grad_norm": "Gradient norm",
    "relative_error": "Relative error",
    "gradient_norm": "Norm by differences",
    "train": "training",
    "heldout": "held-out",
    "validation": "validation",
    "test": "test",
}


def label_of(name: Any, axis: str | None = None) -> str:
    """Return the label of an axis, a measure or a value.

    Parameters
    ----------
    name : Any
        The name or number, as written in tables.
    axis : str, optional
        The axis of a value: ``label_of(3, "hidden_size")`` is ``3 units``.
    """
    counted = counted_axes().get(axis) if axis else None
    if counted:
        singular, plural = counted
        return f"{int(name):,} {singular if int(name) == 1 else plural}"
    if isinstance(name, float):
        return spell(name)
    return known_labels().get(str(name), str(name).replace("_", " "))


def known_labels() -> dict[str, str]:
    """Return the label of every name that has one of its own."""
    key = tuple((name, family.digest) for name, family in FAMILIES.items())
    if key not in _LABELS:
        _LABELS[key] = OWN_LABELS | dict(_dataset_labels())
        for family in FAMILIES.values():
            for name, label in _family_labels(family):
                _LABELS[key].setdefault(name, label)
    return _LABELS[key]


def counted_axes() -> dict[str, tuple[str, str]]:
    """Return what each axis of whole numbers counts, in singular and plural."""
    return {axis.name: axis.counted for axis in all_axes() if axis.counted}


def number_axes() -> set[str]:
    """Return the names of the axes of numbers."""
    return {axis.name for axis in all_axes() if axis.is_number}


def all_axes() -> Iterator[Axis]:
    """Iterate over the axes of all families."""
    for family in FAMILIES.values():
        yield from family.all_axes


def cell_title(cell: Mapping[str, Any]) -> str:
    """Return a cell in words: its values in the order of the axes, without the data set."""
    return ", ".join(value_words(value, axis) for axis, value in cell.items() if axis != "dataset")


def value_words(value: Any, axis: str) -> str:
    """Return a value in words that are clear by themselves: a bare number follows its axis."""
    words = label_of(value, axis)
    if axis in number_axes() and axis not in counted_axes():
        return f"{label_of(axis)} {words}"
    return words


# Labels by the names of the known families; more families may be loaded later.
_LABELS: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}


def _dataset_labels() -> Iterator[tuple[str, str]]:
    for kind in DATASET_KINDS:
        if kind.label:
            yield kind.name, kind.label


def _family_labels(family: Family) -> Iterator[tuple[str, str]]:
    for axis in family.all_axes:
        yield axis.name, axis.label
        for kind in axis.bundle.kinds if axis.bundle else ():
            if kind.label:
                yield kind.name, kind.label
    for measure in family.measures:
        yield measure.name, measure.label
    yield from family.words
    if family.time:
        yield family.time.name, family.time.label
        yield family.time.plural, family.time.label
