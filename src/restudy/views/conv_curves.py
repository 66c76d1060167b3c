"""Loss and accuracy of the convolutional network over training steps, and where its cells end.

One varied axis is the colour. In a factorial study activation is the colour, initial values are
the line style, and each optimizer has a panel. Diverged runs are left out and counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from restudy.analysis.statistics import mean_interval
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of
from restudy.views.curves import (
    arrange_facets,
    color_legend,
    measure_scale,
    panel_title,
    pooled_note,
    select,
    set_time_axis,
    spread_legend,
)
from restudy.views.effects_figure import jitter
from restudy.views.selection import (
    divergence_note,
    finished_history,
    finished_runs,
    fitting_spread,
    most_replicates,
    spread_over_seeds,
    values_of,
)
from restudy.views.style import (
    INK,
    MUTED,
    color_of,
    compose,
    empty_figure,
    new_figure,
    styled,
)

LINE_STYLES = ("-", (0, (4.5, 1.6)), (0, (1.2, 1.3)), (0, (6, 1.5, 1.2, 1.5)))
MARKERS = {"validation": "s", "test": "o"}
ROLES = ("activation", "initializer", "optimizer")  # colour, line style, panel


@styled
def conv_loss_curves(
    history: pd.DataFrame, study: Mapping[str, Any], runs: pd.DataFrame | None = None
) -> Figure:
    """Draw loss over steps: training thin, validation and test with markers.

    Parameters
    ----------
    history : DataFrame
        The convolutional history of the study's cells; validation and test are NaN except at
        evaluations.
    study : mapping
        name, question, vary.
    runs : DataFrame, optional
        The runs table, which says who diverged.
    """
    return _curves(history, study, runs, "loss")


@styled
def conv_accuracy_curves(
    history: pd.DataFrame, study: Mapping[str, Any], runs: pd.DataFrame | None = None
) -> Figure:
    """Draw accuracy over steps; parameters as in ``conv_loss_curves``."""
    return _curves(history, study, runs, "accuracy")


@styled
def final_accuracy_figure(
    runs: pd.DataFrame, study: Mapping[str, Any], measure: str = "test_accuracy"
) -> Figure:
    """Draw a dot chart of the final test accuracy of all cells of a study, best on top.

    Cells without a finished run come last and say so. Points are seeds, bars 95 % intervals.
    """
    title = study.get("question", study["name"])
    axes_varied = compared_axes(study)
    names = [axis for axis in study["vary"] if axis in runs]
    if runs.empty:
        return empty_figure(title)
    finished, diverged = finished_runs(runs)
    cells = _cells_by_mean(runs, finished, names, measure)
    color_axis = _roles(axes_varied)[0]

    figure, panels = new_figure(panel_size=(7.6, 0.31 * len(cells) + 0.95))
    axes = panels[0, 0]
    for position, (values, points) in enumerate(cells):
        value = values.get(color_axis)
        color = color_of(color_axis, value) if value is not None else INK
        _draw_cell(axes, points, position, color)
    axes.set_yticks(range(len(cells)), [_cell_label(values) for values, _ in cells])
    axes.set_ylim(len(cells) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{label_of(measure)} (share of correct answers)")
    axes.set_ylabel("Cell")
    axes.margins(x=0.04)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    left, right = axes.get_xlim()
    axes.set_xlim(max(left, 0.0), min(right, 1.002))
    bars = "Numbers: mean. Bars: its 95 % interval (Student's t)."
    several = any(len(points) > 1 for _, points in cells)
    note = f"{bars if several else 'One seed a cell.'} {divergence_note(diverged)}"
    legends = []
    if len(axes_varied) > 1:
        legends = [color_legend(color_axis, values_of(study, runs, color_axis))]
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
    return " · ".join(label_of(value, axis) for axis, value in values.items()) or "baseline"


def _roles(axes_varied: Sequence[str]) -> tuple[str, str | None, str | None]:
    """Return the axes that are colour, line style and panel."""
    if len(axes_varied) <= 1:
        return (axes_varied[0] if axes_varied else "activation", None, None)
    ordered = sorted(axes_varied, key=lambda a: ROLES.index(a) if a in ROLES else len(ROLES))
    if len(ordered) == 2:
        return (ordered[0], None, ordered[1])
    return (ordered[0], ordered[1], ordered[2])


def _curves(
    history: pd.DataFrame,
    study: Mapping[str, Any],
    runs: pd.DataFrame | None,
    measure: str,
) -> Figure:
    """Draw one measure: shared by loss and accuracy."""
    title = study.get("question", study["name"])
    finished, diverged = finished_history(history, runs)
    if finished.empty:
        return empty_figure(title, f"No finished run to show. {divergence_note(diverged)}".strip())
    color_axis, style_axis, facet = _roles(compared_axes(study))
    colors = values_of(study, finished, color_axis)
    styles = values_of(study, finished, style_axis) if style_axis else [None]
    evaluated = ["test"] if facet else ["validation", "test"]
    evaluated = [part for part in evaluated if finished[f"{part}_{measure}"].notna().any()]
    measures = [f"{part}_{measure}" for part in ("train", *evaluated)]
    y_scale = measure_scale(measure, finished[measures])
    grid = arrange_facets(finished, study, facet)

    told_apart = [axis for axis in (color_axis, style_axis, facet, "protocol") if axis in finished]
    replicates = most_replicates(finished, "step", told_apart)
    spread = fitting_spread(replicates)

    width = {1: 6.4, 2: 4.4}.get(len(grid[0]), 3.5)
    figure, panels = new_figure(
        len(grid), len(grid[0]), panel_size=(width, 3.6), sharex=True, sharey=True
    )
    for line, conditions in zip(panels, grid, strict=True):
        for axes in line[len(conditions) :]:
            axes.set_visible(False)
        for axes, condition in zip(line, conditions, strict=False):
            members = select(finished, condition)
            for style, value in zip(_styles(styles), styles, strict=True):
                group = members if value is None else select(members, {style_axis: value})
                _draw_lines(axes, group, color_axis, colors, style, measures, spread)
            axes.set_title(panel_title(condition))
            axes.set_yscale(y_scale)
            set_time_axis(axes, finished["step"].to_numpy(), "linear")
            axes.set_xlabel(label_of("step"))
            axes.tick_params(labelbottom=True)
        line[0].set_ylabel(label_of(measure))
    legends = [color_legend(color_axis, colors)]
    if style_axis:
        entries = [
            (Line2D([], [], color=INK, linestyle=style), label_of(value))
            for style, value in zip(_styles(styles), styles, strict=True)
        ]
        legends.append((label_of(style_axis), entries))
    legends.append(
        ("Measured on", [(_handle("train"), "training"), *_evaluated_entries(evaluated)])
    )
    legends.append(spread_legend(spread, replicates))
    subtitle = f"{measure.capitalize()} over training"
    pooled = [axis for axis in compared_axes(study) if axis not in told_apart]
    note = " ".join(filter(None, [pooled_note(pooled), divergence_note(diverged)]))
    return compose(figure, title, subtitle, note, legends)


def _draw_lines(
    axes: Axes,
    frame: pd.DataFrame,
    color_axis: str,
    colors: Sequence,
    style: Any,
    measures: Sequence[str],
    spread: str,
) -> None:
    """Draw a line per colour and measure, and for evaluations the band if it has any width."""
    for value in colors:
        members = frame[frame[color_axis] == value]
        color = color_of(color_axis, value)
        for measure in measures:
            line = spread_over_seeds(members, "step", measure, spread)
            if line.empty:
                continue
            part = measure.split("_")[0]
            if part == "train":
                axes.plot(
                    line.index,
                    line["middle"],
                    color=color,
                    linestyle=style,
                    linewidth=0.9,
                    alpha=0.6,
                )
                continue
            axes.plot(
                line.index,
                line["middle"],
                color=color,
                linestyle=style,
                linewidth=1.9 if part == "test" else 1.2,
                marker=MARKERS[part],
                markersize=4.5 if part == "test" else 7,
                markerfacecolor=color if part == "test" else "white",
                markevery=max(1, len(line) // 8),
                zorder=3 if part == "test" else 2.5,
            )
            if (line["high"] > line["low"]).any():
                axes.fill_between(
                    line.index, line["low"], line["high"], color=color, alpha=0.13, linewidth=0
                )


def _styles(values: Sequence) -> list:
    return [LINE_STYLES[position % len(LINE_STYLES)] for position in range(len(values))]


def _handle(part: str) -> Line2D:
    if part == "train":
        return Line2D([], [], color=INK, linewidth=0.9, alpha=0.6)
    return Line2D(
        [],
        [],
        color=INK,
        linewidth=1.9 if part == "test" else 1.2,
        marker=MARKERS[part],
        markersize=4.5 if part == "test" else 7,
        markerfacecolor=INK if part == "test" else "white",
    )


def _evaluated_entries(parts: Sequence[str]) -> list:
    return [(_handle(part), label_of(part)) for part in parts]
