"""What happens inside during training, layer by layer: gradient norms, saturated and dead units.

Layers are numbered, or have names in the order of the network.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.families.contract import Family
from restudy.study.cell import Cell
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of, values_in_words
from restudy.views.panels import (
    draw_band,
    fill_panels,
    limit_log_scale,
    lowest_panels,
    mean_legend,
    no_finished_run,
    select,
    set_time_axis,
    time_scale,
)
from restudy.views.selection import (
    divergence_note,
    finished_history,
    mean_over_seeds,
    most_replicates,
    thin_times,
)
from restudy.views.style import (
    INK,
    MUTED,
    color_of,
    compose,
    empty_figure,
    new_figure,
    styled,
    title_case,
)

MAX_TIMES = 40  # of a line: enough for its shape, and a small SVG
MAX_COLUMNS = 6
NOISE = 1e-12  # of the largest value: what is smaller is rounding
DASHES = (0, (2.5, 1.6))


def draw(
    subject: str,
    tables: Mapping[str, pd.DataFrame],
    study: Mapping[str, Any],
    family: Family,
    cells: Sequence[Cell],
) -> Figure:
    """Return a figure of a study; see `restudy.plan.figures.StudyFigures`."""
    drawn = {"gradients": gradient_norm_figure, "units": inactive_units_figure}[subject]
    return drawn(tables["layers"], study, family, tables["runs"], cells)


@styled
def gradient_norm_figure(
    layers: pd.DataFrame,
    study: Mapping[str, Any],
    family: Family,
    runs: pd.DataFrame,
    cells: Sequence[Mapping],
) -> Figure:
    """Draw the gradient norm of every layer over training, a panel for each cell.

    Parameters
    ----------
    layers : DataFrame
        The cells' layer tables: axes, seed, time, layer (its number, or its name in the order of
        the network), grad_norm, saturated_share, dead_share.
    study : mapping
        name, question, vary.
    family : Family
        What training advances by.
    runs : DataFrame
        The runs, which say who diverged.
    cells : sequence of mapping
        The cells in the study's order.
    """
    return _layer_figure(
        layers,
        study,
        family,
        runs,
        cells,
        {"grad_norm": "-"},
        "Gradient norm",
        "Gradient norm by layer",
        "The gradient was 0 at all recorded times",
    )


@styled
def inactive_units_figure(
    layers: pd.DataFrame,
    study: Mapping[str, Any],
    family: Family,
    runs: pd.DataFrame,
    cells: Sequence[Mapping],
) -> Figure:
    """Draw the shares of saturated and dead units; parameters as in `gradient_norm_figure`."""
    return _layer_figure(
        layers,
        study,
        family,
        runs,
        cells,
        {"saturated_share": "-", "dead_share": DASHES},
        "Share",
        "Saturated and dead units by layer",
        "No unit was saturated or dead at any recorded time",
    )


def _even_lines(cells: list[dict]) -> list[list[dict]]:
    """Cells in as few lines of panels as fit the page, equally long: eight as four and four."""
    length = math.ceil(len(cells) / math.ceil(len(cells) / MAX_COLUMNS))
    return [cells[start : start + length] for start in range(0, len(cells), length)]


def _layer_figure(layers, study, family, runs, cells, measures, vertical, subtitle, none) -> Figure:
    """Draw one or two measures of every layer; ``none`` says that they were 0 all the time."""
    title = study.get("question", study["name"])
    time = family.time.name
    # The same scale as in the figures of loss and accuracy.
    x_scale = time_scale(family.recorded_measures, layers[time].to_numpy())
    layers, names = _number_layers(layers, family)
    shown = layers[layers[time] > 0] if x_scale == "log" else layers
    times = thin_times(shown[time].unique(), MAX_TIMES, x_scale)
    shown, diverged = finished_history(shown[shown[time].isin(times)], family, runs)
    if shown.empty:
        return no_finished_run(title, diverged)
    values = shown[list(measures)]
    # What is left of a gradient that is 0 is no finding.
    shown = shown.assign(**values.mask(values < NOISE * values.max().max(), 0.0))
    if not _has_any(shown, measures):
        return empty_figure(title, f"{none} in any run.", divergence_note(diverged))
    protocols = list(dict.fromkeys(cell["protocol"] for cell in cells))
    groups = [[cell for cell in cells if cell["protocol"] == protocol] for protocol in protocols]
    lines = [line for group in groups for line in _even_lines(group)]
    columns = max(len(line) for line in lines)
    replicates = most_replicates(shown, time, [*cells[0], "layer"])
    width = {1: 4.4, 2: 4.0, 3: 3.3}.get(columns, 2.7)
    figure, panels = new_figure(
        len(lines), columns, panel_size=(width, 2.6), sharex=True, sharey=True
    )
    middles = []
    for axes, cell in fill_panels(panels, lines):
        members = select(shown, cell)
        middles += _draw_cell(axes, members, time, measures)
        if members.empty or not _has_any(members, measures):
            reason = "all runs diverged" if members.empty else textwrap.fill(none, 24)
            middle = {"transform": axes.transAxes, "ha": "center", "va": "center"}
            axes.text(0.5, 0.5, reason, color=MUTED, **middle)
        panel_title = textwrap.fill(_panel_title(cell, study), int(width * 9))
        axes.set_title(panel_title, fontsize=9.5)
        set_time_axis(axes, shown[time].to_numpy(), x_scale)
    for axes in panels[:, 0]:
        axes.set_ylabel(vertical)
    if "grad_norm" in measures:
        panels[0, 0].set_yscale("log")
        limit_log_scale(panels, middles)
    else:
        top = min(max(1.4 * max(middles, default=0.0), 0.1), 1.0)
        panels[0, 0].set_ylim(-0.03 * top, 1.03 * top)
    for axes in lowest_panels(panels):
        axes.set_xlabel(family.time.label)
    legends = [_layer_legend(names, "grad_norm" in measures)]
    if len(measures) > 1:
        example = family.time.example
        legends.append(
            (
                "Units",
                [
                    (Line2D([], [], color=INK), f"saturated\n(unit, {example}) pairs"),
                    (
                        Line2D([], [], color=INK, linestyle=DASHES),
                        f"dead units:\nat every {example}",
                    ),
                ],
            )
        )
    legends.append(mean_legend(replicates))
    return compose(figure, title, subtitle, divergence_note(diverged), legends)


def _has_any(frame: pd.DataFrame, measures: Iterable[str]) -> bool:
    """Return whether any value of the measures is not 0."""
    return bool(np.nan_to_num(frame[list(measures)].to_numpy(float)).any())


def _number_layers(layers: pd.DataFrame, family: Family) -> tuple[pd.DataFrame, list[str]]:
    """Return the table with its layers numbered from 1, and what they are called.

    The deepest network of the table has a layer for each name, the last its output layer; where
    layers have names, a smaller network lacks some of them.
    """
    if pd.api.types.is_numeric_dtype(layers["layer"]):
        deepest = int(layers["layer"].max()) if len(layers) else 1
        return layers, [*(f"hidden {number}" for number in range(1, deepest)), "output"]
    runs = layers.groupby(list(family.keys), sort=False)["layer"]
    names = max((list(each.unique()) for _, each in runs), key=len, default=[])
    numbers = {name: number for number, name in enumerate(names, start=1)}
    numbered = layers.assign(layer=layers["layer"].map(numbers).astype(int))
    return numbered, [label_of(name).lower() for name in names]


def _draw_cell(
    axes: Axes, members: pd.DataFrame, time: str, measures: Mapping[str, Any]
) -> list[float]:
    """Draw the lines of one cell, a colour for each layer; return their heights."""
    last, heights = members["layer"].max(), []
    for layer, rows in members.groupby("layer"):
        color = INK if layer == last else color_of("depth", layer)
        for measure, style in measures.items():
            if rows[measure].isna().all():
                continue
            line = mean_over_seeds(rows, time, measure)
            axes.plot(line.index, line["middle"], color=color, linestyle=style, linewidth=1.6)
            draw_band(axes, line, color)
            heights += line["middle"].tolist()
    return heights


def _panel_title(cell: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    """A cell's varied values, the protocol by its name alone."""
    axes = compared_axes(study)
    names = [values_in_words({axis: cell[axis] for axis in axes})]
    if "protocol" in study["vary"] and "protocol" not in axes:
        names.append(str(cell["protocol"]).replace("_", " "))
    return title_case(" · ".join(names))


def _layer_legend(names: Sequence[str], with_output: bool) -> tuple:
    """Colours of hidden layers, by their number, and of the output layer."""
    entries = [
        (Line2D([], [], color=color_of("depth", number), linewidth=2.6), name)
        for number, name in enumerate(names[:-1], start=1)
    ]
    if with_output:
        entries.append((Line2D([], [], color=INK, linewidth=2.6), names[-1]))
    return ("Layer", entries)
