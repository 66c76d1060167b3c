"""Pick and summarise what a figure shows: measures, order of values, divergence, mean over seeds.

Expects frames that hold the runs of one study's cells only; it reads no file.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.statistics import half_width
from restudy.families.contract import Family, Measure
from restudy.families.setting_axes import is_setting_axis


def measures_of(family: Family, quantity: str) -> tuple[Measure, ...]:
    """Return the measures of a quantity that are compared, on every part that is drawn."""
    return tuple(
        each
        for each in family.measures
        if each.quantity == quantity and each.in_runs and each.summarised and each.drawn
    )


def recorded_of(family: Family, quantity: str) -> tuple[Measure, ...]:
    """Return the measures of a quantity that are recorded during training and drawn."""
    recorded = family.recorded_measures
    return tuple(each for each in recorded if each.quantity == quantity and each.drawn)


def final_measure(family: Family, quantity: str) -> Measure | None:
    """Return the measure of a quantity by which cells are ranked: the last one, if there is one."""
    ranked = [family.measure(name) for name in family.ranked_by]
    return next((each for each in reversed(ranked) if each.quantity == quantity), None)


def values_of(study: Mapping[str, Any], frame: pd.DataFrame, axis: str) -> list:
    """Return the values of an axis that the frame has, in the study's order if it varies it."""
    present = list(dict.fromkeys(frame[axis].tolist())) if axis in frame else []
    ordered = list(study["vary"].get(axis, sorted(present)))
    found = [value for value in ordered if value in present]
    # A setting that some entries lack has no value there.
    return found + [value for value in present if value != value][:1]


def is_drawn(study: Mapping[str, Any], axis: str) -> bool:
    """Return whether values of an axis are drawn from a range, so that hardly two cells share one.

    What the others do is then mixed up with each value.
    """
    return study.get("sampled", False) and axis in study.get("scales", {})


def has_diverged(runs: pd.DataFrame) -> pd.Series:
    """Return True for each run that has a ``diverged_at``."""
    if "diverged_at" not in runs:
        return pd.Series(False, index=runs.index)
    return pd.to_numeric(runs["diverged_at"], errors="coerce").notna()


def finished_runs(runs: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the runs that did not diverge, and how many did."""
    diverged = has_diverged(runs)
    return runs[~diverged], int(diverged.sum())


def finished_history(
    history: pd.DataFrame, family: Family, runs: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, int]:
    """Return the history of the runs that did not diverge, and how many replicates did.

    Parameters
    ----------
    history : DataFrame
        Axes, seed, and measures over time.
    family : Family
        Which axes there are.
    runs : DataFrame, optional
        The runs table, which says who diverged. Without it a replicate counts as diverged when
        the first of the family's recorded measures is not finite somewhere.
    """
    keys = [key for key in history if key in family.keys or is_setting_axis(key)]
    if history.empty:
        return history, 0
    if runs is None:
        first = family.recorded_measures[0].name
        broken = history.loc[~np.isfinite(history[first].astype(float)), keys]
    else:
        broken = runs.loc[has_diverged(runs), [key for key in keys if key in runs]]
    marked = history[keys].merge(broken.drop_duplicates(), how="left", indicator="found")
    lost = (marked["found"] == "both").to_numpy()
    return history[~lost], len(marked[lost].drop_duplicates())


def divergence_note(diverged: int) -> str:
    """Return the sentence that counts excluded runs, empty if there are none."""
    if not diverged:
        return ""
    return f"{diverged} diverged run{'s' if diverged > 1 else ''} left out."


def divergence_reason(runs: pd.DataFrame) -> str:
    """Return the sentence that says when and by what a single run diverged, empty if it did not."""
    if not has_diverged(runs).any():
        return ""
    run = runs.iloc[0]
    by = run.get("diverged_by")
    what = f": {by} not finite" if isinstance(by, str) and by else ""
    return f"This run diverged after {int(run['diverged_at']):,} updates{what}."


def mean_over_seeds(frame: pd.DataFrame, time: str, measure: str) -> pd.DataFrame:
    """Return mean and 95% interval of a measure over all replicates at each time.

    Parameters
    ----------
    frame : DataFrame
        One line's history: a row per replicate and time.
    time : str
        The column of what training advances by.
    measure : str
        The column to summarise; missing values are skipped.

    Returns
    -------
    DataFrame
        Index: time, increasing; columns ``middle``, ``low``, ``high``. The interval is Student's;
        its ends are those of the mean where there is a single value.
    """
    values = frame[[time, measure]].dropna().groupby(time)[measure].agg(["mean", "std", "count"])
    half = np.nan_to_num(half_width(values["std"].to_numpy(float), values["count"].to_numpy()))
    middle = values["mean"]
    return pd.DataFrame({"middle": middle, "low": middle - half, "high": middle + half})


def most_replicates(frame: pd.DataFrame, time: str, axes: Sequence[str]) -> int:
    """Return how many replicates stand behind a line, at most, when the axes tell lines apart."""
    return int(frame.groupby([time, *axes]).size().max()) if len(frame) else 0


def thin_times(times: np.ndarray, most: int, scale: str) -> np.ndarray:
    """Return at most so many of the recorded times, even on the axis' scale, both ends included."""
    times = np.sort(times)
    if len(times) <= most:
        return times
    space = np.geomspace if scale == "log" else np.linspace
    wanted = space(times[0], times[-1], most)
    after = np.searchsorted(times, wanted).clip(1, len(times) - 1)
    nearer = wanted - times[after - 1] < times[after] - wanted
    return np.unique(times[after - nearer])
