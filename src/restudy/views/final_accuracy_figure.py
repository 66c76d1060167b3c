"""Where the cells of a study end: the accuracy of each after training, sorted."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from restudy.analysis.statistics import mean_interval
from restudy.families.contract import Family
from restudy.study.cell import Cell
from restudy.study.grid import compared_axes
from restudy.study.labels import values_in_words
from restudy.views.effects_figure import jitter
from restudy.views.evaluated_curves import axis_roles
from restudy.views.panels import SHARES, color_legend, select
from restudy.views.selection import divergence_note, final_measure, finished_runs, values_of
from restudy.views.style import INK, MUTED, color_of, compose, empty_figure, new_figure, styled


def draw(
    subject: str,
    tables: Mapping[str, pd.DataFrame],
    study: Mapping[str, Any],
    family: Family,
    cells: Sequence[Cell],
) -> Figure:
    """Return a figure of a study; see `restudy.plan.figures.StudyFigures`."""
    return final_accuracy_figure(tables["runs"], study, family)


@styled
def final_accuracy_figure(runs: pd.DataFrame, study: Mapping[str, Any], family: Family) -> Figure:
    """Draw a dot chart of the final accuracy of all cells of a study, the highest on top.

    Cells without a finished run come last and say so. Points are seeds, bars 95 % intervals.

    Parameters
    ----------
    runs : DataFrame
        Runs of the study's cells.
    study : mapping
        name, question, vary.
    family : Family
        The last accuracy by which it ranks cells is shown.
    """
    measure = final_measure(family, "accuracy")
    title = study.get("question", study["name"])
    axes_varied = compared_axes(study)
    names = [axis for axis in study["vary"] if axis in runs]
    if runs.empty:
        return empty_figure(title)
    finished, diverged = finished_runs(runs)
    cells = _cells_by_mean(runs, finished, names, measure.name)
    color_axis = axis_roles(axes_varied, family)[0]

    figure, panels = new_figure(panel_size=(7.6, 0.31 * len(cells) + 0.95))
    axes = panels[0, 0]
    colors = values_of(study, runs, color_axis)
    for position, (values, points) in enumerate(cells):
        value = values.get(color_axis)
        color = color_of(color_axis, value, colors) if value is not None else INK
        _draw_cell(axes, points, position, color)
    axes.set_yticks(range(len(cells)), [_cell_label(values) for values, _ in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{measure.label} ({SHARES['accuracy']})")
    axes.set_ylabel("Cell")
    axes.margins(x=0.04)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, 0.0), min(right, 1.002))
    bars = "Numbers: mean. Bars: its 95 % interval (Student's t)."
    several = any(len(points) > 1 for _, points in cells)
    note = f"{bars if several else 'One seed per cell.'} {divergence_note(diverged)}"
    legends = []
    if len(axes_varied) > 1:
        legends = [color_legend(color_axis, colors)]
    return compose(figure, title, "Every cell, sorted", note.strip(), legends)


def _cells_by_mean(
    runs: pd.DataFrame, finished: pd.DataFrame, names: Sequence[str], measure: str
) -> list[tuple[dict, pd.Series]]:
    """Return (values, measure of finished runs) for each cell, highest mean first."""
    cells = []
    for row in runs[list(names)].drop_duplicates().itertuples(index=False, name=None):
        values = dict(zip(names, row, strict=True))
        cells.append((values, select(finished, values)[measure].dropna()))
    return sorted(cells, key=lambda cell: -cell[1].mean() if len(cell[1]) else np.inf)


def _draw_cell(axes: Axes, points: pd.Series, position: int, color: str) -> None:
    """Draw one cell's seeds, mean and interval, and write the mean beside the plot."""
    beside = {"xy": (1.015, position), "xycoords": ("axes fraction", "data"), "va": "center"}
    if points.empty:
        axes.annotate("diverged", color=MUTED, fontsize=9, **beside)
        return
    mean, low, high = mean_interval(points)
    low, high = max(low, 0.0), min(high, 1.0)  # an accuracy leaves no room beyond
    if len(points) > 1:
        heights = position + jitter(len(points), 0.14)
        axes.scatter(points, heights, s=11, color=color, alpha=0.35, linewidths=0, zorder=2)
        axes.plot([low, high], [position, position], color=color, linewidth=2.4, zorder=3)
    axes.plot(
        [mean], [position], marker="o", markersize=7, color=color, markeredgecolor="white", zorder=4
    )
    axes.annotate(f"{mean:.4f}", color=INK, fontsize=9, **beside)


def _cell_label(values: Mapping[str, Any]) -> str:
    return values_in_words(values) or "baseline"
