"""The grid of a configuration: families, studies, cells, jobs and their settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from restudy.data.image_files import find_image_files
from restudy.data.kinds import dataset_kind, kinds_that, without_location
from restudy.errors import UserError
from restudy.families.contract import ALL, Family, draw_count
from restudy.families.registry import FAMILIES, resolve
from restudy.families.setting_axes import is_setting_axis, split_axis
from restudy.plan.paths import data_folder, image_folder, job_places
from restudy.study.cell import Cell, unique_cells
from restudy.study.config import ConfigError, cell_settings
from restudy.study.design import Design, baseline_cell, design_of, plain_section
from restudy.study.entries import Entries, as_coordinate, settings_lookup, split_value
from restudy.study.grid import by_distance

# A larger study gets no panel of boundaries, and its cells no pictures of their own: a report with
# thousands of pictures helps nobody. Each picture can still be requested by its path.
MAX_PICTURED_CELLS = 24
# Cells whose snapshots the page of the studies reads; it has hardly room for more.
MAX_TIME_MACHINE_CELLS = 1000
# What the pages must know of a study that varies numbers.
NUMBER_FACTS = ("numbers", "scales", "sampled", "left_out", "halving")


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
    of_job : bool
        Whether a single job is planned, which need not know of the other cells.
    """

    config: Mapping[str, Any]
    features: Mapping[str, int]
    images: Mapping[str, Any] = field(default_factory=dict)
    claim_tables: tuple[str, ...] = ()
    all_families: Mapping[str, Family] = field(default_factory=lambda: FAMILIES)
    of_job: bool = False

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
        return baseline_cell(self.entries(family))

    def entries(self, family: Family) -> Entries:
        """Return what the values on the family's axes stand for."""
        return self.remember(("entries", family.name), lambda: Entries(self.config, family))

    def design(self, family: Family, study: str) -> Design:
        """Return the cells of a study, and how they came about."""
        self._check_study(family, study)
        key = "design", family.name, study
        return self.remember(key, lambda: design_of(self.config, family, study))

    def plain_section(self, family: Family) -> dict[str, Any]:
        """Return the family's section with its studies that are products, see `plain_section`."""
        designs = {name: self.design(family, name) for name in self.studies(family)}
        products = {name: each for name, each in designs.items() if each.is_product}
        return plain_section(self.config, family, products)

    def studies(self, family: Family) -> Mapping[str, Mapping]:
        """Return the family's studies by name."""
        return self.section(family)["studies"]

    def study(self, family: Family, name: str) -> dict[str, Any]:
        """Return a study as figures need it, see `Design.facts`."""
        return self.design(family, name).facts(name, self.studies(family)[name])

    def remarks(self) -> Iterator[str]:
        """Yield a line for each study of which combinations are left out, with their number."""
        for name, family in self.families.items():
            for study in self.studies(family):
                design = self.design(family, study)
                if design.left_out:
                    yield (
                        f"{name}.studies.{study}: {design.left_out:,} of {design.combinations:,} "
                        "combinations are no cells of their own and left out: "
                        f"{len(design.cells):,} cells."
                    )

    def _check_study(self, family: Family, name: str) -> None:
        studies = self.studies(family)
        if name not in studies:
            raise UnknownStudyError(
                f"study {name!r} is not in the configuration; it has: {', '.join(studies)}"
            )

    def rows(self, family: Family, name: str) -> dict[str, Any]:
        """Return what picks and describes a study's rows in a table, see `read_rows`."""
        design = self.design(family, name)
        apart = {split_axis(axis)[0] for axis in design.cells[0].at if is_setting_axis(axis)}
        return {
            "levels": design.levels,
            "cells": [] if design.is_product else [list(cell.values()) for cell in design.cells],
            "coordinates": {axis: _coordinates(axis, design.cells) for axis in sorted(apart)},
        }

    def setting_axes(self, family: Family) -> list[str]:
        """Return the settings that some study varies, in the order of the family's axes."""
        varied = {
            axis: None
            for study in self.studies(family).values()
            for axis in study["vary"]
            if is_setting_axis(axis)
        }
        return sorted(varied, key=lambda axis: family.axis_names.index(split_axis(axis)[0]))

    def setting_values(self, family: Family) -> dict[str, dict[str, dict[str, Any]]]:
        """Return these settings of every value that occurs: axis -> value -> setting -> its value.

        Tables of all cells have a column for each of the settings.
        """
        entries, found = self.entries(family), {}
        for name in self.setting_axes(family):
            axis, key = split_axis(name)
            for value in dict.fromkeys(cell[axis] for cell in self.cells(family)):
                settings = found.setdefault(axis, {}).setdefault(value, {})
                settings[name] = as_coordinate(entries.value(axis, value, key))
        return found

    def remember(self, key: tuple, make: Callable[[], Any]) -> Any:
        """Return what was made under a key; it is made now if it was not yet."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def cells(self, family: Family, study: str | None = None) -> list[Cell]:
        """Return the cells of a study, or the cells of all studies with their settings."""
        if study is not None:
            return list(self.design(family, study).cells)
        return self.remember(("cells", family.name), lambda: self._all_cells(family))

    def _all_cells(self, family: Family) -> list[Cell]:
        known = settings_lookup(self.config, family)
        found = unique_cells(
            cell for study in self.studies(family) for cell in self.cells(family, study)
        )
        return [replace(cell, settings=known(cell), coordinates=()) for cell in found]

    def settings(self, family: Family, cell: Cell) -> Mapping[str, Any]:
        """Return the settings of a cell, whether or not it belongs to a study.

        Raises
        ------
        ConfigError
            If the cell is not allowed.
        """
        if self.of_job:
            return cell_settings(self.config, family, cell)
        known = self.remember(
            ("settings", family.name), lambda: {each: each.settings for each in self.cells(family)}
        )
        return known.get(cell) or cell_settings(self.config, family, cell)

    def replicates(self, cell: Cell) -> int:
        """Return the number of seeds of a cell."""
        family = self.all_families[cell.family]
        return self.entries(family).entry("protocol", cell["protocol"])["replicates"]

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
        return [cell for cell in cells if self.feature_count(cell["dataset"]) == 2]

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
        """Kind of every data set, by its name, and of those that cells use with other settings."""
        used = (name for family in self.families.values() for name in self.used_datasets(family))
        return {name: self._dataset(name)["kind"] for name in (*self.config["datasets"], *used)}

    def _dataset(self, value: str) -> Mapping[str, Any]:
        """The named data set of a value, without regard to overrides."""
        return self.config["datasets"][split_value(value)[0]]

    def dataset_facts(self, value: str) -> dict[str, Any]:
        """Return kind and settings of a data set, but for where it comes from.

        Raises
        ------
        ConfigError
            If it has a setting that is not allowed.
        """
        dataset = self._dataset(value)
        if "+" not in value:
            return without_location(dataset)
        takes = dataset_kind(dataset["kind"]).takes
        family = next(each for each in self.families.values() if each.takes == takes)
        faults = [f"dataset{line}" for line in self.entries(family).faults("dataset", value)]
        if faults:
            raise ConfigError("\n".join(faults))
        return self.entries(family).entry("dataset", value)

    def draws(self, value: str) -> int:
        """Return how many draws a set of points has."""
        return draw_count(self.dataset_facts(value))

    def feature_count(self, value: str) -> int | None:
        """Return the number of features of a set of points; None of a set of images."""
        name, overrides = split_value(value)
        return int(overrides["features"]) if "features" in overrides else self.features.get(name)

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
        dataset = self._dataset(name)
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
        points = self.feature_count(name) is not None
        return f"{data_folder(name)}/points.csv" if points else f"{image_folder(name)}/digests.json"

    def studies_as_params(self) -> dict[str, dict[str, dict]]:
        """Return every study's cells and varied axes by family, as JSON values for findings."""
        return {
            name: {study: self._as_param(family, study) for study in self.studies(family)}
            for name, family in self.families.items()
        }

    def _as_param(self, family: Family, study: str) -> dict[str, Any]:
        facts = self.study(family, study)
        return {
            "question": facts["asked"],
            "vary": list(facts["vary"]),
            "cells": [cell.row for cell in self.cells(family, study)],
            "coordinates": self.rows(family, study)["coordinates"],
            **{key: facts[key] for key in NUMBER_FACTS},
            "pictured": self.is_small(family, study),
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


def _coordinates(axis: str, cells: Iterable[Cell]) -> dict[str, dict[str, Any]]:
    """What a study tells each value of an axis apart by: value -> axis and settings -> value."""
    return {
        cell[axis]: {name: value for name, value in cell.at.items() if split_axis(name)[0] == axis}
        for cell in cells
    }
