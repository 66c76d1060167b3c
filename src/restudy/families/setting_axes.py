"""Settings as axes: what a study may vary of the entry that stands on an axis of names.

Such an axis has the name of both, as in ``optimizer.learning_rate``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from restudy.data.kinds import dataset_kinds
from restudy.families.contract import Axis, Family, Kind, Setting

SCALAR_TYPES = ("number", "integer", "boolean", "choice", "counts")


def setting_axis(axis: str, setting: str) -> str:
    """Return the name under which a setting of what stands on an axis is varied."""
    return f"{axis}.{setting}"


def is_setting_axis(name: str) -> bool:
    """Return whether a name is that of a setting, such as ``optimizer.learning_rate``."""
    return "." in name


def split_axis(name: str) -> tuple[str, str]:
    """Return axis and setting of a name such as ``optimizer.learning_rate``."""
    axis, _, setting = name.partition(".")
    return axis, setting


def can_vary(setting: Setting) -> bool:
    """Return whether a study may vary a setting: one value, which can stand in a path."""
    spelled = all(re.fullmatch("[A-Za-z0-9_.-]+", choice) for choice in setting.choices)
    return setting.type in SCALAR_TYPES and setting.affects_results and spelled


def is_number(setting: Setting) -> bool:
    """Return whether a setting is a number."""
    return setting.type in ("number", "integer")


def kinds_of(family: Family, axis: Axis) -> Sequence[Kind]:
    """Return the kinds of entry that may stand on an axis of names; the protocol has only one."""
    if axis.name == "dataset":
        return [kind for kind in dataset_kinds() if kind.takes == family.takes]
    if axis.name == "protocol":
        return [Kind("protocol", settings=family.settings)]
    if axis.bundle is None:
        return []
    common = axis.bundle.settings
    return [replace(kind, settings=(*common, *kind.settings)) for kind in axis.bundle.kinds]


def settings_that_vary(family: Family, axis: Axis) -> dict[str, list[Setting]]:
    """Return the settings that may be varied of what stands on an axis, as each kind has them."""
    found: dict[str, list[Setting]] = {}
    for kind in kinds_of(family, axis):
        for setting in filter(can_vary, kind.settings):
            found.setdefault(setting.name, []).append(setting)
    return found


def find_setting(family: Family, name: str) -> Setting:
    """Return the setting that a name such as ``optimizer.learning_rate`` stands for."""
    axis, key = split_axis(name)
    return settings_that_vary(family, family.axis(axis))[key][0]


def is_whole(family: Family, name: str) -> bool:
    """Return whether the numbers of an axis or setting are whole."""
    if is_setting_axis(name):
        return find_setting(family, name).type == "integer"
    return family.axis(name).values == "whole_number"
