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
    arrange_facets,
    color_legend,
    default_axis,
    fill_panels,
    panel_title,
    part_label,
    pooled_note,
    quantity_label,
    quantity_scale,
    select,
    set_time_axis,
    spread_legend,
    time_scale,
)
from restudy.views.selection import (
    divergence_note,
    fitting_spread,
    most_replicates,
    spread_over_seeds,
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
    color_axis, style_axis, facet = axis_roles(compared_axes(study), family)
    colors = values_of(study, finished, color_axis)
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
    spread = fitting_spread(replicates)

    width = {1: 6.4, 2: 4.4}.get(len(grid[0]), 3.5)
    figure, panels = new_figure(
        len(grid), len(grid[0]), panel_size=(width, 3.6), sharex=True, sharey=True
    )
    times = finished[time].to_numpy()
    for axes, condition in fill_panels(panels, grid):
        members = select(finished, condition)
        for style, value in zip(_styles(styles), styles, strict=True):
            group = members if value is None else select(members, {style_axis: value})
            _draw_lines(axes, group, time, color_axis, colors, style, looks, spread)
        axes.set_title(panel_title(condition))
        axes.set_yscale(y_scale)
        set_time_axis(axes, times, time_scale(measures, times))
        axes.set_xlabel(family.time.label)
        axes.tick_params(labelbottom=True)
    for axes in panels[:, 0]:
        axes.set_ylabel(quantity_label(quantity, measures))
    legends = [color_legend(color_axis, colors)]
    if style_axis:
        entries = [
            (Line2D([], [], color=INK, linestyle=style), label_of(value, style_axis))
            for style, value in zip(_styles(styles), styles, strict=True)
        ]
        legends.append((label_of(style_axis), entries))
    parts = [(_handle(look), part_label(measure)) for measure, look in looks.items()]
    legends += [("Measured on", parts), spread_legend(spread, replicates)]
    pooled = [axis for axis in compared_axes(study) if axis not in told_apart]
    note = " ".join(filter(None, [pooled_note(pooled), divergence_note(diverged)]))
    title = study.get("question", study["name"])
    return compose(figure, title, f"{quantity.capitalize()} over training", note, legends)


def axis_roles(axes_varied: Sequence[str], family: Family) -> tuple[str, str | None, str | None]:
    """Return the axes that are colour, line style and panel, in the order of the family's own."""
    if len(axes_varied) <= 1:
        return (axes_varied[0] if axes_varied else default_axis(family), None, None)
    own = [axis.name for axis in family.axes]
    ordered = sorted(axes_varied, key=lambda axis: own.index(axis) if axis in own else len(own))
    if len(ordered) == 2:
        return (ordered[0], None, ordered[1])
    return (ordered[0], ordered[1], ordered[2])


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
    color_axis: str,
    colors: Sequence,
    style: Any,
    looks: Mapping[Measure, Mapping[str, Any]],
    spread: str,
) -> None:
    """Draw a line per colour and measure, and for evaluations the band if it has any width."""
    for value in colors:
        members = select(frame, {color_axis: value})
        color = color_of(color_axis, value, colors)
        for measure, look in looks.items():
            line = spread_over_seeds(members, time, measure.name, spread)
            if line.empty:
                continue
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
            if (line["high"] > line["low"]).any():
                axes.fill_between(
                    line.index, line["low"], line["high"], color=color, alpha=0.13, linewidth=0
                )


def _styles(values: Sequence) -> list:
    return [LINE_STYLES[position % len(LINE_STYLES)] for position in range(len(values))]


def _handle(look: Mapping[str, Any]) -> Line2D:
    return Line2D([], [], color=INK, markerfacecolor=INK if look is LAST_LOOK else "white", **look)
