"""What matters in a study: the share of a measure's variance that axes and pairs explain."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from restudy.analysis.captions import in_sentence
from restudy.analysis.importance import Importance, variance_importance
from restudy.families.contract import Family
from restudy.study.cell import Cell
from restudy.study.labels import label_of
from restudy.views.selection import divergence_note
from restudy.views.style import (
    INK,
    compose,
    empty_figure,
    new_figure,
    plain_text,
    styled,
    title_case,
)

AXIS_COLOR, PAIR_COLOR = "#1C6E8C", "#8A5A2B"
MAX_PAIRS, MIN_SHARE = 8, 0.005  # a share below it is 0 % to the reader
LONGEST_LINE = 36  # letters of a pair's name; a longer one has two lines
LINE_HEIGHT, PADDING, BAR_HEIGHT = 0.17, 0.16, 0.16  # inches


def draw(
    subject: str,
    tables: Mapping[str, pd.DataFrame],
    study: Mapping[str, Any],
    family: Family,
    cells: Sequence[Cell],
) -> Figure:
    """Return a figure of a study; see `restudy.plan.figures.StudyFigures`.

    The subject is the name of the measure.
    """
    found = variance_importance(tables["runs"], list(study["vary"]), subject)
    measure = family.measure(subject)
    label = measure.label if measure else label_of(subject)
    return importance_figure(found, study.get("question", study["name"]), label)


@styled
def importance_figure(found: Importance, title: str, measure: str) -> Figure:
    """Draw the share of each axis, then that of the largest pairs, with 95 % intervals.

    Parameters
    ----------
    found : Importance
        What to draw.
    title : str
        The study's question.
    measure : str
        Label of the measure whose variance is explained.
    """
    measure = plain_text(in_sentence(measure))
    if found.reason:
        reason = f"No shares of the {measure}'s variance. {found.reason}"
        return empty_figure(title, plain_text(reason, 200), divergence_note(found.lost_runs))
    is_pair = found.shares["other"] != ""
    pairs = found.shares[is_pair & (found.shares["share"] >= MIN_SHARE)].head(MAX_PAIRS)
    groups = [("Axis", found.shares[~is_pair], AXIS_COLOR)]
    groups += [("Pair", pairs, PAIR_COLOR)] if len(pairs) else []
    names = [[_name(row) for row in rows.itertuples()] for _, rows, _ in groups]
    heights = [sum(map(_height, each)) for each in names]

    figure, panels = new_figure(len(groups), 1, panel_size=(7.2, 1), sharex=True)
    figure.set_size_inches(figure.get_size_inches()[0], sum(heights) + 0.3 + 0.3 * len(groups))
    panels[0, 0].get_gridspec().set_height_ratios(heights)
    for axes, (heading, rows, color), labels in zip(panels[:, 0], groups, names, strict=True):
        _draw_bars(axes, rows, labels, color)
        axes.set_ylabel(heading, fontweight="bold")
    bottom = panels[-1, 0]
    bottom.set_xlabel(f"Share of the variance of the {measure} between cells (%)")
    bottom.set_xlim(0, min(100.0, 105 * found.shares["share_high"].max()))
    bottom.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    figure.align_ylabels(panels[:, 0])
    subtitle = (
        "What axes alone, and pairs beyond that, explain of the differences between "
        f"{found.cells:,} cells"
    )
    return compose(figure, title, subtitle, _note(found, len(pairs)))


def _draw_bars(axes: Axes, rows: pd.DataFrame, labels: Sequence[str], color: str) -> None:
    """Draw a bar per row from the top, its interval, and its share as a number beside the plot."""
    heights = [_height(label) for label in labels]
    bottom, places = 0.0, []
    for height in heights:
        places.append(bottom + height / 2)
        bottom += height
    axes.barh(places, 100 * rows["share"], height=BAR_HEIGHT, color=color, alpha=0.75, zorder=2)
    for place, row in zip(places, rows.itertuples(), strict=True):
        ends = [100 * row.share_low, 100 * row.share_high]
        axes.plot(ends, [place, place], color=INK, linewidth=1.3, zorder=3)
        beside = {"xy": (1.015, place), "xycoords": ("axes fraction", "data"), "va": "center"}
        axes.annotate(_percent(row.share), color=INK, fontsize=9, **beside)
    axes.set_yticks(places, labels)
    axes.set_ylim(bottom, 0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _note(found: Importance, shown: int) -> str:
    """Return what the intervals are, how good the forest is, and what is not shown.

    Parameters
    ----------
    found : Importance
        What is drawn.
    shown : int
        How many pairs are drawn.
    """
    others = found.shares.loc[found.shares["other"] != "", "share"].iloc[shown:]
    parts = [
        f"Functional analysis of variance of a random forest. {fit_remark(found)}",
        "Bars: corrected for the forest's bias; lines: 95 % intervals.",
    ]
    if len(others):
        pairs = f"{'The other' if shown else 'All'} {len(others)} pairs"
        parts.append(f"{pairs if len(others) > 1 else 'The other pair'}: {_percent(sum(others))}.")
    if found.higher >= MIN_SHARE:
        parts.append(f"Three or more axes only together: {_percent(found.higher)}.")
    return " ".join(filter(None, [*parts, loss_remark(found)]))


def fit_remark(found: Importance) -> str:
    """Return the sentence that says how good the forest is."""
    r_squared = f"{found.r_squared:.2f}".replace("-", "−")
    return (
        f"The forest's R² is {r_squared} for cells that its trees have not seen: the "
        "further below 1, the less the shares say."
    )


def loss_remark(found: Importance) -> str:
    """Return sentences that count diverged runs and cells lost to them, empty if none are."""
    cells = (
        f"{found.lost_cells} cell{'s have' if found.lost_cells > 1 else ' has'} no finished run."
    )
    parts = [divergence_note(found.lost_runs), cells if found.lost_cells else ""]
    return " ".join(filter(None, parts))


def _name(row: Any) -> str:
    """Return the name of an axis or a pair, in two lines if it is long."""
    names = [plain_text(title_case(label_of(axis))) for axis in (row.axis, row.other) if axis]
    name = " × ".join(names)
    return name if len(name) <= LONGEST_LINE else " ×\n".join(names)


def _height(name: str) -> float:
    """Return how many inches a row takes."""
    return PADDING + LINE_HEIGHT * (1 + name.count("\n"))


def _percent(share: float) -> str:
    # With spaces at which no line breaks.
    return f"{100 * share:.0f}\u00a0%" if share >= MIN_SHARE else "<1\u00a0%"
