"""Loss and accuracy of dense networks over training passes, study by study.

The first varied axis is the colour, the second the facet, the protocol the column; any further
axis is pooled with the seeds, and the note says so. Diverged runs are left out and counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from restudy.study.grid import compared_axes
from restudy.study.labels import label_of
from restudy.views.selection import (
    SPREADS,
    divergence_note,
    finished_history,
    fitting_spread,
    most_replicates,
    spread_over_seeds,
    thin_times,
    values_of,
)
from restudy.views.style import (
    INK,
    color_of,
    compose,
    empty_figure,
    new_figure,
    styled,
    title_case,
)

PARTS = {"train": "-", "heldout": (0, (3.2, 1.8))}
MOST_VERTICES = 2000  # of all median lines together: keeps a figure's SVG under 300 kB
LOG_FROM_RATIO = 30  # a time or loss that spans more than this is drawn on a logarithmic axis


@styled
def loss_curves(
    history: pd.DataFrame, study: Mapping[str, Any], runs: pd.DataFrame | None = None
) -> Figure:
    """Draw median loss and its spread over seeds: training solid, held-out dashed.

    Parameters
    ----------
    history : DataFrame
        The dense history of the study's cells.
    study : mapping
        name, question, vary.
    runs : DataFrame, optional
        The runs table, which says who diverged; without it a loss that is not finite does.
    """
    return _curves(history, study, runs, "loss")


@styled
def accuracy_curves(
    history: pd.DataFrame, study: Mapping[str, Any], runs: pd.DataFrame | None = None
) -> Figure:
    """Draw median accuracy and its spread over seeds; parameters as in ``loss_curves``."""
    return _curves(history, study, runs, "accuracy")


def set_time_axis(axes: Axes, times: np.ndarray, scale: str) -> None:
    """Set a linear axis from 0 with thousands separated, or a logarithmic one."""
    if scale == "log" and times.size:
        axes.set_xscale("log")
        axes.set_xlim(times.min(), times.max())
        return
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if times.size and times.max() > 0:
        axes.set_xlim(0, times.max() * 1.02)


def fitting_scale(values: np.ndarray) -> str:
    """Return ``log`` where positive values span more than a factor of 30, else ``linear``."""
    positive = values[np.isfinite(values) & (values > 0)]
    wide = positive.size and positive.max() > LOG_FROM_RATIO * positive.min()
    return "log" if wide else "linear"


def measure_scale(measure: str, values: pd.DataFrame) -> str:
    """Scale of the vertical axis: only a loss may stand on a logarithmic one."""
    return fitting_scale(values.to_numpy(dtype=float)) if measure == "loss" else "linear"


def color_legend(axis: str, values: Sequence) -> tuple:
    """Return the legend section that names one axis' colours."""
    entries = [
        (Line2D([], [], color=color_of(axis, value), linewidth=2.6), label_of(value, axis))
        for value in values
    ]
    return (label_of(axis), entries)


def spread_legend(spread: str, replicates: int, unit: str = "seeds") -> tuple:
    """Return the legend section that says what line and band are, over how many runs."""
    if replicates < 2:
        return ("Line", [(Line2D([], [], color=INK), "the only seed")])
    return (
        "Line and band",
        [
            (Line2D([], [], color=INK), f"median of {replicates} {unit}"),
            (Patch(facecolor=INK, alpha=0.16), SPREADS[spread][2]),
        ],
    )


def pooled_note(axes: Sequence[str]) -> str:
    """Return the sentence that names the axes over which lines pool, empty without any."""
    if not axes:
        return ""
    names = ", ".join(label_of(axis).lower() for axis in axes)
    return f"Lines pool the seeds with: {names}."


def arrange_facets(
    frame: pd.DataFrame, study: Mapping[str, Any], facet: str | None
) -> list[list[dict]]:
    """Return the conditions of each panel, row by row.

    Columns are protocols if the study varies them; then facets are rows. Otherwise facets wrap
    after three columns.
    """
    facets = [{facet: value} for value in values_of(study, frame, facet)] if facet else [{}]
    if "protocol" in study["vary"]:
        protocols = [{"protocol": value} for value in values_of(study, frame, "protocol")]
        return [[{**protocol, **one} for protocol in protocols] for one in facets]
    columns = len(facets) if len(facets) <= 3 else (2 if len(facets) == 4 else 3)
    return [facets[start : start + columns] for start in range(0, len(facets), columns)]


def select(frame: pd.DataFrame, condition: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that meet all conditions column = value."""
    mask = np.ones(len(frame), dtype=bool)
    for column, value in condition.items():
        mask &= (frame[column] == value).to_numpy()
    return frame[mask]


def panel_title(condition: Mapping[str, Any]) -> str:
    """Return a panel's title from its conditions."""
    return title_case(" · ".join(label_of(value, axis) for axis, value in condition.items()))


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
    axes_varied = compared_axes(study)
    color_axis = axes_varied[0] if axes_varied else "activation"
    facet = axes_varied[1] if len(axes_varied) > 1 else None
    colors = values_of(study, finished, color_axis)
    grid = arrange_facets(finished, study, facet)
    parts = [part for part in PARTS if finished.get(f"{part}_{measure}", pd.Series()).notna().any()]
    columns = [f"{part}_{measure}" for part in parts]
    x_scale = fitting_scale(finished["pass"].to_numpy())
    y_scale = measure_scale(measure, finished[columns])
    shown = finished[finished["pass"] > 0] if x_scale == "log" else finished
    lines = sum(len(conditions) for conditions in grid) * len(colors) * len(parts)
    times = thin_times(shown["pass"].unique(), MOST_VERTICES // max(lines, 1), x_scale)
    shown = shown[shown["pass"].isin(times)]

    told_apart = [axis for axis in (color_axis, facet, "protocol") if axis in finished]
    replicates = most_replicates(finished, "pass", told_apart)
    spread = fitting_spread(replicates)

    width = 4.4 if len(grid[0]) < 3 else 3.5
    figure, panels = new_figure(
        len(grid), len(grid[0]), panel_size=(width, 3.3), sharex=True, sharey=True
    )
    for line, conditions in zip(panels, grid, strict=True):
        for axes in line[len(conditions) :]:
            axes.set_visible(False)
        for axes, condition in zip(line, conditions, strict=False):
            members = select(shown, condition)
            _draw_lines(axes, members, color_axis, colors, columns, spread)
            axes.set_title(panel_title(condition))
            axes.set_yscale(y_scale)
            set_time_axis(axes, shown["pass"].to_numpy(), x_scale)
    _label_outer(panels, label_of("pass"), label_of(measure))
    styles = [(Line2D([], [], color=INK, linestyle=PARTS[part]), label_of(part)) for part in parts]
    note = " ".join(filter(None, [pooled_note(axes_varied[2:]), divergence_note(diverged)]))
    band = spread_legend(spread, replicates, "runs" if axes_varied[2:] else "seeds")
    legends = [color_legend(color_axis, colors), ("Points", styles), band]
    return compose(figure, title, f"{_measure_name(measure)} over training", note, legends)


def _draw_lines(
    axes: Axes,
    frame: pd.DataFrame,
    color_axis: str,
    colors: Sequence,
    measures: Sequence[str],
    spread: str,
) -> None:
    """Draw a line per colour and measure, and its band if that has any width."""
    for value in colors:
        members = frame[frame[color_axis] == value]
        color = color_of(color_axis, value)
        for measure in measures:
            line = spread_over_seeds(members, "pass", measure, spread)
            if line.empty:
                continue
            style = PARTS[measure.split("_")[0]]
            axes.plot(line.index, line["middle"], color=color, linestyle=style, linewidth=1.9)
            if (line["high"] > line["low"]).any():
                axes.fill_between(
                    line.index, line["low"], line["high"], color=color, alpha=0.13, linewidth=0
                )


def _label_outer(panels: np.ndarray, horizontal: str, vertical: str) -> None:
    """Label the axes at the left and at the lower edge of the visible panels."""
    for column in panels.T:
        for axes in [axes for axes in column if axes.get_visible()][-1:]:
            axes.set_xlabel(horizontal)
            axes.tick_params(labelbottom=True)
    for axes in panels[:, 0]:
        axes.set_ylabel(vertical)


def _measure_name(measure: str) -> str:
    return {"loss": "Loss", "accuracy": "Accuracy"}[measure]
