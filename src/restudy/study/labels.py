"""Words for axes, measures, values and cells, from the facts of the families and data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isnan
from typing import Any

from restudy.data.kinds import dataset_kinds
from restudy.families.contract import Axis, Family
from restudy.families.lookup import OWN
from restudy.families.registry import FAMILIES
from restudy.families.setting_axes import (
    is_number,
    is_setting_axis,
    setting_axis,
    settings_that_vary,
    split_axis,
)
from restudy.study.cell import spell
from restudy.study.entries import split_value

# Words for names that no family or data set states: columns that several tables share, and parts of
# a data set.
OWN_LABELS = {
    "seed": "Seed",
    "diverged_at": "Diverged at",
    "diverged_by": "Diverged by",
    "stopped_at": "Stopped at",
    "best_at": "Best at",
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
# What is measured of a tensor.
STATISTIC_WORDS = {
    "min": "smallest value of {}",
    "max": "largest value of {}",
    "mean": "mean of {}",
    "std": "standard deviation of {}",
    "initial_distance": "distance of {} from the initial distribution",
    "uniform_distance": "distance of {} from a uniform distribution",
    "normal_distance": "distance of {} from a normal distribution",
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
    if name is None or isinstance(name, float):
        return "none" if name is None or isnan(name) else spell(name)
    known = known_labels()
    if str(name) in known:
        return known[str(name)]
    name, overrides = split_value(str(name))
    words = [known.get(name, _readable(name.replace("_", " ")))]
    words += [f"{_setting_words(key)} {_readable(value)}" for key, value in overrides.items()]
    return ", ".join(words)


def _readable(text: str) -> str:
    """Return a whole number of five digits or more with its thousands separated, else the text."""
    is_long = text.isascii() and text.isdecimal() and len(text) > 4 and text[0] != "0"
    return f"{int(text):,}" if is_long and len(text) < 20 else text


def measure_title(name: str, family: str | None = None) -> str:
    """Return a measure or what is monitored of a tensor as the title of an axis has it.

    Parameters
    ----------
    name : str
        As in tables: ``train_loss``, ``conv1/weights/mean``, ``conv1/weights/initial_distance``.
    family : str or None
        Name of the family whose unit is added in parentheses.
    """
    *layers, tensor, statistic = ["", *name.split("/")]
    if tensor:
        words = STATISTIC_WORDS.get(statistic, f"{label_of(statistic)} of {{}}")
        what = words.format(within(label_of(tensor)))
        where = [within(label_of(layer)) for layer in layers if layer]
        return ", ".join([what[:1].upper() + what[1:], *where])
    facts = FAMILIES[family].measure(name) if family else None
    return f"{label_of(name)} ({facts.unit})" if facts and facts.unit else label_of(name)


def within(title: str) -> str:
    """Return a title as it stands within a sentence."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def known_labels() -> dict[str, str]:
    """Return the label of every name that has one of its own."""
    return _known(_all_labels)


def _all_labels() -> dict[str, str]:
    labels = OWN_LABELS | dict(_dataset_labels())
    for family in FAMILIES.values():
        for name, label in _family_labels(family):
            labels.setdefault(name, label)
    return labels


def _known(make: Callable[[], Any]) -> Any:
    """What was made of the facts; made anew when a file of the user's added some."""
    own = (kind for kinds in OWN.values() for kind in kinds.values())
    kinds = tuple((each.name, each.digest) for each in (*FAMILIES.values(), *own))
    key = make.__name__, kinds
    if key not in _MADE:
        _MADE[key] = make()
    return _MADE[key]


def _setting_words(key: str) -> str:
    """What a setting is called within a sentence."""
    return _known(_all_setting_words).get(key, key.replace("_", " "))


def _all_setting_words() -> dict[str, str]:
    return {
        name: settings[0].words
        for family in FAMILIES.values()
        for axis in family.all_axes
        for name, settings in settings_that_vary(family, axis).items()
    }


def counted_axes() -> dict[str, tuple[str, str]]:
    """Return what each axis of whole numbers counts, in singular and plural."""
    return {axis.name: axis.counted for axis in all_axes() if axis.counted}


def number_axes() -> set[str]:
    """Return the names of the axes, and of the settings, that are numbers."""
    return _known(_number_axes)


def _number_axes() -> set[str]:
    settings = (
        (setting_axis(axis.name, name), found[0])
        for family in FAMILIES.values()
        for axis in family.all_axes
        for name, found in settings_that_vary(family, axis).items()
    )
    numbers = {axis.name for axis in all_axes() if axis.is_number}
    return numbers | {name for name, setting in settings if is_number(setting)}


def all_axes() -> Iterator[Axis]:
    """Iterate over the axes of all families."""
    for family in FAMILIES.values():
        yield from family.all_axes


def cell_title(cell: Mapping[str, Any]) -> str:
    """Return a cell in words: its values in the order of the axes, without the data set."""
    return ", ".join(value_words(value, axis) for axis, value in cell.items() if axis != "dataset")


def values_in_words(values: Mapping[str, Any]) -> str:
    """Return values by axis as a title has them, without those that are missing."""
    found = {axis: value for axis, value in values.items() if label_of(value) != "none"}
    return " · ".join(
        value_words(value, axis) if is_setting_axis(axis) else label_of(value, axis)
        for axis, value in found.items()
    )


def value_words(value: Any, axis: str) -> str:
    """Return a value in words that are clear by themselves: a bare number follows its axis."""
    words = label_of(value, axis)
    if is_setting_axis(axis):
        return f"{_setting_words(split_axis(axis)[1])} {words}"
    if axis in number_axes() and axis not in counted_axes():
        return f"{label_of(axis)} {words}"
    return words


# By the names of the known families; more families may be loaded later.
_MADE: dict[tuple, Any] = {}


def _dataset_labels() -> Iterator[tuple[str, str]]:
    for kind in dataset_kinds():
        if kind.label:
            yield kind.name, kind.label


def _family_labels(family: Family) -> Iterator[tuple[str, str]]:
    for axis in family.all_axes:
        yield axis.name, axis.label
        for name, (setting, *_) in settings_that_vary(family, axis).items():
            words = setting.words
            yield setting_axis(axis.name, name), words[:1].upper() + words[1:]
        for kind in axis.bundle.kinds if axis.bundle else ():
            if kind.label:
                yield kind.name, kind.label
    for measure in family.measures:
        yield measure.name, measure.label
    yield from family.words
    if family.time:
        yield family.time.name, family.time.label
        yield family.time.plural, family.time.label
