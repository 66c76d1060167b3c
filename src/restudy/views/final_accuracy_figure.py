"""Where the cells of a study end: the accuracy of each after training, sorted."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from restudy.analysis.significance import LEVEL
from restudy.analysis.statistics import mean_interval
from restudy.analysis.student import stated_reach
from restudy.families.contract import Family
from restudy.study.cell import Cell
from restudy.study.grid import compared_axes
from restudy.study.labels import values_in_words
from restudy.views.effects_figure import jitter
from restudy.views.evaluated_curves import axis_roles
from restudy.views.panels import SHARES, ColorKey, color_key, select
from restudy.views.selection import divergence_note, final_measure, finished_runs, values_of
from restudy.views.style import INK, MUTED, color_of, compose, empty_figure, new_figure, styled

CLAIMED_LOOK = {"facecolor": "#DCE6EE", "edgecolor": "none", "zorder": 1}
ABOVE = {"textcoords": "offset points", "ha": "center", "va": "bottom", "fontsize": 8.6}


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
        name, question, vary; and perhaps ``claimed``, see
        `restudy.claims.claimed.claimed_values`: where a cell is claimed to be.
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
    color_axis = axis_roles(study, family)[0]

    figure, panels = new_figure(panel_size=(7.6, 0.31 * len(cells) + 0.95))
    axes = panels[0, 0]
    colors = values_of(study, runs, color_axis) if color_axis else []
    claimed = [each for each in study.get("claimed", ()) if each["measure"] == measure.name]
    shown = [
        _draw_claimed(axes, claim, points, position)
        for position, (values, points) in enumerate(cells)
        for claim in claimed
        if _is_about(claim, values)
    ]
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
    note = f"{bars if several else 'One seed per cell.'} {divergence_note(diverged)}".strip()
    if "stated" in {part for parts in shown for part in parts}:
        note += (
            " Thin bars: 95 % interval by the standard deviation from run to run that the claim "
            "states."
        )
    several = color_axis and len(axes_varied) > 1
    key = color_key(color_axis, colors) if several else ColorKey([])
    legends = [*key.legends, *([_claimed_legend(shown)] if shown else [])]
    subtitle = "Every cell, sorted" if len(cells) > 1 else f"{measure.label} after training"
    return compose(figure, title, subtitle, note, legends, key.bar)


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


def _is_about(claim: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Return whether a claim is about the cell that has these values."""
    return all(claim["cell"].get(axis, value) == value for axis, value in values.items())


def _draw_claimed(
    axes: Axes, claim: Mapping[str, Any], points: pd.Series, position: int
) -> list[str]:
    """Draw where a cell is claimed to be, behind it; return which parts of the legend this needs.

    Of a value with a tolerance the value is a line in a band, of a bound the line is the bound. A
    single run gets the interval by the spread that the claim states.
    """
    low, high = claim["low"], claim["high"]
    look = {"color": INK, "linewidth": 1.3, "linestyle": (0, (3, 2)), "zorder": 2.5}
    drawn = []
    if low is not None and high is not None:
        place = {"y": position - 0.42, "height": 0.84}
        axes.add_patch(Rectangle((low, place["y"]), high - low, place["height"], **CLAIMED_LOOK))
        drawn += ["published", "tolerance"]
        lines = [(low + high) / 2]
    else:
        lines = [bound for bound in (low, high) if bound is not None]
        drawn.append("bound")
    for value in lines:
        axes.plot([value, value], [position - 0.42, position + 0.42], **look)
        axes.annotate(f"{value:.4f}".rstrip("0"), (value, position - 0.42), (0, 2), **ABOVE)
    if len(points) == 1 and claim["spread"]:
        half = stated_reach(claim["spread"]["value"], claim["spread"]["seeds"], LEVEL / 2)
        middle = float(points.iloc[0])
        ends = [max(middle - half, 0.0), min(middle + half, 1.0)]
        axes.plot(ends, [position, position], color=INK, linewidth=1.1, zorder=3)
        drawn.append("stated")
    return drawn


def _claimed_legend(shown: Sequence[Sequence[str]]) -> tuple:
    """Return the legend section on what is claimed."""
    needed = {part for parts in shown for part in parts}
    line = Line2D([], [], color=INK, linewidth=1.3, linestyle=(0, (3, 2)))
    entries = {
        "published": (line, "published value"),
        "tolerance": (Patch(**CLAIMED_LOOK), "its tolerance"),
        "bound": (line, "bound"),
    }
    return ("Claimed", [entry for part, entry in entries.items() if part in needed])


def _cell_label(values: Mapping[str, Any]) -> str:
    return values_in_words(values) or "baseline"
