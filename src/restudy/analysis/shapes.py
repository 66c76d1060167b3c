"""How straight a boundary is, and what shape a tensor's values have: one number each.

Both are measured of final weights, which families store in two ways: see `stack_runs` and
`tensors_by_run`.
"""

from collections.abc import Mapping

import numpy as np

from restudy.errors import packages_of_extras
from restudy.families.contract import ALL, Family

DIRECTIONS = 60


def line_agreement(points: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of a network's own labels that the best straight line predicts.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        Where the network was asked.
    labels : ndarray, shape (N,)
        What it answered.

    Returns
    -------
    float
        Of two classes, the largest share over lines across the direction of a logistic regression
        and, of two features, across `DIRECTIONS` more, each cut at its best place. A logistic
        regression alone says too little of a curved boundary: it weighs distances, not labels.
        Of more classes, the share at which a logistic regression, with a line between each two,
        gives the network's label. 1 where the network gives all points the same.
    """
    from sklearn.linear_model import LogisticRegression

    classes = np.unique(labels)
    if len(classes) == 1:
        return 1.0
    spread = points.std(axis=0)
    scaled = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    line = LogisticRegression(C=1e4, max_iter=2_000).fit(scaled, labels)
    if len(classes) > 2:
        return float((line.predict(scaled) == labels).mean())
    directions = line.coef_.T
    if points.shape[1] == 2:
        angles = np.linspace(0, np.pi, DIRECTIONS, endpoint=False)
        directions = np.column_stack([directions, [np.cos(angles), np.sin(angles)]])
    return _best_cut(scaled @ directions, labels == classes[1])


def _best_cut(along: np.ndarray, positive: np.ndarray) -> float:
    """Return the largest share of labels that one cut through a column's values (N, K) predicts."""
    order = np.argsort(along, axis=0)
    ordered = np.take_along_axis(along, order, axis=0)
    # The cut after each value: right are the negatives before it and the positives behind it.
    right = positive.sum() + np.cumsum(np.where(positive[order], -1, 1), axis=0)
    right[:-1][ordered[:-1] == ordered[1:]] = positive.sum()  # no cut between equal values
    return float(np.maximum(right, len(along) - right).max() / len(along))


def shape_distances(values: np.ndarray) -> dict[str, float]:
    """Return the Kolmogorov-Smirnov distance of values from the best uniform and normal one.

    Parameters
    ----------
    values : ndarray
        Of any shape; at least two different ones.

    Returns
    -------
    dict
        ``uniform_distance``, from the uniform distribution between the smallest and the largest
        value, and ``normal_distance``, from the normal one of the same mean and deviation; both
        NaN where all values are equal or one is not finite.
    """
    with packages_of_extras():
        from scipy import stats
    flat = np.asarray(values, float).ravel()
    low, extent = flat.min(), np.ptp(flat)
    if not extent > 0 or not np.isfinite(extent):
        return {"uniform_distance": np.nan, "normal_distance": np.nan}
    return {
        "uniform_distance": float(stats.kstest(flat, "uniform", (low, extent)).statistic),
        "normal_distance": float(stats.kstest(flat, "norm", (flat.mean(), flat.std())).statistic),
    }


def stack_runs(family: Family, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a job's final weights with the run as the first axis.

    Parameters
    ----------
    family : Family
        Whose jobs that train all seeds store arrays like that; those that train one leave out the
        axis.
    arrays : mapping of str to ndarray
        What a job stored.
    """
    if family.seeds_per_job == ALL:
        return dict(arrays)
    return {name: values[np.newaxis] for name, values in arrays.items()}


def tensors_by_run(family: Family, arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Return the weights and biases of every run of a job, by names such as ``layer1/weights``.

    Parameters
    ----------
    family : Family
        Its jobs that train one seed store tensors by these names; those that train all store a
        layer each, shape (R, rows, fan_in + 1), with the bias in the last column.
    arrays : mapping of str to ndarray
        What a job stored.
    """
    if family.seeds_per_job != ALL:
        return [dict(arrays)]
    parts = {
        f"{layer}/{part}": values
        for layer, stored in arrays.items()
        for part, values in (("weights", stored[:, :, :-1]), ("bias", stored[:, :, -1]))
    }
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]
