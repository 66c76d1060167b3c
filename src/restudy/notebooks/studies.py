"""A run's results as the cells of a notebook ask for them: a table or a figure of a study.

Files are read from the working directory, where a run puts them. What the configuration does not
have is no error: the answer is then a sentence that says so.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.summaries import rows_of
from restudy.data.tables import combine, read_description, read_table
from restudy.notebooks.display import (
    PLUS_MINUS,
    Picture,
    Table,
    in_words,
    mean_and_deviation,
    say,
)
from restudy.study.grid import cell_path, study_cells, unique_cells
from restudy.study.labels import label_of
from restudy.views import boundaries, conv_curves, curves

TABLES = Path("results/tables")
Shown = Any  # what a cell may end with


class Results:
    """Studies of one model and what came out of them.

    Parameters
    ----------
    model : {"dense", "conv"}
        Whose studies these are.
    baseline : mapping
        The cell that every study starts from.
    studies : mapping
        Name -> study, as the configuration has it.
    """

    def __init__(self, model: str, baseline: Mapping, studies: Mapping[str, Mapping]):
        self.model = model
        self.baseline = baseline
        self.studies = {name: {"name": name, **study} for name, study in studies.items()}

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row per cell."""
        return read_table(TABLES / f"{self.model}_summary.csv")

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row per cell and seed."""
        return read_table(TABLES / f"{self.model}_runs.csv")

    def study_of(self, axis: str) -> dict | None:
        """Return the first study that varies an axis alone, or together with the protocol."""
        for study in self.studies.values():
            if set(study["vary"]) - {"protocol"} == {axis}:
                return study
        return None

    def cells(self, study: Mapping) -> list[dict]:
        """Return the cells of a study."""
        return study_cells(self.model, self.baseline, study)

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

    def _table(self, study: Mapping, measures: Sequence[str]) -> Table:
        rows = rows_of(self.summary, self.cells(study))
        columns = {
            **in_words(rows, list(study["vary"])),
            "Seeds": rows["n"] - rows["diverged"],
            **{label_of(measure): mean_and_deviation(rows, measure) for measure in measures},
        }
        seeds = "mean ± standard deviation over seeds" if rows["n"].max() > 1 else "one seed a cell"
        return Table(pd.DataFrame(columns), f"After training: {seeds}.")

    def _of(self, study: Mapping | str | None, show: Callable[[Mapping], Shown]) -> Shown:
        """Return what is shown of a study, or a sentence if there is none."""
        if isinstance(study, str):
            axis, study = study, self.study_of(study)
            words = f"no study of a size to show that varies the {label_of(axis).lower()} alone"
        else:
            words = "no such study"
        return show(study) if study else say(f"This run's configuration has {words}.")


class DenseResults(Results):
    """Studies of dense networks."""

    def __init__(self, baseline: Mapping, studies: Mapping[str, Mapping]):
        super().__init__("dense", baseline, studies)

    def _history(self, study: Mapping) -> pd.DataFrame:
        """What each cell of a study wrote while it trained; the table of all cells may be huge."""
        return combine(
            f"results/dense/{cell_path(cell)}/history.parquet" for cell in self.cells(study)
        )

    def boundaries(self, axis: str) -> Shown:
        """Return the boundaries of all cells of the study that varies an axis."""
        return self._of(axis, self._boundaries)

    def _boundaries(self, study: Mapping) -> Shown:
        panels = []
        for cell in self.cells(study):
            folder, data = f"results/dense/{cell_path(cell)}", f"results/data/{cell['dataset']}"
            description = read_description(f"{data}/description.json")
            if len(description["features"]) != 2:
                continue
            with np.load(f"{folder}/boundary.npz") as file:
                grid = dict(file)
            panels.append(
                {
                    "values": cell,
                    "points": read_table(f"{data}/points.csv"),
                    "description": description,
                    "grid": grid if len(grid["seeds"]) else None,
                    "heldout_accuracy": rows_of(self.summary, [cell])["heldout_accuracy_mean"][0],
                }
            )
        if not panels:
            return say("The points of this study have no plane to draw a boundary in.")
        alt = f"Decision boundaries of {len(panels)} cells; the table above has their accuracies."
        return Picture(boundaries.boundary_panel(panels, study), alt)

    def loss_curves(self, axis: str) -> Shown:
        """Return training and held-out loss over passes of the study that varies an axis."""

        def draw(study: Mapping) -> Picture:
            history, runs = self._history(study), rows_of(self.runs, self.cells(study))
            alt = "Loss over training; the table above has the values after the last pass."
            return Picture(curves.loss_curves(history, study, runs), alt)

        return self._of(axis, draw)

    def arithmetic_table(self, protocols: Mapping[str, Mapping]) -> Shown:
        """Return each published cell beside its corrected twin, seed by seed.

        Parameters
        ----------
        protocols : mapping
            Name -> settings. Twins have the same axes, and protocols that differ in nothing but
            the arithmetic.
        """
        cells = unique_cells(cell for study in self.studies.values() for cell in self.cells(study))
        lines = []
        for cell in cells:
            settings = protocols[cell["protocol"]]
            if settings["arithmetic"] != "published":
                continue
            wanted = {**settings, "arithmetic": "corrected"}
            names = [name for name, other in protocols.items() if other == wanted]
            twin = next(
                (c for c in cells if any(c == {**cell, "protocol": n} for n in names)), None
            )
            if twin is not None:
                lines.append(self._compare(cell, twin))
        if not lines:
            return say("This run's configuration has no pair of published and corrected cells.")
        caption = "Differences are published minus corrected, seed by seed: mean ± deviation."
        return Table(pd.DataFrame(lines), caption)

    def _compare(self, published: Mapping, corrected: Mapping) -> dict:
        """A line of the table: loss and accuracy of two cells, and their differences by seed."""
        measures = {"train_loss": "Loss", "heldout_accuracy": "Held-out accuracy"}
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

    def history_table(self, study: Mapping | str | None, parts: int = 4) -> Shown:
        """Return training accuracy and loss of a study's cells at equal parts of the training."""

        def show(found: Mapping) -> Table:
            history = self._history(found)
            passes = np.sort(history["pass"].unique())
            wanted = passes[np.linspace(0, len(passes) - 1, parts + 1).round().astype(int)][1:]
            axes = list(found["vary"])
            shown = history[history["pass"].isin(wanted)]
            means = shown.groupby([*axes, "pass"], sort=False)["train_accuracy"].mean()
            rows = means.unstack("pass").reset_index()
            words = in_words(rows, axes)
            columns = {f"After {number:,} passes": rows[number] for number in wanted}
            return Table(
                pd.DataFrame({**words, **columns}), "Training accuracy, mean over the seeds."
            )

        return self._of(study, show)


class ConvResults(Results):
    """Studies of the convolutional network."""

    def __init__(self, baseline: Mapping, studies: Mapping[str, Mapping]):
        super().__init__("conv", baseline, studies)

    def curves(self, study: Mapping | None, measure: str) -> Shown:
        """Return loss or accuracy over steps of a study."""
        draw = {"loss": conv_curves.conv_loss_curves, "accuracy": conv_curves.conv_accuracy_curves}

        def show(found: Mapping) -> Picture:
            cells = self.cells(found)
            history = rows_of(read_table(TABLES / "conv_history.parquet"), cells)
            runs = rows_of(self.runs, cells)
            alt = f"{measure.capitalize()} over training steps."
            return Picture(draw[measure](history, found, runs), alt)

        return self._of(study, show)

    def final_accuracy(self, study: Mapping | None) -> Shown:
        """Return the test accuracy of every cell of a study, best on top."""

        def show(found: Mapping) -> Picture:
            runs = rows_of(self.runs, self.cells(found))
            alt = "Test accuracy after training of every cell; the table above has the values."
            return Picture(conv_curves.final_accuracy_figure(runs, found), alt)

        return self._of(study, show)

    def factor_table(self, study: Mapping | None) -> Shown:
        """Return the mean test accuracy at each value of each varied axis, over all other axes."""

        def show(found: Mapping) -> Table:
            rows = rows_of(self.summary, self.cells(found))
            lines = []
            for axis, values in found["vary"].items():
                for value in values:
                    members = rows.loc[rows[axis] == value, "test_accuracy_mean"]
                    lines.append(
                        {
                            "Axis": label_of(axis),
                            "Value": label_of(value, axis),
                            "Cells": len(members),
                            "Mean test accuracy": members.mean(),
                            "Lowest": members.min(),
                            "Highest": members.max(),
                        }
                    )
            return Table(
                pd.DataFrame(lines), "Each value of an axis, over all values of the others."
            )

        return self._of(study, show)


def _mean_and_sd(values: pd.Series) -> str:
    values = values.dropna()
    if values.empty:
        return "–"
    deviation = f"{PLUS_MINUS}{values.std(ddof=1):.4f}" if len(values) > 1 else ""
    # Rounded before: no minus stands before a zero.
    return f"{round(values.mean(), 4) + 0.0:+.4f}{deviation}".replace("-", "−")
