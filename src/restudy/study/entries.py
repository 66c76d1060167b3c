"""What a value of an axis stands for: a named entry, perhaps with other settings (overrides).

``gd+learning_rate=0.03`` is the entry ``gd`` with one setting changed. Every value has one
spelling: settings in the order of the facts, numbers in their shortest form, and none that the
entry has anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from restudy.data.kinds import kinds_that, without_location, without_single_draw
from restudy.families.contract import ONE, OVERRIDE, Family, Kind, Setting
from restudy.families.lookup import CODE
from restudy.families.setting_axes import can_vary, kinds_of
from restudy.study.cell import spell
from restudy.study.schema import bundle_schema, setting_schema
from restudy.study.validation import describe, filling_validator, hint, join

LONGEST_VALUE = 200  # characters: a folder's name has the axis before it, and at most 255 in all


def split_value(text: str) -> tuple[str, dict[str, str]]:
    """Return the name of an entry and the spelled overrides of a value, as far as it has any."""
    name, _, rest = str(text).partition("+")
    found = re.findall(OVERRIDE, f"+{rest}") if rest else []
    return name, dict(found)


def join_value(name: str, spelled: Mapping[str, str]) -> str:
    """Return the value with these overrides."""
    return "".join([name, *(f"+{key}={text}" for key, text in spelled.items())])


def spell_setting(value: Any) -> str:
    """Return the value of a setting as paths have it: ``true``, ``0.03``, ``32-64``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "-".join(map(str, value))
    return spell(value)


def read_setting(setting: Setting, text: str) -> Any:
    """Return the value of a setting from its text in a path; the text itself if it spells none."""
    try:
        if setting.type == "boolean":
            return {"true": True, "false": False}[text]
        if setting.type == "counts":
            return [int(part) for part in text.split("-")]
        if setting.type == "integer":
            return int(text)
        return float(text) if setting.type == "number" else text
    except (KeyError, ValueError):
        return text


def as_typed(setting: Setting, value: Any) -> Any:
    """Return a value with the type of its setting, so that 1 and 1.0 are one."""
    if setting.type == "counts":
        return list(value)
    return float(value) if setting.type == "number" else value


def as_coordinate(value: Any) -> Any:
    """Return the value of a setting as tables have it: a number, or else its spelling."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number or value is None else spell_setting(value)


class Entries:
    """The named entries of a family's section, and of the data sets that it can use.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    family : Family
        Whose section of it is meant.
    """

    def __init__(self, config: Mapping[str, Any], family: Family):
        self.family, self.section = family, config[family.name]
        kinds = kinds_that(family.takes)
        datasets = config["datasets"].items()
        self._named: dict[str, Mapping[str, Mapping]] = {
            "dataset": {name: each for name, each in datasets if each["kind"] in kinds},
            "protocol": self.section["protocols"],
            **{axis: self.section[bundle.name] for axis, bundle in family.bundles.items()},
        }
        self.entry = cache(self._entry)
        self._applied = cache(self._apply)

    def has(self, axis: str) -> bool:
        """Return whether the values of an axis stand for entries."""
        return axis in self._named

    def names(self, axis: str) -> list[str]:
        """Return the names of all entries that may stand on an axis."""
        bundle = self.family.bundles.get(axis)
        plain = [kind.name for kind in bundle.kinds] if bundle and bundle.plain else []
        return [*self._named[axis], *plain]

    def settings(self, axis: str, text: str) -> dict[str, Setting]:
        """Return the settings of an entry that may be overridden, by name, in their order."""
        name, _ = split_value(text)
        kind = self._named_entry(axis, name).get("kind", "protocol")
        kinds = kinds_of(self.family, self.family.axis(axis))
        settings = next(each for each in kinds if each.name == kind).settings
        return {each.name: each for each in settings if can_vary(each)}

    def value(self, axis: str, text: str, key: str) -> Any:
        """Return a setting of what a value stands for; None if it has none of that name."""
        known = self.settings(axis, text)
        return self.entry(axis, text).get(key, known[key].default) if key in known else None

    def faults(self, axis: str, text: str) -> Iterator[str]:
        """Yield ``: got …; allowed: …`` for each fault in a value of an axis."""
        if not self.has(axis):
            return
        name, spelled = split_value(text)
        names = self.names(axis)
        if name not in names or join_value(name, spelled).count("+") != str(text).count("+"):
            bundle = self.family.bundles.get(axis)
            word = "allowed" if bundle and bundle.plain else "defined"
            yield f": got {text!r}{hint(name, names)}; {word}: {join(names)}"
            return
        if len(text) > LONGEST_VALUE:
            yield f": got {text!r}; allowed: at most {LONGEST_VALUE} characters, or an entry"
            return
        known = self.settings(axis, name)
        values = {}
        for key, each in spelled.items():
            if key not in known:
                yield f": got {text!r}, but {self.lack(axis, name, key)}"
                continue
            values[key] = read_setting(known[key], each)
            yield from (f".{key}{line}" for line in setting_faults(known[key], values[key]))
        yield from self._spelling_faults(axis, name, text, values) if spelled else ()

    def _spelling_faults(self, axis: str, name: str, text: str, values: Mapping) -> Iterator[str]:
        known = self.settings(axis, name)
        if any(
            key not in known or list(setting_faults(known[key], v)) for key, v in values.items()
        ):
            return
        right = self.apply(axis, name, values)
        if right != text:
            yield f": got {text!r}; allowed: {right!r}, the one spelling of it"

    def apply(self, axis: str, text: str, overrides: Mapping[str, Any]) -> str:
        """Return the one spelling of a value with further overrides, setting -> value."""
        hashable = {k: tuple(v) if isinstance(v, list) else v for k, v in overrides.items()}
        return self._applied(axis, text, tuple(hashable.items()))

    def lack(self, axis: str, text: str, key: str) -> str:
        """Return the words that an entry has no setting of a name."""
        name, _ = split_value(text)
        known = list(self.settings(axis, name))
        return f"{name!r} has no setting {key!r}{hint(key, known)}; allowed: {join(known)}"

    def _named_entry(self, axis: str, name: str) -> Mapping[str, Any]:
        return self._named[axis].get(name, {"kind": name})

    def _entry(self, axis: str, text: str) -> dict[str, Any]:
        """All settings of what a value stands for, without where data are; sorted by key."""
        name, spelled = split_value(text)
        entry = dict(self._named_entry(axis, name))
        bundle = self.family.bundles.get(axis)
        if bundle:
            list(filling_validator()(bundle_schema(bundle)).iter_errors(entry))
        known = self.settings(axis, name)
        entry |= {key: read_setting(known[key], each) for key, each in spelled.items()}
        entry = without_single_draw(without_location(entry)) if axis == "dataset" else entry
        entry = with_code(entry, kinds_of(self.family, self.family.axis(axis)))
        # A digest of it must not depend on the file's order.
        return dict(sorted(entry.items()))

    def _apply(self, axis: str, text: str, overrides: tuple[tuple[str, Any], ...]) -> str:
        name, spelled = split_value(text)
        plain, known = self.entry(axis, name), self.settings(axis, name)
        values = {key: read_setting(known[key], each) for key, each in spelled.items()}
        values |= {key: as_typed(known[key], value) for key, value in overrides}
        return join_value(
            name,
            {
                key: spell_setting(values[key])
                for key in known
                if key in values and values[key] != plain.get(key, known[key].default)
            },
        )


def with_code(entry: Mapping[str, Any], kinds: Iterable[Kind]) -> dict[str, Any]:
    """Return an entry with the digest of the user's file that its kind is in, if it is in one.

    So whatever depends on the entry is made again when the file changes.
    """
    by_name = {kind.name: kind for kind in kinds}
    kind = by_name.get(entry.get("kind", "protocol"))
    found = dict(entry) | ({CODE: kind.digest} if kind and kind.digest else {})
    for setting in kind.settings if kind else ():
        if setting.type == "kind" and setting.name in found:
            found[setting.name] = with_code(found[setting.name], setting.kinds)
    return found


def setting_faults(setting: Setting, value: Any) -> Iterator[str]:
    """Yield ``: got …; allowed: …`` for each fault in a value of a setting."""
    for error in filling_validator()(setting_schema(setting)).iter_errors(value):
        for line in describe(error):
            yield line.removeprefix("top level")


def settings_lookup(config: Mapping, family: Family) -> Callable[[Mapping], dict[str, dict]]:
    """Return a function that gives the `cell_settings` of cells that are known to be valid.

    All cells of the configuration's own studies are. What a value of an axis names is looked up
    once and shared by all cells with that value, since a grid may have thousands.
    """
    entries = Entries(config, family)
    # A job of one seed computes the same for any number of seeds.
    left_out = ("replicates",) if family.seeds_per_job == ONE else ()

    @cache
    def part(axis: str, value: str) -> dict:
        entry = entries.entry(axis, value)
        if axis == "protocol":
            return {key: entry[key] for key in entry if key not in left_out}
        return entry

    axes = ("dataset", "protocol", *family.bundles)
    return lambda cell: {"cell": dict(cell), **{axis: part(axis, cell[axis]) for axis in axes}}
