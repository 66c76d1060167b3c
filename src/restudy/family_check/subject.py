"""What is checked: a cell of a family, of a configuration of the user's or of an example."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restudy.data.inspection import inspect_datasets
from restudy.data.kinds import without_location
from restudy.errors import UserError
from restudy.families.contract import ALL, IMAGES, Family
from restudy.families.own_python import find_interpreter
from restudy.family_check.example import example_config
from restudy.small_files import write_json
from restudy.study.cell import Cell, cell_from_wildcards
from restudy.study.config import cell_settings, check_target, complete_config
from restudy.study.consistency import asked_faults
from restudy.study.design import baseline_cell
from restudy.study.entries import Entries, split_value
from restudy.study.yaml_files import check_configfile, read_yaml


class NoSubjectError(UserError):
    """What the user asked to have checked can't be; the message says why."""


@dataclass(frozen=True)
class Subject:
    """A cell to be trained.

    Attributes
    ----------
    family : Family
        Of the cell.
    given, config : mapping
        The configuration as it is written, and completed.
    cell : Cell
        Which one.
    settings : mapping
        All that decides what it computes.
    seeds : tuple of int
        That one job trains.
    """

    family: Family
    given: Mapping[str, Any]
    config: Mapping[str, Any]
    cell: Cell
    settings: Mapping[str, Any]
    seeds: tuple[int, ...]

    def make_data(self, folder: Path) -> Path:
        """Make the data as the jobs of a run do, and return the file that represents them."""
        name, _ = split_value(self.cell["dataset"])
        named = self.config["datasets"][name]
        kept = without_location(named)
        location = {key: value for key, value in named.items() if key not in kept}
        dataset = {**self.settings["dataset"], **location}
        folder.mkdir(parents=True, exist_ok=True)
        if self.family.takes == IMAGES:
            from restudy.data.images import fetch_images

            write_json(folder / "digests.json", fetch_images(folder, dataset, lambda line: None))
            return folder / "digests.json"
        from restudy.data.points import make_points
        from restudy.data.tables import write_table

        write_table(make_points(dataset)[0], folder / "points.csv")
        return folder / "points.csv"


def example_of(family: Family, folder: Path) -> Subject:
    """Return a small cell that the facts of a family allow; see `example_config`."""
    return _subject(family, example_config(family, folder), None)


def with_python(family: Family, shown: str, configfile: str | None, python: str | None) -> Family:
    """Return a family that knows the path of the Python that it trains in, if it has its own.

    Parameters
    ----------
    family : Family
        As its file has it.
    shown : str
        How messages name that file.
    configfile, python : str, optional
        See `restudy.family_check.checks.check_family`.

    Raises
    ------
    UserError
        If that Python can't be used, or none is named where conda would make it.
    """
    place = "--python"
    if not python and configfile:
        given = read_yaml(configfile)
        pythons = given.get("python") if isinstance(given, dict) else None
        python = pythons.get(family.name) if isinstance(pythons, dict) else None
        place = f"{configfile}: python.{family.name}"
    if not python and family.environment and (prefix := os.environ.get("CONDA_PREFIX")):
        python, place = f"{prefix}/bin/python", "CONDA_PREFIX"
    if not python:
        if family.environment:
            raise NoSubjectError(
                f"{shown}: environment: {family.environment} is for conda, which makes no "
                "environment here; activate it, or name a Python that has what the family imports "
                "with --python ENVIRONMENT/bin/python"
            )
        return family
    if not family.file:
        raise NoSubjectError(
            f"{place}: a built-in family trains in this Python; allowed with a file"
        )
    # The program of a virtual environment is a link, and knows by its own path where it belongs.
    path = str(Path(str(python)).expanduser().absolute())
    find_interpreter(path, place)
    return replace(family, python=path)


def configured(family: Family, path: str, cell: str | None) -> Subject:
    """Return a cell of a configuration: the baseline, or the one that a path names.

    Raises
    ------
    UserError
        If the configuration can't be run, or has no such cell.
    """
    check_configfile(path)
    given = read_yaml(path)
    if not isinstance(given, dict) or not isinstance(given.get(family.name), dict):
        raise NoSubjectError(f"{path}: has no section {family.name!r}, the family's name")
    kept = {key: given[key] for key in ("datasets", family.name) if key in given}
    return _subject(family, kept, cell)


def _subject(family: Family, given: Mapping[str, Any], path: str | None) -> Subject:
    families = {family.name: family}
    config = complete_config(given, families)
    entries = Entries(config, family)
    cell = _named_cell(config, family, path) if path else baseline_cell(entries)
    name, _ = split_value(cell["dataset"])
    known = inspect_datasets({name: config["datasets"][name]})
    faults = list(asked_faults(config, family, cell, known))
    if faults:
        raise NoSubjectError("\n".join(faults))
    settings = cell_settings(config, family, cell)
    several = family.seeds_per_job == ALL
    seeds = tuple(range(settings["protocol"]["replicates"])) if several else (0,)
    return Subject(family, given, config, cell, settings, seeds)


def _named_cell(config: Mapping[str, Any], family: Family, path: str) -> Cell:
    """Return the cell of a path such as ``dataset~moons/protocol~usual/…``."""
    values = dict(part.split("~", 1) for part in path.split("/") if "~" in part)
    if lacking := [axis for axis in family.axis_names if axis not in values]:
        raise NoSubjectError(
            f"--cell {path}: lacks {', '.join(lacking)}; expected: "
            + "/".join(f"{axis}~…" for axis in family.axis_names)
        )
    own = "/".join(f"{axis}~{values[axis]}" for axis in family.axis_names)
    check_target(config, f"{family.name}/{own}", {family.name: family})
    return cell_from_wildcards(family, values)
