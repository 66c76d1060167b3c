"""A smooth curve through scattered points."""

import numpy as np
import pandas as pd
from scipy.interpolate import make_smoothing_spline

FEWEST = 8  # different places; through fewer, a curve shows little but the points themselves
POINTS = 120


def smooth_curve(
    at: np.ndarray, heights: np.ndarray, log_at: bool = False, log_heights: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return a cubic smoothing spline, as smooth as generalised cross-validation makes it.

    Parameters
    ----------
    at, heights : ndarray, shape (n,)
        Points; those with a missing part are left out.
    log_at, log_heights : bool
        Whether the curve is fitted to the logarithms.

    Returns
    -------
    at, heights : ndarray
        Points of the curve, from the first place to the last; none of fewer than eight places.
    """
    known = np.isfinite(at) & np.isfinite(heights)
    places = np.log(at[known]) if log_at else at[known]
    values = np.log(heights[known]) if log_heights else heights[known]
    groups = pd.Series(values).groupby(places)
    means, weights = groups.mean(), groups.size()
    if len(means) < FEWEST:
        return np.array([]), np.array([])
    spline = make_smoothing_spline(
        means.index.to_numpy(), means.to_numpy(), weights.to_numpy(float)
    )
    even = np.linspace(means.index[0], means.index[-1], POINTS)
    curve = spline(even)
    return np.exp(even) if log_at else even, np.exp(curve) if log_heights else curve
