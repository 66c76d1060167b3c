"""The two moons of the published study, drawn by scikit-learn."""

import numpy as np
from sklearn.datasets import make_moons

from restudy.families.dense.training import Points


def moons(points: int = 200, seed: int = 0) -> Points:
    """Training points as published (seed 0), or others."""
    return Points(*make_moons(points, noise=0.20, random_state=np.random.RandomState(seed)))
