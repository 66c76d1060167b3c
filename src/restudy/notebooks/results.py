"""A run's results as the cells of a notebook show them: a table or a figure of a study.

What the configuration does not have is no error: the answer is then a sentence that says so.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.summaries import rows_of
from restudy.analysis.typical import typical_seed
from restudy.families.contract import ALL
from restudy.families.registry import FAMILIES
from restudy.notebooks.display import (
    PLUS_MINUS,
    Picture,
    Table,
    in_words,
    mean_and_deviation,
    say,
)
from restudy.reading.cells import CellResults
from restudy.results import Results
from restudy.study.cell import Cell, make_cell, unique_cells
from restudy.study.grid import study_cells
from restudy.study.labels import label_of
from restudy.views.boundaries import accuracies_of, boundary_panel
from restudy.views.curves import curves_figure
from restudy.views.final_accuracy_figure import final_accuracy_figure
from restudy.views.selection import final_measure

Shown = Any  # what a cell may end with


class ShownResults:
    """Studies of one family and what came out of them.

    Parameters
    ----------
    run : Results
        From which everything is read.
    family : str
        Whose studies these are.
    baseline : mapping
        The cell that every study starts from.
    studies : mapping
        Name -> study, as the configuration has it.
    """

    def __init__(
        self, run: Results, family: str, baseline: Mapping, studies: Mapping[str, Mapping]
    ):
        self.run, self.family = run, FAMILIES[family]
        self.baseline = baseline
        self.studies = {name: {"name": name, **study} for name, study in studies.items()}

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row per cell."""
        return self.run.summary(self.family.name)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per cell and seed."""
        return self.run.runs(self.family.name)

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per cell, seed and recorded pass or step."""
        return self.run.history(self.family.name)

    def study_of(self, axis: str) -> dict | None:
        """Return the first study that varies an axis alone, or together with the protocol."""
        for study in self.studies.values():
            if set(study["vary"]) - {"protocol"} == {axis}:
                return study
        return None

    def cells(self, study: Mapping) -> list[Cell]:
        """Return the cells of a study."""
        return study_cells(self.family, self.baseline, study)

    def run_of(self, folder: str) -> tuple[CellResults, int]:
        """Return the cell that a folder has, and the seed of the run that stands for it.

        It is the one nearest the median; where all diverged, the first.
        """
        cell = self.run.cell(folder)
        seed = typical_seed(cell.runs, self.family)
        return cell, cell.seeds[0] if seed is None else seed

    def table(self, study: Mapping | str | None, measures: Sequence[str]) -> Shown:
        """Return mean ± standard deviation over seeds of every cell of a study.

        Parameters
        ----------
        study : mapping, str or None
            A study, or the axis that it varies.
        measures : sequence of str
            A column each.
        """
        return self._of(study, lambda found: self._table(found, measures))

    def curves(self, study: Mapping | str | None, quantity: str) -> Shown:
        """Return a quantity, such as "loss", over the training of a study's cells.

        Of a family that leaves ``history.parquet``. A study is one, or the axis that it varies.
        """

        def draw(found: Mapping) -> Picture:
            history, runs = self._history(found), rows_of(self.runs, self.cells(found))
            alt = f"{quantity.capitalize()} over {self.family.time.label.lower()}."
            return Picture(curves_figure(history, found, self.family, quantity, runs), alt)

        return self._of(study, draw)

    def history_table(self, study: Mapping | str | None, measure: str, parts: int = 4) -> Shown:
        """Return a measure of a study's cells at equal parts of the training.

        Of a family that leaves ``history.parquet``.
        """

        def show(found: Mapping) -> Table:
            history, time = self._history(found), self.family.time
            times = np.sort(history[time.name].unique())
            wanted = times[np.linspace(0, len(times) - 1, parts + 1).round().astype(int)][1:]
            axes = list(found["vary"])
            shown = history[history[time.name].isin(wanted)]
            means = shown.groupby([*axes, time.name], sort=False)[measure].mean()
            rows = means.unstack(time.name).reset_index()
            words = in_words(rows, axes)
            columns = {f"After {each:,} {time.plural}": rows[each] for each in wanted}
            caption = f"{label_of(measure)}, mean over the seeds."
            return Table(pd.DataFrame({**words, **columns}), caption)

        return self._of(study, show)

    def boundaries(self, axis: str) -> Shown:
        """Return the boundaries of all cells of the study that varies an axis."""
        return self._of(axis, self._boundaries)

    def final_accuracy(self, study: Mapping | None) -> Shown:
        """Return the accuracy after training of every cell of a study, best on top."""

        def show(found: Mapping) -> Picture:
            runs = rows_of(self.runs, self.cells(found))
            label = final_measure(self.family, "accuracy").label
            alt = f"{label} after training of every cell; the table above has the values."
            return Picture(final_accuracy_figure(runs, found, self.family), alt)

        return self._of(study, show)

    def factor_table(self, study: Mapping | None) -> Shown:
        """Return the mean accuracy at each value of each varied axis, over all other axes."""
        measure = final_measure(self.family, "accuracy")

        def show(found: Mapping) -> Table:
            rows = rows_of(self.summary, self.cells(found))
            lines = []
            for axis, values in found["vary"].items():
                for value in values:
                    members = rows.loc[rows[axis] == value, f"{measure.name}_mean"]
                    lines.append(
                        {
                            "Axis": label_of(axis),
                            "Value": label_of(value, axis),
                            "Cells": len(members),
                            f"Mean {measure.label.lower()}": members.mean(),
                            "Lowest": members.min(),
                            "Highest": members.max(),
                        }
                    )
            return Table(
                pd.DataFrame(lines), "Each value of an axis, over all values of the others."
            )

        return self._of(study, show)

    def arithmetic_table(
        self, protocols: Mapping[str, Mapping], measures: Mapping[str, str]
    ) -> Shown:
        """Return each published cell beside its corrected twin, seed by seed.

        Of a family whose protocols say which arithmetic is used.

        Parameters
        ----------
        protocols : mapping
            Name -> settings. Twins have the same axes, and protocols that differ in nothing but
            the arithmetic.
        measures : mapping of str to str
            What is compared, and its words.
        """
        cells = unique_cells(cell for study in self.studies.values() for cell in self.cells(study))
        lines = []
        for cell in cells:
            settings = protocols[cell["protocol"]]
            if settings["arithmetic"] != "published":
                continue
            wanted = {**settings, "arithmetic": "corrected"}
            twins = {
                make_cell(self.family, {**cell, "protocol": name})
                for name, other in protocols.items()
                if other == wanted
            }
            twin = next((each for each in cells if each in twins), None)
            if twin is not None:
                lines.append(self._compare(cell, twin, measures))
        if not lines:
            return say("This run's configuration has no pair of published and corrected cells.")
        caption = "Differences are published minus corrected, seed by seed: mean ± deviation."
        return Table(pd.DataFrame(lines), caption)

    def _history(self, study: Mapping) -> pd.DataFrame:
        """What each cell of a study wrote while it trained."""
        cells = self.cells(study)
        if self.family.seeds_per_job == ALL:  # the table of all cells may be huge
            histories = [self.run.cell(cell.folder).history for cell in cells]
            return pd.concat(histories, ignore_index=True)
        return rows_of(self.history, cells)

    def _table(self, study: Mapping, measures: Sequence[str]) -> Table:
        rows = rows_of(self.summary, self.cells(study))
        columns = {
            **in_words(rows, list(study["vary"])),
            "Seeds": rows["n"] - rows["diverged"],
            **{label_of(measure): mean_and_deviation(rows, measure) for measure in measures},
        }
        several = rows["n"].max() > 1
        seeds = "mean ± standard deviation over seeds" if several else "one seed per cell"
        return Table(pd.DataFrame(columns), f"After training: {seeds}.")

    def _boundaries(self, study: Mapping) -> Shown:
        panels = []
        for cell in self.cells(study):
            description = self.run.description(cell["dataset"])
            if len(description["features"]) != 2:
                continue
            found = self.run.cell(cell.folder)
            points = self.run.points(cell["dataset"], draw=None)
            boundaries = found.boundaries(points, len(description["classes"]))
            panels.append(
                {
                    "values": cell,
                    "points": points,
                    "description": description,
                    "boundaries": boundaries,
                    "accuracies": accuracies_of(found.runs, self.family, boundaries),
                }
            )
        if not panels:
            return say("The points of this study have no plane to draw a boundary in.")
        alt = f"Decision boundaries of {len(panels)} cells; the table above has their accuracies."
        return Picture(boundary_panel(panels, study), alt)

    def _compare(self, published: Mapping, corrected: Mapping, measures: Mapping[str, str]) -> dict:
        """A line of the table: measures of two cells, and their differences by seed."""
        one, other = (
            rows_of(self.runs, [cell]).set_index("seed")[list(measures)]
            for cell in (published, corrected)
        )
        differing = [
            label_of(value, axis)
            for axis, value in published.items()
            if axis != "protocol" and value != self.baseline[axis]
        ]
        line = {"Cell": ", ".join(differing) or "the baseline"}
        for measure, word in measures.items():
            line[f"{word}, published"] = one[measure].mean()
            line[f"{word}, corrected"] = other[measure].mean()
            line[f"{word}, difference"] = _mean_and_sd(one[measure] - other[measure])
        return line

    def _of(self, study: Mapping | str | None, show: Callable[[Mapping], Shown]) -> Shown:
        """Return what is shown of a study, or a sentence if there is none."""
        if isinstance(study, str):
            axis, study = study, self.study_of(study)
            words = f"no study of a size to show that varies the {label_of(axis).lower()} alone"
        else:
            words = "no such study"
        return show(study) if study else say(f"This run's configuration has {words}.")


def _mean_and_sd(values: pd.Series) -> str:
    values = values.dropna()
    if values.empty:
        return "–"
    deviation = f"{PLUS_MINUS}{values.std(ddof=1):.4f}" if len(values) > 1 else ""
    # Rounded before: no minus stands before a zero.
    return f"{round(values.mean(), 4) + 0.0:+.4f}{deviation}".replace("-", "−")
