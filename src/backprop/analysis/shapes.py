"""How straight a boundary is, and what shape a tensor's values have: one number each."""

import numpy as np
from scipy import stats


def line_agreement(points: np.ndarray, labels: np.ndarray) -> float:
    """Share of a network's own labels that the best straight line predicts.

    Parameters
    ----------
    points : ndarray, shape (N, D)
        Where the network was asked.
    labels : ndarray, shape (N,)
        What it answered.

    Returns
    -------
    float
        Share of points at which a logistic regression, hardly regularised, gives the network's
        label; 1 where the network gives all points the same. Of more than two classes there is a
        line between each two.
    """
    from sklearn.linear_model import LogisticRegression

    if (labels == labels[0]).all():
        return 1.0
    spread = points.std(axis=0)
    scaled = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    line = LogisticRegression(C=1e4, max_iter=2_000).fit(scaled, labels)
    return float((line.predict(scaled) == labels).mean())


def shape_distances(values: np.ndarray) -> dict[str, float]:
    """Kolmogorov-Smirnov distance of values from the best uniform and normal distribution.

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
    flat = np.asarray(values, float).ravel()
    low, extent = flat.min(), np.ptp(flat)
    if not extent > 0 or not np.isfinite(extent):
        return {"uniform_distance": np.nan, "normal_distance": np.nan}
    return {
        "uniform_distance": float(stats.kstest(flat, "uniform", (low, extent)).statistic),
        "normal_distance": float(stats.kstest(flat, "norm", (flat.mean(), flat.std())).statistic),
    }
