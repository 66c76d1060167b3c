"""Write the schema and the tables of config/README.md, which are derived from facts.

    python -m restudy.study.reference

Run it in the project's folder, with ``src`` on PYTHONPATH, after changing a family's facts, the
kinds of data set or the forms of claims. A test compares the files with what this would write.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from restudy.data.kinds import DATASET_KINDS, SOURCES
from restudy.families.contract import LARGEST_COUNT, Axis, Bundle, Family, Kind, Setting
from restudy.families.registry import FAMILIES
from restudy.study.schema import config_schema

SCHEMA_HEAD = """\
# Every key of a configuration file, for editors: its type, its default, what it does. Written by
# `python -m restudy.study.reference` from the facts of families and data sets.
"""
CLAIMS_SCHEMA = "src/restudy/claims/schema.yaml"
SHARED_KEYS = ("form", "margin", "cells", "spread", "at")  # keys that many forms of claims share
BLOCK = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def schema_text() -> str:
    """Return the schema of a configuration as YAML."""

    class Dumper(yaml.SafeDumper):
        """A dumper that writes equal parts in full, without anchors."""

        def ignore_aliases(self, data: Any) -> bool:
            """Return whether a part is written in full: always."""
            return True

    text = yaml.dump(config_schema(FAMILIES), Dumper=Dumper, sort_keys=False, width=100)
    return SCHEMA_HEAD + text


def filled(document: str, claims: Mapping[str, Any]) -> str:
    """Return a document with its generated blocks brought up to date.

    Parameters
    ----------
    document : str
        Markdown.
    claims : mapping
        The schema of files of claims.

    Raises
    ------
    KeyError
        If `tables` has none for the name of a block.
    """
    known = tables(claims)
    return BLOCK.sub(lambda found: f"{found[1]}\n{known[found[2]]}\n{found[3]}", document)


def tables(claims: Mapping[str, Any]) -> dict[str, str]:
    """Return every generated table in Markdown, by the name of its block.

    The forms of claims come from ``claims``, the schema of files of claims.
    """
    found = {
        "kinds of data set": _markdown(
            ("`kind`", "consists of", "what it is"),
            ((f"`{kind.name}`", kind.takes, kind.description) for kind in DATASET_KINDS),
        ),
        "datasets": _settings_by_kind(DATASET_KINDS),
        "sources": _markdown(
            ("`kind`", "key", "meaning"),
            (
                (f"`{kind.name}`", f"`{setting.name}`", setting.description)
                for kind in SOURCES
                for setting in kind.settings
            ),
        ),
        "axes": _markdown(("axis", "family", "values"), _axes()),
        "forms of claims": _markdown(
            ("`form` of a test", "keys", "what is claimed"), _forms(claims)
        ),
    }
    for family in FAMILIES.values():
        found[f"protocols of {family.name}"] = _markdown(
            ("key", "type", "default", "effect"),
            (row for setting in family.settings for row in _setting_rows(setting)),
        )
        for setting in family.settings:
            if setting.type == "kind":
                found[f"kinds of {setting.name}"] = _kinds(setting.kinds)
    for bundle in _bundles():
        found[bundle.name] = _kinds(bundle.kinds)
    return found


def type_of(setting: Setting | Axis) -> str:
    """Return the type and range of a setting in words: ``whole number, from 1``."""
    words = {
        "boolean": "`true` or `false`",
        "text": "text",
        "settings": "a mapping of the next keys",
        "kind": "a kind, see below",
        "kinds": "list",
    }
    if isinstance(setting, Setting) and setting.type in words:
        return words[setting.type]
    if isinstance(setting, Setting) and setting.type == "counts":
        longest = "or more" if setting.max_length is None else f"to {setting.max_length}"
        each = type_of(replace(setting, type="integer"))
        return f"list of {setting.min_length} {longest}, each a {each}"
    if setting.choices:
        return " or ".join(f"`{choice}`" for choice in setting.choices)
    whole = "integer" if isinstance(setting, Setting) else "whole_number"
    kind = setting.type if isinstance(setting, Setting) else setting.values
    noun = "whole number" if kind == whole else "number"
    maximum = None if setting.maximum in (LARGEST_COUNT, 4_294_967_295) else setting.maximum
    low = f"from {setting.minimum:,}" if setting.minimum is not None else ""
    low = f"above {setting.above:,}" if setting.above is not None else low
    high = f"up to {maximum:,}" if maximum is not None else ""
    high = f"below {setting.below:,}" if setting.below is not None else high
    return ", ".join(filter(None, (noun, low, high)))


def default_of(setting: Setting) -> str:
    """Return the default of a setting as written in YAML, or that it is required."""
    if setting.required:
        return "required"
    if isinstance(setting.default, Mapping):
        return f"`{setting.default['kind']}`"
    if setting.type == "kinds":
        return "see below"
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    if isinstance(setting.default, str):
        return f"`{setting.default}`"
    if isinstance(setting.default, list):
        return f"`{setting.default}`"
    return "none" if setting.default is None else f"{setting.default}"


def _setting_row(setting: Setting) -> tuple[str, ...]:
    return f"`{setting.name}`", type_of(setting), default_of(setting), setting.description


def _setting_rows(setting: Setting) -> list[tuple[str, ...]]:
    """Return the row of a setting, and those of what it is a mapping of."""
    inner = (replace(each, name=f"{setting.name}.{each.name}") for each in setting.settings)
    return [_setting_row(setting), *map(_setting_row, inner)]


def _settings_by_kind(kinds: Iterable[Kind]) -> str:
    """Return a table with a row for each distinct setting, and the kinds that have it."""
    owners: dict[int, tuple[Setting, list[str]]] = {}
    for kind in kinds:
        for setting in kind.settings:
            same = next((n for n, (each, _) in owners.items() if each == setting), len(owners))
            owners.setdefault(same, (setting, []))[1].append(f"`{kind.name}`")
    rows = (
        (name, ", ".join(names), *rest)
        for setting, names in owners.values()
        for name, *rest in [_setting_row(setting)]
    )
    return _markdown(("key", "kinds", "type", "default", "effect"), rows)


def _kinds(kinds: Iterable[Kind]) -> str:
    rows = (
        (
            f"`{kind.name}`",
            "; ".join(_parameter(setting) for setting in kind.settings) or "none",
            kind.description,
        )
        for kind in kinds
    )
    return _markdown(("`kind`", "further keys (default)", "what it is"), rows)


def _parameter(setting: Setting) -> str:
    return f"`{setting.name}` ({default_of(setting)}), {type_of(setting)}: {setting.description}"


def _bundles() -> Iterator[Bundle]:
    for family in FAMILIES.values():
        yield from family.bundles.values()


def _axes() -> Iterator[tuple[str, str, str]]:
    """Yield a row for each axis, with the families that have it."""
    owners: dict[str, list[Family]] = {}
    for family in FAMILIES.values():
        for axis in family.all_axes:
            owners.setdefault(axis.name, []).append(family)
    for name, families in owners.items():
        listed = ", ".join(f"`{family.name}`" for family in families)
        yield f"`{name}`", listed, _values(families[0].axis(name))


def _values(axis: Axis) -> str:
    if axis.values == "name" and axis.bundle and axis.bundle.plain:
        kinds = ", ".join(f"`{kind.name}`" for kind in axis.bundle.kinds)
        return f"{kinds}, or a name under `{axis.bundle.name}`"
    if axis.values == "name":
        place = axis.bundle.name if axis.bundle else f"{axis.name}s"
        return f"a name under `{place}`"
    return f"{type_of(axis)}: {axis.description}"


def _forms(claims: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each form of a claim's test, without the keys that many forms share."""
    for branch in claims["$defs"]["test"]["allOf"]:
        form, facts = branch["if"]["properties"]["form"]["const"], branch["then"]
        either = [f"`{name}`" for part in facts.get("oneOf", ()) for name in part["required"]]
        keys = [
            _form_key(name, key, name in facts.get("required", ()))
            for name, key in facts["properties"].items()
            if name not in SHARED_KEYS and f"`{name}`" not in either
        ]
        keys += [" or ".join(either)] if either else []
        yield f"`{form}`", ", ".join(keys), facts["description"]


def _form_key(name: str, key: Mapping[str, Any], required: bool) -> str:
    """Return a key of a form, with its default if it has one."""
    if "default" in key:
        return f"`{name}` ({json.dumps(key['default'])})"
    return f"`{name}`" if required else f"`{name}` (optional)"


def _markdown(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def main(root: Path) -> None:
    """Write the schema and the tables of config/README.md below a folder."""
    (root / "workflow/schemas/config.schema.yaml").write_text(schema_text(), encoding="utf-8")
    claims = yaml.safe_load((root / CLAIMS_SCHEMA).read_text(encoding="utf-8"))
    readme = root / "config/README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8"), claims), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
