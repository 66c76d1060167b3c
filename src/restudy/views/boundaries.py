"""Decision boundaries: how sure a typical network is of its class, and the lines of the others.

Of two classes the probability of class 1 is shown; of more, each point has the colour of the class
that is chosen there, the stronger the more probable it is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from restudy.analysis.boundaries import Boundaries
from restudy.analysis.shapes import STRAIGHT
from restudy.data.tables import split_draws
from restudy.families.contract import Family, draw_of
from restudy.study.grid import compared_axes
from restudy.study.labels import label_of, values_in_words
from restudy.views.panels import fill_panels, lowest_panels, part_label
from restudy.views.points_figure import aspect_of, axis_titles, class_handles, draw_points
from restudy.views.selection import measures_of
from restudy.views.style import (
    INK,
    PROBABILITY_COLORS,
    ColorBar,
    class_color,
    compose,
    empty_figure,
    new_figure,
    plain_text,
    styled,
    title_case,
)

TINT = 0.6  # share of its class' colour that an area has where the class is certain
THICK, THIN = 1.9, 0.55  # lines of the run that is shown, and of the others
FAINTEST, STRONGEST = 0.14, 0.6  # opacity of the lines of many others, and of few
DEVIATION = 5e-4  # of a drawn line from the computed one, in widths of the panel
EQUAL = 1e-9  # probabilities that differ by less are the same
CERTAINTY_COLORS = LinearSegmentedColormap.from_list("certainty", ["white", "#7F838B"])


class Accuracy(NamedTuple):
    """Accuracy on a part of the data, in words: mean over the runs, and of the run shown."""

    part: str
    mean: float
    shown: float


def accuracies_of(
    runs: pd.DataFrame, family: Family, boundaries: Boundaries | None
) -> list[Accuracy]:
    """Return the accuracies of a cell that its picture says, given its runs."""
    shown = runs[runs["seed"] == boundaries.seed] if boundaries else runs[:0]
    return [
        Accuracy(part_label(each), runs[each.name].mean(), shown[each.name].mean())
        for each in measures_of(family, "accuracy")
    ]


def draw_boundary(
    axes: Axes,
    boundaries: Boundaries,
    points: pd.DataFrame | None = None,
    point_size: float = 18,
    pair: Sequence[str] = (),
) -> ScalarMappable:
    """Draw one cell's boundaries into a panel.

    Parameters
    ----------
    axes : Axes
        The panel.
    boundaries : Boundaries
        The cell's.
    points : DataFrame, optional
        Columns x1, x2, label, part, of the draw that the run shown was trained on; training points
        are drawn.
    point_size : float
        Area of a point, in square points.
    pair : sequence of str
        Names of the classes if there are two: then the probability of the second is drawn. Else
        each point has the colour of the class that is chosen there.

    Returns
    -------
    ScalarMappable
        Of the probability, to hang a colour bar on.
    """
    x1, x2, probability = boundaries.x1, boundaries.x2, boundaries.probability
    left, right, bottom, top = extent = _pixel_extent(x1, x2)
    look = {
        "extent": extent,
        "origin": "lower",
        # As fine as the grid is, and no finer: in an SVG the viewer smooths it.
        "interpolation": "none",
        "aspect": aspect_of(right - left, top - bottom),
    }
    if pair:
        mappable = axes.imshow(probability[..., 1], cmap=PROBABILITY_COLORS, vmin=0, vmax=1, **look)
    else:
        axes.imshow(_tinted(probability), **look)
        mappable = ScalarMappable(Normalize(0, 1), CERTAINTY_COLORS)
    axes.grid(False)
    faint = min(max(FAINTEST, 4 / max(len(boundaries.others), 1)), STRONGEST)
    for leads in boundaries.leads:
        for lead in _told_apart(leads):
            _draw_line(axes, boundaries.line_x1, boundaries.line_x2, lead, THIN, faint)
    drawn = [_draw_line(axes, x1, x2, lead, THICK, 1.0) for lead in _told_apart(boundaries.lead)]
    if points is not None:
        draw_points(axes, points, "train", size=point_size)
    if not any(drawn):
        axes.text(
            0.5,
            0.04,
            _reason_of_none(boundaries, pair),
            transform=axes.transAxes,
            ha="center",
            va="bottom",
            fontsize=8.8,
            linespacing=1.2,
            zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2.5},
        )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    return mappable


def points_of_seed(points: pd.DataFrame, boundaries: Boundaries | None) -> tuple[pd.DataFrame, str]:
    """Return the points that the run shown was trained on, and a note on the draw.

    Parameters
    ----------
    points : DataFrame
        All draws of a data set, see `restudy.data.points.make_points`.
    boundaries : Boundaries or None
        None if no run finished.

    Returns
    -------
    points : DataFrame
        Without the column draw.
    note : str
        Empty if there is a single draw.
    """
    draws = split_draws(points)
    if len(draws) == 1 or boundaries is None:
        return draws[0], ""
    draw = draw_of(boundaries.seed, len(draws))
    note = (
        f"Points: draw {draw} of {len(draws):,} (from 0), on which seed {boundaries.seed} was "
        "trained; the other seeds were trained on other draws."
    )
    return draws[draw], note


@styled
def boundary_figure(
    boundaries: Boundaries,
    points: pd.DataFrame,
    description: Mapping[str, Any],
    title: str,
    notes: str = "",
    accuracies: Sequence[Accuracy] = (),
) -> Figure:
    """Draw the boundaries of one cell, its accuracies in the subtitle.

    Parameters
    ----------
    boundaries : Boundaries
        The cell's.
    points : DataFrame
        Of the data set, in all draws; see `points_of_seed`.
    description : mapping
        Of the data set: ``classes`` and ``features``, their names.
    title : str
        What cell this is.
    notes : str
        Text below the panel.
    accuracies : sequence of Accuracy
        Those that are said; the last is that by which the run is chosen.
    """
    square = np.ptp(boundaries.x2) > 0.85 * np.ptp(boundaries.x1)
    figure, panels = new_figure(panel_size=(6.0, 5.3) if square else (6.6, 4.5))
    axes = panels[0, 0]
    points, draw = points_of_seed(points, boundaries)
    names = {"": description["classes"]}
    pair = _one_pair(names)
    mappable = draw_boundary(axes, boundaries, points, point_size=26, pair=pair)
    horizontal, vertical = axis_titles(description)
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    color_bar = ColorBar(mappable, _probability_title(names))
    notes = [notes, _straight_note([boundaries]), _choice_note([boundaries]), draw]
    return compose(
        figure,
        title,
        _accuracy_words(boundaries, accuracies),
        " ".join(filter(None, notes)),
        _legend(names, several=bool(boundaries.others)),
        color_bar,
    )


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
        ``values`` (axis to value, protocol included), ``boundaries``, ``points``, ``description``
        and ``accuracies`` as in ``boundary_figure``, of which the last is shown; ``boundaries`` is
        None where no run finished. Cells may be of several data sets, each then has scales of its
        own.
    study : mapping
        name, question, vary.
    title, note : str
        Title (default: the study's question) and text below.
    """
    title = title or study.get("question", study["name"])
    if not cells:
        return empty_figure(title, "No cell to show: a boundary is drawn for two features.")
    chosen = [points_of_seed(cell["points"], cell.get("boundaries")) for cell in cells]
    cells = [{**cell, "points": own} for cell, (own, _) in zip(cells, chosen, strict=True)]
    remarks = list(dict.fromkeys(remark for _, remark in chosen if remark))
    several = "Points: in each panel, the draw on which the seed shown was trained."
    rows = _arrange(cells, study)
    columns = max(len(members) for _, members in rows)
    names = {cell["values"].get("dataset"): cell["description"]["classes"] for cell in cells}
    alone = len(names) == 1
    figure, panels = new_figure(
        len(rows), columns, panel_size=_small_size(cells, columns), sharex=alone, sharey=alone
    )
    mappable, point_size = None, {1: 20, 2: 14, 3: 10}.get(columns, 6)
    for axes, cell in fill_panels(panels, [members for _, members in rows]):
        drawn = _draw_small(axes, cell, study, point_size, _one_pair(names))
        mappable = drawn or mappable
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
    color_bar = None if mappable is None else ColorBar(mappable, _probability_title(names))
    shown = [cell["boundaries"] for cell in cells if cell.get("boundaries")]
    notes = [
        note,
        _numbers_note(cells),
        _straight_note(shown),
        _choice_note(shown),
        *(remarks if len(remarks) < 2 else [several]),
    ]
    return compose(
        figure,
        title,
        "",
        " ".join(filter(None, notes)),
        _legend(names, several=any(each.others for each in shown)),
        color_bar,
    )


def _accuracy_words(boundaries: Boundaries, accuracies: Sequence[Accuracy]) -> str:
    """Return the accuracies as a sentence: of the run shown, and their means over several."""
    known = [each for each in accuracies if not math.isnan(each.mean)]
    if not known:
        return ""
    own = ", ".join(f"{each.part} {each.shown:.3f}" for each in known)
    if not boundaries.others:
        return f"Accuracy: {own}."
    means = ", ".join(f"{each.part} {each.mean:.3f}" for each in known)
    count, straight = len(boundaries.others) + 1, _straight(boundaries)
    words = f"Accuracy of seed {boundaries.seed}: {own}. Mean of {count} seeds: {means}."
    return f"{words} Boundaries: {straight}." if straight else words


def _straight(boundaries: Boundaries) -> str:
    """Return how many of several boundaries are straight, in words; empty if that is not known."""
    count = len(boundaries.others) + 1
    if count == 1 or boundaries.straight is None:
        return ""
    if boundaries.single == count:
        return f"0 of {count} have a boundary"
    words = f"{boundaries.straight} of {count} straight"
    return f"{words}, {boundaries.single} without any" if boundaries.single else words


def _straight_note(shown: Sequence[Boundaries]) -> str:
    """Return what a straight boundary is, where some cell's are counted."""
    if not any(each.others and each.straight is not None for each in shown):
        return ""
    return (
        "A boundary is called straight if a line gives the network's own class of at least "
        f"{STRAIGHT:.0%} of the held-out points."
    )


def _numbers_note(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return what the numbers above the panels are."""
    parts = [cell["accuracies"][-1].part for cell in cells if cell.get("accuracies")]
    return f"Numbers: {parts[0]} accuracy." if parts else ""


def _choice_note(shown: Sequence[Boundaries]) -> str:
    """Return which run is shown, where there are several."""
    if not any(each.others for each in shown):
        return ""
    return f"Colours: the seed whose {shown[0].chosen_by.lower()} is nearest the median."


def _reason_of_none(boundaries: Boundaries, pair: Sequence[str]) -> str:
    """Return why a run has no boundary in the plane, in words."""
    probability = boundaries.probability
    if np.ptp(probability, axis=-1).max() < EQUAL:
        return "no boundary: all classes\nequally probable"
    chosen = int(probability[0, 0].argmax())
    name = plain_text(_class_words(pair[chosen])) if pair else f"class {chosen}"
    return f"no boundary:\n{name} everywhere"


def _told_apart(leads: np.ndarray) -> np.ndarray:
    """Return the leads (L, n2, n1) without the first of several classes: others border on it."""
    return leads[1:] if len(leads) > 1 else leads


def _tinted(probability: np.ndarray) -> np.ndarray:
    """Return each point's colour (ny, nx, 3): its class', paler the less probable it is."""
    chosen = probability.argmax(axis=-1)
    colors = np.array([to_rgb(class_color(label)) for label in range(int(chosen.max()) + 1)])
    strength = TINT * np.clip(probability.max(axis=-1), 0, 1)[..., None]
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
    shown = [cell["boundaries"] for cell in cells if cell.get("boundaries") is not None]
    extents = [(float(np.ptp(each.x1)), float(np.ptp(each.x2))) for each in shown]
    aspects = [y / x for x, y in extents if aspect_of(x, y) == "equal"]
    aspect = min(max(aspects, default=0.75), 1.3)
    return (width, (width - 0.3) * aspect + 0.78)


def _draw_small(
    axes: Axes,
    cell: Mapping[str, Any],
    study: Mapping[str, Any],
    point_size: float,
    pair: Sequence[str],
) -> ScalarMappable | None:
    """Draw one cell of a panel below its title; say so where nothing finished."""
    title = values_in_words({axis: cell["values"][axis] for axis in compared_axes(study)})
    boundaries, known = cell.get("boundaries"), cell.get("accuracies") or ()
    words = []
    if known and not math.isnan(known[-1].mean):
        text = f"mean {known[-1].mean:.3f}; seed {{}}: {known[-1].shown:.3f}"
        several = boundaries is not None and boundaries.others
        words.append(text.format(boundaries.seed) if several else f"{known[-1].mean:.3f}")
    if boundaries is not None:
        words.append(_straight(boundaries))
    words = [each for each in words if each]
    axes.set_title(title, fontsize=9.5, pad=5 + 11.5 * len(words))
    place = {"textcoords": "offset points", "xycoords": "axes fraction", "fontsize": 8.6}
    axes.annotate("\n".join(words), (0, 1), (0, 4), linespacing=1.2, **place).set_in_layout(False)
    if boundaries is None:
        axes.text(0.5, 0.5, "all runs diverged", transform=axes.transAxes, ha="center", va="center")
        return None
    return draw_boundary(axes, boundaries, cell["points"], point_size, pair)


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


def _legend(names: Mapping[str, Sequence[str]], several: bool) -> list:
    """Return the legend sections, given each data set's names of its classes."""
    # Data sets share a section where one's classes are the first of the other's.
    sections: dict[tuple[str, ...], list[str]] = {}
    for dataset, classes in sorted(names.items(), key=lambda item: -len(item[1])):
        first = tuple(classes)
        known = next((each for each in sections if each[: len(first)] == first), first)
        sections.setdefault(known, []).append(label_of(dataset))
    shown = "seed of the colours" if several else "where classes meet"
    boundary = [(Line2D([], [], color=INK, linewidth=THICK), shown)]
    if several:
        others = Line2D([], [], color=INK, linewidth=THIN, alpha=STRONGEST)
        boundary.append((others, "every other seed"))
    points = [
        (
            ",\n".join(["Training points", *(datasets if len(sections) > 1 else [])]),
            class_handles([_class_words(name) for name in classes]),
        )
        for classes, datasets in sections.items()
    ]
    return [*points, ("Boundary", boundary)]


def _draw_line(
    axes: Axes, x1: np.ndarray, x2: np.ndarray, lead: np.ndarray, width: float, alpha: float
) -> bool:
    """Draw where a class' lead is 0, and return whether it is anywhere."""
    if not lead.min() < 0 < lead.max():
        return False
    found = axes.contour(x1, x2, lead, levels=[0])
    lines = [_simplified(path, np.array([np.ptp(x1), np.ptp(x2)])) for path in found.get_paths()]
    found.remove()
    look = {"linewidth": width, "alpha": alpha, "edgecolor": INK, "facecolor": "none"}
    for line in lines:
        axes.add_patch(PathPatch(line, capstyle="round", joinstyle="round", **look))
    return True


def _simplified(path: Path, extent: np.ndarray) -> Path:
    """Return a line without points close to a straight line between others, see `DEVIATION`."""
    scaled = Path(path.vertices / extent, path.codes)
    scaled.simplify_threshold = DEVIATION
    cleaned = scaled.cleaned(simplify=True, curves=True)
    kept = cleaned.codes != Path.STOP
    return Path(cleaned.vertices[kept] * extent, cleaned.codes[kept])


def _pixel_extent(x1: np.ndarray, x2: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, right, bottom, top such that grid points are pixel centres."""
    half = [(axis[-1] - axis[0]) / max(len(axis) - 1, 1) / 2 for axis in (x1, x2)]
    return (x1[0] - half[0], x1[-1] + half[0], x2[0] - half[1], x2[-1] + half[1])
