"""Texts: written as a whole or not at all, and read though they may be cut or garbage."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from restudy.disk import whole_file


def write_text(path: str | Path, text: str) -> None:
    """Write a file in UTF-8; whoever reads it finds the old text or the new one, never a part."""
    with whole_file(path) as file:
        file.write(text.encode())


def write_json(path: str | Path, value: Mapping) -> None:
    """Write a readable JSON file, as `write_text` does."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: str | Path, *keys: str) -> dict[str, Any]:
    """Return the object in a JSON file; an empty one if it is missing, cut or something else.

    For what makes things easier and must never stop a run: what an earlier run found, or recorded.

    Parameters
    ----------
    path : str or Path
        The file.
    *keys : str
        Where in it the object is, from the outside in; without one, it is all there is.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}
