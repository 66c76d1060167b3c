"""Check a configuration against the schema and for consistency, and fill in defaults.

Whatever could fail later is refused before a job starts, with one line for each fault: the key,
what was found, and what is allowed.
"""

import copy
from collections.abc import Mapping
from typing import Any

from restudy.data.kinds import without_location, without_single_draw
from restudy.errors import UserError
from restudy.families.contract import Axis, Family
from restudy.families.plugins import FILE_KEYS, PYTHON_KEY
from restudy.families.registry import FAMILIES
from restudy.study.cell import make_cell, read_value, spell
from restudy.study.consistency import asked_faults, cell_faults, data_faults, given_faults
from restudy.study.entries import Entries, settings_lookup
from restudy.study.schema import CHECKS, config_schema, value_schema
from restudy.study.validation import describe, fill_and_check, filling_validator
from restudy.study.yaml_files import parse_yaml


class ConfigError(UserError):
    """A configuration that cannot be run; the message lists every fault found."""


def complete_config(
    config: Mapping, families: Mapping[str, Family] = FAMILIES, check_cells: bool = True
) -> dict:
    """Return a validated copy of a configuration with every default filled in.

    Only the number of draws of a data set is left out where it is one.

    Parameters
    ----------
    config : mapping
        As read from YAML; it is not changed.
    families : mapping of str to Family
        The families that may have a section in it.
    check_cells : bool
        Whether to check the cells of every study too; a job's process need not do it again.

    Returns
    -------
    dict
        The completed configuration.

    Raises
    ------
    ConfigError
        If a key, type, value, name or combination is not allowed.
    """
    completed = copy.deepcopy(dict(config))
    faults = fill_and_check(completed, config_schema(families))
    if not faults:
        datasets = completed["datasets"].items()
        completed["datasets"] = {name: without_single_draw(each) for name, each in datasets}
    faults = faults or list(given_faults(completed, families))
    if check_cells:
        faults = faults or list(cell_faults(completed, families))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    for name in families:
        completed.setdefault(name, None)
    completed.setdefault("claims", None)
    return completed


def without_checks(config: Mapping) -> dict:
    """Return a configuration without what never affects results: checks and locations of files."""
    datasets = {name: without_location(each) for name, each in config["datasets"].items()}
    kept = {key: value for key, value in config.items() if key not in CHECKS}
    return {**without_files(kept), "datasets": datasets}


def without_files(config: Mapping) -> dict:
    """Return a configuration without where files of code and Pythons of the user's are."""
    return {k: value for k, value in config.items() if k not in (*FILE_KEYS, PYTHON_KEY)}


def with_typed_values(config: Mapping, given: Mapping, above: str = "--config") -> dict:
    """Return a configuration in which values from the command line have their YAML types.

    Snakemake parses `--config dense='{"protocols": …}'` as YAML but leaves inner values as text.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    given : mapping
        The part of it given on the command line, nested in the same way.
    above : str
        Where that stands, for messages.

    Raises
    ------
    YamlError
        If a text is not YAML.
    """
    typed = dict(config)
    for key, value in given.items():
        place = f"{above} {key}"
        if isinstance(value, Mapping):
            typed[key] = with_typed_values(config[key], value, place)
        else:
            typed[key] = _typed(value, place)
    return typed


def _typed(value: Any, place: str) -> Any:
    """Return a value from the command line, or a list of them, with the type that YAML gives it."""
    if isinstance(value, list):
        return [_typed(each, place) for each in value]
    return parse_yaml(value, place) if isinstance(value, str) else value


def check_data(config: Mapping, known: Mapping, families: Mapping[str, Family] = FAMILIES) -> None:
    """Refuse what needs more of a data set than there is.

    Parameters are those of `data_faults`.

    Raises
    ------
    ConfigError
        With one line for each fault.
    """
    faults = dict.fromkeys(data_faults(config, known, families))
    if faults:
        raise ConfigError("\n".join(faults))


def cell_settings(config: Mapping, family: Family, cell: Mapping) -> dict:
    """Return everything that determines what a cell computes: its values with their settings.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    family : Family
        The cell's family.
    cell : mapping
        One value per axis; it need not belong to a study.

    Returns
    -------
    dict
        cell, dataset, protocol, and for every axis with a bundle the entry that its value names;
        keys sorted within each. What never affects results is left out: where data are and, if
        each seed has its own job, the number of replicates.

    Raises
    ------
    ConfigError
        If the cell has a value that is not allowed, or an undefined name.
    """
    if config[family.name] is None:
        raise ConfigError(f"{family.name}: the configuration has no such section")
    entries = Entries(config, family)
    faults = [
        f"{family.name}.{axis.name}{line}"
        for axis in family.all_axes
        for line in _value_faults(entries, axis, cell[axis.name])
    ]
    if faults:
        raise ConfigError("\n".join(faults))
    return settings_lookup(config, family)(cell)


def _value_faults(entries: Entries, axis: Axis, value: Any) -> list[str]:
    """Return ``: got …; allowed: …`` for each fault in a value of an axis."""
    errors = filling_validator()(value_schema(axis)).iter_errors(value)
    faults = [line.removeprefix("top level") for error in errors for line in describe(error)]
    return faults or list(entries.faults(axis.name, value))


def check_target(
    config: Mapping,
    target: str,
    families: Mapping[str, Family] = FAMILIES,
    known: Mapping | None = None,
) -> None:
    """Refuse a target on the command line that names a cell which cannot be trained.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    target : str
        A path; one that names no cell is left to Snakemake.
    families : mapping of str to Family
        As in `complete_config`.
    known : mapping, optional
        As in `data_faults`, if the data have been looked at.

    Raises
    ------
    ConfigError
        If an axis has a value that is not allowed, or the network is too large for a job.
    """
    parts = target.split("/")
    for name in set(families) & set(parts):
        values = dict(part.split("~", 1) for part in parts if "~" in part)
        if set(families[name].axis_names) <= set(values):
            axes = families[name].all_axes
            cell = {axis.name: _read(axis, values[axis.name]) for axis in axes}
            try:
                cell_settings(config, families[name], cell)
                _check_spelling(name, cell, values)
                own = make_cell(families[name], cell)
                faults = dict.fromkeys(asked_faults(config, families[name], own, known or {}))
                if faults:
                    raise ConfigError("\n".join(faults))
            except ConfigError as fault:
                raise ConfigError(f"{target}\n{fault}") from None


def _check_spelling(family: str, cell: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Refuse a second spelling of a number, whose path no job writes."""
    for axis, value in cell.items():
        if texts[axis] != spell(value):
            raise ConfigError(
                f"{family}.{axis}: got {texts[axis]!r}; allowed: {spell(value)!r}, the one "
                "spelling of it"
            )


def _read(axis: Axis, text: str):
    """Return the value that a path's text spells, or the text itself if it spells none."""
    try:
        value = read_value(axis, text)
    except ValueError:
        return text
    return text if isinstance(value, int) and not text.isdecimal() else value
