"""Labelled points for the dense networks, in three parts.

One is trained on, by what is measured on the second the best is chosen, and what is reported of it
is measured on the third. In generated point sets each part has a seed of its own. Loaded ones (a
user's file, or a table included in scikit-learn) are split class by class.

A data set may have several draws: the same distribution with fresh points in all parts, or the same
table with a fresh split.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from restudy.data.kinds import EVALUATED, GENERATED_SETTINGS
from restudy.data.labelled_csv import read_labelled_csv
from restudy.errors import UserError, packages_of_extras
from restudy.families.contract import DRAWS, draw_count
from restudy.families.lookup import with_own

with packages_of_extras():
    from sklearn.datasets import load_digits, load_iris, make_blobs, make_circles, make_moons
    from sklearn.preprocessing import StandardScaler

SPIRAL_RADIUS = 2.0  # end of an arm: far enough that a noise of 0.1 leaves a few arms apart

SPLIT = "split"  # what the seed of a loaded set is for

Labelled = tuple[np.ndarray, np.ndarray]  # points (N, D) and their classes (N,)


class PointsError(UserError):
    """Points that can't be trained on; the message says what is wrong with them."""


@dataclass(frozen=True)
class PointSet:
    """Labelled points in three parts: a draw of a data set.

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
    """Return the points of a data set in all draws and parts, and their description.

    Parameters
    ----------
    dataset : mapping
        A completed entry of ``datasets``: its ``kind`` and that kind's settings.

    Returns
    -------
    points : DataFrame
        draw (from 0), if there are several; part ("train", "validation" or "heldout"), x1 to xD,
        label (0 to C - 1).
    description : dict
        ``kind``; ``classes`` and ``features``, their names; ``counts``, part -> class -> number
        of points; and, if the features are standardized, ``mean`` and ``scale``: what was
        subtracted from each feature and what it was divided by. If there are several draws, also
        ``draws``, how many, and ``by_draw``, a list with ``counts``, ``mean`` and ``scale`` of
        each; beside it they are those of draw 0.

    Raises
    ------
    PointsError
        If not all draws have the same classes.
    """
    draws = with_own(POINT_SETS, "point_sets", _own)[dataset["kind"]](dataset)
    _check_classes(draws)
    made = [_make_draw(points, dataset["standardize"]) for points in draws]
    first = draws[0]
    description = {
        "kind": dataset["kind"],
        "classes": first.classes,
        "features": first.features,
        **made[0][1],
    }
    if len(made) == 1:
        return made[0][0], description
    tables = [table.assign(draw=draw) for draw, (table, _) in enumerate(made)]
    joined = pd.concat(tables, ignore_index=True)
    table = joined[["draw", *joined.columns.drop("draw")]]
    return table, description | {DRAWS: len(made), "by_draw": [facts for _, facts in made]}


def _check_classes(draws: Sequence[PointSet]) -> None:
    """Refuse draws whose training points are not of the same classes: networks would differ."""
    expected = len(draws[0].classes)
    for draw, points in enumerate(draws):
        if len(points.classes) != expected:
            raise PointsError(
                f"{DRAWS}: the training points of draw {draw} are of {len(points.classes)} "
                f"classes, those of draw 0 of {expected}; allowed: the same in every draw, which "
                "more points make likely"
            )


def _make_draw(points: PointSet, standardized: bool) -> tuple[pd.DataFrame, dict]:
    """Return the table of a draw, and what is said of it alone; see `make_points`."""
    parts, scaling = standardize(points.parts) if standardized else (points.parts, {})
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
    return table, {"counts": counts} | scaling


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


def seeds_of_draws(first: Mapping[str, int], draws: int) -> list[dict[str, int]]:
    """Return the seeds of each draw of a data set, no two of which are equal.

    Draw 0 has the seeds of the settings. A seed of draw d is hashed from the one in the settings,
    its place among them, and d (NumPy's `SeedSequence`). Of 32 bits, two hashes may be equal: then
    the later one is hashed again, with a count. So more draws change none of the earlier ones.

    Parameters
    ----------
    first : mapping of str to int
        What is drawn -> the seed in the settings.
    draws : int
        How many.
    """
    found = [dict(first)]
    taken = set(first.values())
    for draw in range(1, draws):
        own = {}
        for place, (name, seed) in enumerate(first.items()):
            hashes = (
                int(np.random.SeedSequence([seed, place, draw, attempt]).generate_state(1)[0])
                for attempt in count()
            )
            own[name] = next(each for each in hashes if each not in taken)
            taken.add(own[name])
        found.append(own)
    return found


def generated(
    generate: Callable[[Mapping, int, int], Labelled],
) -> Callable[[Mapping], list[PointSet]]:
    """Return a function of a data set that generates its draws, each part from its own seed."""

    def make(dataset: Mapping) -> list[PointSet]:
        sizes = {"train": dataset["points"]}
        sizes |= {part: dataset[f"{part}_points"] for part in EVALUATED}
        first = {"train": dataset["seed"]} | {part: dataset[f"{part}_seed"] for part in EVALUATED}
        return [
            draw({part: generate(dataset, sizes[part], seed) for part, seed in seeds.items()})
            for seeds in seeds_of_draws(first, draw_count(dataset))
        ]

    def draw(parts: dict[str, Labelled]) -> PointSet:
        x, label = parts["train"]
        return PointSet(
            parts,
            features=[f"x{number + 1}" for number in range(x.shape[1])],
            classes=[str(each) for each in range(label.max() + 1)],
        )

    return make


def loaded(read: Callable[[Mapping], tuple]) -> Callable[[Mapping], list[PointSet]]:
    """Return a function of a data set that reads its points and splits them, once for each draw."""

    def make(dataset: Mapping) -> list[PointSet]:
        x, label, features, classes = read(dataset)
        # The other way round: so the points that are held out don't depend on the rest.
        shares = {part: dataset[f"{part}_share"] for part in reversed(EVALUATED)}
        found = []
        for seeds in seeds_of_draws({SPLIT: dataset["split_seed"]}, draw_count(dataset)):
            part_of = split(label, shares, seeds[SPLIT])
            parts = {
                part: (x[part_of == part], label[part_of == part])
                for part in ("train", *EVALUATED)
                if (part_of == part).any()
            }
            found.append(PointSet(parts, list(map(str, features)), list(map(str, classes))))
        return found

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

    The centres are drawn from the training points' seed in the settings, also for the other parts
    and draws; the training points of draw 0 equal those of ``make_blobs`` with that seed.
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


def _own(own: Any) -> Callable[[Mapping], list[PointSet]]:
    """Return what makes a set in a file of the user's, see `restudy.families.plugins.PointSet`."""
    shared = {setting.name for setting in GENERATED_SETTINGS}
    names = [setting.name for setting in own.settings if setting.name not in shared]

    def generate(dataset: Mapping, points: int, seed: int) -> Labelled:
        settings = {name: dataset[name] for name in names}
        x, label = own.generate(np.random.RandomState(seed), points, **settings)
        return np.asarray(x, float), np.asarray(label, int)

    return generated(generate)


POINT_SETS: dict[str, Callable[[Mapping], list[PointSet]]] = {
    "moons": generated(moons),
    "circles": generated(circles),
    "spirals": generated(spirals),
    "blobs": generated(blobs),
    "iris": loaded(iris),
    "digits": loaded(digits),
    "csv": loaded(own_file),
}
