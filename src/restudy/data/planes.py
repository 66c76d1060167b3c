"""Rectangles and grids around points in the plane."""

import numpy as np

# The published step gives about 150,000 grid points around two moons.
MAX_POINTS = 200_000
MIN_POINTS_PER_AXIS = 100  # with fewer, curves look angular
POINTS_PER_AXIS = 400  # where the step gives too many or too few
STEP, MARGIN = 0.01, 0.5  # of the published study, in units of the coordinates


def plane_extent(points: np.ndarray, margin: float = MARGIN) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower left and the upper right corner of a rectangle around points.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        One or more.
    margin : float
        How far the rectangle extends beyond the points, in units of the coordinates. It is clipped
        to between a twentieth of the points' extent along an axis and all of it.

    Raises
    ------
    ValueError
        If there are no points, they do not lie in a plane, or one is not finite.
    """
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"points: got shape {points.shape}, allowed: (N, 2), N from 1")
    if not np.isfinite(points).all():
        raise ValueError("points: got a value that is not finite, allowed: finite numbers")
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    margins = np.where(extent > 0, np.clip(margin, extent / 20, extent), margin)
    return low - margins, high + margins


def grid_axes(points: np.ndarray, step: float = STEP) -> list[np.ndarray]:
    """Return the coordinates of a grid around points (N, 2): x1 (n1,) and x2 (n2,), increasing.

    If the step gives more than `MAX_POINTS`, or fewer than `MIN_POINTS_PER_AXIS` along an axis,
    each axis gets `POINTS_PER_AXIS` grid points.
    """
    low, high = plane_extent(points)
    counts = (high - low) / step
    if counts.prod() > MAX_POINTS or counts.min() < MIN_POINTS_PER_AXIS:
        return [np.linspace(a, b, POINTS_PER_AXIS) for a, b in zip(low, high, strict=True)]
    return [np.arange(a, b, step) for a, b in zip(low, high, strict=True)]


def grid_points(x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    """Return the points of a grid, shape (n2 · n1, 2), those of one x2 after another."""
    return np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
