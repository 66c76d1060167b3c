"""What came of successive halving: of many cells with a small budget, the best went on.

The budget of a rung is spent on the cells that did best with that of the rung before (Karnin, Koren
and Somekh 2013; Jamieson and Talwalkar 2016). A cell that a rung leaves out is trained no further.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from restudy.analysis.captions import in_sentence
from restudy.analysis.choice import interval_words, is_share
from restudy.families.contract import Family
from restudy.study.labels import value_words


def describe_halving(family: Family, table: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """Return sentences on who was promoted, and on what came out in the last rung.

    Parameters
    ----------
    family : Family
        Which axes and measures there are.
    table : DataFrame
        Rows of the study in the table of halvings.
    study : mapping
        ``vary``, the axes that it varies; and ``halving``: ``budgets`` and ``measure``.
    """
    halving, times = study["halving"], family.time.plural
    measure = family.measure(halving["measure"])
    counts = table.groupby("rung").size().tolist()
    parts = [
        f"{count:,} with {budget:,}"
        for count, budget in zip(counts, halving["budgets"], strict=True)
    ]
    sentences = [
        f"Successive halving by mean {in_sentence(measure.label)}: {parts[0]} {times}, of which "
        f"the best went on, {', '.join(parts[1:])}."
    ]
    last = table[table["rung"] == len(counts)].sort_values("rank").iloc[0]
    if pd.isna(last[f"{measure.name}_mean"]):
        return [*sentences, "In the last rung, every run diverged."]
    text = (
        f"Chosen of the last rung: {chosen_words(last, study)} (mean {in_sentence(measure.label)} "
        f"{last[f'{measure.name}_mean']:.4f})"
    )
    reported = [each for each in family.reported if each.in_runs and each is not measure]
    for place, each in enumerate(reported):
        mean, low, high = (last[f"{each.name}_{name}"] for name in ("mean", "low", "high"))
        text += f"{', and its' if place else '; its'} {in_sentence(each.label)} is "
        between = interval_words(low, high, is_share(each))
        text += f"{mean:.4f}" + (f" ({between})" if between else "")
    return [*sentences, f"{text}."]


def chosen_words(row: pd.Series, study: Mapping[str, Any]) -> str:
    """Return what a study varies of a cell, in words."""
    return ", ".join(
        value_words(row[axis], axis) for axis in study["vary"] if not pd.isna(row[axis])
    )
