"""Results of a single cell: what its training jobs left, and what its models predict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.boundaries import Boundaries, map_boundaries
from restudy.analysis.comparison import seed_words
from restudy.analysis.matching import NoRowError, matching
from restudy.analysis.shapes import stack_runs
from restudy.analysis.summaries import rows_of
from restudy.families.contract import Family
from restudy.families.predicting import predict_classes
from restudy.plan import paths
from restudy.reading.files import RUNS, ResultFiles, ResultsError
from restudy.study.addresses import SEED, NoCellError
from restudy.study.cell import Cell
from restudy.study.validation import hint, join

HISTORY, LAYERS, WEIGHTS = "history.parquet", "layers.parquet", "weights.npz"
SETTINGS = "settings"


class CellResults:
    """Results of a cell; `restudy.results.Results.cell` returns them.

    Attributes
    ----------
    family : str
        Name of its family.
    values : Cell
        The value of every axis, as a mapping.
    path : str
        Its folder, in full, or its address.
    """

    def __init__(
        self,
        files: ResultFiles,
        family: Family,
        cell: Cell,
        folder: str,
        lack_of_facts: Callable[[str], ResultsError] | None = None,
    ):
        self.family, self.values, self.path = family.name, cell, files.at(folder)
        self._files, self._facts, self._lack_of_facts = files, family, lack_of_facts
        # The folders of its training jobs by seed; None stands for that of all seeds.
        self._jobs: dict[int | None, str] = _jobs_in(folder, files.names(folder))

    def __repr__(self) -> str:
        return f"<cell of {self.family}: {values_as_text(self.values)}>"

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that determines what it computes, as its job recorded it.

        ``cell``, a value for every axis; ``dataset`` and ``protocol``; and for every axis of names
        what its value stands for.
        """
        return self.provenance[SETTINGS]

    @property
    def provenance(self) -> dict[str, Any]:
        """The record of the job that trained it: settings, digests, environment and machine.

        If each seed has a job of its own, it is that of the first; `records` has all.
        """
        return self._record(next(iter(self._jobs), None))

    @property
    def records(self) -> dict[int, dict[str, Any]]:
        """The records of its jobs: seed -> record of the job that trained it."""
        if None in self._jobs:
            return dict.fromkeys(self.seeds, self._record(None))
        return {seed: self._record(seed) for seed in self._jobs}

    @property
    def seeds(self) -> list[int]:
        """Seeds of its runs."""
        return self.runs["seed"].tolist()

    @property
    def finished(self) -> list[int]:
        """Seeds of those runs that did not diverge."""
        runs = self.runs
        return runs.loc[runs["diverged_at"].isna(), "seed"].tolist()

    @property
    def draws(self) -> dict[int, int]:
        """Which draw of the data set each run was trained on: seed -> draw, from 0."""
        runs = self.runs
        draws = runs["draw"] if "draw" in runs else pd.Series(0, runs.index)
        return dict(zip(runs["seed"].tolist(), draws.tolist(), strict=True))

    @property
    def has_runs(self) -> bool:
        """Whether its runs are there, in a table of its own or in that of all cells."""
        try:
            return len(self.runs) > 0
        except NoCellError:
            return False

    @property
    def runs(self) -> pd.DataFrame:
        """A row per run: the axes, ``seed``, its measures when it ended, ``diverged_at``, …"""
        return self.table(RUNS)

    @property
    def history(self) -> pd.DataFrame:
        """A row per run and recorded pass or step."""
        return self.table(HISTORY)

    @property
    def layers(self) -> pd.DataFrame:
        """A row per run, recorded pass or step, and layer."""
        return self.table(LAYERS)

    def table(self, name: str, seed: int | None = None) -> pd.DataFrame:
        """Return a table that its jobs left, such as ``scalars.parquet``.

        Parameters
        ----------
        name : str
            Of the file.
        seed : int, optional
            Only the rows of this run.

        Raises
        ------
        NoCellError
            If they left none.
        NoRowError
            If there is no such run.
        """
        chosen = None if seed is None else self._seed(seed)
        frames = []
        for folder in [self._jobs[chosen]] if chosen in self._jobs else self._jobs.values():
            try:
                frames.append(self._files.rows_of_job(self._facts, folder, name))
            except FileNotFoundError:
                continue
        rows = pd.concat(frames, ignore_index=True) if frames else self._shared_rows(name)
        # Of a run that diverged at once there may be no row.
        return rows if seed is None else rows[rows["seed"] == chosen].reset_index(drop=True)

    def arrays(self, name: str, seed: int | None = None) -> dict[str, np.ndarray]:
        """Return the arrays in a file that a job left, such as ``snapshots.npz``, by name.

        Parameters
        ----------
        name : str
            Of the file.
        seed : int, optional
            Of a cell whose seeds have jobs of their own: which; needed if there are several.

        Raises
        ------
        NoCellError
            If it left none, or more than one run has one.
        NoRowError
            If there is no such run.
        """
        if None in self._jobs and seed is not None:
            raise NoCellError(f"{self.path}/{name}: is of all seeds; got seed {seed}")
        if seed is None and len(self._jobs) > 1:
            found = seed_words(self._jobs)
            raise NoCellError(f"{self.path}: each run has a {name}; say which seed; found: {found}")
        return self._arrays(
            next(iter(self._jobs), None) if seed is None else self._seed(seed), name
        )

    def weights(self, seed: int | None = None) -> dict[str, np.ndarray]:
        """Return the final weights by name; with early stopping, the best ones.

        Parameters
        ----------
        seed : int, optional
            Of which run. Without it, the arrays have one more axis, the first: all runs, in the
            order of `seeds`.

        Raises
        ------
        NoCellError
            If no weights were kept.
        NoRowError
            If there is no such run.
        """
        if seed is None:
            return self._stacked(self.seeds)
        return {name: values[0] for name, values in self._stacked([self._seed(seed)]).items()}

    def predict(self, x: Any, seed: int | None = None) -> np.ndarray:
        """Return the classes that its models predict.

        Parameters
        ----------
        x : array_like, shape (N, D)
            Points in the units of the data set's own table, see `Results.points`: standardized
            where the data set is. If it has several draws, each is standardized by itself, and a
            run takes points as those of its own draw, see `draws`.
        seed : int, optional
            Of which run.

        Returns
        -------
        ndarray
            Of a run, shape (N,); without ``seed`` (R, N), a row for each run in `finished`.

        Raises
        ------
        ResultsError
            If the family has no function that predicts or it can't be imported here, or if the run
            diverged.
        NoRowError
            If there is no such run.
        """
        if self._lack_of_facts:
            raise self._lack_of_facts("predicting")
        if not self._facts.predict:
            raise ResultsError(
                f"{self.family}: can't predict here, since its facts name no function for it "
                "(`predict`); weights() has what was trained"
            )
        finished = self.finished
        chosen = finished if seed is None else [self._seed(seed)]
        if not chosen or chosen[0] not in finished:
            found = seed_words(finished) if finished else "none"
            what = "all runs" if seed is None else f"the run of seed {seed}"
            raise ResultsError(f"{self.path}: {what} diverged; finished: {found}")
        try:
            classes = predict_classes(
                self._facts, self.settings, self._stacked(chosen), np.asarray(x)
            )
        except ImportError as error:
            missing = error.name or error
            raise ResultsError(
                f"{self.family}: predicting needs {missing}, which can't be imported here"
            ) from None
        return classes if seed is None else classes[0]

    def boundaries(self, points: pd.DataFrame, classes: int) -> Boundaries | None:
        """Return the decision boundaries of its runs; None if all of them diverged.

        Parameters
        ----------
        points : DataFrame
            All draws of its data set, see `Results.points`.
        classes : int
            How many the data set has.
        """
        return map_boundaries(
            self._facts, self.settings, self.runs, self.weights(), points, classes
        )

    def _seed(self, seed: Any) -> int:
        """A seed of one of the runs, as a whole number."""
        found = matching(self.runs, ["seed"], {"seed": seed}, self.family)["seed"]
        if len(found) > 1:
            raise NoRowError(f"seed: got {seed!r}; allowed: a single one")
        return int(found[0])

    def _stacked(self, seeds: Sequence[int]) -> dict[str, np.ndarray]:
        """The weights of some runs, which are the first axis."""
        if None not in self._jobs:
            parts = [stack_runs(self._facts, self._arrays(seed, WEIGHTS)) for seed in seeds]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        known, arrays = self.seeds, stack_runs(self._facts, self._arrays(None, WEIGHTS))
        if wrong := [name for name, values in arrays.items() if len(values) != len(known)]:
            raise ResultsError(
                f"{self.path}/{WEIGHTS}: the first axis of {join(wrong)} is not the "
                f"{len(known)} runs"
            )
        return {
            name: values[[known.index(seed) for seed in seeds]] for name, values in arrays.items()
        }

    def _arrays(self, job: int | None, name: str) -> dict[str, np.ndarray]:
        """The arrays that a job left in a file."""
        try:
            return self._files.arrays(f"{self._jobs[job]}/{name}")
        except (KeyError, FileNotFoundError):
            raise self._lack(name) from None

    def _record(self, job: int | None) -> dict[str, Any]:
        try:
            return self._files.object(f"{self._jobs[job]}/{paths.RECORD}")
        except (KeyError, FileNotFoundError):
            raise self._lack(paths.RECORD) from None

    def _shared_rows(self, name: str) -> pd.DataFrame:
        """The cell's rows in the table over all cells."""
        try:
            rows = self._files.rows_of_all(self._facts, name)
        except FileNotFoundError:
            raise self._lack(name) from None
        return rows_of(rows, [self.values])

    def _lack(self, name: str) -> NoCellError:
        """The fault that no job left a file."""
        names = self._files.names
        left = sorted({each for folder in self._jobs.values() for each in names(folder)})
        return NoCellError(f"{self.path}: has no {name}{hint(name, left)}; found: {join(left)}")


def _jobs_in(folder: str, names: Iterable[str]) -> dict[int | None, str]:
    seeds = sorted(
        int(found[1]) for name in names if (found := re.fullmatch(f"{SEED}([0-9]+)", name))
    )
    if seeds:
        return {seed: f"{folder}/{SEED}{seed}" for seed in seeds}
    return {None: folder} if names else {}


def values_as_text(values: Mapping[str, Any]) -> str:
    """Return values by axis as a line for a person."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
