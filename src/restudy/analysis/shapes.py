"""How straight a boundary is, and what shape a tensor's values have: one number each.

Both are measured of final weights, which families store in two ways: see `stack_runs` and
`tensors_by_run`.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from restudy.errors import packages_of_extras
from restudy.families.contract import ALL, Family
from restudy.families.distributions import Distribution

STRAIGHT = 0.98  # share of points from which on a boundary is called straight
SECTORS = 32  # of all directions; a sector in which the best line may lie is halved
NARROWEST = 1e-9  # half the width of the sectors that are not divided further, in radians
MAX_SECTORS = 1_024
BLOCK = 64  # directions whose projections are sorted together


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
        Of two classes and two features, the largest share that any line predicts, see
        `_best_line`. Else a lower bound of that share: of two classes, that of the best cut across
        the direction of a logistic regression; of more, the share at which a logistic regression,
        with a line between each two, gives the network's label. (A logistic regression weighs
        distances, not labels, so another line may predict more of a curved boundary. Of one
        feature, there is no other direction, and the best cut is the best there is.) 1 where the
        network gives all points the same.
    """
    classes = np.unique(labels)
    if len(classes) == 1:
        return 1.0
    scaled = _standardized(points)
    if len(classes) == 2 and points.shape[1] == 2:
        return _best_line(scaled, labels == classes[1])
    with packages_of_extras():
        from sklearn.linear_model import LogisticRegression
    line = LogisticRegression(C=1e4, max_iter=2_000).fit(scaled, labels)
    if len(classes) > 2:
        return float((line.predict(scaled) == labels).mean())
    gain = np.where(labels == classes[1], 1.0, -1.0)
    along = scaled @ line.coef_[0]
    right = (gain < 0).sum() + _largest_sums(np.stack([along, -along]), gain).max()
    return float(right / len(points))


def is_straight(points: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether a line predicts at least `STRAIGHT` of the labels, of two classes, in a plane.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Where the network was asked.
    labels : ndarray, shape (N,)
        What it answered; both classes occur.
    """
    return _best_line(_standardized(points), labels == labels.max(), STRAIGHT) >= STRAIGHT


def _standardized(points: np.ndarray) -> np.ndarray:
    """Return points (N, D) of mean 0 and deviation 1, but for a feature without spread."""
    spread = points.std(axis=0)
    return (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _best_line(points: np.ndarray, positive: np.ndarray, enough: float | None = None) -> float:
    r"""Return the largest share of labels that a straight line in the plane predicts.

    A line is a direction :math:`u(\theta)` and a threshold :math:`t`; it is right at the points of
    the one class in the half-plane :math:`x \cdot u(\theta) > t`, and at those of the other class
    outside. The search is branch and bound over sectors :math:`\theta_0 \pm \delta` of directions.
    Within a sector, :math:`x \cdot u` differs from :math:`x \cdot u(\theta_0)` by at most
    :math:`|x|\,\delta`. So no line of the sector is right more often than the best threshold is
    where the points of the one class lie further up by that, and those of the other further down.
    A sector of which this bound is not above the best line so far is done with; others are halved.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        Centred, so that sectors are narrow for most of them.
    positive : ndarray, shape (N,)
        Whether a point is of the one class.
    enough : float, optional
        A share at which the search ends, whether it is reached or no line reaches it.

    Returns
    -------
    float
        The share is that of a line, and no line exceeds it (or none reaches ``enough``): but for
        one that has to aim more accurately than `NARROWEST`, or where more than `MAX_SECTORS` are
        left at once (many points all but coincide with one of the other class) and only the most
        promising are divided.
    """
    total = np.where(positive, 1, -1).sum()
    negatives = (~positive).sum()
    # No line divides points in the same place.
    points, place = np.unique(points, axis=0, return_inverse=True)
    gain = np.bincount(place.ravel(), np.where(positive, 1, -1))
    shift = np.sign(gain) * np.hypot(*points.T)
    half = np.pi / SECTORS
    angles = half * np.arange(1, 2 * SECTORS, 2)
    best = max(total, 0)
    # In numbers of points beyond those of the one class; rounding must not lose one.
    wanted = np.inf if enough is None else math.ceil(enough * len(positive) - 1e-9) - negatives
    while angles.size and half > NARROWEST and best < wanted:
        bounds = []
        for start in range(0, len(angles), BLOCK):
            block = angles[start : start + BLOCK]
            along = np.column_stack([np.cos(block), np.sin(block)]) @ points.T
            best = max(best, _largest_sums(along, gain).max())
            bounds.append(_largest_sums(along + half * shift, gain))
        bounds = np.concatenate(bounds)
        likely = np.argsort(-bounds, kind="stable")[:MAX_SECTORS]
        angles = angles[likely[bounds[likely] > (best if enough is None else wanted - 1)]]
        half /= 2
        angles = np.concatenate([angles - half, angles + half])
    return float((negatives + best) / len(positive))


def _largest_sums(along: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Return the largest sum of gains (N,) behind a threshold, for every row of places (K, N)."""
    order = np.argsort(along, axis=1)
    ordered = np.take_along_axis(along, order, axis=1)
    behind = gain.sum() - np.cumsum(gain[order], axis=1)
    behind[:, :-1][ordered[:, :-1] == ordered[:, 1:]] = -np.inf  # no threshold between equal ones
    return np.maximum(behind.max(axis=1), gain.sum())


def shape_distances(
    values: np.ndarray, initial: Callable[[tuple[int, ...]], Distribution] | None = None
) -> dict[str, float]:
    """Return the Kolmogorov-Smirnov distances of a tensor's values from three distributions.

    None of them is fitted so that the distance is smallest.

    Parameters
    ----------
    values : ndarray
        Of any shape; at least two different ones.
    initial : callable, optional
        Takes that shape and returns what the initial values were drawn from.

    Returns
    -------
    dict
        ``values``, their number; ``expected_distance``, see `expected_distance`;
        ``initial_distance``, from what the initial values were drawn from;
        ``uniform_distance``, from the uniform distribution between the smallest and the largest
        value; and ``normal_distance``, from the normal one of the same mean and standard deviation.
        Distances are NaN where all values are equal or one is not finite, and that from the initial
        distribution where there is none.
    """
    with packages_of_extras():
        from scipy import stats
    flat = np.asarray(values, float).ravel()
    low, extent = flat.min(), np.ptp(flat)
    compared = {}
    if extent > 0 and np.isfinite(extent):
        compared["uniform_distance"] = stats.uniform(low, extent)
        compared["normal_distance"] = stats.norm(flat.mean(), flat.std())
        if initial is not None:
            compared["initial_distance"] = _frozen(initial(np.shape(values)))
    distances = dict.fromkeys(("initial_distance", "uniform_distance", "normal_distance"), np.nan)
    for name, distribution in compared.items():
        distances[name] = float(stats.kstest(flat, distribution.cdf).statistic)
    return {"values": flat.size, "expected_distance": expected_distance(flat.size), **distances}


def expected_distance(count: int) -> float:
    r"""Return the mean Kolmogorov-Smirnov distance of exact draws from their own distribution.

    Of :math:`n` values, :math:`D\,(\sqrt n + 0.12 + 0.11 / \sqrt n)` has nearly the
    distribution that :math:`D \sqrt n` has in the limit (Stephens 1970), whose mean is
    :math:`\sqrt{\pi / 2}\,\ln 2 = 0.869` and whose standard deviation is 0.260, three tenths of it
    (Kolmogorov 1933).

    Parameters
    ----------
    count : int
        Of the values, n.
    """
    root = math.sqrt(count)
    return math.sqrt(math.pi / 2) * math.log(2) / (root + 0.12 + 0.11 / root)


def _frozen(distribution: Distribution) -> Any:
    """Return a distribution as SciPy has it."""
    from scipy import stats

    scale = distribution.scale
    return {
        "uniform": lambda: stats.uniform(-scale, 2 * scale),
        "normal": lambda: stats.norm(scale=scale),
        "truncated_normal": lambda: stats.truncnorm(-2, 2, scale=scale),
    }[distribution.shape]()


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
