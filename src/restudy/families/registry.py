"""The families that there are: the built-in ones, and those in files of the user's.

Facts are handed out, never networks: what trains is named by a dotted path and imported by the job
that trains.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from restudy.data.column_types import declare_text_columns
from restudy.errors import UserError
from restudy.families.contract import Family
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense.family import FAMILY as DENSE
from restudy.families.setting_axes import is_number, setting_axis, settings_that_vary

FAMILIES: dict[str, Family] = {}
# Keys of a configuration, and folders and tables below results/, that no family may be called.
RESERVED = frozenset(
    {
        *("against", "certificate", "claims", "datasets", "families", "python", "tolerance"),
        *("benchmarks", "checkpoints", "data", "figures", "logs", "notebooks", "records"),
        *("report", "results", "tables"),
    }
)
# Other parts of paths, which no axis may be called.
NO_AXES = ("family", "file_format", "seed", "study")


class FamilyError(UserError):
    """A file that holds no family which can be used; the message names it and says why."""


def register(family: Family) -> None:
    """Add a family to `FAMILIES`."""
    FAMILIES[family.name] = family
    declare_text_columns(axis.name for axis in family.all_axes if not axis.is_number)
    for axis in family.all_axes:
        for name, (setting, *_) in settings_that_vary(family, axis).items():
            if not is_number(setting):
                declare_text_columns([setting_axis(axis.name, name)])


for _family in (DENSE, CONV):
    register(_family)


def load_families(paths: Iterable[str | Path], pythons: Mapping[str, str] | None = None) -> None:
    """Register the families in files of the user's; a file has one, ``FAMILY``.

    Parameters
    ----------
    paths : iterable of path
        The files.
    pythons : mapping of str to str, optional
        Name of a family -> path of the Python that it trains in, if that is not the job's.

    Raises
    ------
    FamilyError
        If a file cannot be loaded or has no family, two families have one name, or a Python is
        that of no such family.
    """
    pythons, own = pythons or {}, []
    for path in paths:
        family = read_family(Path(path))
        family = replace(family, python=pythons.get(family.name, ""))
        own.append(family.name)
        if family.has_own_python and not family.train.isidentifier():
            raise FamilyError(
                f"{path}: train: got {family.train!r}; allowed where a family trains in a Python "
                "of its own: the name of a function in the same file"
            )
        known = FAMILIES.get(family.name)
        if known is not None and known.file != family.file:
            where = known.file or "a built-in family"
            raise FamilyError(f"{path}: its family is named {family.name!r}, as is {where}")
        register(family)
    for name in pythons:
        if name not in own:
            known = ", ".join(own) or "none is listed under families"
            raise FamilyError(
                f"python: got {name!r}; allowed: the name of a family in a file of yours ({known})"
            )


def read_family(path: Path) -> Family:
    """Return the family in a file, with the file and its digest."""
    module = load_file(path)
    family = getattr(module, "FAMILY", None)
    if not isinstance(family, Family):
        raise FamilyError(
            f"{path}: has no FAMILY; expected: FAMILY = restudy.families.contract.Family(...)"
        )
    if not re.fullmatch("[a-z][a-z0-9_]{0,39}", family.name) or family.name in RESERVED:
        taken = ", ".join(sorted(RESERVED))
        raise FamilyError(
            f"{path}: got the family name {family.name!r}; allowed: a letter from a to z, then "
            f"letters, digits and underscores, in lower case, and none of: {taken}"
        )
    problem = next(_faults(family), "")
    if problem:
        raise FamilyError(f"{path}: {problem}")
    if family.environment and not (path.parent / family.environment).is_file():
        raise FamilyError(
            f"{path}: environment: got {family.environment!r}, and there is no such file beside it"
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(family, file=str(path), digest=digest)


def _faults(family: Family):
    """Lines on facts of a family that contradict one another."""
    names = [axis.name for axis in family.all_axes]
    for name in names:
        if names.count(name) > 1:
            yield f"two axes are named {name!r}"
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in NO_AXES:
            yield (
                f"got the axis name {name!r}; allowed: lower-case letters, digits, underscores, "
                f"and none of: {', '.join(NO_AXES)}"
            )
    if not family.leaves("runs.csv"):
        yield "artefacts: lack runs.csv, the table of a row per run"
    ranking = [each.name for each in family.measures if each.in_runs and each.better]
    for key, name in [
        *(("ranked_by", name) for name in family.ranked_by),
        *(("chosen_by", name) for name in [family.chosen_by] if name),
    ]:
        if name not in ranking:
            known = ", ".join(ranking) or "none"
            yield (
                f"{key}: got {name!r}; allowed: a measure of every run of which one value is "
                f"better than another ({known})"
            )
    for name in ("history.parquet", "layers.parquet", "scalars.parquet"):
        if family.leaves(name) and family.time is None:
            yield f"artefacts: {name} needs time, which its rows are at"


def load_file(path: Path) -> ModuleType:
    """Return a Python file as a module, loaded once."""
    name = f"restudy_file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FamilyError(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        hint = "; import in the function that trains what only training needs"
        hint = hint if isinstance(error, ModuleNotFoundError) else ""
        raise FamilyError(
            f"{path}: {type(error).__name__} while it was loaded: {error}{hint}"
        ) from error
    return module


def import_path(path: str) -> Any:
    """Return what a dotted path names: ``package.module`` or ``package.module:name``."""
    module, _, name = path.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def resolve(family: Family, path: str) -> Any:
    """Return what a dotted path of a family's facts names.

    Parameters
    ----------
    family : Family
        Whose own file a path without a module is looked up in.
    path : str
        ``package.module``, ``package.module:name``, or ``name`` in the family's file.
    """
    if family.file and path.isidentifier():
        return getattr(load_file(Path(family.file)), path)
    return import_path(path)


def trainer(family: Family) -> Callable[[Any], None]:
    """Return the function that trains a `Run` of a family."""
    return resolve(family, family.train)
