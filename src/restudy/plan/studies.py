"""The grid of a configuration: families, studies, cells, jobs and their settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from restudy.data.image_files import find_image_files
from restudy.data.kinds import kinds_that, without_location
from restudy.errors import UserError
from restudy.families.contract import ALL, Family
from restudy.families.registry import FAMILIES, resolve
from restudy.plan.paths import data_folder, job_places
from restudy.study.cell import Cell, make_cell, unique_cells
from restudy.study.config import cell_settings, settings_lookup
from restudy.study.grid import all_cells, by_distance, study_cells, study_levels

# A larger study gets no panel of boundaries, and its cells no pictures of their own: a report with
# thousands of pictures helps nobody. Each picture can still be requested by its path.
MAX_PICTURED_CELLS = 24
# Cells whose snapshots the page of the studies reads; it has hardly room for more.
MAX_TIME_MACHINE_CELLS = 1000


class UnknownStudyError(UserError):
    """A target that names a study missing from the configuration."""


@dataclass(frozen=True)
class Job:
    """A training job: a cell, and the seeds that it trains.

    Attributes
    ----------
    cell : Cell
        With its settings.
    place : str
        Path below the family's folder: the cell's path and, if the job trains one seed, the seed.
    seeds : tuple of int
        Seeds that it trains.
    """

    cell: Cell
    place: str
    seeds: tuple[int, ...] = field(compare=False)

    @property
    def folder(self) -> str:
        """Folder of its results."""
        return f"results/{self.cell.family}/{self.place}"

    def as_param(self, settings: bool = False) -> dict[str, Any]:
        """Return the job as JSON values, for the parameters of a rule."""
        param = {"folder": self.folder, "cell": self.cell.row}
        return param | ({"settings": self.cell.settings} if settings else {})


@dataclass(frozen=True)
class Plan:
    """Studies, cells and jobs of a configuration, computed when first needed.

    Attributes
    ----------
    config : mapping
        A completed configuration, see `complete_config`.
    features : mapping of str to int
        Number of features of every point set.
    images : mapping of str to ImageCounts
        What is in every set of images.
    claim_tables : tuple of str
        Tables from which the claims are judged; empty without claims.
    all_families : mapping of str to Family
        All known families.
    """

    config: Mapping[str, Any]
    features: Mapping[str, int]
    images: Mapping[str, Any] = field(default_factory=dict)
    claim_tables: tuple[str, ...] = ()
    all_families: Mapping[str, Family] = field(default_factory=lambda: FAMILIES)

    @cached_property
    def families(self) -> dict[str, Family]:
        """Families with a section in the configuration."""
        return {name: each for name, each in self.all_families.items() if self.config[name]}

    @cached_property
    def _cache(self) -> dict:
        return {}

    def that_leave(self, *artefacts: str) -> list[Family]:
        """Return the families whose training jobs write all of these artefacts."""
        return [each for each in self.families.values() if all(map(each.leaves, artefacts))]

    def section(self, family: Family) -> Mapping[str, Any]:
        """Return the family's section of the configuration."""
        return self.config[family.name]

    def baseline(self, family: Family) -> Cell:
        """Return the cell that every study starts from."""
        return make_cell(family, self.section(family)["baseline"])

    def studies(self, family: Family) -> Mapping[str, Mapping]:
        """Return the family's studies by name."""
        return self.section(family)["studies"]

    def study(self, family: Family, name: str) -> dict[str, Any]:
        """Return a study and its name, as figures need it."""
        studies = self.studies(family)
        if name not in studies:
            raise UnknownStudyError(
                f"study {name!r} is not in the configuration; it has: {', '.join(studies)}"
            )
        return {"name": name, **studies[name]}

    def levels(self, family: Family, name: str) -> dict[str, list]:
        """Return the values of every axis in a study, which select its rows in a table."""
        return study_levels(family, self.baseline(family), self.study(family, name))

    def cells(self, family: Family, study: str | None = None) -> list[Cell]:
        """Return the cells of a study, or the cells of all studies with their settings."""
        key = family.name, study
        if key not in self._cache:
            if study is None:
                found = all_cells(family, self.section(family))
                known = settings_lookup(self.config, family)
                found = [replace(cell, settings=known(cell)) for cell in found]
            else:
                studied = self.study(family, study)
                found = study_cells(family, self.baseline(family), studied)
            self._cache[key] = found
        return self._cache[key]

    def settings(self, family: Family, cell: Cell) -> Mapping[str, Any]:
        """Return the settings of a cell, whether or not it belongs to a study.

        Raises
        ------
        ConfigError
            If the cell is not allowed.
        """
        key = family.name, "settings"
        if key not in self._cache:
            self._cache[key] = {each: each.settings for each in self.cells(family)}
        return self._cache[key].get(cell) or cell_settings(self.config, family, cell)

    def replicates(self, cell: Cell) -> int:
        """Return the number of seeds of a cell."""
        return self.config[cell.family]["protocols"][cell["protocol"]]["replicates"]

    def jobs(self, family: Family, cells: Iterable[Cell] | None = None) -> Iterator[Job]:
        """Iterate over the training jobs of the given cells, or of all."""
        for cell in self.cells(family) if cells is None else cells:
            count = self.replicates(cell)
            for seed, place in enumerate(job_places(cell, family, count)):
                seeds = tuple(range(count)) if family.seeds_per_job == ALL else (seed,)
                yield Job(cell, place, seeds)

    def is_small(self, family: Family, study: str) -> bool:
        """Return whether a study is small enough for a picture of every cell."""
        return len(self.cells(family, study)) <= MAX_PICTURED_CELLS

    def pictured_cells(self, family: Family) -> list[Cell]:
        """Return the cells of all studies that are small enough for a picture of every cell."""
        return unique_cells(
            cell
            for study in self.studies(family)
            if self.is_small(family, study)
            for cell in self.cells(family, study)
        )

    def planar(self, cells: Iterable[Cell]) -> list[Cell]:
        """Return those cells whose data set has two features, so that a boundary can be drawn."""
        return [cell for cell in cells if self.features.get(cell["dataset"]) == 2]

    def machine_cells(self, family: Family) -> list[Cell]:
        """Return the cells that the time machine may show, in the order of all cells."""
        cells = self.cells(family)
        near = set(by_distance(cells, self.baseline(family))[:MAX_TIME_MACHINE_CELLS])
        return [cell for cell in cells if cell in near]

    def used_datasets(self, family: Family) -> list[str]:
        """Return the names of the data sets that the cells of a family use."""
        return list(dict.fromkeys(cell["dataset"] for cell in self.cells(family)))

    def datasets_of(self, takes: str) -> list[str]:
        """Return the names of the data sets that consist of points, or of images."""
        kinds = kinds_that(takes)
        return [name for name, each in self.config["datasets"].items() if each["kind"] in kinds]

    @property
    def dataset_kinds(self) -> dict[str, str]:
        """Kind of every data set, by its name."""
        return {name: dataset["kind"] for name, dataset in self.config["datasets"].items()}

    def dataset_facts(self, name: str) -> dict[str, Any]:
        """Return kind and settings of a data set, but for where it comes from."""
        return without_location(self.config["datasets"][name])

    def places(self) -> dict[str, dict[str, Any]]:
        """Return where data sets come from, by name: settings that say nothing of the content."""
        datasets = self.config["datasets"].items()
        known = {name: without_location(dataset) for name, dataset in datasets}
        return {
            name: {key: value for key, value in dataset.items() if key not in known[name]}
            for name, dataset in datasets
        }

    def own_files(self, name: str) -> list[str]:
        """Return the user's own files of a data set, if any."""
        dataset = self.config["datasets"][name]
        if dataset["kind"] == "idx":
            return [str(path) for path in find_image_files(dataset["path"]).values()]
        return [dataset["path"]] if "path" in dataset else []

    def folders(self) -> dict[str, list[str]]:
        """Return the folders of all training jobs, by family."""
        return {
            name: [job.folder for job in self.jobs(family)]
            for name, family in self.families.items()
        }

    def data_file(self, name: str) -> str:
        """Return the small file that represents a data set."""
        points = name in self.features
        return f"{data_folder(name)}/{'points.csv' if points else 'digests.json'}"

    def studies_as_params(self) -> dict[str, dict[str, dict]]:
        """Return every study's cells and varied axes by family, as JSON values for findings."""
        return {
            name: {
                study: {
                    "question": facts["question"],
                    "vary": list(facts["vary"]),
                    "cells": [cell.row for cell in self.cells(family, study)],
                    "pictured": self.is_small(family, study),
                }
                for study, facts in self.studies(family).items()
            }
            for name, family in self.families.items()
        }

    def gradient_choice(self, family: Family) -> dict[str, Any]:
        """Return which networks a family's gradient check examines."""
        choose = resolve(family, family.gradient_choice)
        baseline = self.settings(family, self.baseline(family))
        return choose(baseline, [cell.settings for cell in self.cells(family)])

    def networks_as_params(self) -> dict[str, list[dict]]:
        """Return what the time machine must know of each cell's networks, as JSON values."""
        return {
            family.name: [
                {
                    "cell": cell.row,
                    "settings": resolve(family, family.browser_twin)(cell.settings),
                }
                for cell in self.machine_cells(family)
            ]
            for family in self.that_leave("snapshots.npz")
            if family.browser_twin
        }
