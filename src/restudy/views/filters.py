"""What the first convolution looks for: its kernels as pictures on one scale."""

import math

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure

from restudy.views.style import (
    DIVERGING_COLORS,
    ColorBar,
    compose,
    empty_figure,
    enlarge,
    new_figure,
    styled,
)

GAP_COLOR = "#C9CED6"  # unlike zero, which is white
KERNEL_INCHES, SHEET_INCHES = 0.72, 11.52  # at most
SHEET_PIXELS = 1000


@styled
def filters_figure(weights: np.ndarray, note: str = "", diverged: str = "") -> Figure:
    """Show every kernel of the first convolution, white where a weight is zero.

    Parameters
    ----------
    weights : ndarray, shape (height, width, 1, kernels)
        The weights after training.
    note : str
        Text below.
    diverged : str
        That the run diverged and when, or nothing: a run that did leaves no trained kernels.
    """
    title = "Kernels of the first convolution after training"
    if diverged or not np.isfinite(weights).all():
        return empty_figure(title, diverged or "The weights are not finite.", note)
    kernels = np.moveaxis(weights[:, :, 0, :], -1, 0)
    height, width = kernels.shape[1:]
    columns, inches = arrange(len(kernels))
    rows = math.ceil(len(kernels) / columns)
    limit = scale_limit(kernels)
    scale = ScalarMappable(Normalize(-limit, limit), DIVERGING_COLORS)
    sheet = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, 3), to_rgb(GAP_COLOR))
    for place, colors in enumerate(scale.cmap(scale.norm(kernels))):
        top = place // columns * (height + 1) + 1
        left = place % columns * (width + 1) + 1
        sheet[top : top + height, left : left + width] = colors[..., :3]
    figure, panels = new_figure(
        panel_size=(max(columns * inches, 3.6), rows * inches * height / width + 0.1)
    )
    panels[0, 0].imshow(enlarge(sheet, SHEET_PIXELS), interpolation="none")
    panels[0, 0].set_axis_off()
    noun = "kernel" if len(kernels) == 1 else "kernels"
    subtitle = f"{len(kernels)} {noun} of {height} × {width} weights, row by row, on one scale"
    color_bar = ColorBar(scale, "Weight\n(dimensionless)")
    return compose(figure, title, subtitle, note, color_bar=color_bar)


def arrange(kernels: int) -> tuple[int, float]:
    """Return the columns of a sheet of so many kernels, and the width of a kernel in inches.

    Up to 40 kernels stand eight in a row; more fill a sheet that is no higher than wide.
    """
    if kernels <= 40:
        return min(kernels, 8), KERNEL_INCHES
    columns = max(16, 2 ** math.ceil(math.log2(math.sqrt(kernels))))
    return columns, min(KERNEL_INCHES, SHEET_INCHES / columns)


def scale_limit(values: np.ndarray) -> float:
    """Return the largest absolute value, rounded up to two digits; 1 where all are zero."""
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(largest)) - 1)
    # Rounded first: 1e-5 / 1e-6 is a little above 10.
    return math.ceil(round(largest / unit, 6)) * unit
