"""What the text of a family's file says: where things are defined, and how random numbers begin."""

from __future__ import annotations

import ast
import importlib.util
import linecache
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from restudy.families.contract import Family

# What makes a generator or seeds one; without a seed among its arguments each call differs.
GENERATORS = ("default_rng", "RandomState", "SeedSequence", "Random")
SEEDING_ALL = ("seed", "manual_seed", "set_seed", "set_random_seed")  # what all code shares
# Modules whose functions draw from a state that all code shares, but for these.
SHARED = ("numpy.random", "random")
NOT_SHARED = (
    *(*GENERATORS, *SEEDING_ALL, "Generator", "BitGenerator", "SystemRandom"),
    *("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"),
    *("get_state", "set_state", "getstate", "setstate"),
)
CLOCK = re.compile(r"\b(time|monotonic|perf_counter|process_time|now)(_ns)?\(")
SEEDING = (*GENERATORS, *SEEDING_ALL, "PRNGKey")
SEEDS = ("seed", "random_state", "random_seed")  # names of arguments


@dataclass(frozen=True)
class Source:
    """The file in which a family's code begins.

    Attributes
    ----------
    path : str
        Its absolute path.
    shown : str
        As messages name it.
    own : tuple of str
        What the paths of the family's own code begin with.
    """

    path: str
    shown: str
    own: tuple[str, ...]

    def place(self, line: tuple[str, int] | list | None) -> str:
        """Return ``file:line: the text there``; empty of no line."""
        if not line:
            return ""
        file, number = line
        text = linecache.getline(file, number).strip()
        return f"{self.show(file)}:{number}" + (f": {text}" if text else "")

    def show(self, text: str) -> str:
        """Return a text in which files are named as the user named them."""
        if self.own == (self.path,):
            return text.replace(self.path, self.shown)
        return text.replace(os.getcwd() + os.sep, "")  # noqa: PTH109 (the end of a text)

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax; nothing of a file that has none."""
        try:
            return ast.parse(Path(self.path).read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            return ast.Module([], [])

    def function(self, name: str) -> tuple[str, int] | None:
        """Return the line of a function of a name."""
        found = (
            node.lineno
            for node in ast.walk(self.tree)
            if isinstance(node, ast.FunctionDef) and node.name == name
        )
        return self._first(found)

    def mention(self, message: str) -> tuple[str, int] | None:
        """Return the line that a message on facts is about: of a word it quotes, or of FAMILY."""
        words = [*re.findall(r"'([^']+)'", message), *re.findall(r"(?:^|: )(\w+): ", message)]
        for word in words:
            if found := self._first(self._lines_of(word)):
                return found
        return self._first(self._lines_of("FAMILY"))

    def constant_seeds(self) -> tuple[str, int] | None:
        """Return the first line that begins random numbers with a seed which is always the same."""
        constants = {
            target.id
            for node in self.tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }

        def is_constant(node: ast.expr) -> bool:
            if isinstance(node, ast.Name):
                return node.id in constants
            return isinstance(node, ast.Constant) and isinstance(node.value, int)

        return self._first(
            call.lineno
            for call in self._calls()
            if (_called(call) in SEEDING and call.args and all(map(is_constant, call.args)))
            or any(each.arg in SEEDS and is_constant(each.value) for each in call.keywords)
        )

    def unseeded(self) -> tuple[str, int] | None:
        """Return the first line that makes a generator without a seed."""
        return self._first(
            call.lineno
            for call in self._calls()
            if _called(call) in GENERATORS and not call.args and not call.keywords
        )

    def shared_draw(self) -> tuple[str, int] | None:
        """Return the first line that draws from NumPy's or Python's shared random state."""
        return self._first(
            node.lineno
            for node in ast.walk(self.tree)
            if any(
                path.rpartition(".")[0] in SHARED and path.rpartition(".")[2] not in NOT_SHARED
                for path in self._paths(node)
            )
        )

    def seeding(self) -> tuple[str, int] | None:
        """Return the first line that seeds a state which all code shares."""
        return self._first(call.lineno for call in self._calls() if _called(call) in SEEDING_ALL)

    @cached_property
    def _names(self) -> dict[str, str]:
        """What imported names stand for: np -> numpy."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for each in node.names:
                    top = each.name.partition(".")[0]
                    found[each.asname or top] = each.name if each.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module:
                for each in node.names:
                    found[each.asname or each.name] = f"{node.module}.{each.name}"
        return found

    def _paths(self, node: ast.AST) -> Iterator[str]:
        """Yield the dotted paths of what a node calls, with what its first name stands for."""
        if isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            yield f"{self._names.get(first, '')}{dot}{rest}"

    def is_import(self, line: tuple[str, int] | list) -> bool:
        """Return whether a line imports something."""
        file, number = line
        return linecache.getline(file, number).lstrip().startswith(("import ", "from "))

    def reads_clock(self, line: tuple[str, int] | list) -> bool:
        """Return whether a line asks for the time."""
        file, number = line
        return bool(CLOCK.search(linecache.getline(file, number)))

    def _calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def _lines_of(self, word: str) -> Iterator[int]:
        keys = {node.slice for node in ast.walk(self.tree) if isinstance(node, ast.Subscript)}
        for node in ast.walk(self.tree):
            names: tuple[Any, ...] = ()
            if isinstance(node, ast.Constant) and node not in keys:
                names = (node.value,)
            elif isinstance(node, ast.keyword):
                names = (node.arg,)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names = (node.id,)
            if word in names:
                yield node.lineno

    def _first(self, lines: Iterator[int]) -> tuple[str, int] | None:
        first = min(lines, default=None)
        return (self.path, first) if first else None


def source_of(family: Family, shown: str = "") -> Source:
    """Return the file that trains a family; of a built-in one, all of its folder is its own code.

    Parameters
    ----------
    family : Family
        What it is about.
    shown : str
        How messages name a file of the user's.
    """
    if family.file:
        return own_file(family.file, shown)
    path = importlib.util.find_spec(family.train.partition(":")[0]).origin
    return Source(path, path, (str(Path(path).parent) + os.sep,))


def own_file(path: str | Path, shown: str = "") -> Source:
    """Return a file of the user's."""
    path = str(Path(path).resolve())
    return Source(path, shown or path, (path,))


def _called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))
