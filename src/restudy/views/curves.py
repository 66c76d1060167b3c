"""Loss, accuracy and other quantities over training, study by study.

Where all measures of a quantity are recorded together, each is a line with a band: the first varied
axis is the colour, the second the facet, the protocol the column; any further axis is pooled with
the seeds, and the note says so. Where some are recorded more rarely, `evaluated_curves` draws them.
Diverged runs are left out and counted.
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
from restudy.views.panels import (
    arrange_facets,
    color_legend,
    default_axis,
    facet_axis,
    fill_panels,
    lowest_panels,
    no_finished_run,
    panel_title,
    part_label,
    pooled_note,
    quantity_label,
    quantity_scale,
    recorded_together,
    select,
    set_time_axis,
    spread_legend,
    time_scale,
)
from restudy.views.selection import (
    divergence_note,
    finished_history,
    fitting_spread,
    most_replicates,
    recorded_of,
    spread_over_seeds,
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

# Of the measures, in the order of the family's facts: the first is the training measure.
LINE_STYLES = ("-", (0, (3.2, 1.8)), (0, (1.2, 1.3)), (0, (6, 1.5, 1.2, 1.5)))
MAX_VERTICES = 2000  # of all median lines together: keeps a figure's SVG under 300 kB


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
    """Draw the medians of a quantity's measures over training, and their spread over seeds.

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
    axes_varied = compared_axes(study)
    color_axis = axes_varied[0] if axes_varied else default_axis(family)
    facet = facet_axis(study, axes_varied)
    colors = values_of(study, finished, color_axis)
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
    spread = fitting_spread(replicates)

    width = 4.4 if len(grid[0]) < 3 else 3.5
    figure, panels = new_figure(
        len(grid), len(grid[0]), panel_size=(width, 3.3), sharex=True, sharey=True
    )
    for axes, condition in fill_panels(panels, grid):
        members = select(shown, condition)
        _draw_lines(axes, members, time, color_axis, colors, styles, spread)
        axes.set_title(panel_title(condition))
        axes.set_yscale(y_scale)
        set_time_axis(axes, shown[time].to_numpy(), x_scale)
    for axes in lowest_panels(panels):
        axes.set_xlabel(family.time.label)
    for axes in panels[:, 0]:
        axes.set_ylabel(quantity_label(quantity, measures))
    entries = [
        (Line2D([], [], color=INK, linestyle=style), part_label(measure))
        for measure, style in styles.items()
    ]
    pooled = [axis for axis in axes_varied if axis not in told_apart]
    note = " ".join(filter(None, [pooled_note(pooled), divergence_note(diverged)]))
    band = spread_legend(spread, replicates, "runs" if pooled else "seeds")
    legends = [color_legend(color_axis, colors), (family.takes.capitalize(), entries), band]
    title = study.get("question", study["name"])
    return compose(figure, title, f"{quantity.capitalize()} over training", note, legends)


def _draw_lines(
    axes: Axes,
    frame: pd.DataFrame,
    time: str,
    color_axis: str,
    colors: Sequence,
    styles: Mapping[Measure, Any],
    spread: str,
) -> None:
    """Draw a line per colour and measure, and its band if that has any width."""
    for value in colors:
        members = select(frame, {color_axis: value})
        color = color_of(color_axis, value, colors)
        for measure, style in styles.items():
            line = spread_over_seeds(members, time, measure.name, spread)
            if line.empty:
                continue
            axes.plot(line.index, line["middle"], color=color, linestyle=style, linewidth=1.9)
            if (line["high"] > line["low"]).any():
                axes.fill_between(
                    line.index, line["low"], line["high"], color=color, alpha=0.13, linewidth=0
                )
