"""Successive halving as it went: how good each cell was in every rung that it reached."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from restudy.analysis.captions import in_sentence
from restudy.analysis.choice import superlative
from restudy.families.contract import Family
from restudy.families.setting_axes import is_setting_axis, setting_axis
from restudy.study.labels import values_in_words
from restudy.views.panels import SHARES, fitting_scale
from restudy.views.style import INK, MUTED, compose, new_figure, styled

LEFT_OUT, PROMOTED = "#b8bec9", "#0b6bb0"


@styled
def halving_figure(table: pd.DataFrame, study: Mapping[str, Any], family: Family) -> Figure:
    """Draw a line for each cell through its means in the rungs that it reached.

    Parameters
    ----------
    table : DataFrame
        Of the study: a row per rung and cell, see `restudy.analysis.ranking.rank_cells`.
    study : mapping
        ``asked``, its question; ``vary``, what tells cells apart; and ``halving``: ``budgets`` and
        ``measure``.
    family : Family
        Which axes and measures there are.
    """
    budgets = study["halving"]["budgets"]
    measure = family.measure(study["halving"]["measure"])
    budget_axis = setting_axis("protocol", family.time.budget)
    names = [*family.axis_names, *(name for name in table if is_setting_axis(name))]
    axes_of_cells = [name for name in names if name in table and name != budget_axis]
    column = f"{measure.name}_mean"
    lines = {}
    keys = table[axes_of_cells].astype(object).where(table[axes_of_cells].notna(), None)
    for key, rows in table.groupby(keys.apply(tuple, axis=1), sort=False):
        lines[key] = rows.sort_values("rung")
    figure, panels = new_figure(panel_size=(6.2, 4.4))
    axes = panels[0, 0]
    known = table[column].dropna()
    is_log = measure.quantity not in SHARES and fitting_scale(known.to_numpy()) == "log"
    last = table[table["rung"] == len(budgets)].sort_values("rank").head(1)
    chosen = tuple(last[axes_of_cells].astype(object).where(last.notna(), None).iloc[0])
    _draw(axes, [rows for key, rows in lines.items() if key != chosen], budgets, column)
    best = lines[chosen]
    at = [budgets[rung - 1] for rung in best["rung"]]
    axes.plot(at, best[column], color=INK, linewidth=2.6, marker="o", markersize=6, zorder=5)
    axes.set_xscale("log")
    axes.set_yscale("log" if is_log else "linear")
    axes.xaxis.set_major_locator(FixedLocator(budgets))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    counts = table.groupby("rung").size().tolist()
    for count, budget in zip(counts, budgets, strict=True):
        axes.axvline(budget, color=MUTED, linewidth=0.8, zorder=1)
        axes.annotate(
            f"{count:,} cell{'s' * (count != 1)}",
            (budget, 1.0),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=8.5,
            color=MUTED,
        )
    axes.set_xlim(budgets[0] / 1.12, budgets[-1] * 1.12)
    axes.set_xlabel(f"{family.time.label} (budget of the rung)")
    unit = f" ({measure.unit})" if measure.unit else ""
    axes.set_ylabel(f"{measure.label}{unit}")
    lost = int((table.loc[table["rung"] == 1, "diverged"] > 0).sum())
    words = values_in_words(
        {axis: best[axis].iloc[0] for axis in study["vary"] if not pd.isna(best[axis].iloc[0])}
    )
    note = [
        f"Black: {words}, with the {superlative(measure)} mean {in_sentence(measure.label)} in the "
        "last rung.",
        f"Of {lost:,} cells, runs diverged in the first rung." if lost else "",
    ]
    looks = [("went on", PROMOTED, 1.6), ("left out", LEFT_OUT, 1.1), ("chosen", INK, 2.6)]
    handles = [
        (Line2D([], [], color=color, linewidth=width, marker="o", markersize=4), name)
        for name, color, width in looks
    ]
    subtitle = f"Mean {in_sentence(measure.label)} of every cell, rung by rung"
    return compose(
        figure,
        study["asked"],
        subtitle,
        " ".join(filter(None, note)),
        legends=[("Cells", handles)],
    )


def _draw(axes, lines: list[pd.DataFrame], budgets: list[int], column: str) -> None:
    """Draw lines from rung to rung; those of cells that went on above the others."""
    for went_on, color, width, order in ((False, LEFT_OUT, 1.1, 2), (True, PROMOTED, 1.6, 3)):
        own = [rows for rows in lines if (len(rows) > 1) == went_on]
        points = [
            np.column_stack([[budgets[rung - 1] for rung in rows["rung"]], rows[column]])
            for rows in own
        ]
        if not points:
            continue
        axes.add_collection(
            LineCollection(points, colors=color, linewidths=width, alpha=0.9, zorder=order)
        )
        everywhere = np.concatenate(points)
        axes.scatter(*everywhere.T, s=15, color=color, linewidths=0, zorder=order)
