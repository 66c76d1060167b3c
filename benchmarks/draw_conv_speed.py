"""Draw the table of conv_speed.py: time of a step by contestant, a panel for each batch size."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from restudy.views.style import INK, compose, new_figure, save, styled

NAMES = {
    "keras_fit": "Keras, fit",
    "pytorch": "PyTorch",
    "jax": "JAX",
    "this_project": "this project",
    "this_project_monitored": "with summaries",
}
COLORS = {"this_project": "#D55E00", "this_project_monitored": "#D55E00"}
OTHERS = "#3B4252"
MARKERS = {1: "o", 2: "s"}


@styled
def speed_figure(table: pd.DataFrame) -> Figure:
    """Draw a panel for each batch size."""
    batch_sizes = sorted(table["batch_size"].unique())
    names = [name for name in NAMES if (table["contestant"] == name).any()]
    figure, panels = new_figure(
        1, len(batch_sizes), panel_size=(4.4, 0.34 * len(names) + 1.0), sharey=True
    )
    for axes, batch_size in zip(panels[0], batch_sizes, strict=True):
        shown = table[table["batch_size"] == batch_size]
        for threads, marker in MARKERS.items():
            rows = shown[shown["threads"] == threads]
            axes.scatter(
                rows["milliseconds"],
                [names.index(name) for name in rows["contestant"]],
                marker=marker,
                s=40,
                color=[COLORS.get(name, OTHERS) for name in rows["contestant"]],
                alpha=0.85,
                linewidths=0,
            )
        axes.set_xlim(0, 1.08 * shown["milliseconds"].max())
        axes.set_xlabel("Time (ms)")
        axes.set_yticks(range(len(names)), [NAMES[name] for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0, labelleft=True)
        axes.set_title(f"Batches of {batch_size}")
    panels[0, 0].set_ylabel("Contestant")
    handles = [
        (Line2D([], [], linestyle="", marker=marker, color=INK), str(threads))
        for threads, marker in MARKERS.items()
        if (table["threads"] == threads).any()
    ]
    return compose(
        figure,
        "Time of one training step of the convolutional network",
        "Adam, dropout, 28 x 28 images; median of interleaved runs",
        legends=[("Threads", handles)],
    )


def draw(table: Path, picture: Path) -> None:
    """Draw a table file into a picture file."""
    save(speed_figure(pd.read_csv(table)), picture)


if __name__ == "__main__":
    folder = Path(__file__).parent / "results"
    draw(folder / "conv_speed.csv", folder / "conv_speed.svg")
