"""What each varied axis does to accuracy or loss, published and corrected side by side.

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
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of
from restudy.views.curves import select
from restudy.views.selection import (
    divergence_note,
    finished_runs,
    values_of,
)
from restudy.views.style import (
    MUTED,
    color_of,
    compose,
    empty_figure,
    new_figure,
    styled,
    title_case,
)

OFFSETS = {1: (0.0,), 2: (0.19, -0.19), 3: (0.27, 0.0, -0.27)}
LOOKS = {
    "train": {"marker": "o", "filled": True},
    "validation": {"marker": "s", "filled": False},
    "heldout": {"marker": "D", "filled": False},
    "test": {"marker": "D", "filled": False},
}


@styled
def effects_figure(
    runs: pd.DataFrame, study: Mapping[str, Any], measure: str = "accuracy"
) -> Figure:
    """Draw one measure by the values of each varied axis: a point per seed, mean and interval.

    Parameters
    ----------
    runs : DataFrame
        Dense or convolutional runs of the study's cells.
    study : mapping
        name, question, vary.
    measure : {"accuracy", "loss"}
        What to show, for every part (training, held-out, ...) that the table has.

    Notes
    -----
    Rows are axes and columns are protocols. The interval is Student's t over the seeds' means.
    """
    title = study.get("question", study["name"])
    finished, diverged = finished_runs(runs)
    axes_varied = compared_axes(study)
    if finished.empty or not axes_varied:
        return empty_figure(title, f"No finished run to show. {divergence_note(diverged)}".strip())
    parts = [part for part in LOOKS if finished.get(f"{part}_{measure}", pd.Series()).notna().any()]
    varied = "protocol" in study["vary"]
    protocols = values_of(study, finished, "protocol") if varied else [None]
    counts = [len(values_of(study, finished, axis)) for axis in axes_varied]

    row_height = 0.24 * len(parts) + 0.16
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
            seeds = max(seeds, _draw_axis(axes, members, axis, values, parts, measure))
            axes.set_yticks(range(len(values)), [_tick(value, axis) for value in values])
            axes.set_ylim(len(values) - 0.45, -0.55)
            axes.grid(axis="y", visible=False)
            axes.tick_params(axis="y", length=0)
        line[0].set_ylabel(label_of(axis), fontweight="bold")
    for axes, protocol in zip(panels[0], protocols, strict=True):
        if protocol is not None:
            axes.set_title(title_case(label_of(protocol)))
    for axes in panels[-1]:
        axes.set_xlabel(label_of(measure))
        left, right = axes.get_xlim()
        if measure == "accuracy" and right > 1:
            axes.set_xlim(left, 1 + 0.02 * (1 - left))
    figure.align_ylabels(panels[:, 0])
    note = _note(seeds, len(axes_varied) > 1, diverged)
    subtitle = f"{measure.capitalize()} after training, {seeds} seed{'s' if seeds != 1 else ''}"
    legends = [("Measured on", [(_handle(part), label_of(part)) for part in parts])]
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
    parts: Sequence[str],
    measure: str,
) -> int:
    """Draw all values of one axis; return the largest number of seeds behind a mean."""
    seeds = 0
    for position, value in enumerate(values):
        if position % 2:
            axes.axhspan(position - 0.5, position + 0.5, color="#F6F7F9", zorder=0, linewidth=0)
        members = frame[frame[axis] == value]
        for part, offset in zip(parts, OFFSETS[len(parts)], strict=True):
            points = seed_means(members, f"{part}_{measure}")
            seeds = max(seeds, len(points))
            if not points.empty:
                color, accuracy = color_of(axis, value), measure == "accuracy"
                _draw_group(axes, points, position - offset, color, LOOKS[part], accuracy)
    return seeds


def _draw_group(
    axes: Axes,
    points: pd.Series,
    height: float,
    color: str,
    look: Mapping[str, Any],
    accuracy: bool,
) -> None:
    """Draw one group's seeds, then mean and interval, which for accuracies ends at 0 and 1."""
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
    if accuracy:
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


def _handle(part: str) -> Line2D:
    look = LOOKS[part]
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
