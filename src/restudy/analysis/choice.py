"""Which of several is the best: chosen by one measure, reported with others.

The best of many is better than it would be the next time, since chance helped it to be the best.
So it is chosen by a measure of its own part of the data, and what is said of it is measured on
another one.
"""

from collections.abc import Sequence

import pandas as pd

from restudy.analysis.captions import in_sentence
from restudy.families.contract import Family, Measure


def in_order_of_choice(rows: pd.DataFrame, mean: str, lowest_first: bool) -> pd.DataFrame:
    """Return rows in the order in which they would be chosen.

    A run that diverged can't be averaged; one that diverges with some seeds would be chosen for its
    luckier ones, were it compared by the mean of the others alone.

    Parameters
    ----------
    rows : DataFrame
        One for each of what is compared: ``n`` runs, of which so many ``finished``.
    mean : str
        Column of the mean over the runs that finished; missing if none did.
    lowest_first : bool
        Whether the lowest mean is the best.

    Returns
    -------
    DataFrame
        Those of the largest share of finished runs first, and of these those of the best mean; last
        those without a mean. Equals stay in their order.
    """
    order = pd.DataFrame(
        {
            "unknown": rows[mean].isna(),
            "lost": 1 - rows["finished"] / rows["n"],
            "mean": rows[mean] if lowest_first else -rows[mean],
        }
    )
    return rows.loc[order.sort_values(list(order), kind="stable").index]


def choose(runs: pd.DataFrame, axes: Sequence[str], measure: Measure) -> tuple | None:
    """Return the values of axes that are chosen, or None if no run has the measure.

    Parameters
    ----------
    runs : DataFrame
        A row per run: the axes and the measure, which is missing if the run diverged.
    axes : sequence of str
        What tells apart what is compared.
    measure : Measure
        What it is chosen by.
    """
    groups = runs.groupby(list(axes), sort=False, dropna=False)[measure.name]
    rows = pd.DataFrame({"n": groups.size(), "finished": groups.count(), "mean": groups.mean()})
    ordered = in_order_of_choice(rows.reset_index(), "mean", measure.better == "lower")
    if ordered["finished"].sum() == 0:
        return None
    return tuple(ordered[axis].iloc[0] for axis in axes)


def cells_in_order(cells: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Return cells, as `restudy.analysis.summaries.summarize` gives them, the chosen one first."""
    counted = cells.assign(finished=cells["n"] - cells["diverged"])
    ordered = in_order_of_choice(counted, f"{measure.name}_mean", measure.better == "lower")
    return cells.loc[ordered.index]


def how_chosen(family: Family) -> str:
    """Return how the best is chosen, as the end of a sentence, and whether that flatters it."""
    text = f"with the {superlative(family.choice)} mean {in_sentence(family.choice.label)}"
    if family.chosen_by:
        return text
    return (
        f"{text}; since it was chosen by what is shown, another run would be less good on average"
    )


def interval_words(low: float, high: float, is_share: bool = False, chosen_of: int = 1) -> str:
    """Return a 95% interval in words, within 0 and 1 if it is of a share; nothing without one.

    That of a mean which was chosen, see `restudy.analysis.statistics.mean_interval`, stands in
    brackets: `correction_words` explains it.
    """
    if pd.isna(low):
        return ""
    if is_share:
        low, high = max(low, 0.0), min(high, 1.0)
    if chosen_of > 1:
        return f"[{low:.4f}, {high:.4f}]"
    return f"95% interval {low:.4f} to {high:.4f}"


def correction_words(chosen_of: int) -> str:
    """Return what intervals in brackets are."""
    return f"in brackets 95% intervals, wide enough for whichever of the {chosen_of} is best"


def is_share(measure: Measure | None) -> bool:
    """Return whether a measure lies between 0 and 1."""
    return measure is not None and measure.quantity == "accuracy"


def superlative(measure: Measure) -> str:
    """Return the word for the best value of a measure."""
    return "lowest" if measure.better == "lower" else "highest"
