"""Scatter of a two-dimensional point set: training and held-out points, class by class."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from backprop.views.style import CLASS_COLORS, compose, new_figure, styled

HORIZONTAL = "First coordinate $x_1$ (dimensionless)"
VERTICAL = "Second coordinate $x_2$ (dimensionless)"
MARKERS = {"train": "o", "heldout": "D"}
CROWD = 500  # more points than this are drawn small, and as pixels even in an SVG
PART_LABELS = {"train": "training", "heldout": "held-out"}


@styled
def points_figure(
    points: pd.DataFrame, title: str = "Two moons", subtitle: str = "", note: str = ""
) -> Figure:
    """Draw all points: training points filled, held-out points as hollow diamonds.

    Parameters
    ----------
    points : DataFrame
        Columns x1, x2, label (0 or 1), part (``train`` or ``heldout``).
    title, subtitle, note : str
        Texts round the panel; the subtitle defaults to the number of points.
    """
    figure, panels = new_figure(panel_size=(6.2, 4.2))
    axes = panels[0, 0]
    parts = [part for part in ("heldout", "train") if (points["part"] == part).any()]
    for part in parts:
        draw_points(axes, points, part)
    axes.set_aspect("equal")
    axes.set_xlabel(HORIZONTAL)
    axes.set_ylabel(VERTICAL)
    counts = [f"{(points['part'] == p).sum():,} {PART_LABELS[p]}" for p in reversed(parts)]
    subtitle = subtitle or (" and ".join(counts) + " points" if counts else "No point.")
    return compose(figure, title, subtitle, note, legends=point_legend(parts[::-1]))


def draw_points(axes: Axes, points: pd.DataFrame, part: str, size: float = 26) -> None:
    """Draw one part of the points in the colours of their classes."""
    shown = points[points["part"] == part]
    for label, color in enumerate(CLASS_COLORS):
        members = shown[shown["label"] == label]
        filled = part == "train"
        many = len(shown) > CROWD
        axes.scatter(
            members["x1"],
            members["x2"],
            s=size if filled else (0.25 if many else 0.65) * size,
            marker=MARKERS[part],
            facecolors=color if filled else "white",
            edgecolors="white" if filled else color,
            linewidths=0.5 if filled else 0.9,
            alpha=0.95 if filled else (0.4 if many else 0.55),
            rasterized=many,
            zorder=4 if filled else 3,
        )


def point_legend(parts: list[str]) -> list:
    """Return the legend sections for the classes and the parts that are shown."""
    classes = [
        (Line2D([], [], marker="o", linestyle="", color=color, markeredgecolor="white"), str(label))
        for label, color in enumerate(CLASS_COLORS)
    ]
    look = {
        "train": {"markerfacecolor": "#555", "markeredgecolor": "white"},
        "heldout": {"markerfacecolor": "white", "markeredgecolor": "#555"},
    }
    kinds = [
        (Line2D([], [], marker=MARKERS[part], linestyle="", **look[part]), PART_LABELS[part])
        for part in parts
    ]
    return [("Class", classes), ("Points", kinds)]
