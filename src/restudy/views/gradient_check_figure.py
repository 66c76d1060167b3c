"""Error of the gradient by layer and kind of parameter, published against corrected arithmetic."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.study.labels import label_of
from restudy.views.panels import fill_panels, lowest_panels
from restudy.views.style import MUTED, color_of, compose, new_figure, styled, title_case

SMALLEST = 1e-12  # errors below are drawn here: they are those of the differences themselves
AGREEMENT = 1e-6
MARKERS = {"published": "X", "corrected": "o"}


@styled
def gradient_check_figure(
    table: pd.DataFrame, title: str = "Is the gradient that of the loss?", note: str = ""
) -> Figure:
    """Draw the relative error of every layer's weights and bias, a panel for each activation.

    Parameters
    ----------
    table : DataFrame
        activation, arithmetic, layer (from 1; the last is the output), parameter and
        relative_error: a row per activation, arithmetic, layer and parameter.
    title, note : str
        Texts above and below.
    """
    activations = list(dict.fromkeys(table["activation"]))
    rows = list(dict.fromkeys(zip(table["layer"], table["parameter"], strict=True)))
    columns = min(len(activations), 4)
    lines = -(-len(activations) // columns)
    height = 0.22 * len(rows) + 0.85
    figure, panels = new_figure(
        lines, columns, panel_size=(3.1 if columns > 1 else 5.0, height), sharex=True, sharey=True
    )
    starts = range(0, len(activations), columns)
    grid = [activations[start : start + columns] for start in starts]
    for axes, activation in fill_panels(panels, grid):
        members = table[table["activation"] == activation]
        axes.axvspan(SMALLEST / 4, AGREEMENT, color=MUTED, alpha=0.08, linewidth=0)
        for arithmetic, marker in MARKERS.items():
            shown = members[members["arithmetic"] == arithmetic]
            places = [
                rows.index(key) for key in zip(shown["layer"], shown["parameter"], strict=True)
            ]
            axes.plot(
                np.maximum(shown["relative_error"], SMALLEST),
                places,
                marker,
                color=color_of("protocol", arithmetic),
                markersize=7 if arithmetic == "published" else 5,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
        axes.set_xscale("log")
        axes.set_xlim(SMALLEST / 4, 4)
        axes.set_xticks([1e-12, 1e-8, 1e-4, 1])
        axes.set_title(title_case(label_of(activation)))
        axes.set_yticks(range(len(rows)), [_row_name(key, rows) for key in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
    for axes in panels[:, 0]:
        axes.set_ylabel("Layer and parameter")
    for axes in lowest_panels(panels):
        axes.set_xlabel("Relative error of the gradient")
    handles = [
        (
            Line2D([], [], linestyle="", marker=marker, color=color_of("protocol", arithmetic)),
            arithmetic,
        )
        for arithmetic, marker in MARKERS.items()
    ]
    subtitle = "Backpropagation against central differences of the loss, at the same weights"
    note = note or f"Shaded: agreement to {AGREEMENT:.0e} or better.".replace("e-06", "e-6")
    return compose(figure, title, subtitle, note, [("Arithmetic", handles)])


def _row_name(key: tuple[int, str], rows: list[tuple[int, str]]) -> str:
    """Name of a layer and parameter; the last layer is the output."""
    layer, parameter = key
    last = max(number for number, _ in rows)
    return f"{'output' if layer == last else f'hidden {layer}'}, {parameter}"
