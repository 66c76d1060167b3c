"""Read YAML files; refuse invalid YAML and duplicate keys."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from restudy.errors import UserError


class YamlError(UserError):
    """A YAML file that can't be read; the message names the file, the line and the fault."""


class UniqueKeyLoader(yaml.SafeLoader):
    """A loader that refuses duplicate keys, of which YAML would silently keep the last."""

    def construct_mapping(self, node, deep=False):
        """Return a mapping after checking that no key written in it is a duplicate."""
        first_lines: dict[Hashable, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith(":merge"):
                continue
            key, line = self.construct_object(key_node), key_node.start_mark.line + 1
            if key in first_lines:
                problem = f"duplicate key {key!r}, first in line {first_lines[key]}"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            first_lines[key] = line
        return super().construct_mapping(node, deep)


def read_yaml(path: str | Path) -> Any:
    """Return the content of a YAML file.

    Raises
    ------
    YamlError
        If the file is missing, is not text, is not YAML, or has a duplicate key.
    """
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), UniqueKeyLoader)
    except OSError as error:
        raise YamlError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise YamlError(f"{path}: not YAML: not UTF-8 text") from None
    except yaml.constructor.ConstructorError as error:
        raise YamlError(f"{path}: {_fault(error)}") from None
    except yaml.YAMLError as error:
        raise YamlError(f"{path}: not YAML: {_fault(error)}") from None


def _fault(error: yaml.YAMLError) -> str:
    """Return in one line where a text stops being YAML, and why."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error).splitlines()[0]
    line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
    return f"{line}{error.problem}"
