"""The families that there are, and what their parts may be: built in, or in files of the user's.

Facts are handed out, never networks: what trains is named by a dotted path and imported by the job
that trains.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restudy.data.column_types import declare_text_columns
from restudy.families.contract import Family, Kind, Setting
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense.family import FAMILY as DENSE
from restudy.families.lookup import CODE, OWN
from restudy.families.own_files import OwnFileError, load_file, told
from restudy.families.plugins import FAMILY_KEY, FILE_KEYS, PLUGINS, PYTHON_KEY, Plugin
from restudy.families.setting_axes import is_number, setting_axis, settings_that_vary

BUILT_IN = (DENSE, CONV)
FAMILIES: dict[str, Family] = {}
NAME = "[a-z][a-z0-9_]{0,39}"
NAME_IN_WORDS = "a letter from a to z, then letters, digits and underscores, in lower case"
# Keys of a configuration, and folders and tables below results/, that no family may be called.
RESERVED = frozenset(
    {
        *("against", "certificate", "claims", "datasets", "tolerance", PYTHON_KEY, *FILE_KEYS),
        *("benchmarks", "checkpoints", "data", "figures", "logs", "notebooks", "records"),
        *("report", "results", "tables"),
    }
)
# Other parts of paths, and columns beside the axes, which no axis may be called.
NO_AXES = ("draw", "family", "file_format", "seed", "study")


def register(family: Family) -> None:
    """Add a family to `FAMILIES`."""
    FAMILIES[family.name] = family
    declare_text_columns(axis.name for axis in family.all_axes if not axis.is_number)
    for axis in family.all_axes:
        for name, (setting, *_) in settings_that_vary(family, axis).items():
            if not is_number(setting):
                declare_text_columns([setting_axis(axis.name, name)])


for _family in BUILT_IN:
    register(_family)


def load_plugins(
    files: Mapping[str, Iterable[str | Path]],
    pythons: Mapping[str, str] | None = None,
    check: bool = True,
    tell: Callable[[str], None] | None = None,
) -> None:
    """Register what is in files of the user's, and nothing else beside what is built in.

    Parameters
    ----------
    files : mapping
        Key of a configuration (``families``, or one of `PLUGINS`) -> files.
    pythons : mapping of str to str, optional
        Name of a family -> path of the Python that it trains in, if that is not the job's.
    check : bool
        Whether to try the functions in them too; a job's process need not do it again.
    tell : callable, optional
        Takes a line for each file that prints while it is loaded.

    Raises
    ------
    OwnFileError
        If a file cannot be loaded, lacks what its key says, or has what cannot be used; if two
        things of a sort have one name; or if a Python is that of no family in a file.
    """
    FAMILIES.clear()
    OWN.clear()
    for family in BUILT_IN:
        register(family)
    families = read_families(files.get(FAMILY_KEY, ()), FAMILIES, tell)
    for name in pythons or {}:
        if name not in families:
            known = ", ".join(families) or "none is listed under families"
            raise OwnFileError(
                f"python: got {name!r}; allowed: the name of a family in a file of yours ({known})"
            )
    for name, family in families.items():
        family = replace(family, python=(pythons or {}).get(name, ""))
        if family.has_own_python and not family.train.isidentifier():
            raise OwnFileError(
                f"{family.file}: train: got {family.train!r}; allowed where a family trains in a "
                "Python of its own: the name of a function in the same file"
            )
        register(family)
    for key in PLUGINS:
        for path in map(Path, files.get(key, ())):
            for record in read_records(path, key, check, tell):
                add_record(record)


def load_families(paths: Iterable[str | Path]) -> None:
    """Register the families in files of the user's; see `load_plugins`."""
    load_plugins({FAMILY_KEY: paths})


def read_families(
    paths: Iterable[str | Path],
    known: Mapping[str, Family],
    tell: Callable[[str], None] | None = None,
) -> dict[str, Family]:
    """Return the families in files of the user's by name; a file has one, ``FAMILY``.

    Parameters
    ----------
    paths : iterable of path
        The files.
    known : mapping of str to Family
        Others, whose names they may not have.
    tell : callable, optional
        As in `load_plugins`.

    Raises
    ------
    OwnFileError
        If a file cannot be loaded or has no family, or two families have one name.
    """
    found: dict[str, Family] = {}
    for path in paths:
        family = read_family(Path(path), tell)
        other = {**known, **found}.get(family.name)
        if other is not None and other.file != family.file:
            where = other.file or "a built-in family"
            raise OwnFileError(f"{path}: its family is named {family.name!r}, as is {where}")
        found[family.name] = family
    return found


def read_family(path: Path, tell: Callable[[str], None] | None = None) -> Family:
    """Return the family in a file, with the file and its digest."""
    family = getattr(load_file(path, tell=tell), "FAMILY", None)
    if not isinstance(family, Family):
        raise OwnFileError(
            f"{path}: has no FAMILY; expected: FAMILY = restudy.families.contract.Family(...)"
        )
    if not _is_name(family.name) or family.name in RESERVED:
        raise OwnFileError(
            f"{path}: got the family name {family.name!r}; allowed: {NAME_IN_WORDS}, and none of: "
            f"{', '.join(sorted(RESERVED))}"
        )
    problem = next(_faults(family), "")
    if problem:
        raise OwnFileError(f"{path}: {problem}")
    if family.environment and not (path.parent / family.environment).is_file():
        raise OwnFileError(
            f"{path}: environment: got {family.environment!r}, and there is no such file beside it"
        )
    return replace(family, **_origin(path))


def read_records(
    path: Path, key: str, check: bool = True, tell: Callable[[str], None] | None = None
) -> list[Kind]:
    """Return the records of a file that a key of the configuration names; see `load_plugins`."""
    plugin = PLUGINS[key]
    records = [record for found, record in records_in(path, tell) if found == key]
    if not records:
        name = plugin.record.__name__
        raise OwnFileError(
            f"{path}: has no {plugin.noun}; expected: {name.upper()} = "
            f"{plugin.record.__module__}.{name}(...)"
        )
    for record in records:
        problem = next(_record_faults(record, plugin), "")
        if problem:
            raise OwnFileError(f"{path}: {plugin.noun} {record.name!r}: {problem}")
    records = [record.completed(**_origin(path)) for record in records]
    if check:
        first_fault = import_path("restudy.families.plugin_checks:first_fault")
        for record in records:
            with told(path, f"when the {plugin.noun} {record.name!r} was tried"):
                problem = first_fault(key, record)
            if problem:
                raise OwnFileError(f"{path}: {plugin.noun} {record.name!r}: {problem}")
    return records


def records_in(path: Path, tell: Callable[[str], None] | None = None) -> list[tuple[str, Kind]]:
    """Return the records in a file of the user's, each with the key that names such files.

    Raises
    ------
    OwnFileError
        If the file cannot be loaded.
    """
    found = {id(each): each for each in vars(load_file(path, tell=tell)).values()}.values()
    return [
        (key, each)
        for key, plugin in PLUGINS.items()
        for each in found
        if isinstance(each, plugin.record)
    ]


def use_records(key: str, paths: Iterable[str | Path]) -> None:
    """Make what is in files of the user's known as well, as a key of the configuration says.

    Raises
    ------
    OwnFileError
        As `load_plugins`; a file that is in use already is none.
    """
    for path in map(Path, paths):
        for record in read_records(path, key, check=False):
            known = OWN.get(key, {}).get(record.name)
            if known is None or known.digest != record.digest:
                add_record(record)


def add_record(record: Kind) -> None:
    """Make a record of the user's known, to the families that can use it too.

    Parameters
    ----------
    record : Activation, Initializer, …
        Of one of the classes in `restudy.families.plugins`.

    Raises
    ------
    OwnFileError
        If another one of its sort has its name.
    """
    key = next(key for key, plugin in PLUGINS.items() if isinstance(record, plugin.record))
    noun, names = PLUGINS[key].noun, PLUGINS[key].built_in
    of_families = {kind.name for family in BUILT_IN for kind in _kinds(family, key)}
    built_in = import_path(names)() if names else of_families
    known = OWN.setdefault(key, {})
    if record.name in built_in or record.name in known:
        where = known[record.name].file if record.name in known else f"a built-in {noun}"
        raise OwnFileError(f"{record.file}: its {noun} is named {record.name!r}, as is {where}")
    known[record.name] = record
    for family in list(FAMILIES.values()):
        attribute = dict(family.own_kinds).get(key)
        if attribute and getattr(record, attribute) is not None:
            register(_with_kind(family, key, record))


def _kinds(family: Family, key: str) -> tuple[Kind, ...]:
    """Return the kinds that a family has under a key of `PLUGINS`."""
    for bundle in family.bundles.values():
        if bundle.name == key:
            return bundle.kinds
    return next((each.kinds for each in family.protocol if _names_kinds(each, key)), ())


def _names_kinds(setting: Setting, key: str) -> bool:
    """Whether a setting of the protocol is one of the kinds that a key adds to."""
    return setting.type == "kind" and f"{setting.name}s" == key


def _with_kind(family: Family, key: str, kind: Kind) -> Family:
    """Return a family with one more kind under a key of `PLUGINS`."""
    axes = tuple(
        replace(axis, bundle=replace(axis.bundle, kinds=(*axis.bundle.kinds, kind)))
        if axis.bundle and axis.bundle.name == key
        else axis
        for axis in family.axes
    )
    protocol = tuple(
        replace(each, kinds=(*each.kinds, kind)) if _names_kinds(each, key) else each
        for each in family.protocol
    )
    return replace(family, axes=axes, protocol=protocol)


def _origin(path: Path) -> dict[str, str]:
    """Return where something of the user's is from: the file, and the digest of its bytes."""
    return {"file": str(path), "digest": hashlib.sha256(path.read_bytes()).hexdigest()}


def _is_name(name: Any) -> bool:
    """Return whether paths and configurations can have a name."""
    return isinstance(name, str) and bool(re.fullmatch(NAME, name))


def _record_faults(record: Kind, plugin: Plugin) -> Iterator[str]:
    """Yield lines on a record that no configuration could use."""
    if not _is_name(record.name):
        yield f"its name has to be {NAME_IN_WORDS}, at most 40"
    for name in plugin.functions:
        if not callable(getattr(record, name)):
            yield f"{name}: got {getattr(record, name)!r}; allowed: a function"
    settings = record.completed().settings
    names = [setting.name for setting in settings]
    for setting in settings:
        if names.count(setting.name) > 1:
            yield f"two settings are named {setting.name!r} (one may be that of all such kinds)"
        if not _is_name(setting.name) or setting.name in ("kind", CODE):
            yield (
                f"got the setting name {setting.name!r}; allowed: lower-case letters, digits and "
                f"underscores, and neither kind nor {CODE}"
            )
        if setting.default is None:
            yield f"the setting {setting.name!r} lacks a default, with which it is tried"


def _faults(family: Family) -> Iterator[str]:
    """Yield lines on facts of a family that contradict one another."""
    names = [axis.name for axis in family.all_axes]
    for name in names:
        if names.count(name) > 1:
            yield f"two axes are named {name!r}"
        if not re.fullmatch("[a-z][a-z0-9_]*", name) or name in NO_AXES:
            yield (
                f"got the axis name {name!r}; allowed: lower-case letters, digits, underscores, "
                f"and none of: {', '.join(NO_AXES)}"
            )
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
    recorded = [each.name for each in family.recorded_measures] if family.time else []
    if family.converges_by and family.converges_by not in recorded:
        yield (
            f"converges_by: got {family.converges_by!r}; allowed: a measure that is recorded "
            f"during training ({', '.join(recorded) or 'none'})"
        )
    for name in ("history.parquet", "layers.parquet", "scalars.parquet"):
        if family.leaves(name) and family.time is None:
            yield f"artefacts: {name} needs time, which its rows are at"


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
