"""How a measure depends on numbers: response curves, maps of two numbers, and samples.

Of a product, a curve has the mean and its interval at every value of a number, a line for each
value of the next axis; a map has two numbers at once. Of a sample, in which hardly two cells share
a value, every cell is a point, and parallel coordinates show its values together.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from matplotlib.transforms import ScaledTranslation

from restudy.analysis.captions import in_sentence
from restudy.analysis.choice import choose, how_chosen
from restudy.analysis.smoothing import smooth_curve
from restudy.analysis.statistics import mean_interval
from restudy.families.contract import Family, Measure
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of, number_axes, values_in_words
from restudy.views.panels import (
    SHARES,
    ColorKey,
    color_key,
    equals,
    fill_panels,
    fitting_scale,
    no_finished_run,
    part_label,
    pooled_note,
    quantity_label,
    select,
)
from restudy.views.selection import (
    divergence_note,
    final_measure,
    finished_runs,
    measures_of,
    values_of,
)
from restudy.views.style import (
    INK,
    MUTED,
    ORDINAL_COLORS,
    ColorBar,
    color_of,
    compose,
    empty_figure,
    new_figure,
    plain_text,
    styled,
    title_case,
)

MAX_LINES = 8  # of a panel; more values of an axis are pooled
MAX_PANELS = 9
MAX_NUMBERS = 5  # named on an axis of parallel coordinates
# Inches between two such axes, at least; of a letter beside one, and of the room around it.
MIN_GAP, LETTER, AROUND = 1.55, 0.074, 0.3
SHIFT = 1.6  # points between two lines
LINE_STYLES = ("-", (0, (4, 2)), (0, (1.2, 1.6)))


def draw(
    subject: str,
    tables: Mapping[str, pd.DataFrame],
    study: Mapping[str, Any],
    family: Family,
    cells: Sequence[Mapping[str, Any]],
) -> Figure:
    """Return a figure of a study; see `restudy.plan.figures.StudyFigures`.

    The subject is the kind of figure and the quantity: ``curves loss``.
    """
    kind, quantity = subject.split(" ")
    figure, fewest = FIGURES[kind]
    if len(study["numbers"]) < fewest:
        title = study.get("question", study["name"])
        words = ", ".join(study["numbers"]) or "none"
        return empty_figure(title, f"It takes {fewest} numbers that vary; here: {words}.")
    return figure(tables["runs"], study, family, quantity)


@styled
def response_curves(
    runs: pd.DataFrame, study: Mapping[str, Any], family: Family, quantity: str
) -> Figure:
    """Draw a quantity against numbers that a study varies.

    Parameters
    ----------
    runs : DataFrame
        Runs of the study's cells, with the settings that it varies as columns.
    study : mapping
        name, question, vary, scales, numbers, and whether it is ``sampled``.
    family : Family
        Which measures there are.
    quantity : str
        What is shown, such as "loss".
    """
    finished, diverged = finished_runs(runs)
    measures = [each for each in measures_of(family, quantity) if finished[each.name].notna().any()]
    if not measures:
        return no_finished_run(study.get("question", study["name"]), diverged)
    if study["sampled"]:
        return _draw_sample(finished, diverged, study, family, quantity)
    number, *_ = study["numbers"]
    others = [axis for axis in compared_axes(study) if axis != number]
    line_axis = next((a for a in others if len(values_of(study, finished, a)) <= MAX_LINES), None)
    pooled = [axis for axis in others if axis != line_axis]
    values = values_of(study, finished, line_axis) if line_axis else [None]
    looks = list(zip(LINE_STYLES, measures, strict=False))
    columns = _protocols(study, finished)
    figure, panels = new_figure(1, len(columns), panel_size=(5.2, 3.7), sharey=True)
    scale, averaged = study["scales"].get(number, ""), finished[number].dropna().to_numpy(float)
    for axes, condition in fill_panels(panels, [columns]):
        members = select(finished, condition)
        _set_number_axis(axes, number, averaged, scale)
        lines = [(value, style, each) for value in values for style, each in looks]
        for (value, style, measure), shift in zip(lines, _shifts(len(lines)), strict=True):
            own = members if value is None else select(members, {line_axis: value})
            color = INK if value is None else color_of(line_axis, value, values)
            _draw_response(axes, own, number, measure, color, style, shift)
        axes.set_title(title_case(values_in_words(condition)))
        axes.set_yscale(
            "linear" if quantity in SHARES else fitting_scale(_means(finished, measures))
        )
    panels[0, 0].set_ylabel(quantity_label(quantity, measures))
    key = color_key(line_axis, values) if line_axis else ColorKey([])
    legends = [*key.legends]
    parts = [
        (Line2D([], [], color=INK, linestyle=style, marker="o", markersize=4), part_label(measure))
        for style, measure in looks
    ]
    legends.append(("Measured on", parts))
    seeds = int(finished.groupby("seed").ngroups)
    bars = "Points: mean over the seeds. Bars: its 95 % interval (Student's t)."
    note = [bars if seeds > 1 else "One seed: no interval."]
    note += [pooled_note(pooled).replace("Lines pool", "Means pool"), divergence_note(diverged)]
    title = study.get("question", study["name"])
    subtitle = f"{quantity.capitalize()} after training by {in_sentence(label_of(number))}"
    return compose(figure, title, subtitle, " ".join(filter(None, note)), legends, key.bar)


@styled
def response_map(
    runs: pd.DataFrame, study: Mapping[str, Any], family: Family, quantity: str
) -> Figure:
    """Draw the mean of a quantity at all pairs of two numbers, the chosen one marked.

    Parameters are those of `response_curves`. A panel is a value of the next axis, if there are
    few; its chosen cell has a frame, and the title of the panel says its mean and interval.
    """
    measure = _ranking(family, quantity)
    finished, diverged = finished_runs(runs)
    finished = finished.dropna(subset=[measure.name])
    if finished.empty:
        return no_finished_run(study.get("question", study["name"]), diverged)
    across, up, *_ = study["numbers"]
    others = [axis for axis in compared_axes(study) if axis not in (across, up)]
    protocols = _protocols(study, finished)
    facet = next((a for a in others if len(values_of(study, finished, a)) <= MAX_PANELS), None)
    facets = [{facet: value} for value in values_of(study, finished, facet)] if facet else [{}]
    conditions = [protocol | one for one in facets for protocol in protocols]
    # What lacks one of the settings has no map.
    known = finished.dropna(subset=[across, up])
    conditions = [each for each in conditions if len(select(known, each))] or [{}]
    width = len(protocols) if len(protocols) > 1 else min(len(conditions), 3)
    rows = [conditions[start : start + width] for start in range(0, len(conditions), width)]
    values = [values_of(study, runs, axis) for axis in (across, up)]
    values = [[value for value in each if not pd.isna(value)] for each in values]
    size = [min(max(0.52 * len(each), 2.2), 6.0) for each in values]
    figure, panels = new_figure(len(rows), width, panel_size=(size[0] + 0.9, size[1] + 0.9))
    means = finished.groupby(list(study["vary"]), dropna=False)[measure.name].mean()
    is_log = quantity not in SHARES and fitting_scale(means.to_numpy()) == "log"
    norm = (LogNorm if is_log else Normalize)(means.min(), means.max())
    best_is_low = measure.better == "lower"
    colors = ORDINAL_COLORS.reversed() if best_is_low else ORDINAL_COLORS
    mappable = ScalarMappable(norm, colors)
    for axes, condition in fill_panels(panels, rows):
        own = select(finished, condition)
        table = own.pivot_table(measure.name, up, across, "mean").reindex(
            index=values[1], columns=values[0]
        )
        axes.pcolormesh(table.to_numpy(float), cmap=colors, norm=norm, edgecolors="white")
        heading = title_case(values_in_words(condition))
        candidates = select(runs, condition).dropna(subset=[across, up])
        chosen = choose(candidates, [across, up], family.choice or measure)
        if chosen is not None:
            cell = select(own, dict(zip((across, up), chosen, strict=True)))
            _frame(
                axes, tuple(each.index(value) for each, value in zip(values, chosen, strict=True))
            )
            heading = "\n".join(filter(None, [heading, _chosen_words(cell, measure)]))
        axes.set_title(heading, fontsize=9.5)
        _set_places(axes.xaxis, across, values[0], size[0] / len(values[0]))
        _set_places(axes.yaxis, up, values[1], size[1] / len(values[1]))
        axes.grid(visible=False)
    pooled = [axis for axis in others if axis != facet]
    note = (
        f"Frame: the cell {how_chosen(family)}. The title has its mean, with the 95 % interval "
        "over the seeds (Student's t)."
    )
    extra = pooled_note(pooled).replace("Lines pool", "Means pool")
    note = " ".join(filter(None, [note, extra, divergence_note(diverged)]))
    title = study.get("question", study["name"])
    heading = _heading(measure)
    named = " and ".join(in_sentence(label_of(axis)) for axis in (across, up))
    subtitle = f"{measure.label} after training by {named}"
    return compose(figure, title, subtitle, note, color_bar=ColorBar(mappable, heading))


@styled
def parallel_coordinates(
    runs: pd.DataFrame, study: Mapping[str, Any], family: Family, quantity: str
) -> Figure:
    """Draw each cell of a sample as a line through its values, coloured by what came out.

    Parameters are those of `response_curves`. The best cells are drawn last, and the chosen one in
    black; the last axis is the measure that cells are ranked by.
    """
    measure = _ranking(family, quantity)
    finished, diverged = finished_runs(runs)
    axes_varied = compared_axes(study)
    cells = _cell_means(finished, study, [measure])
    if cells.empty:
        return no_finished_run(study.get("question", study["name"]), diverged)
    columns = [*axes_varied, measure.name]
    places = {axis: _places(study, cells, axis) for axis in axes_varied}
    is_log = quantity not in SHARES and fitting_scale(cells[measure.name].to_numpy()) == "log"
    outcome = cells[measure.name].to_numpy(float)
    places[measure.name] = _shares(outcome, outcome, "log" if is_log else "linear")
    best_is_low = measure.better == "lower"
    merit = -places[measure.name] if best_is_low else places[measure.name]
    order = np.argsort(merit, kind="stable")
    heights = np.stack([places[column] for column in columns], axis=1)[order]
    names = [
        label_of(value, axis)
        for axis in axes_varied
        for value in cells[axis].unique()
        if isinstance(value, str)
    ]
    longest = max((len(plain_text(name)) for name in names), default=0)
    gap = max(MIN_GAP, LETTER * longest + AROUND)
    figure, panels = new_figure(panel_size=(max(gap * len(columns), 5.0), 4.0))
    axes = panels[0, 0]
    at = np.arange(len(columns))
    norm = (LogNorm if is_log else Normalize)(outcome.min(), outcome.max())
    mappable = ScalarMappable(norm, ORDINAL_COLORS.reversed() if best_is_low else ORDINAL_COLORS)
    lines = [np.column_stack([at, row]) for row in heights]
    colors = mappable.to_rgba(outcome[order])
    axes.add_collection(LineCollection(lines, colors=colors, linewidths=1.3, alpha=0.75))
    best = _place_of_chosen(runs, cells, axes_varied, family.choice or measure)
    if best is not None:
        line = np.array([places[column][best] for column in columns])
        axes.plot(at, line, color="black", linewidth=2.6, marker="o", markersize=5, zorder=4)
    for position, column in enumerate(columns):
        axes.axvline(position, color=MUTED, linewidth=1, zorder=3)
        shown = outcome if column == measure.name else cells[column]
        _name_places(axes, position, column, shown, places[column])
    axes.set_xlim(-0.35, len(columns) - 0.35)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xticks(at, [*(label_of(axis) for axis in axes_varied), measure.label])
    axes.xaxis.tick_top()
    axes.tick_params(axis="both", length=0)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    note = [divergence_note(diverged)]
    if best is not None:
        words = values_in_words({axis: _short(cells[axis].iloc[best]) for axis in axes_varied})
        note.insert(0, f"Black: the cell {how_chosen(family)} ({words}; {outcome[best]:.4g}).")
    title = study.get("question", study["name"])
    heading = _heading(measure)
    subtitle = f"Every cell of the sample, a line; mean {measure.label.lower()} over its seeds"
    return compose(
        figure,
        title,
        subtitle,
        " ".join(filter(None, note)),
        color_bar=ColorBar(mappable, heading),
    )


def _draw_sample(
    finished: pd.DataFrame,
    diverged: int,
    study: Mapping[str, Any],
    family: Family,
    quantity: str,
) -> Figure:
    """Draw every cell of a sample against each of its numbers, with a smooth curve."""
    measure = _ranking(family, quantity)
    numbers, protocols = study["numbers"], _protocols(study, finished)
    cells = _cell_means(finished, study, [measure])
    if cells.empty:
        return no_finished_run(study.get("question", study["name"]), diverged)
    others = [axis for axis in compared_axes(study) if axis not in numbers]
    color_axis = next((a for a in others if len(values_of(study, cells, a)) <= MAX_LINES), None)
    colors = values_of(study, cells, color_axis) if color_axis else [None]
    width = min(len(numbers), 3)
    rows = [numbers[start : start + width] for start in range(0, len(numbers), width)]
    figure, panels = new_figure(
        len(rows) * len(protocols), width, panel_size=(4.0 if width > 1 else 5.6, 3.3), sharey=True
    )
    scale = "linear" if quantity in SHARES else fitting_scale(cells[measure.name].to_numpy())
    shown = [(condition, row) for condition in protocols for row in rows]
    for line, (condition, row) in zip(panels, shown, strict=True):
        members = select(cells, condition)
        for axes, number in fill_panels(line[None, :], [row]):
            for value in colors:
                own = members if value is None else select(members, {color_axis: value})
                axis, among = (color_axis, colors) if color_axis else ("hidden_size", ())
                color = color_of(axis, 8 if color_axis is None else value, among)
                axes.scatter(
                    own[number], own[measure.name], s=22, color=color, alpha=0.75, zorder=3
                )
                is_log = study["scales"].get(number) == "log"
                at, heights = (own[name].to_numpy(float) for name in (number, measure.name))
                axes.plot(
                    *smooth_curve(at, heights, is_log, scale == "log"), color=color, linewidth=1.8
                )
            axes.set_title(title_case(values_in_words(condition)))
            _set_number_axis(
                axes, number, cells[number].to_numpy(float), study["scales"].get(number, "")
            )
        line[0].set_ylabel(f"{measure.label}{f' ({measure.unit})' if measure.unit else ''}")
        line[0].set_yscale(scale)
    entries = [
        (
            Line2D([], [], color=INK, marker="o", linestyle="", alpha=0.75),
            "a cell, mean\nover seeds",
        ),
        (Line2D([], [], color=INK, linewidth=1.8), "smoothing spline"),
    ]
    key = color_key(color_axis, colors) if color_axis else ColorKey([])
    legends = [*key.legends]
    note = (
        "Cells differ in the other axes too, which scatters the points. The curve is a cubic "
        "smoothing spline, as smooth as generalised cross-validation makes it, without an interval."
    )
    title = study.get("question", study["name"])
    subtitle = f"{measure.label} after training, {len(cells)} cells of a sample"
    note = " ".join(filter(None, [note, divergence_note(diverged)]))
    return compose(figure, title, subtitle, note, [*legends, ("Shown", entries)], key.bar)


def _draw_response(
    axes: Axes,
    runs: pd.DataFrame,
    number: str,
    measure: Measure,
    color: str,
    style: Any,
    shift: float,
) -> None:
    """Draw means over the seeds, and intervals, against a number.

    Everything stands ``shift`` points beside its place, so that intervals don't hide each other.
    """
    by_seed = runs.dropna(subset=[measure.name]).groupby([number, "seed"])[measure.name].mean()
    rows = [(at, *mean_interval(values)) for at, values in by_seed.groupby(level=0)]
    if not rows:
        return
    at, mean, low, high = np.array(rows, float).T
    if measure.quantity in SHARES:
        low, high = np.maximum(low, 0), np.minimum(high, 1)
    beside = axes.transData + ScaledTranslation(shift / 72, 0, axes.figure.dpi_scale_trans)
    look = {"color": color, "transform": beside}
    axes.plot(at, mean, linestyle=style, marker="o", markersize=4.5, linewidth=1.7, **look)
    known = np.isfinite(low) & np.isfinite(high)
    axes.vlines(at[known], low[known], high[known], linewidth=1.4, alpha=0.6, **look)
    # What is drawn beside its place does not count for the limits of the axes.
    heights = np.concatenate([mean, low[known], high[known]])
    axes.update_datalim(np.column_stack([np.concatenate([at, at[known], at[known]]), heights]))
    axes.autoscale_view()


def _shifts(count: int) -> list[float]:
    """Return by how many points each of several lines stands beside its place."""
    return (SHIFT * (np.arange(count) - (count - 1) / 2)).tolist()


def _set_number_axis(axes: Axes, number: str, values: np.ndarray, scale: str) -> None:
    """Scale and name a horizontal axis of numbers; logarithmic where the range or data are."""
    positive = values[values > 0]
    is_log = scale == "log" or (not scale and fitting_scale(values) == "log")
    if is_log and len(positive) == len(values) > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(_round_numbers(values.min(), values.max())))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(label_of(number))


def _round_numbers(low: float, high: float) -> list[float]:
    """Return some round numbers between two, even on a logarithmic scale."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits, step in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 5)):
        found = [digit * 10.0**power for power in decades[::step] for digit in digits]
        found = [value for value in found if 0.999 * low <= value <= 1.001 * high]
        if len(found) <= 6:
            return found
    return found


def _set_places(side: Any, axis: str, values: Sequence, room: float) -> None:
    """Name the rows or columns of a map, each of some inches; of many every second and so on."""
    names = [_number_text(value) for value in values]
    # Names side by side must not touch.
    widest = max(map(len, names)) * 0.085 if isinstance(side, XAxis) else 0.2
    step = -(-widest // room)
    names = names[:: int(step)]
    places = [place + 0.5 for place in range(0, len(values), int(step))]
    side.set_major_locator(FixedLocator(places))
    side.set_major_formatter(
        FuncFormatter(lambda _, place: names[place] if place is not None else "")
    )
    side.set_minor_formatter(NullFormatter())
    side.set_tick_params(length=0)
    side.set_label_text(label_of(axis))


def _frame(axes: Axes, place: tuple[int, int]) -> None:
    """Draw a frame round a cell of a map that is seen on any colour."""
    x, y = place
    corners = np.array([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)])
    for width, color in ((4.5, "white"), (2.2, "black")):
        axes.plot(*corners.T, color=color, linewidth=width, clip_on=False, zorder=5)


def _chosen_words(runs: pd.DataFrame, measure: Measure) -> str:
    """Mean and interval of the chosen cell in words."""
    mean, low, high = mean_interval(runs.groupby("seed")[measure.name].mean())
    if measure.quantity in SHARES:
        low, high = max(low, 0.0), min(high, 1.0)
    between = f" [{low:.4g}, {high:.4g}]" if np.isfinite(low) else ""
    return f"chosen: {mean:.4g}{between}"


def _place_of_chosen(
    runs: pd.DataFrame, cells: pd.DataFrame, axes: Sequence[str], measure: Measure
) -> int | None:
    """Return the place among the cells of the one that is chosen, if there is one."""
    own = runs.merge(cells[list(axes)].assign(place=range(len(cells))), on=list(axes))
    chosen = choose(own, ["place"], measure)
    return None if chosen is None else int(chosen[0])


def _cell_means(
    finished: pd.DataFrame, study: Mapping[str, Any], measures: Sequence[Measure]
) -> pd.DataFrame:
    """Return a row per cell: the values that vary, and the mean of each measure over the seeds."""
    names = [measure.name for measure in measures]
    known = finished.dropna(subset=names)
    return known.groupby(list(study["vary"]), dropna=False, sort=False)[names].mean().reset_index()


def _places(study: Mapping[str, Any], cells: pd.DataFrame, axis: str) -> np.ndarray:
    """Return where on an upright axis, from 0 to 1, each cell's value stands.

    Numbers rise; names stand in the study's order, the first at the top.
    """
    if axis in number_axes():
        values = cells[axis].to_numpy(float)
        scale = study["scales"].get(axis) or fitting_scale(values)
        return _shares(values, values[np.isfinite(values)], scale)
    names = values_of(study, cells, axis)
    spaced = np.linspace(1, 0, len(names)) if len(names) > 1 else np.array([0.5])
    found = np.full(len(cells), np.nan)
    for name, place in zip(names, spaced, strict=True):
        found[equals(cells[axis], name).to_numpy()] = place
    return found


def _shares(values: np.ndarray, among: np.ndarray, scale: str) -> np.ndarray:
    """Return how far between the smallest and largest number each value is."""
    forward = np.log if scale == "log" and among.min() > 0 else np.asarray
    low, high = forward(among.min()), forward(among.max())
    return (forward(values) - low) / (high - low) if high > low else np.full(len(values), 0.5)


def _name_places(axes: Axes, position: int, column: str, values: Any, places: np.ndarray) -> None:
    """Write a few numbers, or all names, beside an upright axis."""
    known = pd.DataFrame({"value": np.asarray(values), "place": places}).dropna().drop_duplicates()
    known = known.sort_values("place", ignore_index=True)
    is_named = isinstance(known["value"].iloc[0], str)
    if not is_named and len(known) > MAX_NUMBERS:
        wanted = np.linspace(known["place"].iloc[0], known["place"].iloc[-1], MAX_NUMBERS)
        nearest = [int((known["place"] - each).abs().idxmin()) for each in wanted]
        known = known.loc[list(dict.fromkeys(nearest))]
    for value, place in known.itertuples(index=False, name=None):
        text = plain_text(label_of(value, column)) if is_named else _number_text(value)
        axes.annotate(
            text,
            (position, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8.2,
            color=INK,
            zorder=6,
            bbox={"facecolor": "white", "alpha": 0.9, "linewidth": 0, "pad": 0.6},
        )


def _short(value: Any) -> Any:
    """Return a value of a cell, a float with four digits."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _number_text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | np.integer) else f"{value:.3g}"


def _protocols(study: Mapping[str, Any], frame: pd.DataFrame) -> list[dict]:
    """Return the conditions of panels: a protocol each, where the study varies other axes too."""
    if "protocol" not in study["vary"] or compared_axes(study) == ["protocol"]:
        return [{}]
    return [{"protocol": value} for value in values_of(study, frame, "protocol")]


def _ranking(family: Family, quantity: str) -> Measure:
    """The measure of a quantity by which cells are ranked; else the last one there is."""
    return final_measure(family, quantity) or measures_of(family, quantity)[-1]


def _heading(measure: Measure) -> str:
    """Return the heading of a colour bar."""
    return f"{measure.label}\n({measure.unit})" if measure.unit else measure.label


def _means(frame: pd.DataFrame, measures: Sequence[Measure]) -> np.ndarray:
    return frame[[measure.name for measure in measures]].to_numpy(float)


# Kinds of figure, and how many numbers a study has to vary for each.
FIGURES = {
    "curves": (response_curves, 1),
    "map": (response_map, 2),
    "parallel": (parallel_coordinates, 1),
}
