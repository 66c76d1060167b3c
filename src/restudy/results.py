"""Results of a run from Python: typed tables, and the weights and predictions of trained cells.

Everything is read from files, so it works wherever they lie, on whatever part of a run is there,
and without the libraries that trained.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.convergence import with_falls
from restudy.analysis.matching import MAX_NAMED, is_one_of, is_text, matching
from restudy.analysis.summaries import rows_of, summarize
from restudy.data.tables import concatenate, describe_draw, split_draws
from restudy.errors import UserError, quote
from restudy.families.contract import (
    ALL,
    DATASET,
    DRAWS,
    ONE,
    PROTOCOL,
    Axis,
    Family,
    draw_count,
    without_overrides,
)
from restudy.families.plugins import PLUGINS
from restudy.families.registry import FAMILIES, RESERVED, read_families, use_records
from restudy.families.setting_axes import is_setting_axis, split_axis
from restudy.plan import paths
from restudy.plan.studies import Plan
from restudy.reading.cells import HISTORY, LAYERS, SETTINGS, CellResults, values_as_text
from restudy.reading.files import RUNS, SUMMARY, ResultFiles, ResultsError, below_results
from restudy.reading.storage import LocalFolder, RemoteFolder, is_address
from restudy.study.addresses import (
    AXIS_VALUE,
    HALVING,
    SEED,
    Address,
    NoCellError,
    split_address,
)
from restudy.study.cell import Cell, make_cell, unique_cells
from restudy.study.config import complete_config
from restudy.study.entries import as_coordinate
from restudy.study.validation import hint, join

POINTS, DESCRIPTION = "points.csv", "description.json"
RESULTS = "results"
TABLES, PROVENANCE, MANIFEST = map(below_results, (paths.TABLES, paths.PROVENANCE, paths.MANIFEST))
DATA = below_results(paths.data_folder("")).rstrip("/")
CELL = (SETTINGS, "cell")  # where a job's record has the values of its axes


def open_results(
    path: str | os.PathLike = RESULTS,
    *,
    families: Iterable[str | os.PathLike] = (),
    storage_options: Mapping[str, Any] | None = None,
    **parts: Iterable[str | os.PathLike],
) -> Results:
    """Return the results of a run, or of a part of one.

    Parameters
    ----------
    path : path or str
        The folder ``results``, whatever it is called now, or the folder that has it; or its
        address, such as ``s3://bucket/results``, which needs the packages fsspec and, of S3, s3fs.
    families : iterable of path
        Files with families of your own, see `restudy.families.contract`. Without a family's file
        its tables and arrays can be read all the same. No file is run that is not named here.
    storage_options : mapping, optional
        For an address: what fsspec's filesystem takes, such as ``key``, ``secret`` and
        ``endpoint_url``.
    **parts : iterable of path
        Files with further parts of your own that the run used, by the key of its configuration:
        ``activations=["mish.py"]``. Studies with them, and predictions, need these files.

    Raises
    ------
    ResultsError
        If there are no results.
    StorageError
        If the address can't be read.
    OwnFileError
        If a file holds no family that can be used.

    Examples
    --------
    >>> from restudy import open_results
    >>> r = open_results("results")
    >>> r.runs("dense", study="hidden_sizes", activation="tanh")
    >>> r.cell("dense", hidden_size=50).weights(seed=3)["layer1"].shape
    (50, 3)
    """
    for key, own in parts.items():
        if key not in PLUGINS:
            raise TypeError(
                f"open_results: got the argument {key!r}{hint(key, PLUGINS)}; allowed: path, "
                f"families, storage_options, {join(PLUGINS)}"
            )
        use_records(key, _several(key, own))
    built_in = {name: family for name, family in FAMILIES.items() if not family.file}
    own = read_families(_several("families", families), built_in)
    _check_path("path", path)
    if storage_options is not None and not isinstance(storage_options, Mapping):
        raise TypeError(f"storage_options: got {quote(storage_options)}; allowed: a mapping")
    if is_address(path):
        return Results(_find_results(RemoteFolder(os.fspath(path), storage_options or {})), own)
    if storage_options:
        raise ResultsError(
            f"storage_options: are for an address, such as s3://bucket/{RESULTS}; got {path}"
        )
    return Results(_find_results(LocalFolder(path)), own)


def _several(name: str, paths: Any) -> list[str | os.PathLike]:
    """Return the paths of an argument, which may be a single one."""
    if not isinstance(paths, str | os.PathLike | Iterable):
        raise TypeError(f"{name}: got {quote(paths)}; allowed: a path, or several")
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    for path in several:
        _check_path(name, path)
    return several


def _check_path(name: str, found: Any) -> None:
    """Refuse what no path can be.

    Raises
    ------
    TypeError
        It names the argument, what was found and what is allowed.
    """
    if not isinstance(found, str | os.PathLike) or not isinstance(os.fspath(found), str):
        raise TypeError(f"{name}: got {quote(found)}; allowed: a path, as text or a Path")
    if "\0" in os.fspath(found):
        raise ResultsError(f"{name}: got {quote(os.fspath(found))}; allowed: text without a NUL")


def _check_text(name: str, found: Any) -> None:
    if not isinstance(found, str):
        raise TypeError(f"{name}: got {quote(found)}; allowed: a name, as text")


class Results:
    """Results of a run, or of a part of one; `open_results` returns them.

    Tables are read when they are asked for, so that a run which goes on shows what there is; only
    the configuration and which cells there are is remembered. A file that is not as its job wrote
    it is refused.

    Attributes
    ----------
    path : str
        The folder ``results``, in full, or its address.
    files : ResultFiles
        What is in it.
    """

    def __init__(self, folder: LocalFolder | RemoteFolder, families: Mapping[str, Family]):
        self.path, self.files = folder.path, ResultFiles(folder)
        self._own = dict(families)
        self._told: dict[str, Family] = {}  # of families without facts
        self._plans: dict[str, Plan] = {}
        self._indices: dict[str, pd.DataFrame] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but what is remembered, which is found again."""
        return {**vars(self), "_plans": {}, "_indices": {}}

    def __repr__(self) -> str:
        return f"<results of {join(self.families)} in {self.path}>"

    @property
    def families(self) -> list[str]:
        """Names of the families of which there are results."""
        found = {
            name.removesuffix(f"_{RUNS}")
            for name in self.files.names(TABLES)
            if name.endswith(f"_{RUNS}")
        }
        found |= {name for name in self.files.names() if _has_cells(self.files, name)}
        known = [name for name in {**FAMILIES, **self._own} if name in found]
        return [*known, *sorted(found - set(known))]

    @property
    def tables(self) -> list[str]:
        """Names of all tables of the run, see `table`."""
        return sorted(self._table_files())

    @property
    def provenance(self) -> dict[str, Any]:
        """What the run was computed with: configuration, data, lock, revision and machine."""
        return self._object(PROVENANCE, "the run, or this part of it, recorded nothing")

    @property
    def configuration(self) -> dict[str, Any]:
        """The configuration that the run recorded, with every default."""
        found = self.provenance.get("configuration")
        if not isinstance(found, dict):
            raise ResultsError(f"{self.files.at(PROVENANCE)}: has no configuration")
        return found

    @property
    def manifest(self) -> dict[str, Any]:
        """The digests of all results; ``config/README.md`` explains it."""
        return self._object(MANIFEST, "the run has not ended")

    @property
    def claims(self) -> pd.DataFrame:
        """The verdicts on the claims."""
        return self.table("claims")

    def studies(self, family: str) -> dict[str, dict[str, Any]]:
        """Return the studies of a family by name, as the configuration has them."""
        return dict(self._section(self._family(family))["studies"])

    def runs(self, /, family: str, *, study: str | None = None, **where: Any) -> pd.DataFrame:
        """Return a row per run: its measures when it ended, and whether it diverged.

        Parameters
        ----------
        family : str
            Such as ``dense``.
        study : str, optional
            Only the cells of this study, in its order.
        **where
            Only rows with this value, or one of these values, in a column of names or whole
            numbers: an axis, ``seed``, ``layer``, …; or in that of a setting that studies vary, as
            in ``**{"optimizer.learning_rate": 0.1}``. A number may be written in any way: 3, 3.0,
            "3". None stands for a value that is missing.

        Returns
        -------
        DataFrame
            The axes, ``seed``, ``draw`` where a data set has several, the measures, ``diverged_at``
            (Int64, missing if it did not) and the settings that studies vary. Names are text,
            whatever they look like. If the table of all cells is not there, the rows come from the
            cells' own.

        Raises
        ------
        ResultsError
            If there is no such family, study or table; the message has those that there are.
        NoRowError
            If there is no such column or value; likewise.
        """
        return self._select(family, RUNS, study, where)

    def history(self, /, family: str, *, study: str | None = None, **where: Any) -> pd.DataFrame:
        """Return a row per run and recorded pass or step; see `runs`."""
        return self._select(family, HISTORY, study, where)

    def layers(self, /, family: str, *, study: str | None = None, **where: Any) -> pd.DataFrame:
        """Return a row per run, recorded pass or step, and layer; see `runs`."""
        return self._select(family, LAYERS, study, where)

    def summary(self, /, family: str, *, study: str | None = None, **where: Any) -> pd.DataFrame:
        """Return a row per cell: ``n`` runs, how many diverged, each measure over the others.

        Of a measure it has ``_mean``, ``_sd`` and the 95% interval of the mean, ``_low`` to
        ``_high``; see `runs` and `restudy.analysis.summaries.summarize`.
        """
        return self._select(family, SUMMARY, study, where)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the run by its name in ``results/tables``, such as ``dense_halving``.

        Raises
        ------
        ResultsError
            If there is no such table; the message lists those that there are.
        """
        files = self._table_files()
        stem = next((stem for stem, file in files.items() if name in (stem, file)), None)
        if stem is None:
            raise ResultsError(
                f"table: got {name!r}{hint(name, files)}; found in {self.path}: {join(files)}"
            )
        owners = [each for each in self.families if stem.startswith(f"{each}_")]
        owner = self._facts(max(owners, key=len)) if owners else None
        return self.files.table(f"{TABLES}/{files[stem]}", owner)

    def points(self, dataset: str, draw: int | None = 0) -> pd.DataFrame:
        """Return a set of points as the models got it: ``part``, ``x1`` to ``xD`` and ``label``.

        Parameters
        ----------
        dataset : str
            Its name, with overrides such as ``moons+draws=5``.
        draw : int or None
            Which of its draws, from 0; see `CellResults.draws`. None: all of them, with a first
            column ``draw`` if there are several.

        Raises
        ------
        ResultsError
            If there is no such set, or draw; the message has those that there are.
        """
        table = self.files.table(self._data_file(dataset, POINTS))
        if draw is None:
            return table
        draws = split_draws(table)
        return draws[self._draw(dataset, draw, len(draws))]

    def description(self, dataset: str, draw: int = 0) -> dict[str, Any]:
        """Return what a draw of a set of points is: names of its ``features`` and ``classes``, …

        It has ``draws``, their number, if there are several; see `points`.
        """
        found = self.files.object(self._data_file(dataset, DESCRIPTION))
        return describe_draw(found, self._draw(dataset, draw, draw_count(found)))

    def cells(self, /, family: str, *, study: str | None = None, **where: Any) -> list[CellResults]:
        """Return the cells of which there are results; see `runs` for what selects them."""
        facts = self._family(family)
        index = self._of_study(self._index(facts), facts, study)
        chosen = matching(index, list(index), where, family)
        return [self._found(facts, cell) for cell in _cells_in(chosen, facts)]

    def cell(self, which: str | os.PathLike, /, **values: Any) -> CellResults:
        """Return a single cell.

        Parameters
        ----------
        which : path or str
            A cell's folder or something in it, such as
            ``results/dense/dataset~moons/…/optimizer~gd``, or the slot of a promoted cell,
            ``results/dense/halving/STUDY/rung~2/slot~1``; or the name of a family.
        **values
            With a family: values of axes, or of settings that studies vary. Of several cells that
            have them it is the one with the values of the baseline on all other axes.

        Raises
        ------
        NoCellError
            If there is no such cell, or more than one; the message has those that come nearest.
        """
        _check_path("which", which)
        text = os.fspath(which).replace(os.sep, "/")
        if "/" not in text and "~" not in text:
            facts = self._family(text)
            return self._found(facts, self._choose(facts, values))
        if values:
            raise NoCellError(f"{text}: is the path of a cell; got also {join(values)}")
        address = split_address(text)
        self._refuse_elsewhere(address)
        facts = self._family(address.family)
        return self._promoted(facts, address) if address.is_slot else self._at(facts, address)

    def _has_facts(self, family: Family) -> bool:
        """Whether the facts of a family are at hand, and not only what its results tell."""
        return family.name not in self._told

    def _lack_of_facts(self, family: Family, what: str) -> ResultsError:
        """The fault that something needs the file of a family."""
        recorded = self.files.part_of(PROVENANCE, "families").get(family.name)
        file = recorded or f"{family.name}.py"
        return ResultsError(
            f"{family.name}: {what} needs the facts in the family's own file; name it, as in "
            f"open_results(…, families=[{file!r}])"
        )

    def _family(self, name: str) -> Family:
        """The facts of a family of which there are results."""
        _check_text("family", name)
        found = self.families
        if name not in found:
            raise ResultsError(
                f"family: got {name!r}{hint(name, found)}; found in {self.path}: {join(found)}"
            )
        return self._facts(name)

    def _facts(self, name: str) -> Family:
        """The facts of a family: those at hand, or what its results tell."""
        if name in self._own or name in FAMILIES:
            return self._own.get(name) or FAMILIES[name]
        if name not in self._told:
            self._told[name] = self._facts_in_results(name)
        return self._told[name]

    def _facts_in_results(self, name: str) -> Family:
        """What results tell of their family: its axes, and whether each seed has its own job."""
        folders = self._job_folders(name)
        parts = folders[0].split("/") if folders else []
        axes = [part.partition("~")[0] for part in parts if AXIS_VALUE.match(part)]
        try:
            table = self.files.table(below_results(paths.table(name, RUNS)))
        except (FileNotFoundError, ResultsError):
            table = pd.DataFrame()
        columns = list(table)
        axes = axes or columns[: columns.index("seed") if "seed" in columns else 0]
        recorded = self.files.part_of(f"{folders[0]}/{paths.RECORD}", *CELL) if folders else {}
        known = recorded or self.files.part_of(PROVENANCE, "configuration", name, "baseline")

        def is_named(axis: str) -> bool:
            if axis in known or axis not in table:
                return isinstance(known.get(axis, ""), str)
            return is_text(table[axis])

        own = tuple(
            Axis(axis, axis, "", "name" if is_named(axis) else "number")
            for axis in axes
            if axis not in (DATASET.name, PROTOCOL.name)
        )
        seeds = ONE if any(f"/{SEED}" in folder for folder in folders) else ALL
        return Family(name, name, "", "", own, (), "", seeds_per_job=seeds)

    def _section(self, family: Family) -> dict[str, Any]:
        """The family's section of the recorded configuration."""
        found = self.configuration.get(family.name)
        if not found:
            raise ResultsError(
                f"{self.files.at(PROVENANCE)}: its configuration has no section {family.name}"
            )
        return found

    def _plan(self, family: Family) -> Plan:
        """The plan of the family's studies; without its facts, of those that vary no settings."""
        if family.name not in self._plans:
            section, datasets = self._section(family), self.configuration["datasets"]
            families = {family.name: family}
            if not self._has_facts(family):
                if any(map(is_setting_axis, section["baseline"])):
                    raise self._lack_of_facts(family, "a baseline with settings")
                plain = {n: each for n, each in section["studies"].items() if _is_plain(each)}
                section = {**section, "studies": plain}
            config = {"datasets": datasets, family.name: section}
            try:
                if self._has_facts(family):
                    config = complete_config(config, families, check_cells=False)
            except UserError as fault:
                raise ResultsError(
                    f"{self.files.at(PROVENANCE)}: its configuration does not go with the facts of "
                    f"{family.name} that are known here:\n{fault}"
                ) from None
            self._plans[family.name] = Plan(config, {}, all_families=families)
        return self._plans[family.name]

    def _study_cells(self, family: Family, study: str) -> list[Cell]:
        """The cells of a study, in its order."""
        _check_text("study", study)
        known = self._section(family)["studies"]
        if study not in known:
            raise ResultsError(
                f"study: got {study!r}{hint(study, known)}; studies of {family.name}: {join(known)}"
            )
        plan = self._plan(family)
        if study not in plan.studies(family):
            raise self._lack_of_facts(family, f"the study {study}, which varies settings,")
        return plan.cells(family, study)

    def _select(
        self, family: str, name: str, study: str | None, where: Mapping[str, Any]
    ) -> pd.DataFrame:
        """The rows of a table over all cells that are asked for."""
        facts = self._family(family)
        rows = self._of_study(self._all_rows(facts, name), facts, study)
        keys = [*facts.keys, *filter(is_setting_axis, rows)]
        columns = [
            each for each in rows if each in keys or not pd.api.types.is_float_dtype(rows[each])
        ]
        return matching(rows, columns, where, family)

    def _of_study(self, rows: pd.DataFrame, family: Family, study: str | None) -> pd.DataFrame:
        if study is None:
            return rows
        found = rows_of(rows, self._study_cells(family, study))
        if found.empty:
            raise ResultsError(f"{family.name}: no cell of the study {study} has results")
        return found

    def _all_rows(self, family: Family, name: str) -> pd.DataFrame:
        """A table over all cells: the run's, or made of those that the cells' jobs left."""
        try:
            return self.files.rows_of_all(family, name)
        except FileNotFoundError:
            place = self.files.at(below_results(paths.table(family, name)))
        if name == SUMMARY:
            if not self._has_facts(family):
                raise self._lack_of_facts(family, f"a summary without {place}")
            runs = self._all_rows(family, RUNS)
            if family.converges_by:
                with suppress(ResultsError):  # a copy may lack the history
                    runs = with_falls(family, runs, [self._all_rows(family, HISTORY)])
            return summarize(family, runs)
        jobs = [folder for folders in self._all_jobs(family).values() for folder in folders]
        frames = {}
        for folder in jobs:
            try:
                frames[folder] = self.files.rows_of_job(family, folder, name)
            except FileNotFoundError:
                continue
        if not frames:
            left = self.files.names(jobs[0]) if jobs else []
            raise ResultsError(
                f"{family.name}: there is no {place}, and no cell has a {name}"
                + (f"; found: {join(left)}" if left else "")
            )
        rows = concatenate(list(frames.values()))
        counts = [len(frame) for frame in frames.values()]
        return rows.assign(**self._settings(frames, counts, self._varied(family)))

    def _job_folders(self, family: str) -> list[str]:
        """The folders of the training jobs of a family's cells that left runs, promoted ones apart.

        A family's folder is listed as a whole, which is one request of a bucket.
        """
        beginning = f"{family}/{DATASET.name}~"
        return [
            file.removesuffix(f"/{RUNS}")
            for file in self.files.below(family)
            if file.startswith(beginning) and file.endswith(f"/{RUNS}")
        ]

    def _all_jobs(self, family: Family) -> dict[Cell, list[str]]:
        """The folders of all training jobs that left runs by cell, in the order of tables."""
        found: dict[Cell, dict[int, str]] = {}
        for folder in self._job_folders(family.name):
            seed = re.search(f"/{SEED}([0-9]+)$", folder)
            try:
                cell = split_address(folder).cell(family)
            except NoCellError:
                continue  # left by a family of other axes
            found.setdefault(cell, {})[int(seed[1]) if seed else 0] = folder
        try:
            plan = self._plan(family)
            planned = [cell for study in plan.studies(family) for cell in plan.cells(family, study)]
        except UserError:
            planned = []
        ordered = unique_cells([*planned, *sorted(found, key=lambda cell: tuple(cell.values()))])
        jobs = ((cell, found[cell]) for cell in ordered if cell in found)
        return {cell: [folder for _, folder in sorted(each.items())] for cell, each in jobs}

    def _varied(self, family: Family) -> list[str]:
        """The settings that studies vary, of which tables over all cells have columns."""
        try:
            whole = Plan({family.name: self._section(family)}, {})
        except UserError:
            return []
        return whole.setting_axes(family)

    def _settings(
        self, folders: Iterable[str], counts: Sequence[int], names: Sequence[str]
    ) -> dict[str, pd.Series]:
        """Columns of settings, with so many rows for each job, as its record has them."""
        folders = list(folders) if names else []
        records = [self.files.part_of(f"{folder}/{paths.RECORD}", SETTINGS) for folder in folders]
        columns = {}
        for name in names:
            axis, key = split_axis(name)
            entries = [record.get(axis, {}) for record in records]
            if (axis, key) == (DATASET.name, DRAWS):  # which an entry of one draw does not speak of
                found = [draw_count(entry) for entry in entries]
            else:
                found = [as_coordinate(entry.get(key)) for entry in entries]
            known = pd.Series([np.nan if value is None else value for value in found])
            columns[name] = known.repeat(counts).reset_index(drop=True)
        return columns

    def _index(self, family: Family) -> pd.DataFrame:
        """A row per cell of which there are results: the axes, and settings that studies vary."""
        if family.name not in self._indices:
            try:
                runs = self._with_further_cells(self.files.rows_of_all(family, RUNS), family)
            except FileNotFoundError:
                runs = self._all_rows(family, RUNS)
            axes = list(family.axis_names)
            kept = [*axes, *filter(is_setting_axis, runs)]
            self._indices[family.name] = runs.drop_duplicates(axes)[kept].reset_index(drop=True)
        return self._indices[family.name]

    def _with_further_cells(self, runs: pd.DataFrame, family: Family) -> pd.DataFrame:
        """The table of runs, with a row for each cell that was asked for by itself."""
        known = set(_cells_in(runs, family))
        jobs = self._all_jobs(family).items()
        folders = {cell: found[0] for cell, found in jobs if cell not in known}
        if not folders:
            return runs
        names = list(filter(is_setting_axis, runs))
        columns = self._settings(folders.values(), [1] * len(folders), names)
        further = pd.DataFrame([cell.row for cell in folders]).assign(**columns)
        return pd.concat([runs, further], ignore_index=True)

    def _choose(self, family: Family, values: Mapping[str, Any]) -> Cell:
        """The one cell with these values, see `cell`."""
        index = self._index(family)
        cells = _cells_in(matching(index, list(index), values, family.name), family)
        if not cells:
            shares = sum(
                is_one_of(index[name], given).astype(int) for name, given in values.items()
            )
            nearest = _cells_in(index[shares == shares.max()], family)
            raise NoCellError(
                f"{family.name}: no cell has {values_as_text(values)}; nearest:\n{_listed(nearest)}"
            )
        if len(cells) == 1:
            return cells[0]
        try:
            baseline = self._plan(family).baseline(family)
        except UserError:
            baseline = None
        given = [split_axis(name) for name in values]
        usual = [
            cell for cell in cells if baseline and _rest(cell, given) == _rest(baseline, given)
        ]
        if len(usual) == 1:
            return usual[0]
        why = (
            "none has the baseline's values on the other axes"
            if baseline
            else "no configuration was recorded that says which is meant"
        )
        what = f"have {values_as_text(values)}" if values else "have results"
        raise NoCellError(
            f"{family.name}: {len(cells)} cells {what}, and {why}; say more:\n{_listed(cells)}"
        )

    def _at(self, family: Family, address: Address) -> CellResults:
        """The cell at a path, if it has results."""
        cell = address.cell(family)
        found = self._found(family, cell)
        if not found.has_runs:
            raise NoCellError(self._no_such_cell(family, cell))
        return found

    def _found(self, family: Family, cell: Cell, folder: str = "") -> CellResults:
        lack = None if self._has_facts(family) else partial(self._lack_of_facts, family)
        return CellResults(self.files, family, cell, folder or below_results(cell.folder), lack)

    def _promoted(self, family: Family, address: Address) -> CellResults:
        """The cell that stands in a slot, which its job's record names."""
        folder = "/".join([family.name, *address.parts])
        first = sorted(
            file for file in self.files.below(folder) if file.endswith(f"/{paths.RECORD}")
        )
        values = self.files.part_of(first[0], *CELL) if first else {}
        if set(values) != set(family.axis_names):
            raise NoCellError(f"{address.text}: no cell has results there")
        return self._found(family, make_cell(family, values), folder)

    def _no_such_cell(self, family: Family, cell: Cell) -> str:
        """A line that says that a cell has no results, and which one next to it has."""
        try:
            found = [each.path for each in _cells_in(self._index(family), family)]
        except ResultsError:
            found = []
        if not found:
            return f"{self.files.at(family.name)}: no cell has results there"
        own = cell.path.split("/")

        def likeness(path: str) -> tuple[int, float, str]:
            same = sum(one == other for one, other in zip(own, path.split("/"), strict=True))
            return same, difflib.SequenceMatcher(None, path, cell.path).ratio(), path

        nearest = max(found, key=likeness)
        return (
            f"{cell.folder}: no results of such a cell; nearest: {RESULTS}/{family.name}/{nearest}"
        )

    def _refuse_elsewhere(self, address: Address) -> None:
        """Refuse the path of a cell in other results than these."""
        above = [part for part in address.above if part != "."]
        if above in ([], [RESULTS]) or re.split("/+", self.path)[-len(above) :] == above:
            return
        if os.path.realpath("/".join(above)) != os.path.realpath(self.path):
            raise NoCellError(f"{address.text}: is not in these results, which are in {self.path}")

    def _table_files(self) -> dict[str, str]:
        """The files of all tables, by the tables' names."""
        files = [PurePosixPath(name) for name in self.files.names(TABLES)]
        return {file.stem: file.name for file in files if file.suffix in (".csv", ".parquet")}

    def _data_file(self, dataset: str, name: str) -> str:
        """The path of a file of a set of points."""
        found = [
            each for each in self.files.names(DATA) if name in self.files.names(f"{DATA}/{each}")
        ]
        if dataset not in found:
            raise ResultsError(
                f"points: got {dataset!r}{hint(dataset, found)}; sets of points in "
                f"{self.files.at(DATA)}: {join(found)}"
            )
        return f"{DATA}/{dataset}/{name}"

    def _draw(self, dataset: str, draw: Any, draws: int) -> int:
        """A draw of a set of points, if it has so many."""
        if draw not in range(draws):
            allowed = f"0 to {draws - 1}" if draws > 1 else "0"
            raise ResultsError(f"draw: got {draw!r}; draws of {dataset}: {allowed}")
        return int(draw)

    def _object(self, name: str, why_missing: str) -> dict[str, Any]:
        """The object in a JSON file of the run."""
        try:
            return self.files.object(name)
        except FileNotFoundError:
            raise ResultsError(f"there is no {self.files.at(name)}: {why_missing}") from None


def _find_results(folder: LocalFolder | RemoteFolder) -> LocalFolder | RemoteFolder:
    """The folder of the results: the one that is given, or the one in it that has their name."""
    for place in (folder, folder.inside(RESULTS)):
        if _holds_results(place):
            return place
    names = folder.names()
    if not names:
        raise ResultsError(f"{folder.at()}: there is no such folder, or nothing in it")
    deeper = [name for name in names if _holds_results(folder.inside(f"{name}/{RESULTS}"))]
    if f"/{DATASET.name}~" in f"{folder.at()}/{names[0]}":
        near = "; it lies in results: open those, and ask for cell(path)"
    else:
        near = f"; there are in {join(folder.at(name) for name in deeper)}" if deeper else ""
    raise ResultsError(
        f"{folder.at()}: there are no results in it, nor in its folder {RESULTS}: no tables, and "
        f"no trained cell{near}"
    )


def _holds_results(folder: LocalFolder | RemoteFolder) -> bool:
    """Whether a folder has a run's manifest or record, a table of runs, cells, or points."""
    names = folder.names()
    if RUNS in names:
        return False  # a training job's, whose record has the same name
    if MANIFEST in names or PROVENANCE in names:
        return True
    tables = folder.names(TABLES) if TABLES in names else []
    return (
        any(name.endswith(f"_{RUNS}") for name in tables)
        or any(_has_cells(folder, name) for name in names)
        or any(POINTS in folder.names(f"{DATA}/{name}") for name in folder.names(DATA))
    )


def _has_cells(folder: LocalFolder | RemoteFolder | ResultFiles, name: str) -> bool:
    """Whether a folder in that of the results is one of a family's cells."""
    if name in RESERVED or not re.fullmatch("[a-z][a-z0-9_]*", name):
        return False
    return any(each.startswith(f"{DATASET.name}~") for each in folder.names(name))


def _is_plain(study: Mapping[str, Any]) -> bool:
    """Whether a study of the configuration varies and fixes nothing but axes."""
    return HALVING not in study and not any(
        map(is_setting_axis, (*study["vary"], *study.get("fix", {})))
    )


def _cells_in(rows: pd.DataFrame, family: Family) -> list[Cell]:
    """The cells that rows belong to, in order of first appearance."""
    found = rows[list(family.axis_names)].drop_duplicates().to_dict("records")
    return [make_cell(family, values) for values in found]


def _rest(cell: Cell, given: Sequence[tuple[str, str]]) -> list[Any]:
    """The values of a cell that are not given: of an entry, without those settings that are."""
    keys = {axis: [key for base, key in given if base == axis and key] for axis in cell}
    return [
        without_overrides(value, *keys[axis]) if keys[axis] else value
        for axis, value in cell.items()
        if (axis, "") not in given
    ]


def _listed(cells: Sequence[Cell]) -> str:
    """Lines with cells, as far as a message has room for them."""
    lines = [f"  {cell.folder}" for cell in cells[:MAX_NAMED]]
    more = len(cells) - MAX_NAMED
    return "\n".join(lines) + (f"\n  and {more} more" if more > 0 else "")
