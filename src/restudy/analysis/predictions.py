"""How the CNN's runs judged the test images: pairs of true and predicted class, class by class."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from restudy.study.grid import AXES

KEYS = [*AXES["conv"], "seed"]
PAIR = ["label", "predicted"]


def count_pairs(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """How often each run took an image of one class for one of another, or of the same.

    Parameters
    ----------
    tables : iterable of DataFrame
        Each run's judgements: the axes, seed, label and predicted, a row per test image; no row
        for a run that diverged. They are taken one at a time, so that a grid's fit into memory.

    Returns
    -------
    DataFrame
        The axes, seed, label, predicted, count: of each run every pair of classes, in order, those
        that never occurred with 0. The classes of a data set are 0 to the highest that any of its
        runs met or predicted.
    """
    found = pd.concat([_occurring_pairs(table) for table in tables], ignore_index=True)
    if found.empty:
        return found
    highest = found[PAIR].max(axis=1).groupby(found["dataset"]).max()
    runs = [
        _all_pairs(dict(zip(KEYS, values, strict=True)), group, highest[values[0]] + 1)
        for values, group in found.groupby(KEYS, sort=False)
    ]
    return pd.concat(runs, ignore_index=True)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count every pair: shape (classes, classes), a row per true class, a column per predicted."""
    pairs = np.asarray(labels, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def count_classes(pairs: pd.DataFrame) -> pd.DataFrame:
    """How well each run judged each class.

    Parameters
    ----------
    pairs : DataFrame
        As `count_pairs` gives them.

    Returns
    -------
    DataFrame
        The axes, seed, label, images, correct, accuracy (correct / images): of each run every
        class; the accuracy of a class without an image is missing.
    """
    right = pairs["count"].where(pairs["label"] == pairs["predicted"], 0)
    counted = pairs[[*KEYS, "label"]].assign(images=pairs["count"], correct=right)
    table = counted.groupby([*KEYS, "label"], sort=False, as_index=False)[["images", "correct"]]
    table = table.sum()
    return table.assign(accuracy=table["correct"] / table["images"].where(table["images"] > 0))


def _occurring_pairs(judgements: pd.DataFrame) -> pd.DataFrame:
    """Count the pairs that occur in one run."""
    # A run that diverged has no row, and so no type of its own either.
    judgements = judgements.astype(dict.fromkeys(("seed", *PAIR), np.int64))
    return judgements.groupby([*KEYS, *PAIR], sort=False).size().reset_index(name="count")


def _all_pairs(run: dict, found: pd.DataFrame, classes: int) -> pd.DataFrame:
    """Every pair of classes of one run, with its count."""
    counts = np.zeros((classes, classes), dtype=np.int64)
    counts[found["label"], found["predicted"]] = found["count"]
    label, predicted = np.indices(counts.shape).reshape(2, -1)
    return pd.DataFrame(run | {"label": label, "predicted": predicted, "count": counts.ravel()})
