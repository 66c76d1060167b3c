"""Loss, accuracy and other quantities over training, study by study.

Where all measures of a quantity are recorded together, each is a line with a band: the first varied
axis is the colour, the second the facet, the protocol the column; any further axis is pooled with
the seeds, and the note says so. More names than colours tell apart have a panel each. Where some
are recorded more rarely, `evaluated_curves` draws them. Diverged runs are left out and counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.families.contract import Family, Measure
from restudy.study.cell import Cell
from restudy.study.grid import compared_axes
from restudy.views.evaluated_curves import draw_evaluated
from restudy.views.palette import LINE_STYLES
from restudy.views.panels import (
    MAX_BANDS,
    ColorKey,
    arrange_facets,
    color_key,
    default_axis,
    draw_band,
    facet_axis,
    fill_panels,
    has_own_colors,
    limit_log_scale,
    lowest_panels,
    mean_legend,
    no_finished_run,
    panel_title,
    part_label,
    pooled_note,
    quantity_label,
    quantity_scale,
    recorded_together,
    select,
    set_time_axis,
    time_scale,
)
from restudy.views.selection import (
    divergence_note,
    finished_history,
    mean_over_seeds,
    most_replicates,
    recorded_of,
    thin_times,
    values_of,
)
from restudy.views.style import (
    INK,
    color_of,
    compose,
    new_figure,
    styled,
)

MAX_NAMED_FACETS = 24  # panels, of names that are too many for colours
OTHERS_LOOK = {"color": "#C9CED6", "linewidth": 0.8}
OTHERS_KEY = ColorKey([("Grey", [(Line2D([], [], **OTHERS_LOOK), "the other panels")])])
MAX_VERTICES = 2000  # of all lines together: keeps a figure's SVG under 300 kB


def draw(
    subject: str,
    tables: Mapping[str, pd.DataFrame],
    study: Mapping[str, Any],
    family: Family,
    cells: Sequence[Cell],
) -> Figure:
    """Return a figure of a study; see `restudy.plan.figures.StudyFigures`."""
    return curves_figure(tables["history"], study, family, subject, tables["runs"])


@styled
def curves_figure(
    history: pd.DataFrame,
    study: Mapping[str, Any],
    family: Family,
    quantity: str,
    runs: pd.DataFrame | None = None,
) -> Figure:
    """Draw the means of a quantity's measures over training, with their 95% intervals.

    Parameters
    ----------
    history : DataFrame
        The history of the study's cells.
    study : mapping
        name, question, vary.
    family : Family
        Which measures there are, and what training advances by.
    quantity : str
        What is shown, such as "loss": every measure of it that the history has.
    runs : DataFrame, optional
        The runs table, which says who diverged; without it a measure that is not finite does.
    """
    measures = recorded_of(family, quantity)
    draw = _draw_together if recorded_together(measures) else draw_evaluated
    title = study.get("question", study["name"])
    finished, diverged = finished_history(history, family, runs)
    if finished.empty:
        return no_finished_run(title, diverged)
    return draw(finished, diverged, study, family, measures)


def _draw_together(
    finished: pd.DataFrame,
    diverged: int,
    study: Mapping[str, Any],
    family: Family,
    measures: Sequence[Measure],
) -> Figure:
    """Draw measures that are recorded together: a line style and a band for each."""
    quantity, time = measures[0].quantity, family.time.name
    color_axis, facet = _roles(study, family)
    colors = values_of(study, finished, color_axis) if color_axis else [None]
    grid = arrange_facets(finished, study, facet)
    styles = {
        measure: LINE_STYLES[place % len(LINE_STYLES)]
        for place, measure in enumerate(measures)
        if finished[measure.name].notna().any()
    }
    x_scale = time_scale(measures, finished[time].to_numpy())
    y_scale = quantity_scale(quantity, finished[[measure.name for measure in styles]])
    shown = finished[finished[time] > 0] if x_scale == "log" else finished
    lines = sum(len(conditions) for conditions in grid) * len(colors) * len(styles)
    times = thin_times(shown[time].unique(), MAX_VERTICES // max(lines, 1), x_scale)
    shown = shown[shown[time].isin(times)]

    told_apart = [axis for axis in (color_axis, facet, "protocol") if axis in finished]
    replicates = most_replicates(finished, time, told_apart)
    banded = len(colors) * len(styles) <= MAX_BANDS

    width = 4.4 if len(grid[0]) < 3 else 3.5
    figure, panels = new_figure(
        len(grid), len(grid[0]), panel_size=(width, 3.3), sharex=True, sharey=True
    )
    middles = []
    for axes, condition in fill_panels(panels, grid):
        members = select(shown, condition)
        if color_axis is None:
            _draw_others(axes, shown, condition, time, facet, next(iter(styles)))
        middles += _draw_lines(axes, members, time, color_axis, colors, styles, banded)
        axes.set_title(panel_title(condition))
        axes.set_yscale(y_scale)
        set_time_axis(axes, shown[time].to_numpy(), x_scale)
    limit_log_scale(panels, middles)
    for axes in lowest_panels(panels):
        axes.set_xlabel(family.time.label)
    for axes in panels[:, 0]:
        axes.set_ylabel(quantity_label(quantity, measures))
    entries = [
        (Line2D([], [], color=INK, linestyle=style), part_label(measure))
        for measure, style in styles.items()
    ]
    axes_varied = compared_axes(study)
    pooled = [axis for axis in axes_varied if axis not in told_apart]
    note = " ".join(filter(None, [pooled_note(pooled), divergence_note(diverged)]))
    key = color_key(color_axis, colors) if color_axis else OTHERS_KEY
    about = mean_legend(replicates, banded, "runs" if pooled else "seeds")
    legends = [*key.legends, (family.takes.capitalize(), entries), about]
    title = study.get("question", study["name"])
    subtitle = f"{quantity.capitalize()} over training"
    return compose(figure, title, subtitle, note, legends, key.bar)


def _roles(study: Mapping[str, Any], family: Family) -> tuple[str | None, str | None]:
    """Return the axes that are colour and panel: names that colours can't tell apart get panels."""
    axes_varied = compared_axes(study)
    first = axes_varied[0] if axes_varied else default_axis(family)
    if has_own_colors(first, study["vary"].get(first, ())):
        return first, facet_axis(study, axes_varied)
    others = (axis for axis in axes_varied[1:] if has_own_colors(axis, study["vary"][axis]))
    return next(others, None), first if len(study["vary"][first]) <= MAX_NAMED_FACETS else None


def _draw_others(
    axes: Axes,
    frame: pd.DataFrame,
    condition: Mapping[str, Any],
    time: str,
    facet: str | None,
    measure: Measure,
) -> None:
    """Draw the lines of all other panels in grey, so that each is seen among them."""
    rest = {axis: value for axis, value in condition.items() if axis != facet}
    for value, members in select(frame, rest).groupby(facet, sort=False) if facet else ():
        if value != condition[facet]:
            line = mean_over_seeds(members, time, measure.name)
            axes.plot(line.index, line["middle"], **OTHERS_LOOK, zorder=1)


def _draw_lines(
    axes: Axes,
    frame: pd.DataFrame,
    time: str,
    color_axis: str | None,
    colors: Sequence,
    styles: Mapping[Measure, Any],
    banded: bool,
) -> list[float]:
    """Draw a line per colour and measure, perhaps with its interval; return its heights."""
    heights = []
    for value in colors:
        members = select(frame, {color_axis: value}) if color_axis else frame
        color = color_of(color_axis, value, colors) if color_axis else INK
        for measure, style in styles.items():
            line = mean_over_seeds(members, time, measure.name)
            if line.empty:
                continue
            axes.plot(line.index, line["middle"], color=color, linestyle=style, linewidth=1.9)
            heights += line["middle"].tolist()
            if banded:
                draw_band(axes, line, color)
    return heights
