"""What runs predicted of held-out examples: pairs of true and predicted class, and each class."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from restudy.analysis.statistics import wilson_interval
from restudy.families.contract import Family

PAIR = ["label", "predicted"]


def count_pairs(family: Family, tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return how often each run took an example of one class for one of another, or of the same.

    Parameters
    ----------
    family : Family
        Which axes there are.
    tables : iterable of DataFrame
        Each run's predictions: the axes, seed, label and predicted, a row per test example; no row
        for a run that diverged. They are taken one at a time, so that a grid's fit into memory.

    Returns
    -------
    DataFrame
        The axes, seed, label, predicted, count: of each run every pair of classes, in order, those
        that never occurred with 0. The classes of a data set are 0 to the highest that any of its
        runs met or predicted.
    """
    keys = list(family.keys)
    found = pd.concat([_occurring_pairs(family, table) for table in tables], ignore_index=True)
    if found.empty:
        return found
    highest = found[PAIR].max(axis=1).groupby(found["dataset"]).max()
    runs = []
    for values, group in found.groupby(keys, sort=False):
        run = dict(zip(keys, values, strict=True))
        runs.append(_all_pairs(run, group, highest[run["dataset"]] + 1))
    return pd.concat(runs, ignore_index=True)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count every pair: shape (classes, classes), a row per true class, a column per predicted."""
    pairs = np.asarray(labels, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def count_classes(family: Family, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return how many examples of each class each run classified correctly.

    Parameters
    ----------
    family : Family
        Which axes there are.
    pairs : DataFrame
        As `count_pairs` gives them.

    Returns
    -------
    DataFrame
        The axes, seed, label, how many examples it has (a column named as the family names them,
        such as images), correct, accuracy (the share of them) and its 95% interval, accuracy_low
        and accuracy_high: of each run every class; a class without an example has none of the
        three.
    """
    right = pairs["count"].where(pairs["label"] == pairs["predicted"], 0)
    keys = [*family.keys, "label"]
    examples = family.takes
    counted = pairs[keys].assign(**{examples: pairs["count"], "correct": right})
    table = counted.groupby(keys, sort=False, as_index=False)[[examples, "correct"]]
    table = table.sum()
    low, high = wilson_interval(table["correct"].to_numpy(), table[examples].to_numpy())
    return table.assign(
        accuracy=table["correct"] / table[examples].where(table[examples] > 0),
        accuracy_low=low,
        accuracy_high=high,
    )


def _occurring_pairs(family: Family, predictions: pd.DataFrame) -> pd.DataFrame:
    """Count the pairs that occur in one run."""
    # A run that diverged has no row, and so no type of its own either.
    types = dict.fromkeys(("seed", *PAIR), np.int64)
    for axis in family.all_axes:
        if axis.is_number:
            types[axis.name] = np.int64 if axis.values == "whole_number" else np.float64
    found = predictions.astype(types).groupby([*family.keys, *PAIR], sort=False)
    return found.size().reset_index(name="count")


def _all_pairs(run: dict, found: pd.DataFrame, classes: int) -> pd.DataFrame:
    """Every pair of classes of one run, with its count."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    counts[found["label"], found["predicted"]] = found["count"]
    label, predicted = np.indices(counts.shape).reshape(2, -1)
    return pd.DataFrame(run | {"label": label, "predicted": predicted, "count": counts.ravel()})
