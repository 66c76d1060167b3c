"""What figures of several panels share: axes of time, facets, legends of colours and of bands."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from restudy.families.contract import Family, Measure
from restudy.study.labels import label_of, number_axes, values_in_words
from restudy.views.selection import divergence_note, is_drawn, values_of
from restudy.views.style import INK, ColorBar, color_of, empty_figure, title_case

LOG_ROOM = 3.0  # below the lowest mean on a logarithmic axis, as a factor
LOG_FROM_RATIO = 30  # a time or loss that spans more than this is drawn on a logarithmic axis
MAX_COLORS = 8  # names that colours tell apart; of more numbers than this there is a scale
MAX_BANDS = 8  # in a panel: more hide one another
NAMED_ON_SCALE = 4
MAX_FACETS = 12
SHARES = {"accuracy": "share of correct answers"}  # quantities between 0 and 1, and what of


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


def time_scale(measures: Sequence[Measure], times: np.ndarray) -> str:
    """Return the scale of the axis of time.

    It is linear where some measures are recorded more rarely than others: of the few evaluations,
    a logarithmic axis would crowd most at its end.
    """
    return fitting_scale(times) if recorded_together(measures) else "linear"


def quantity_scale(quantity: str, values: pd.DataFrame) -> str:
    """Return the scale of the vertical axis: that of a share is never logarithmic."""
    return "linear" if quantity in SHARES else fitting_scale(values.to_numpy(dtype=float))


def recorded_together(measures: Sequence[Measure]) -> bool:
    """Return whether all measures are recorded at one interval."""
    return len({measure.recorded for measure in measures}) <= 1


def quantity_label(quantity: str, measures: Sequence[Measure]) -> str:
    """Return the title of an axis of a quantity, with its unit."""
    units = (measure.unit for measure in measures if measure.unit)
    unit = next(units, SHARES.get(quantity))
    return f"{quantity.capitalize()} ({unit})" if unit else quantity.capitalize()


def part_label(measure: Measure) -> str:
    """Return the part of the data that a measure is taken on, in words."""
    return label_of(measure.part) if measure.part else measure.label.lower()


def default_axis(family: Family) -> str:
    """Return the axis whose value gives the colour in a study that varies none."""
    return (*family.axes, *family.all_axes)[0].name


class ColorKey(NamedTuple):
    """What says which value has which colour: legend sections, or a colour bar for `compose`."""

    legends: list
    bar: ColorBar | None = None


def color_key(axis: str, values: Sequence) -> ColorKey:
    """Return what names one axis' colours: of many numbers a colour scale, else each by name."""
    colors = [color_of(axis, value, values) for value in values]
    if len(values) <= MAX_COLORS or axis not in number_axes():
        entries = [
            (Line2D([], [], color=color, linewidth=2.6), label_of(value, axis))
            for color, value in zip(colors, values, strict=True)
        ]
        return ColorKey([(label_of(axis), entries)])
    steps = BoundaryNorm(np.arange(len(values) + 1) - 0.5, len(values))
    named = np.linspace(0, len(values) - 1, NAMED_ON_SCALE).round().astype(int).tolist()
    ticks = {place: label_of(values[place], axis) for place in named}
    scale = ScalarMappable(steps, ListedColormap(colors))
    return ColorKey([], ColorBar(scale, label_of(axis), ticks))


def has_own_colors(axis: str, values: Sequence) -> bool:
    """Return whether the values of an axis can be told apart by their colours alone."""
    return axis in number_axes() or len(values) <= MAX_COLORS


def facet_axis(study: Mapping[str, Any], axes: Sequence[str]) -> str | None:
    """Return the second of the axes, if a panel for each of its values is not too many."""
    if len(axes) < 2 or is_drawn(study, axes[1]):
        return None
    return axes[1] if len(study["vary"].get(axes[1], ())) <= MAX_FACETS else None


def mean_legend(replicates: int, banded: bool = True, unit: str = "seeds") -> tuple:
    """Return the legend section that says what line and band are, over how many runs."""
    if replicates < 2:
        return ("Line", [(Line2D([], [], color=INK), "one seed")])
    line = (Line2D([], [], color=INK), f"mean of {replicates} {unit}")
    if not banded:
        return ("Line", [line])
    return ("Line and band", [line, (Patch(facecolor=INK, alpha=0.16), "its 95 % interval")])


def draw_band(axes: Axes, line: pd.DataFrame, color: str) -> None:
    """Draw the interval round a line, see `mean_over_seeds`, if it has any width."""
    if (line["high"] > line["low"]).any():
        axes.fill_between(
            line.index, line["low"], line["high"], color=color, alpha=0.13, linewidth=0
        )


def limit_log_scale(panels: np.ndarray, middles: Sequence[float]) -> None:
    """Keep the ends of intervals that nearly reach zero from stretching a logarithmic axis."""
    positive = [value for value in middles if value > 0]
    if panels[0, 0].get_yscale() == "log" and positive:
        lowest = min(positive) / LOG_ROOM
        panels[0, 0].set_ylim(bottom=max(panels[0, 0].get_ylim()[0], lowest))


def no_finished_run(title: str, diverged: int) -> Figure:
    """Return the page that says why there is nothing to see, and how many runs diverged."""
    return empty_figure(title, f"No finished run to show. {divergence_note(diverged)}".strip())


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
        mask &= equals(frame[column], value).to_numpy()
    return frame[mask]


def equals(column: pd.Series, value: Any) -> pd.Series:
    """Return where a column has a value, which may be that nothing is there."""
    return column.isna() if pd.isna(value) else column == value


def fill_panels(panels: np.ndarray, rows: Sequence[Sequence]) -> Iterator[tuple[Axes, Any]]:
    """Yield each panel with what it shows, row by row, and hide those that rows leave over.

    Parameters
    ----------
    panels : array of Axes, shape (rows, columns)
        A figure's panels.
    rows : sequence of sequences
        What the panels of each row show; no longer than a row of panels.
    """
    for line, shown in zip(panels, rows, strict=True):
        for axes in line[len(shown) :]:
            axes.set_visible(False)
        yield from zip(line, shown, strict=False)


def lowest_panels(panels: np.ndarray) -> Iterator[Axes]:
    """Yield the lowest visible panel of each column, its ticks labelled though axes are shared."""
    for column in panels.T:
        lowest = [axes for axes in column if axes.get_visible()][-1]
        lowest.tick_params(labelbottom=True)
        yield lowest


def panel_title(condition: Mapping[str, Any]) -> str:
    """Return a panel's title from its conditions."""
    return title_case(values_in_words(condition))
