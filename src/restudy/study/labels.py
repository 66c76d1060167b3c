"""Words for axes, measures, values and cells, from the facts of the families and data sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from restudy.data.kinds import DATASET_KINDS
from restudy.families.contract import Axis, Family
from restudy.families.registry import FAMILIES

# Words for what is no fact of a family or a data set: columns of tables that are made of several,
# parts of a data set, and names that the default configurations use.
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
    "full": "full budget",
    "short": "short budget",
    "gd": "gradient descent",
    "published": "published arithmetic",
    "corrected": "corrected arithmetic",
    "conv1": "First convolution",
    "conv2": "Second convolution",
    "fc1": "First dense layer",
    "fc2": "Output layer",
    "loss": "Loss (nats)",
    "accuracy": "Accuracy (share of correct answers)",
}


def label_of(name: Any, axis: str | None = None) -> str:
    """Return the wording for an axis, a measure or a value.

    Parameters
    ----------
    name : Any
        The name or number as the tables write it.
    axis : str, optional
        The axis that a value stands on: it turns ``label_of(3, "hidden_size")`` into ``3 units``.
    """
    counted = counted_axes().get(axis) if axis else None
    if counted:
        singular, plural = counted
        return f"{int(name):,} {singular if int(name) == 1 else plural}"
    if isinstance(name, float):
        return f"{name:g}"
    return known_labels().get(str(name), str(name).replace("_", " "))


def known_labels() -> dict[str, str]:
    """Return the words for every name that has words of its own."""
    key = tuple(FAMILIES)
    if key not in _LABELS:
        _LABELS[key] = OWN_LABELS | dict(_dataset_labels())
        for family in FAMILIES.values():
            for name, label in _family_labels(family):
                _LABELS[key].setdefault(name, label)
    return _LABELS[key]


def counted_axes() -> dict[str, tuple[str, str]]:
    """Return what axes of whole numbers count, singular and plural."""
    return {axis.name: axis.counted for axis in all_axes() if axis.counted}


def number_axes() -> set[str]:
    """Return the names of the axes of numbers."""
    return {axis.name for axis in all_axes() if axis.is_number}


def all_axes() -> Iterator[Axis]:
    """Iterate over the axes of all families."""
    for family in FAMILIES.values():
        yield from family.all_axes


def cell_title(cell: Mapping[str, Any]) -> str:
    """Return a cell in words, in the order of its axes, without the data set."""
    return ", ".join(value_words(value, axis) for axis, value in cell.items() if axis != "dataset")


def value_words(value: Any, axis: str) -> str:
    """Return a value in words that say what it is of: a bare number has its axis beside it."""
    words = label_of(value, axis)
    if axis in number_axes() and axis not in counted_axes():
        return f"{label_of(axis)} {words}"
    return words


# Words by the names of the families that there were; more may be loaded.
_LABELS: dict[tuple[str, ...], dict[str, str]] = {}


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
    if family.time:
        yield family.time.name, family.time.label
        yield family.time.plural, family.time.label
