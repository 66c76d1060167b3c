"""A training job: a `Run` that writes what a family's ``train`` records and saves into files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from restudy.data.tables import with_cell, with_draw, write_table
from restudy.disk import whole_file
from restudy.errors import UserError
from restudy.families.budgets import budget_of
from restudy.families.checkpoints import (
    Checkpoint,
    clear_checkpoints,
    find_checkpoint,
    keep_state,
    write_checkpoint,
)
from restudy.families.contract import LOADERS, RUNS, Family, Run, draw_count, draw_of
from restudy.families.own_files import TRAINING, told
from restudy.families.own_python import Interpreter, train_in
from restudy.families.registry import import_path, trainer
from restudy.log import Progress

ENDING = ("diverged_at", "diverged_by")


class BrokenPromiseError(UserError):
    """A family's ``train`` did not record or save what its facts state."""


class JobRun(Run):
    """A job that trains a run, or all runs of a cell.

    Parameters
    ----------
    family : Family
        Its facts state what is expected.
    settings, data_by_seed, seeds, threads, log
        See `Run`.
    places : mapping of str to path
        Path of each artefact, by its name.
    scratch : path
        Folder for checkpoints.
    identity : str
        Digest of everything that determines the result; but for the budget, if training may go on
        from where one with a smaller budget ended.
    kept_megabytes : float
        How large the state may be that is kept for a larger budget.
    """

    def __init__(
        self,
        family: Family,
        settings: Mapping[str, Any],
        data_by_seed: Mapping[int, Any],
        seeds: tuple[int, ...],
        places: Mapping[str, str | Path],
        scratch: str | Path,
        identity: str = "",
        threads: int = 1,
        log: Callable[[str], None] = lambda line: None,
        kept_megabytes: float = 0,
    ):
        self.family, self.settings, self.data_by_seed = family, settings, data_by_seed
        self.seeds, self.threads, self.identity, self.log = tuple(seeds), threads, identity, log
        self.places = {name: Path(path) for name, path in places.items()}
        self.scratch, self.kept_megabytes = Path(scratch), kept_megabytes
        self.notes: dict[str, Any] = {}
        self._records: dict[int, dict[int | None, dict[str, float]]] = {s: {} for s in self.seeds}
        self._diverged: dict[int, tuple[int, str]] = {}
        self._saved: set[str] = set()

    def record(self, step: int | None = None, seed: int | None = None, **measures: float) -> None:
        """Record measures of a run; see `Run.record`."""
        for name in measures:
            found = self.family.measure(name)
            if found is None or not found.in_runs:
                known = ", ".join(each.name for each in self.family.measures if each.in_runs)
                raise self._broken(f"recorded {name!r}; allowed: a measure in its facts ({known})")
        if (step is None) != (self.family.time is None):
            allowed = "no step" if self.family.time is None else "a step"
            raise self._broken(f"recorded at step {step}; allowed by its facts: {allowed}")
        values = {name: float(value) for name, value in measures.items()}
        self._records[self._seed(seed)].setdefault(step, {}).update(values)

    def diverge(self, step: int, what: str, seed: int | None = None) -> None:
        """Report that a run diverged; see `Run.diverge`."""
        self._diverged[self._seed(seed)] = step, what

    def save(self, artefact: str, content: Any) -> None:
        """Save an artefact; see `Run.save`."""
        path = self.place(artefact)
        facts = next(each for each in self.family.artefacts if each.name == artefact)
        if facts.is_table:
            content = pd.DataFrame(content)
            if axes := [axis for axis in self.family.axis_names if axis in content]:
                columns = ", ".join(axes)
                raise self._broken(f"saved {artefact!r} with {columns}; allowed: no axis as column")
            draws = draw_count(self.settings["dataset"])
            if artefact == RUNS.name and draws > 1:
                if "draw" in content or "seed" not in content:
                    found = ", ".join(map(str, content))
                    raise self._broken(
                        f"saved {artefact!r} with {found}; allowed: with seed, from which the draw "
                        "follows, and without draw"
                    )
                content = with_draw(content, draws)
            write_table(with_cell(content, self.cell), path)
        else:
            with whole_file(path) as file:
                (np.savez_compressed if facts.compressed else np.savez)(file, **content)

    def place(self, artefact: str) -> Path:
        """Return the path of an artefact; see `Run.place`."""
        if artefact not in self.places:
            known = ", ".join(self.places)
            raise self._broken(f"saved {artefact!r}; allowed: an artefact in its facts ({known})")
        self._saved.add(artefact)
        return self.places[artefact]

    def note(self, **facts: Any) -> None:
        """Add facts to the record of provenance."""
        self.notes |= facts

    def checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint; if that fails, on a full disk for example, only warn."""
        arrays = {name: np.asarray(value) for name, value in state.items()}
        tables = {
            "records": [
                {"seed": seed, "at": at, **measures}
                for seed, records in self._records.items()
                for at, measures in records.items()
            ]
        }
        checkpoint = Checkpoint(step, arrays, tables, {})
        if self.family.time and step == budget_of(self.family, self.settings):
            place = self.scratch, self.identity
            keep_state(*place, checkpoint, self.kept_megabytes, self.log)
            return
        try:
            write_checkpoint(self.scratch, self.identity, checkpoint)
        except OSError as error:
            self.log(f"warning: no checkpoint after {step} ({error})")

    def restored(self) -> tuple[int, Mapping[str, Any]] | None:
        """Return step and state of the newest checkpoint, and restore what was recorded by then."""
        budget = budget_of(self.family, self.settings)
        found = find_checkpoint(self.scratch, self.identity, self.log, budget)
        if found is None:
            return None
        self.note(continued_from=found.step)
        for row in found.tables["records"]:
            measures = {key: value for key, value in row.items() if key not in ("seed", "at")}
            self._records[row["seed"]][row["at"]] = measures
        return found.step, found.arrays

    def progress(self, total: int, unit: str) -> Progress:
        """Return a callable that writes progress into the log every few seconds."""
        return Progress(self.log, total, unit)

    def finish(self) -> None:
        """Write what was recorded, and check that every artefact in the facts exists."""
        if "runs.csv" not in self._saved:
            self.save("runs.csv", self._runs())
        if self.family.leaves("history.parquet") and "history.parquet" not in self._saved:
            self.save("history.parquet", self._history())
        missing = [name for name in self.places if not self.places[name].exists()]
        if missing:
            raise self._broken(f"did not save {', '.join(missing)}, which its facts state")
        clear_checkpoints(self.scratch)

    def _runs(self) -> pd.DataFrame:
        """Return a row per run, with its final measures."""
        rows = []
        for seed, records in self._records.items():
            if not records and seed not in self._diverged:
                raise self._broken(f"recorded nothing for seed {seed}")
            at, what = self._diverged.get(seed, (None, None))
            row: dict[str, Any] = {"seed": seed}
            if self.family.time:
                last = max(records, default=0)
                row[self.family.time.plural] = last if at is None else at
            final = {name: value for each in records.values() for name, value in each.items()}
            for measure in (each.name for each in self.family.measures if each.in_runs):
                row[measure] = np.nan if at is not None else final.get(measure, np.nan)
            rows.append(row | dict(zip(ENDING, (at, what), strict=True)))
        return pd.DataFrame(rows).astype({"diverged_at": "Int64", "diverged_by": "object"})

    def _history(self) -> pd.DataFrame:
        """Return a row per run and recorded pass or step."""
        time, names = self.family.time.name, [m.name for m in self.family.recorded_measures]
        rows = [
            {"seed": seed, time: step, **{name: measures.get(name, np.nan) for name in names}}
            for seed, records in self._records.items()
            for step, measures in sorted(records.items())
        ]
        table = pd.DataFrame(rows, columns=["seed", time, *names])
        # Of runs that diverged at once no row is left, whose values would tell the types.
        return table.astype({"seed": "int64", time: "int64", **dict.fromkeys(names, "float64")})

    def _seed(self, seed: int | None) -> int:
        return self.seed if seed is None else seed

    def _broken(self, text: str) -> BrokenPromiseError:
        return BrokenPromiseError(f"{self.family.file or self.family.train}: {text}")


def load_data(
    family: Family, path: str | Path, dataset: Mapping[str, Any], seeds: Iterable[int]
) -> dict[int, Any]:
    """Return the data that the run of each seed of a family is trained on, by the seed.

    Seeds of the same draw have the same object.

    Parameters
    ----------
    family : Family
        Its facts state whether it takes points or images.
    path : path
        The file that represents the data: the table of points, or the digests beside the images.
    dataset : mapping
        Settings of the data set.
    seeds : iterable of int
        Which.
    """
    draws = import_path(LOADERS[family.takes])(path, dataset)
    return {seed: draws[draw_of(seed, len(draws))] for seed in seeds}


def train(run: JobRun, interpreter: Interpreter | None = None, watcher: Sequence[str] = ()) -> None:
    """Train a run, in a Python of its own if it has one, and write all artefacts of its family.

    What a ``watcher`` is, `restudy.families.own_python.train_in` says.
    """
    if interpreter:
        train_in(interpreter, run, watcher)
    else:
        own = run.family.file
        with told(own, TRAINING, (MemoryError,)) if own else nullcontext():
            trainer(run.family)(run)
    run.finish()
