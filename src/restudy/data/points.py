"""Labelled points for the dense networks, in three parts.

One is trained on, by what is measured on the second the best is chosen, and what is reported of it
is measured on the third. In generated point sets each part has a seed of its own. Loaded ones (a
user's file, or a table included in scikit-learn) are split class by class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from restudy.data.kinds import EVALUATED, GENERATED_SETTINGS
from restudy.data.labelled_csv import read_labelled_csv
from restudy.errors import packages_of_extras
from restudy.families.lookup import with_own

with packages_of_extras():
    from sklearn.datasets import load_digits, load_iris, make_blobs, make_circles, make_moons
    from sklearn.preprocessing import StandardScaler

SPIRAL_RADIUS = 2.0  # end of an arm: far enough that a noise of 0.1 leaves a few arms apart

Labelled = tuple[np.ndarray, np.ndarray]  # points (N, D) and their classes (N,)


@dataclass(frozen=True)
class PointSet:
    """Labelled points in three parts.

    Attributes
    ----------
    parts : dict of str to (x, label)
        "train", "validation" and "heldout": features (N, D) and classes (N,), from 0 to C - 1. A
        table without a class of three points has no validation part.
    features, classes : list of str
        Names.
    """

    parts: dict[str, Labelled]
    features: list[str]
    classes: list[str]


def make_points(dataset: Mapping) -> tuple[pd.DataFrame, dict]:
    """Return the points of a data set in its parts, and their description.

    Parameters
    ----------
    dataset : mapping
        A completed entry of ``datasets``: its ``kind`` and that kind's settings.

    Returns
    -------
    points : DataFrame
        part ("train", "validation" or "heldout"), x1 to xD, label (0 to C - 1).
    description : dict
        ``kind``; ``classes`` and ``features``, their names; ``counts``, part -> class -> number
        of points; and, if the features are standardized, ``mean`` and ``scale``: what was
        subtracted from each feature and what it was divided by.
    """
    points = with_own(POINT_SETS, "point_sets", _own)[dataset["kind"]](dataset)
    parts, scaling = points.parts, {}
    if dataset["standardize"]:
        parts, scaling = standardize(parts)
    table = pd.concat(
        [
            pd.DataFrame(
                {"part": part}
                | {f"x{number}": column for number, column in enumerate(x.T, start=1)}
                | {"label": label}
            )
            for part, (x, label) in parts.items()
        ],
        ignore_index=True,
    )
    counts = {
        part: {name: int((labels == label).sum()) for label, name in enumerate(points.classes)}
        for part, (_, labels) in parts.items()
    }
    description = {
        "kind": dataset["kind"],
        "classes": points.classes,
        "features": points.features,
        "counts": counts,
    }
    return table, description | scaling


def standardize(
    parts: Mapping[str, Labelled],
) -> tuple[dict[str, Labelled], dict[str, list[float]]]:
    """Subtract the training points' mean from all parts and divide by their standard deviation.

    A feature that is constant over the training points is only centred.

    Returns
    -------
    parts : dict
        The same parts, standardized.
    scaling : dict
        ``mean`` and ``scale`` of each feature.
    """
    scaler = StandardScaler().fit(parts["train"][0])
    scaled = {part: (scaler.transform(x), label) for part, (x, label) in parts.items()}
    return scaled, {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}


def generated(generate: Callable[[Mapping, int, int], Labelled]) -> Callable[[Mapping], PointSet]:
    """Return a function of a data set that generates its parts, each from a seed of its own."""

    def make(dataset: Mapping) -> PointSet:
        parts = {
            "train": generate(dataset, dataset["points"], dataset["seed"]),
            **{
                part: generate(dataset, dataset[f"{part}_points"], dataset[f"{part}_seed"])
                for part in EVALUATED
            },
        }
        x, label = parts["train"]
        return PointSet(
            parts,
            features=[f"x{number + 1}" for number in range(x.shape[1])],
            classes=[str(each) for each in range(label.max() + 1)],
        )

    return make


def loaded(read: Callable[[Mapping], tuple]) -> Callable[[Mapping], PointSet]:
    """Return a function of a data set that reads its points and splits them into parts."""

    def make(dataset: Mapping) -> PointSet:
        x, label, features, classes = read(dataset)
        part_of = split(
            label,
            # The other way round: so the points that are held out don't depend on the rest.
            {part: dataset[f"{part}_share"] for part in reversed(EVALUATED)},
            dataset["split_seed"],
        )
        parts = {
            part: (x[part_of == part], label[part_of == part])
            for part in ("train", *EVALUATED)
            if (part_of == part).any()
        }
        return PointSet(parts, list(map(str, features)), list(map(str, classes)))

    return make


def split(label: np.ndarray, shares: Mapping[str, float], seed: int) -> np.ndarray:
    """Choose at random which points are trained on, and which belong to the other parts.

    Each part gets its share of every class, at least one point as far as there are enough; what is
    left, at least one point, is trained on.

    Parameters
    ----------
    label : ndarray of int, shape (N,)
        Classes, each with two points or more.
    shares : mapping of str to float
        Part -> its share, above 0; all together below 1. A part that is added at the end changes
        none of those before it.
    seed : int
        Seed of the legacy generator.

    Returns
    -------
    ndarray of str, shape (N,)
        "train", or the part.
    """
    generator = np.random.RandomState(seed)
    part_of = np.full(len(label), "train", dtype=object)
    for each in range(label.max() + 1):
        left = generator.permutation(np.flatnonzero(label == each))
        members = len(left)
        for place, (part, share) in enumerate(shares.items(), start=1):
            later = min(len(shares) - place, len(left) - 2)
            count = min(max(round(share * members), 1), len(left) - 1 - max(later, 0))
            part_of[left[:count]] = part
            left = left[count:]
    return part_of


def moons(dataset: Mapping, points: int, seed: int) -> Labelled:
    """Generate two interleaving half circles, as the published study does (legacy generator)."""
    return make_moons(points, noise=dataset["noise"], random_state=np.random.RandomState(seed))


def circles(dataset: Mapping, points: int, seed: int) -> Labelled:
    """Generate a circle of radius 1 around one of radius ``factor``."""
    return make_circles(
        points,
        noise=dataset["noise"],
        factor=dataset["factor"],
        random_state=np.random.RandomState(seed),
    )


def spirals(dataset: Mapping, points: int, seed: int) -> Labelled:
    """Generate spiral arms that start at the origin, one per class, at equal angles.

    A point of class c of C lies at radius r = 2 t and angle 2π (turns · t + c / C), plus normal
    noise on both coordinates; t = √u with u uniform on [0, 1), so that points don't crowd where
    the arms meet. The sizes of the classes differ by at most one point.
    """
    generator = np.random.RandomState(seed)
    classes = dataset["classes"]
    label = np.arange(points) % classes
    along = np.sqrt(generator.uniform(size=points))
    angle = 2 * np.pi * (dataset["turns"] * along + label / classes)
    x = SPIRAL_RADIUS * along[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    x += dataset["noise"] * generator.normal(size=x.shape)
    order = generator.permutation(points)
    return x[order], label[order]


def blobs(dataset: Mapping, points: int, seed: int) -> Labelled:
    """Generate normal clouds, one per class, around centres uniform on [-10, 10) in each feature.

    The centres are drawn from the training points' seed, also for the other parts; the training
    points equal those of ``make_blobs`` with that seed.
    """
    shape = (dataset["classes"], dataset["features"])
    centres = np.random.RandomState(dataset["seed"]).uniform(-10.0, 10.0, shape)
    generator = np.random.RandomState(seed)
    generator.uniform(size=shape)  # skip the numbers that gave the centres
    return make_blobs(
        points, centers=centres, cluster_std=dataset["spread"], random_state=generator
    )


def iris(dataset: Mapping) -> tuple:
    """Load Fisher's 150 irises: four lengths and widths, three species."""
    table = load_iris()
    return table.data, table.target, table.feature_names, table.target_names


def digits(dataset: Mapping) -> tuple:
    """Load 1,797 handwritten digits of 8 by 8 pixels, each from 0 to 16."""
    table = load_digits()
    return table.data, table.target, table.feature_names, table.target_names


def own_file(dataset: Mapping) -> tuple:
    """Load a user's CSV file."""
    table = read_labelled_csv(dataset)
    return np.array(table.values), np.array(table.labels), table.features, table.classes


def _own(own: Any) -> Callable[[Mapping], PointSet]:
    """Return what makes a set in a file of the user's, see `restudy.families.plugins.PointSet`."""
    shared = {setting.name for setting in GENERATED_SETTINGS}
    names = [setting.name for setting in own.settings if setting.name not in shared]

    def generate(dataset: Mapping, points: int, seed: int) -> Labelled:
        settings = {name: dataset[name] for name in names}
        x, label = own.generate(np.random.RandomState(seed), points, **settings)
        return np.asarray(x, float), np.asarray(label, int)

    return generated(generate)


POINT_SETS: dict[str, Callable[[Mapping], PointSet]] = {
    "moons": generated(moons),
    "circles": generated(circles),
    "spirals": generated(spirals),
    "blobs": generated(blobs),
    "iris": loaded(iris),
    "digits": loaded(digits),
    "csv": loaded(own_file),
}
