"""Pinwheel: a point set of bent arms around the origin, one per class."""

import numpy as np

from restudy.families.contract import Setting
from restudy.families.plugins import PointSet


def generate(generator, points, classes, bend):
    """Points of normal distance along the arms, which turn by `bend` per unit of distance."""
    label = np.arange(points) % classes
    distance = 1.5 + 0.5 * generator.normal(size=points)
    angle = 2 * np.pi * label / classes + bend * distance + 0.15 * generator.normal(size=points)
    x = distance[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    order = generator.permutation(points)
    return x[order], label[order]


PINWHEEL = PointSet(
    "pinwheel",
    description="bent arms around the origin, one per class",
    settings=(
        Setting("classes", "Number of arms.", "integer", 3, minimum=2, maximum=20),
        Setting("bend", "Radians by which an arm turns per unit of distance.", default=1.0),
    ),
    generate=generate,
    features=2,
)
