"""Scatter of labelled points: those that are trained on and the others, class by class.

Two features are drawn as they are, a single one as a strip for each class, and of more the first
two principal components.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.data.tables import features_of, split_draws
from restudy.families.contract import draw_count
from restudy.study.labels import label_of
from restudy.views.style import (
    CLASS_COLORS,
    class_color,
    compose,
    new_figure,
    plain_text,
    styled,
)

# Shapes of the points of the first ten classes, of the second ten (whose colours are the same)
# and so on.
MARKERS = {"train": "os^v", "validation": "X*pP", "heldout": "Ds^v"}
CROWD = 500  # more points than this are drawn small, and as pixels even in an SVG
MAX_NAMES = 24  # classes that a legend names
ORDINALS = ("First", "Second")
MAX_RATIO = 4.0  # of width and height, up to which both axes have one scale


class Projection(NamedTuple):
    """Points as a figure shows them: part, label, x1, x2; a title for each axis; and a note."""

    points: pd.DataFrame
    titles: tuple[str, str]
    note: str


@styled
def points_figure(
    points: pd.DataFrame, description: Mapping[str, Any], title: str, note: str = ""
) -> Figure:
    """Draw all points of a draw: training points filled, the others hollow.

    Parameters
    ----------
    points : DataFrame
        Columns part (``train``, ``validation`` or ``heldout``), x1 to xD, label (from 0); if there
        are several draws, also draw (from 0), of which the first is drawn.
    description : mapping
        Of the data set: ``classes`` and ``features``, their names; ``mean`` where features are
        standardized; and ``draws``, if there are several.
    title, note : str
        Texts round the panel.
    """
    shown, titles, remark = project(split_draws(points)[0], description)
    draws = draw_count(description)
    which = f"First of {draws:,} draws." if draws > 1 else ""
    strips = len(description["features"]) == 1
    extents = np.ptp(shown[["x1", "x2"]].to_numpy(), axis=0) if len(shown) else (1.0, 1.0)
    square = not strips and extents[1] > 0.85 * extents[0]
    figure, panels = new_figure(panel_size=(5.7, 5.0) if square else (6.2, 4.2))
    axes = panels[0, 0]
    parts = [part for part in reversed(MARKERS) if (shown["part"] == part).any()]
    for part in parts:
        draw_points(axes, shown, part)
    if strips:
        names = [plain_text(name) for name in description["classes"]]
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.grid(False, axis="y")
    else:
        axes.set_aspect(aspect_of(*extents))
    axes.set_xlabel(titles[0])
    axes.set_ylabel(titles[1])
    counts = [f"{(shown['part'] == p).sum():,} {label_of(p)}" for p in reversed(parts)]
    *others, last = counts or ["No"]
    subtitle = " and ".join(filter(None, [", ".join(others), last])) + " points"
    note = " ".join(text for text in (which, remark, note) if text)
    legends = point_legend(parts[::-1], description["classes"])
    return compose(figure, title, subtitle, note, legends=legends)


def project(points: pd.DataFrame, description: Mapping[str, Any]) -> Projection:
    """Put points of any number of features into the plane; see `Projection`."""
    features = features_of(points)
    count = features.shape[1]
    if count == 2:
        return Projection(points, axis_titles(description), "")
    shown = points[["part", "label"]].copy()
    if count == 1:
        # Training points in the upper half of a class' strip, the others in the lower.
        upper = (points["part"] == "train").to_numpy()
        spread = (np.arange(len(points)) * 0.618034) % 1.0
        shown["x1"] = features[:, 0]
        shown["x2"] = points["label"] + np.where(upper, 0.05, -0.4) + 0.35 * spread
        return Projection(shown, (axis_titles(description)[0], "Class"), "")
    training = features[(points["part"] == "train").to_numpy()]
    components, shares = principal_components(training)
    shown[["x1", "x2"]] = (features - training.mean(axis=0)) @ components.T
    titles = tuple(
        f"{ordinal} principal component ({100 * share:.0f} % of the variance)"
        for ordinal, share in zip(ORDINALS, shares, strict=True)
    )
    note = f"Of {count:,} features, the first two principal components of the training points."
    return Projection(shown, titles, note)


def principal_components(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two directions in which points differ most.

    Parameters
    ----------
    x : ndarray, shape (N, D)
        Points, N of 2 or more.

    Returns
    -------
    components : ndarray, shape (2, D)
        Orthonormal; the largest entry of each is positive, so that the sign is settled.
    shares : ndarray, shape (2,)
        Their shares of the variance.
    """
    _, lengths, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    components = directions[:2]
    largest = np.abs(components).argmax(axis=1)
    components = components * np.sign(components[range(2), largest])[:, None]
    variances = lengths**2
    return components, variances[:2] / (variances.sum() or 1.0)


def axis_titles(description: Mapping[str, Any], short: bool = False) -> tuple[str, ...]:
    """Return a title for each feature: its name, with what its unit is."""
    standardized = "mean" in description
    titles = []
    for number, name in enumerate(description["features"][:2], start=1):
        if name == f"x{number}":
            words = f"$x_{number}$" if short else f"{ORDINALS[number - 1]} coordinate $x_{number}$"
            titles.append(f"{words} ({'standardized' if standardized else 'dimensionless'})")
        else:
            titles.append(plain_text(name) + (", standardized" if standardized else ""))
    return tuple(titles)


def aspect_of(width: float, height: float) -> str:
    """Return the aspect of axes: one scale for both, unless one extent is far larger."""
    longer, shorter = max(width, height), min(width, height)
    return "equal" if longer <= MAX_RATIO * shorter else "auto"


def draw_points(axes: Axes, points: pd.DataFrame, part: str, size: float = 26) -> None:
    """Draw one part of the points (part, x1, x2, label) in the colours of their classes."""
    shown = points[points["part"] == part]
    for label in range(int(points["label"].max()) + 1 if len(points) else 0):
        members = shown[shown["label"] == label]
        color = class_color(label)
        filled = part == "train"
        many = len(shown) > CROWD
        axes.scatter(
            members["x1"],
            members["x2"],
            s=size * (0.55 if many else 1.0) * (1.0 if filled else 0.45 if many else 0.65),
            marker=marker_of(part, label),
            facecolors=color if filled else "white",
            edgecolors="white" if filled else color,
            linewidths=0.5 if filled else 0.9,
            alpha=0.95 if filled else (0.4 if many else 0.55),
            rasterized=many,
            zorder=4 if filled else 3,
        )


def marker_of(part: str, label: int) -> str:
    """Return the shape of a class' points: another one where the colours repeat."""
    shapes = MARKERS[part]
    return shapes[label // len(CLASS_COLORS) % len(shapes)]


def class_handles(names: Sequence[str]) -> list[tuple[Line2D, str]]:
    """Return the legend entries of the classes, as training points; the first of many."""
    entries = [
        (
            Line2D(
                [],
                [],
                marker=marker_of("train", label),
                linestyle="",
                color=class_color(label),
                markeredgecolor="white",
            ),
            plain_text(name),
        )
        for label, name in enumerate(names[:MAX_NAMES])
    ]
    if len(names) > MAX_NAMES:
        entries.append((Line2D([], [], linestyle=""), f"and {len(names) - MAX_NAMES} more"))
    return entries


def point_legend(parts: Sequence[str], names: Sequence[str]) -> list:
    """Return the legend sections for the classes and the parts that are shown."""
    filled = {"markerfacecolor": "#555", "markeredgecolor": "white"}
    hollow = {"markerfacecolor": "white", "markeredgecolor": "#555"}
    looks = {part: filled if part == "train" else hollow for part in parts}
    kinds = [
        (Line2D([], [], marker=marker_of(part, 0), linestyle="", **look), label_of(part))
        for part, look in looks.items()
    ]
    return [("Class", class_handles(names)), ("Points", kinds)]
