"""Decision boundaries: how sure a network is of its class, and where replicates disagree.

Of two classes the probability of class 1 is shown; of more, each point has the colour of the class
that is chosen there, the stronger the more probable it is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from restudy.data.tables import split_draws
from restudy.families.contract import draw_of
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of, values_in_words
from restudy.views.panels import fill_panels, lowest_panels
from restudy.views.points_figure import aspect_of, axis_titles, class_handles, draw_points
from restudy.views.style import (
    INK,
    PROBABILITY_COLORS,
    class_color,
    compose,
    empty_figure,
    new_figure,
    plain_text,
    styled,
    title_case,
)

AGREEMENT = 0.9  # share of the replicates below which they are said to disagree
STRONGEST = 0.6  # share of its class' colour that an area has where the class is certain
CERTAINTY_COLORS = LinearSegmentedColormap.from_list("certainty", ["white", "#7F838B"])


def draw_boundary(
    axes: Axes,
    grid: Mapping[str, np.ndarray],
    points: pd.DataFrame | None = None,
    point_size: float = 18,
) -> ScalarMappable:
    """Draw one cell's boundary into a panel.

    Parameters
    ----------
    axes : Axes
        The panel.
    grid : mapping
        x1 (nx,), x2 (ny,), and fields of shape (ny, nx). Of two classes: the first seed's
        ``probability`` of class 1 and the ``share`` of replicates that predict class 1. Of more:
        the first seed's ``chosen`` class and its ``probability``, and the ``share`` of replicates
        that choose what most of them choose.
    points : DataFrame, optional
        Columns x1, x2, label, part; training points are drawn.
    point_size : float
        Area of a point, in square points.

    Returns
    -------
    ScalarMappable
        Of the probability, to hang a colour bar on.
    """
    x1, x2 = np.asarray(grid["x1"]), np.asarray(grid["x2"])
    probability, share = np.asarray(grid["probability"]), np.asarray(grid["share"])
    left, right, bottom, top = extent = _pixel_extent(x1, x2)
    look = {
        "extent": extent,
        "origin": "lower",
        # As fine as the grid is, and no finer: in an SVG the viewer smooths it.
        "interpolation": "none",
        "aspect": aspect_of(right - left, top - bottom),
    }
    if "chosen" in grid:
        chosen = np.asarray(grid["chosen"])
        axes.imshow(_tinted(chosen, probability), **look)
        mappable = ScalarMappable(Normalize(0, 1), CERTAINTY_COLORS)
        sides = [(chosen == label).astype(float) for label in np.unique(chosen)[1:]]
        low, high = 0.0, AGREEMENT
    else:
        mappable = axes.imshow(probability, cmap=PROBABILITY_COLORS, vmin=0, vmax=1, **look)
        sides = [probability]
        low, high = 1 - AGREEMENT, AGREEMENT
    axes.grid(False)
    if ((share > low) & (share < high)).any():
        axes.contourf(x1, x2, share, levels=(low, high), colors=[INK], alpha=0.13)
    for level in (low, high):
        _draw_level(axes, x1, x2, share, level, linewidths=0.7, alpha=0.6)
    for side in sides:
        _draw_level(axes, x1, x2, side, 0.5, linewidths=1.9)
    if points is not None:
        draw_points(axes, points, "train", size=point_size)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    return mappable


def points_of_first_seed(
    points: pd.DataFrame, grid: Mapping[str, np.ndarray] | None
) -> tuple[pd.DataFrame, str]:
    """Return the points that the first finished seed was trained on, and a note on the draw.

    Parameters
    ----------
    points : DataFrame
        All draws of a data set, see `restudy.data.points.make_points`.
    grid : mapping or None
        As in `draw_boundary`, with the ``seeds`` that finished; None if none did.

    Returns
    -------
    points : DataFrame
        Without the column draw.
    note : str
        Empty if there is a single draw.
    """
    draws = split_draws(points)
    if len(draws) == 1 or grid is None:
        return draws[0], ""
    seed = int(grid["seeds"][0])
    draw = draw_of(seed, len(draws))
    note = f"Points: draw {draw} of {len(draws):,} (from 0), on which seed {seed} was trained."
    return draws[draw], note


@styled
def boundary_figure(
    grid: Mapping[str, np.ndarray],
    points: pd.DataFrame,
    description: Mapping[str, Any],
    title: str,
    notes: str = "",
    accuracies: Mapping[str, float] | None = None,
) -> Figure:
    """Draw the boundary of one cell, its accuracies in the subtitle.

    Parameters
    ----------
    grid
        As in ``draw_boundary``.
    points : DataFrame
        Of the data set, in all draws; see `points_of_first_seed`.
    description : mapping
        Of the data set: ``classes`` and ``features``, their names.
    title : str
        What cell this is.
    notes : str
        Text below the panel.
    accuracies : mapping of str to float, optional
        Part of the data in words -> mean over replicates; NaN leaves one out.
    """
    square = np.ptp(grid["x2"]) > 0.85 * np.ptp(grid["x1"])
    figure, panels = new_figure(panel_size=(6.0, 5.3) if square else (6.6, 4.5))
    axes = panels[0, 0]
    points, draw = points_of_first_seed(points, grid)
    mappable = draw_boundary(axes, grid, points, point_size=26)
    horizontal, vertical = axis_titles(description)
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    shown = [f"{part} {value:.3f}" for part, value in _known(accuracies)]
    subtitle = f"Mean accuracy: {', '.join(shown)}" if shown else ""
    names = {"": description["classes"]}
    color_bar = (mappable, _probability_title(names))
    notes = " ".join(filter(None, [notes, draw]))
    return compose(figure, title, subtitle, notes, _legend(names), color_bar)


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
        ``values`` (axis to value, protocol included), ``grid`` as in ``draw_boundary``,
        ``points``, ``description`` and ``accuracies`` as in ``boundary_figure``, of which the last
        is shown; ``grid`` is None where no replicate finished. Cells may be of several data sets,
        each then has scales of its own.
    study : mapping
        name, question, vary.
    title, note : str
        Title (default: the study's question) and text below.
    """
    title = title or study.get("question", study["name"])
    if not cells:
        return empty_figure(title, "No cell to show: a boundary is drawn for two features.")
    chosen = [points_of_first_seed(cell["points"], cell.get("grid")) for cell in cells]
    cells = [{**cell, "points": own} for cell, (own, _) in zip(cells, chosen, strict=True)]
    notes = list(dict.fromkeys(remark for _, remark in chosen if remark))
    several = "Points: in each panel, the draw on which its first finished seed was trained."
    note = " ".join(filter(None, [note, *(notes if len(notes) < 2 else [several])]))
    rows = _arrange(cells, study)
    columns = max(len(members) for _, members in rows)
    names = {cell["values"].get("dataset"): cell["description"]["classes"] for cell in cells}
    alone = len(names) == 1
    if not _one_pair(names):
        cells = [_as_of_many(cell) for cell in cells]
        rows = _arrange(cells, study)
    figure, panels = new_figure(
        len(rows), columns, panel_size=_small_size(cells, columns), sharex=alone, sharey=alone
    )
    mappable, point_size = None, {1: 20, 2: 14, 3: 10}.get(columns, 6)
    for axes, cell in fill_panels(panels, [members for _, members in rows]):
        mappable = _draw_small(axes, cell, study, point_size) or mappable
        horizontal, vertical = axis_titles(cell["description"], short=True)
        axes.set_xlabel("" if alone else horizontal)
        axes.set_ylabel("" if alone and axes not in panels[:, 0] else vertical)
        axes.set_anchor("C" if alone else "N")
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "rotation": 90}
    look = {"fontweight": "bold", "fontsize": 9.5, "ha": "center", "va": "center"}
    for axes, (row_label, _) in zip(panels[:, 0], rows, strict=True):
        axes.annotate(row_label, (0, 0.5), (-58, 0), **place, **look)
    for axes in lowest_panels(panels):
        if alone:
            axes.set_xlabel(axis_titles(cells[0]["description"], short=True)[0])
    color_bar = None if mappable is None else (mappable, _probability_title(names))
    return compose(figure, title, "", note, _legend(names), color_bar)


def _as_of_many(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a cell with its grid in the form that serves any number of classes."""
    grid = cell.get("grid")
    if grid is None or "chosen" in grid:
        return cell
    probability, share = np.asarray(grid["probability"]), np.asarray(grid["share"])
    fields = {
        "chosen": (probability > 0.5).astype(int),
        "probability": np.maximum(probability, 1 - probability),
        "share": np.maximum(share, 1 - share),
    }
    return {**cell, "grid": {**grid, **fields}}


def _tinted(chosen: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return each point's colour (ny, nx, 3): its class', paler the less probable it is."""
    colors = np.array([to_rgb(class_color(label)) for label in range(int(chosen.max()) + 1)])
    strength = STRONGEST * np.clip(probability, 0, 1)[..., None]
    return 1 - strength * (1 - colors[chosen])


def _one_pair(names: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Return the two classes that all data sets have; nothing if they differ, or have more."""
    first, *others = names.values()
    return first if len(first) == 2 and all(list(each) == list(first) for each in others) else ()


def _probability_title(names: Mapping[str, Sequence[str]]) -> str:
    """Return the heading of the colour bar, given each data set's names of its classes."""
    pair = _one_pair(names)
    return f"Probability of\n{plain_text(_class_words(pair[1])) if pair else 'the chosen class'}"


def _class_words(name: str) -> str:
    """Return a class in words: mere numbers need the word."""
    return f"class {name}" if name.isdecimal() else name


def _small_size(cells: Sequence[Mapping[str, Any]], columns: int) -> tuple[float, float]:
    """Return a panel's width and height such that the grid's aspect leaves no empty room."""
    width = {1: 5.4, 2: 4.2, 3: 3.4, 4: 2.9}.get(columns, 2.4)
    grids = [cell["grid"] for cell in cells if cell.get("grid") is not None]
    extents = [(float(np.ptp(grid["x1"])), float(np.ptp(grid["x2"]))) for grid in grids]
    aspects = [y / x for x, y in extents if aspect_of(x, y) == "equal"]
    aspect = min(max(aspects, default=0.75), 1.3)
    return (width, (width - 0.3) * aspect + 0.62)


def _draw_small(
    axes: Axes,
    cell: Mapping[str, Any],
    study: Mapping[str, Any],
    point_size: float,
) -> ScalarMappable | None:
    """Draw one cell of a panel with its two-line title; say so where nothing finished."""
    title = values_in_words({axis: cell["values"][axis] for axis in compared_axes(study)})
    known = _known(cell.get("accuracies"))
    second = "{} accuracy {:.3f}".format(*known[-1]) if known else ""
    axes.set_title(title, fontsize=9.5, pad=16 if second else 5)
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
        places = ((order[axis], cell["values"][axis]) for axis in axes)
        # What lacks a setting comes last.
        return tuple(v.index(value) if value in v else len(v) for v, value in places)

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


def _legend(names: Mapping[str, Sequence[str]]) -> list:
    """Return the legend sections, given each data set's names of its classes."""
    # Data sets share a section where one's classes are the first of the other's.
    sections: dict[tuple[str, ...], list[str]] = {}
    for dataset, classes in sorted(names.items(), key=lambda item: -len(item[1])):
        first = tuple(classes)
        known = next((each for each in sections if each[: len(first)] == first), first)
        sections.setdefault(known, []).append(label_of(dataset))
    boundary = [
        (Line2D([], [], color=INK, linewidth=1.9), "first seed"),
        (
            Patch(facecolor=INK, alpha=0.2),
            "10–90 % of\nthe seeds" if _one_pair(names) else "under 90 % of\nthe seeds agree",
        ),
    ]
    points = [
        (
            ",\n".join(["Training points", *(datasets if len(sections) > 1 else [])]),
            class_handles([_class_words(name) for name in classes]),
        )
        for classes, datasets in sections.items()
    ]
    return [*points, ("Boundary", boundary)]


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


def _known(accuracies: Mapping[str, float] | None) -> list[tuple[str, float]]:
    """Return the accuracies that are known, each with its part of the data."""
    return [(part, value) for part, value in (accuracies or {}).items() if not math.isnan(value)]
