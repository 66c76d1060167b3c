"""Which of the project's own files a script or notebook runs: its imports, followed on and on.

Snakemake sees a script but not the modules that it imports. Declared as inputs of the rule, they
make an edited module re-run what it computes, and nothing else.
"""

import ast
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "restudy"


@cache
def imported_files(script: Path, source: Path) -> tuple[Path, ...]:
    """Files of the package that a script imports, directly or through one another.

    Parameters
    ----------
    script : Path
        The Python file or notebook to start from.
    source : Path
        Folder that holds the package.

    Returns
    -------
    tuple of Path
        Sorted; includes the ``__init__.py`` of every package on the way.

    Raises
    ------
    SyntaxError
        If a file on the way is not valid Python.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        for module in _imports(waiting.pop()):
            for path in _files(module, source):
                if path not in found:
                    found.add(path)
                    waiting.append(path)
    return tuple(sorted(found))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Dotted names of the package that a file imports anywhere, inside functions too."""
    found = []
    for node in ast.walk(ast.parse(_source(path), str(path))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found += [name for name in names if name.split(".")[0] == PACKAGE]
    return tuple(found)


def _source(path: Path) -> str:
    """Python of a file; of a notebook, that of its code cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _files(module: str, source: Path) -> Iterator[Path]:
    """Files that importing a dotted name runs; none for a name that is not a module."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        place = source.joinpath(*parts[:length])
        for candidate in (place / "__init__.py", place.with_suffix(".py")):
            if candidate.is_file():
                yield candidate
