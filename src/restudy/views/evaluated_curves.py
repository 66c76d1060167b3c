"""Curves of a quantity where some measures are evaluated more rarely than the first is recorded.

What is recorded often is a thin line; evaluations have markers and bands. One varied axis is the
colour. Of several, the first of the family's axes is the colour, the next the line style, and the
last has a panel for each value.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.families.contract import Family, Measure
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of
from restudy.views.panels import (
    MAX_BANDS,
    ColorKey,
    arrange_facets,
    color_key,
    default_axis,
    draw_band,
    fill_panels,
    has_own_colors,
    limit_log_scale,
    mean_legend,
    panel_title,
    part_label,
    pooled_note,
    quantity_label,
    quantity_scale,
    select,
    set_time_axis,
    time_scale,
)
from restudy.views.selection import (
    divergence_note,
    mean_over_seeds,
    most_replicates,
    values_of,
)
from restudy.views.style import INK, color_of, compose, new_figure

LINE_STYLES = ("-", (0, (4.5, 1.6)), (0, (1.2, 1.3)), (0, (6, 1.5, 1.2, 1.5)))
# How measures are drawn, apart from their colour: those recorded often, and of the evaluated ones
# those before the last, and the last.
OFTEN_LOOK = {"linewidth": 0.9, "alpha": 0.6}
EARLIER_LOOK = {"linewidth": 1.2, "markersize": 7}
LAST_LOOK = {"linewidth": 1.9, "markersize": 4.5, "marker": "o"}
EARLIER_MARKERS = ("s", "D", "^", "v")


def draw_evaluated(
    finished: pd.DataFrame,
    diverged: int,
    study: Mapping[str, Any],
    family: Family,
    measures: Sequence[Measure],
) -> Figure:
    """Draw measures that are recorded at several intervals, the first of them at the shortest.

    Where panels are many, of the evaluated measures the last alone is shown.

    Parameters
    ----------
    finished : DataFrame
        The history of the runs that did not diverge; a measure is NaN where it was not evaluated.
    diverged : int
        How many did.
    study : mapping
        name, question, vary.
    family : Family
        What training advances by, and the order of the axes.
    measures : sequence of Measure
        All of one quantity, in the order of the family's facts.
    """
    quantity, time = measures[0].quantity, family.time.name
    often = [measure for measure in measures if measure.recorded == measures[0].recorded]
    evaluated = [measure for measure in measures if measure not in often]
    color_axis, style_axis, facet = axis_roles(study, family)
    colors = values_of(study, finished, color_axis) if color_axis else [None]
    styles = values_of(study, finished, style_axis) if style_axis else [None]
    looks = dict.fromkeys(often, OFTEN_LOOK) | {
        measure: look
        for measure, look in _evaluated_looks(evaluated).items()
        if (not facet or measure == evaluated[-1]) and finished[measure.name].notna().any()
    }
    y_scale = quantity_scale(quantity, finished[[measure.name for measure in looks]])
    grid = arrange_facets(finished, study, facet)

    told_apart = [axis for axis in (color_axis, style_axis, facet, "protocol") if axis in finished]
    replicates = most_replicates(finished, time, told_apart)
    banded = len(colors) * len(styles) <= MAX_BANDS

    width = {1: 6.4, 2: 4.4}.get(len(grid[0]), 3.5)
    figure, panels = new_figure(
        len(grid), len(grid[0]), panel_size=(width, 3.6), sharex=True, sharey=True
    )
    times = finished[time].to_numpy()
    middles = []
    for axes, condition in fill_panels(panels, grid):
        members = select(finished, condition)
        for style, value in zip(_styles(styles), styles, strict=True):
            group = members if value is None else select(members, {style_axis: value})
            middles += _draw_lines(axes, group, time, color_axis, colors, style, looks, banded)
        axes.set_title(panel_title(condition))
        axes.set_yscale(y_scale)
        set_time_axis(axes, times, time_scale(measures, times))
        axes.set_xlabel(family.time.label)
        axes.tick_params(labelbottom=True)
    limit_log_scale(panels, middles)
    for axes in panels[:, 0]:
        axes.set_ylabel(quantity_label(quantity, measures))
    key = color_key(color_axis, colors) if color_axis else ColorKey([])
    legends = [*key.legends]
    if style_axis:
        entries = [
            (Line2D([], [], color=INK, linestyle=style), label_of(value, style_axis))
            for style, value in zip(_styles(styles), styles, strict=True)
        ]
        legends.append((label_of(style_axis), entries))
    parts = [(_handle(look), part_label(measure)) for measure, look in looks.items()]
    legends += [("Measured on", parts), mean_legend(replicates, banded)]
    pooled = [axis for axis in compared_axes(study) if axis not in told_apart]
    note = " ".join(filter(None, [pooled_note(pooled), divergence_note(diverged)]))
    title = study.get("question", study["name"])
    subtitle = f"{quantity.capitalize()} over training"
    return compose(figure, title, subtitle, note, legends, key.bar)


def axis_roles(
    study: Mapping[str, Any], family: Family
) -> tuple[str | None, str | None, str | None]:
    """Return the axes that are colour, line style and panel, in the order of the family's own.

    An axis has a colour or a style for each value only where they are few enough to be told apart;
    else it has a panel for each. What is none of the three is pooled.
    """
    axes_varied, own = compared_axes(study), [axis.name for axis in family.axes]
    if not axes_varied:
        return default_axis(family), None, None
    ordered = sorted(axes_varied, key=lambda axis: own.index(axis) if axis in own else len(own))
    values = study["vary"]
    color = next((axis for axis in ordered if has_own_colors(axis, values[axis])), None)
    rest = [axis for axis in ordered if axis != color]
    style = None
    if len(rest) > 1:
        style = next((axis for axis in rest if len(values[axis]) <= len(LINE_STYLES)), None)
    return color, style, next((axis for axis in rest if axis != style), None)


def _evaluated_looks(evaluated: Sequence[Measure]) -> dict[Measure, dict]:
    """Return how evaluated measures are drawn: the last filled, those before it hollow."""
    *earlier, last = evaluated
    looks = {
        measure: {**EARLIER_LOOK, "marker": EARLIER_MARKERS[place % len(EARLIER_MARKERS)]}
        for place, measure in enumerate(earlier)
    }
    return looks | {last: LAST_LOOK}


def _draw_lines(
    axes: Axes,
    frame: pd.DataFrame,
    time: str,
    color_axis: str | None,
    colors: Sequence,
    style: Any,
    looks: Mapping[Measure, Mapping[str, Any]],
    banded: bool,
) -> list[float]:
    """Draw a line per colour and measure, of evaluations with its interval; return its heights."""
    heights = []
    for value in colors:
        members = select(frame, {color_axis: value}) if color_axis else frame
        color = color_of(color_axis, value, colors) if color_axis else INK
        for measure, look in looks.items():
            line = mean_over_seeds(members, time, measure.name)
            if line.empty:
                continue
            heights += line["middle"].tolist()
            drawn = {"color": color, "linestyle": style, **look}
            if "marker" not in look:
                axes.plot(line.index, line["middle"], **drawn)
                continue
            axes.plot(
                line.index,
                line["middle"],
                **drawn,
                markerfacecolor=color if look is LAST_LOOK else "white",
                markevery=max(1, len(line) // 8),
                zorder=3 if look is LAST_LOOK else 2.5,
            )
            if banded:
                draw_band(axes, line, color)
    return heights


def _styles(values: Sequence) -> list:
    return [LINE_STYLES[position % len(LINE_STYLES)] for position in range(len(values))]


def _handle(look: Mapping[str, Any]) -> Line2D:
    return Line2D([], [], color=INK, markerfacecolor=INK if look is LAST_LOOK else "white", **look)
