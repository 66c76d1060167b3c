"""What a run predicts on the test images: its confusion matrix, and the most wrong images."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from restudy.analysis.predictions import confusion_matrix
from restudy.views.style import (
    COUNT_COLORS,
    INK,
    MUTED,
    ColorBar,
    compose,
    empty_figure,
    enlarge,
    ink_on,
    new_figure,
    styled,
)

MAX_NUMBERED = 12  # classes: of more, numbers and names would be too small to read
MAX_IMAGES = 20
IMAGES_IN_A_ROW = 5
CORRECT_COLOR, BAR_COLOR = "#C5DAEA", "#5B93BF"
MATRIX_PIXELS, IMAGE_PIXELS = 600, 112
MAX_LINE = 12  # characters of "true → predicted"


@styled
def confusion_figure(
    predictions: pd.DataFrame, names: Sequence[str], note: str = "", diverged: str = ""
) -> Figure:
    """Draw how often each class was taken for each, and the accuracy of each beside its row.

    Errors have a colour scale of their own: on that of the diagonal they would vanish.

    Parameters
    ----------
    predictions : DataFrame
        A row per test image of one run: label, predicted.
    names : sequence of str
        Of the classes, in their order.
    note : str
        Text below.
    diverged : str
        Why there are no predictions: what the figure says if there are none.
    """
    if predictions.empty:
        return empty_figure("Predictions on the test images", _reason(diverged), note)
    classes = len(names)
    counts = confusion_matrix(predictions["label"], predictions["predicted"], classes)
    wrong = counts.sum() - np.trace(counts)
    most_wrong = max(int(counts[~np.eye(classes, dtype=bool)].max(initial=0)), 1)
    scale = ScalarMappable(Normalize(0, most_wrong + most_wrong % 2), COUNT_COLORS)

    side = min(max(0.43 * classes, 2.2), 4.6)
    bar = max(0.36 * side, 1.6)
    longest = max(map(len, names)) if classes <= MAX_NUMBERED else 3
    figure, panels = new_figure(
        1,
        2,
        panel_size=((side + bar + 0.08 * longest + 1.5) / 2, side + 0.08 * longest + 0.6),
        sharey=True,
        width_ratios=(side, bar),
    )
    matrix, bars = panels[0]
    _draw_matrix(matrix, counts, scale)
    _draw_accuracies(bars, counts)
    _name_classes(matrix, names)
    title = (
        f"Predictions on the test images: {wrong:,} of {counts.sum():,} wrong "
        f"(error {wrong / counts.sum():.4f})"
    )
    empty = "; where a cell is empty there is none" if classes <= MAX_NUMBERED else ""
    return compose(
        figure,
        title,
        f"Number of images by true and predicted class{empty}",
        note,
        [("Diagonal", [(Patch(facecolor=CORRECT_COLOR), "correct")])],
        ColorBar(scale, "Errors\n(images)"),
    )


@styled
def most_wrong_figure(
    predictions: pd.DataFrame,
    images: np.ndarray,
    names: Sequence[str],
    note: str = "",
    diverged: str = "",
) -> Figure:
    """Show the test images with the highest loss, the most wrong first.

    Parameters
    ----------
    predictions : DataFrame
        A row per test image of one run: image (its place in ``images``), label, predicted, loss.
    images : ndarray of uint8, shape (n, height, width)
        The test images.
    names, note, diverged
        As in `confusion_figure`.
    """
    if predictions.empty:
        return empty_figure("Most wrong test images", _reason(diverged), note)
    worst = predictions.sort_values("loss", ascending=False, kind="stable").head(MAX_IMAGES)
    labels = [
        _arrow(names[true], names[predicted])
        for true, predicted in zip(worst["label"], worst["predicted"], strict=True)
    ]
    columns = min(len(worst), IMAGES_IN_A_ROW)
    rows = math.ceil(len(worst) / columns)
    height, width = np.array(images.shape[1:]) / max(images.shape[1:])
    # In units of an image's longer side: room for two or three lines of text above each.
    across, down = width + 0.5, height + (0.68 if any("\n" in text for text in labels) else 0.52)
    figure, panels = new_figure(panel_size=(max(columns * across, 3.2), rows * down + 0.1))
    axes = panels[0, 0]
    for place, (text, row) in enumerate(zip(labels, worst.itertuples(), strict=True)):
        left, top = place % columns * across, place // columns * down
        extent = (left, left + width, top + height, top)
        picture = enlarge(images[row.image], IMAGE_PIXELS)
        axes.imshow(picture, cmap="gray_r", vmin=0, vmax=255, extent=extent, interpolation="none")
        axes.add_patch(Rectangle((left, top), width, height, fill=False, ec="#C9CED6", lw=0.6))
        above = {"xy": (left, top), "textcoords": "offset points", "va": "bottom"}
        axes.annotate(f"loss {row.loss:.2f}", xytext=(0, 2), color=MUTED, fontsize=8, **above)
        axes.annotate(text, xytext=(0, 12.5), color=INK, fontsize=9, fontweight="bold", **above)
    axes.set_xlim(-0.02, columns * across - 0.4)
    axes.set_ylim(rows * down - (down - height) + 0.05, height - down)
    axes.set_axis_off()
    count = f"The {len(worst)} of {len(predictions):,} with the highest loss"
    subtitle = f"{count} (cross-entropy in nats): true → predicted class"
    return compose(figure, "Most wrong test images", subtitle, note)


def _reason(diverged: str) -> str:
    return diverged or "No prediction was recorded."


def _draw_matrix(axes: Axes, counts: np.ndarray, scale: ScalarMappable) -> None:
    """Draw the counts: the diagonal in one colour, the others by the scale, numbers if few."""
    classes = len(counts)
    colors = scale.to_rgba(counts)[..., :3]
    colors[np.diag_indices(classes)] = to_rgb(CORRECT_COLOR)
    edge = classes - 0.5
    picture = enlarge(colors, MATRIX_PIXELS)
    axes.imshow(picture, interpolation="none", aspect="auto", extent=(-0.5, edge, edge, -0.5))
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.set_xlabel("Predicted class")
    axes.set_ylabel("True class")
    if classes > MAX_NUMBERED:
        return
    for border in np.arange(classes - 1) + 0.5:
        axes.axhline(border, color="white", linewidth=0.8)
        axes.axvline(border, color="white", linewidth=0.8)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axes.text(
                column,
                row,
                f"{count}",
                ha="center",
                va="center",
                fontsize=8.5,
                color=ink_on(colors[row, column]),
            )


def _draw_accuracies(axes: Axes, counts: np.ndarray) -> None:
    """Draw a bar per class, level with its row."""
    images = counts.sum(axis=1)
    accuracies = np.diag(counts) / np.where(images, images, 1)
    few = len(counts) <= MAX_NUMBERED
    axes.barh(range(len(counts)), accuracies, height=0.68 if few else 0.9, color=BAR_COLOR)
    if few:
        beside = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 8.8}
        for label, accuracy in enumerate(accuracies):
            text = f"{accuracy:.4f}" if images[label] else "no image"
            axes.annotate(text, (1.03, label), color=INK, **beside)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xlabel("Accuracy of the class")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0, labelleft=False)


def _name_classes(axes: Axes, names: Sequence[str]) -> None:
    """Name rows and columns, upright where a name is long; of many classes, some by number."""
    if len(names) > MAX_NUMBERED:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(8, integer=True, steps=[1, 2, 5, 10]))
        return
    upright = 90 if max(map(len, names)) > 3 else 0
    axes.set_xticks(range(len(names)), names, rotation=upright)
    axes.set_yticks(range(len(names)), names)


def _arrow(true: str, predicted: str) -> str:
    """Say what was taken for what, on two lines where the names are long."""
    text = f"{true} → {predicted}"
    return text if len(text) <= MAX_LINE else f"{true}\n→ {predicted}"
