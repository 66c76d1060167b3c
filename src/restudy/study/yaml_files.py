"""Read YAML files; refuse invalid YAML and duplicate keys."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from restudy.errors import UserError, cut, quote, show
from restudy.user_files import UserFileError, read_user_file

# What makes a configuration a template of YTE to Snakemake.
TEMPLATE_KEY = "__use_yte__"
DEEPEST, MOST_VALUES = 50, 1_000_000
LARGEST_FILE = 1_000_000  # bytes: it takes seconds to read them
TOO_DEEP = (
    "mappings and lists are nested without end (an anchor within itself?), or more deeply than "
    f"{DEEPEST} times"
)


class YamlError(UserError):
    """A YAML file that can't be read; the message names the file, the line and the fault."""


class UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses duplicate keys, of which YAML would silently keep the last.

    It names the line of a value that no Python can hold, too.
    """

    def construct_object(self, node, deep=False):
        """Return a value; what Python says of a date or number in a form of its own gets a line."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, TypeError, OverflowError) as error:
            problem = f"a value can't be read: {_reason(error)}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node, deep=False):
        """Return a mapping after checking that no key written in it is a duplicate."""
        first_lines: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith(":merge"):
                continue
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in first_lines:
                problem = f"duplicate key {quote(key)}, first in line {first_lines[key]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            first_lines[key] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> Any:
    """Return the content of a YAML file.

    Raises
    ------
    YamlError
        If the file is missing, is not text, is not YAML, is nested without end, or has a duplicate
        key or a value that no Python can hold.
    """
    content = parse_yaml(_read_text(path), path)
    _check_extent(path, content)
    return content


def _read_text(path: str | Path) -> str:
    try:
        return read_user_file(path, LARGEST_FILE).decode()
    except UserFileError as fault:
        raise YamlError(f"{path}: {fault}") from None
    except UnicodeDecodeError:
        raise YamlError(f"{path}: not YAML: not UTF-8 text") from None


def parse_yaml(text: str, place: str | Path) -> Any:
    """Return what a text says, as `read_yaml` does of a file; errors begin with its place."""
    try:
        return yaml.load(text, UniqueKeyLoader)
    except yaml.constructor.ConstructorError as error:
        raise YamlError(f"{place}: {_fault(error)}") from None
    except yaml.YAMLError as error:
        raise YamlError(f"{place}: not YAML: {_fault(error)}") from None
    except RecursionError:
        raise YamlError(f"{place}: {TOO_DEEP}") from None


def check_configfile(path: str | Path) -> None:
    """Refuse a configuration that Snakemake can't read, or would run as Python.

    Raises
    ------
    YamlError
        The message names the file and the fault.
    """
    _check_text(str(path), _read_text(path))


@cache  # of what was read before, in one call of Snakemake
def _check_text(path: str, text: str) -> None:
    content = parse_yaml(text, path)
    if not isinstance(content, Mapping):
        raise YamlError(f"{path}: got {show(content)} at its top level; allowed: keys with values")
    _refuse_templates(path, content)
    _check_extent(path, content)


def _check_extent(path: str | Path, content: Any) -> None:
    depth, values = _extent(path, content, {}, frozenset())
    if depth > DEEPEST:
        raise YamlError(f"{path}: {TOO_DEEP}")
    if values > MOST_VALUES:
        raise YamlError(f"{path}: {values:,} values, written out; allowed: up to {MOST_VALUES:,}")


def _refuse_templates(path: str | Path, content: Any) -> None:
    """Refuse a configuration that is a template to Snakemake.

    Raises
    ------
    YamlError
        The message names the key, and says what to do.
    """
    if isinstance(content, Mapping) and TEMPLATE_KEY in content:
        raise YamlError(
            f"{path}: {TEMPLATE_KEY}: Snakemake takes such a file for a template and runs the "
            "Python in it, so what is configured isn't what is written; write the values out, and "
            "remove the key"
        )


def _extent(
    path: str | Path, value: Any, known: dict[int, tuple[int, int]], above: frozenset[int]
) -> tuple[int, int]:
    """Return how deep a value is, and how many values it has with every alias written out.

    A few lines of aliases of aliases can stand for more values than any memory holds, so what an
    anchor names is looked at once.
    """
    if not isinstance(value, Mapping | list | set):
        return 0, 1
    if id(value) in above:
        raise YamlError(f"{path}: {TOO_DEEP}")
    if id(value) not in known:
        below = value.values() if isinstance(value, Mapping) else value
        found = [_extent(path, each, known, above | {id(value)}) for each in below]
        known[id(value)] = (
            1 + max((depth for depth, _ in found), default=0),
            1 + sum(count for _, count in found),
        )
    return known[id(value)]


def _reason(error: Exception) -> str:
    """Return what Python says of a value, in words of this project where that is about Python."""
    digits = re.search(r"value has (\d+) digits", str(error))
    return f"it has {digits[1]} digits; allowed: fewer" if digits else cut(str(error), 200)


def _fault(error: yaml.YAMLError) -> str:
    """Return in one line where a text stops being YAML, and why."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error).splitlines()[0]
    line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
    return f"{line}{error.problem}"
