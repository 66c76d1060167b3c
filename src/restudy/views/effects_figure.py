"""What each varied axis does to accuracy or loss, protocols side by side.

Every point is one seed, averaged over the other varied axes, so that seeds are what the 95 %
interval counts; diverged runs are left out and counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.analysis.statistics import mean_interval
from restudy.families.contract import Family, Measure
from restudy.study.cell import Cell
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of
from restudy.views.panels import SHARES, no_finished_run, part_label, quantity_label, select
from restudy.views.selection import (
    divergence_note,
    finished_runs,
    is_drawn,
    measures_of,
    values_of,
)
from restudy.views.style import (
    MUTED,
    color_of,
    compose,
    new_figure,
    styled,
    title_case,
)

MAX_LEVELS = 16  # of an axis; more are numbers, which a figure of their own shows as a curve
MAX_OFFSET, OFFSET_STEP = 0.27, 0.38  # of groups from the middle of their value, and between two
# Of a family's measures, the first is filled; of the others the last is a diamond.
FIRST_LOOK = {"marker": "o", "filled": True}
LAST_LOOK = {"marker": "D", "filled": False}
MIDDLE_MARKERS = ("s", "^", "v", "p")


def draw(
    subject: str,
    tables: Mapping[str, pd.DataFrame],
    study: Mapping[str, Any],
    family: Family,
    cells: Sequence[Cell],
) -> Figure:
    """Return a figure of a study; see `restudy.plan.figures.StudyFigures`."""
    return effects_figure(tables["runs"], study, family, subject)


@styled
def effects_figure(
    runs: pd.DataFrame, study: Mapping[str, Any], family: Family, quantity: str = "accuracy"
) -> Figure:
    """Draw a quantity by the values of each varied axis: a point per seed, mean and interval.

    Parameters
    ----------
    runs : DataFrame
        Runs of the study's cells.
    study : mapping
        name, question, vary.
    family : Family
        Which measures there are.
    quantity : str
        What is shown, such as "loss": every measure of it that the table has, on training,
        held-out and other parts of the data.

    Notes
    -----
    Rows are axes and columns are protocols. The interval is Student's t over the seeds' means.
    """
    title = study.get("question", study["name"])
    finished, diverged = finished_runs(runs)
    compared = compared_axes(study)
    axes_varied = [
        axis
        for axis in compared
        if len(study["vary"][axis]) <= MAX_LEVELS and not is_drawn(study, axis)
    ]
    if finished.empty or not axes_varied:
        return no_finished_run(title, diverged)
    measures = measures_of(family, quantity)
    looks = {
        measure: look
        for measure, look in _looks(measures).items()
        if finished.get(measure.name, pd.Series()).notna().any()
    }
    varied = "protocol" in study["vary"]
    protocols = values_of(study, finished, "protocol") if varied else [None]
    counts = [len(values_of(study, finished, axis)) for axis in axes_varied]

    row_height = 0.24 * len(looks) + 0.16
    figure, panels = new_figure(
        len(axes_varied),
        len(protocols),
        panel_size=(4.5 if len(protocols) > 1 else 6.4, 1),
        sharex=True,
        sharey="row",
    )
    heights = [count * row_height + 0.75 for count in counts]
    figure.set_size_inches(figure.get_size_inches()[0], sum(heights))
    panels[0, 0].get_gridspec().set_height_ratios(heights)
    seeds = 0
    for line, axis in zip(panels, axes_varied, strict=True):
        values = values_of(study, finished, axis)
        for axes, protocol in zip(line, protocols, strict=True):
            members = finished if protocol is None else select(finished, {"protocol": protocol})
            seeds = max(seeds, _draw_axis(axes, members, axis, values, looks))
            axes.set_yticks(range(len(values)), [_tick(value, axis) for value in values])
            axes.set_ylim(len(values) - 0.45, -0.55)
            axes.grid(axis="y", visible=False)
            axes.tick_params(axis="y", length=0)
        line[0].set_ylabel(label_of(axis), fontweight="bold")
    for axes, protocol in zip(panels[0], protocols, strict=True):
        if protocol is not None:
            axes.set_title(title_case(label_of(protocol)))
    for axes in panels[-1]:
        axes.set_xlabel(quantity_label(quantity, measures))
        left, right = axes.get_xlim()
        if quantity in SHARES and right > 1:
            axes.set_xlim(left, 1 + 0.02 * (1 - left))
    figure.align_ylabels(panels[:, 0])
    note = _note(seeds, len(compared) > 1, diverged)
    subtitle = f"{quantity.capitalize()} after training, {seeds} seed{'s' if seeds != 1 else ''}"
    parts = [(_handle(look), part_label(measure)) for measure, look in looks.items()]
    legends = [("Measured on", parts)]
    return compose(figure, title, subtitle, note, legends)


def seed_means(frame: pd.DataFrame, measure: str) -> pd.Series:
    """Return a measure per seed: its mean over all cells in the frame, missing values skipped."""
    return frame.dropna(subset=[measure]).groupby("seed")[measure].mean()


def jitter(count: int, width: float) -> np.ndarray:
    """Return offsets within ± width that spread points evenly, the same ones every time."""
    golden = (np.sqrt(5) - 1) / 2
    return width * (2 * np.modf(golden * np.arange(1, count + 1))[0] - 1)


def _note(seeds: int, averaged: bool, diverged: int) -> str:
    """Return what points and bars mean, and what missing runs do to them."""
    bars = (
        "Bars: mean and its 95 % interval (Student's t)." if seeds > 1 else "One seed: no interval."
    )
    points = "Each pale point is one seed"
    points += ", averaged over the other varied axes." if averaged else "."
    missing = divergence_note(diverged)
    if averaged and diverged:
        missing += " Averages cover the remaining cells, which may differ between values."
    return " ".join(part for part in (bars, points if seeds > 1 else "", missing) if part)


def _draw_axis(
    axes: Axes,
    frame: pd.DataFrame,
    axis: str,
    values: Sequence,
    looks: Mapping[Measure, Mapping[str, Any]],
) -> int:
    """Draw all values of one axis; return the largest number of seeds behind a mean."""
    seeds = 0
    for position, value in enumerate(values):
        if position % 2:
            axes.axhspan(position - 0.5, position + 0.5, color="#F6F7F9", zorder=0, linewidth=0)
        members = select(frame, {axis: value})
        for (measure, look), offset in zip(looks.items(), _offsets(len(looks)), strict=True):
            points = seed_means(members, measure.name)
            seeds = max(seeds, len(points))
            if not points.empty:
                is_share = measure.quantity in SHARES
                color = color_of(axis, value, values)
                _draw_group(axes, points, position - offset, color, look, is_share)
    return seeds


def _draw_group(
    axes: Axes,
    points: pd.Series,
    height: float,
    color: str,
    look: Mapping[str, Any],
    is_share: bool,
) -> None:
    """Draw one group's seeds, then mean and interval, which for a share ends at 0 and 1."""
    axes.scatter(
        points,
        height + jitter(len(points), 0.09),
        s=13,
        marker=look["marker"],
        facecolors=color if look["filled"] else "white",
        edgecolors=color,
        linewidths=0.7,
        alpha=0.38,
        zorder=2,
    )
    mean, low, high = mean_interval(points)
    if is_share:
        low, high = max(low, 0.0), min(high, 1.0)
    axes.plot([low, high], [height, height], color=color, linewidth=2.6, zorder=3)
    axes.plot(
        [mean],
        [height],
        marker=look["marker"],
        markersize=7.5,
        markerfacecolor=color if look["filled"] else "white",
        markeredgecolor=color,
        markeredgewidth=1.6,
        linestyle="",
        zorder=4,
    )


def _looks(measures: Sequence[Measure]) -> dict[Measure, Mapping[str, Any]]:
    """Return how the points of each measure look."""
    middle = [
        {"marker": MIDDLE_MARKERS[place % len(MIDDLE_MARKERS)], "filled": False}
        for place in range(len(measures) - 2)
    ]
    return dict(zip(measures, [FIRST_LOOK, *middle, LAST_LOOK], strict=False))


def _offsets(count: int) -> list[float]:
    """Return how far above the middle of their value groups stand, the first on top."""
    top = min(OFFSET_STEP * (count - 1) / 2, MAX_OFFSET)
    return np.linspace(top, -top, count).tolist()


def _handle(look: Mapping[str, Any]) -> Line2D:
    return Line2D(
        [],
        [],
        color=MUTED,
        linewidth=2.4,
        marker=look["marker"],
        markersize=7,
        markerfacecolor=MUTED if look["filled"] else "white",
        markeredgewidth=1.5,
    )


def _tick(value: Any, axis: str) -> str:
    return f"{value:,}" if isinstance(value, int | np.integer) else label_of(value, axis)
