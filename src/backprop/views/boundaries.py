"""Decision boundaries: probability of class 1, the 0.5 line, and where replicates disagree."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from backprop.study.grid import compared_axes
from backprop.views.labels import label_of
from backprop.views.points import HORIZONTAL, VERTICAL, draw_points, point_legend
from backprop.views.style import (
    INK,
    PROBABILITY_COLORS,
    compose,
    empty_figure,
    new_figure,
    styled,
    title_case,
)

DISAGREEMENT = (0.1, 0.9)
PROBABILITY_TITLE = "Probability of\nclass 1"


def draw_boundary(
    axes: Axes,
    grid: Mapping[str, np.ndarray],
    points: pd.DataFrame | None = None,
    point_size: float = 18,
) -> AxesImage:
    """Draw one cell's boundary into a panel.

    Parameters
    ----------
    axes : Axes
        The panel.
    grid : mapping
        x1 (nx,), x2 (ny,), and, of shape (ny, nx), the first seed's probability of class 1 and the
        share of replicates that predict class 1.
    points : DataFrame, optional
        Columns x1, x2, label, part; training points are drawn.
    point_size : float
        Area of a point, in square points.

    Returns
    -------
    AxesImage
        The filled probability, to hang a colour bar on.
    """
    x1, x2 = np.asarray(grid["x1"]), np.asarray(grid["x2"])
    probability, share = np.asarray(grid["probability"]), np.asarray(grid["share"])
    image = axes.imshow(
        probability,
        extent=_pixel_extent(x1, x2),
        origin="lower",
        cmap=PROBABILITY_COLORS,
        vmin=0,
        vmax=1,
        interpolation="bilinear",
        aspect="equal",
    )
    axes.grid(False)
    low, high = DISAGREEMENT
    if ((share > low) & (share < high)).any():
        axes.contourf(x1, x2, share, levels=DISAGREEMENT, colors=[INK], alpha=0.13)
    for level in DISAGREEMENT:
        _draw_level(axes, x1, x2, share, level, linewidths=0.7, alpha=0.6)
    _draw_level(axes, x1, x2, probability, 0.5, linewidths=1.9)
    if points is not None:
        draw_points(axes, points, "train", size=point_size)
    left, right, bottom, top = _pixel_extent(x1, x2)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    return image


@styled
def boundary_figure(
    grid: Mapping[str, np.ndarray],
    points: pd.DataFrame,
    title: str,
    notes: str = "",
    train_accuracy: float | None = None,
    heldout_accuracy: float | None = None,
) -> Figure:
    """Draw the boundary of one cell, its accuracies in the subtitle.

    Parameters
    ----------
    grid, points
        As in ``draw_boundary``.
    title : str
        What cell this is.
    notes : str
        Text below the panel.
    train_accuracy, heldout_accuracy : float, optional
        As the summary table has them (means over replicates); None or NaN leaves one out.
    """
    figure, panels = new_figure(panel_size=(6.6, 4.5))
    axes = panels[0, 0]
    image = draw_boundary(axes, grid, points, point_size=26)
    axes.set_xlabel(HORIZONTAL)
    axes.set_ylabel(VERTICAL)
    accuracies = [
        f"{name} {value:.3f}"
        for name, value in (("training", train_accuracy), ("held-out", heldout_accuracy))
        if _is_number(value)
    ]
    subtitle = f"Mean accuracy: {', '.join(accuracies)}" if accuracies else ""
    return compose(figure, title, subtitle, notes, _legend(), (image, PROBABILITY_TITLE))


@styled
def boundary_panel(
    cells: Sequence[Mapping[str, Any]],
    study: Mapping[str, Any],
    title: str = "",
    note: str = "",
) -> Figure:
    """Draw every cell of a study in a small panel.

    Rows are protocols when the study varies them, columns the values of the axes; long rows wrap.

    Parameters
    ----------
    cells : sequence of mappings
        ``values`` (axis to value, protocol included), ``grid`` and ``points`` as in
        ``draw_boundary``, and if known ``heldout_accuracy``; ``grid`` is None where no replicate
        finished.
    study : mapping
        name, question, vary.
    title, note : str
        Title (default: the study's question) and text below.
    """
    title = title or study.get("question", study["name"])
    if not cells:
        return empty_figure(title, "No cell to show.")
    rows = _arrange(cells, study)
    columns = max(len(members) for _, members in rows)
    figure, panels = new_figure(
        len(rows), columns, panel_size=_small_size(cells, columns), sharex=True, sharey=True
    )
    image, point_size = None, {1: 20, 2: 14, 3: 10}.get(columns, 6)
    for line, (row_label, members) in zip(panels, rows, strict=True):
        for axes in line[len(members) :]:
            axes.set_visible(False)
        for axes, cell in zip(line, members, strict=False):
            image = _draw_small(axes, cell, study, point_size) or image
        line[0].set_ylabel("$x_2$ (dimensionless)")
        place = {"xycoords": "axes fraction", "textcoords": "offset points", "rotation": 90}
        look = {"fontweight": "bold", "fontsize": 9.5, "ha": "center", "va": "center"}
        line[0].annotate(row_label, (0, 0.5), (-58, 0), **place, **look)
    for column in panels.T:
        lowest = [axes for axes in column if axes.get_visible()][-1]
        lowest.tick_params(labelbottom=True)
        lowest.set_xlabel("$x_1$ (dimensionless)")
    color_bar = (image, PROBABILITY_TITLE) if image is not None else None
    return compose(figure, title, "", note, _legend(), color_bar)


def _small_size(cells: Sequence[Mapping[str, Any]], columns: int) -> tuple[float, float]:
    """Return a panel's width and height such that the grid's aspect leaves no empty room."""
    width = {1: 5.4, 2: 4.2, 3: 3.4, 4: 2.9}.get(columns, 2.4)
    grids = [cell["grid"] for cell in cells if cell.get("grid") is not None]
    aspect = np.ptp(grids[0]["x2"]) / np.ptp(grids[0]["x1"]) if grids else 0.75
    return (width, (width - 0.3) * float(aspect) + 0.62)


def _draw_small(
    axes: Axes,
    cell: Mapping[str, Any],
    study: Mapping[str, Any],
    point_size: float,
) -> AxesImage | None:
    """Draw one cell of a panel with its two-line title; say so where nothing finished."""
    names = [label_of(cell["values"][axis], axis) for axis in compared_axes(study)]
    accuracy = cell.get("heldout_accuracy")
    second = f"held-out accuracy {accuracy:.3f}" if _is_number(accuracy) else ""
    axes.set_title(" · ".join(names), fontsize=9.5, pad=16 if second else 5)
    axes.annotate(
        second, (0, 1), (0, 4), textcoords="offset points", xycoords="axes fraction", fontsize=8.8
    )
    if cell.get("grid") is None:
        axes.text(0.5, 0.5, "all runs diverged", transform=axes.transAxes, ha="center", va="center")
        return None
    return draw_boundary(axes, cell["grid"], cell["points"], point_size)


def _arrange(cells: Sequence[Mapping[str, Any]], study: Mapping[str, Any]) -> list[tuple]:
    """Sort cells into rows of (row label, cells), each row at most six long."""
    order = {axis: list(values) for axis, values in study["vary"].items()}
    axes = compared_axes(study)

    def position(cell: Mapping[str, Any]) -> tuple:
        return tuple(order[axis].index(cell["values"][axis]) for axis in axes)

    protocols = order.get("protocol", [None])
    rows = []
    for protocol in protocols:
        members = [c for c in cells if protocol is None or c["values"]["protocol"] == protocol]
        members = sorted(members, key=position)
        label = title_case(label_of(protocol)) if protocol is not None else ""
        length = _row_length(len(members), [len(order[axis]) for axis in axes])
        rows += [
            (label, members[start : start + length])
            for start in range(0, len(members), max(length, 1))
        ]
    return rows


def _row_length(count: int, sizes: Sequence[int]) -> int:
    """Return how many panels stand in a row: the last axis' values, or an even wrap."""
    if len(sizes) > 1 and 2 <= sizes[-1] <= 6 and count % sizes[-1] == 0:
        return sizes[-1]
    limit = 4 if count <= 12 else 6
    return math.ceil(count / math.ceil(count / limit)) if count else 0


def _legend() -> list:
    (_, entries), _ = point_legend(["train"])
    classes = [(handle, f"class {name}") for handle, name in entries]
    boundary = [
        (Line2D([], [], color=INK, linewidth=1.9), "first seed"),
        (Patch(facecolor=INK, alpha=0.2), "10–90 % of\nthe seeds"),
    ]
    return [("Training points", classes), ("Boundary", boundary)]


def _draw_level(
    axes: Axes, x1: np.ndarray, x2: np.ndarray, values: np.ndarray, level: float, **look: Any
) -> None:
    """Draw one contour line, or nothing where the values never cross the level."""
    if values.min() < level < values.max():
        axes.contour(x1, x2, values, levels=[level], colors=[INK], **look)


def _pixel_extent(x1: np.ndarray, x2: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, right, bottom, top such that grid points are pixel centres."""
    half = [(axis[-1] - axis[0]) / max(len(axis) - 1, 1) / 2 for axis in (x1, x2)]
    return (x1[0] - half[0], x1[-1] + half[0], x2[0] - half[1], x2[-1] + half[1])


def _is_number(value: float | None) -> bool:
    return value is not None and not math.isnan(value)
