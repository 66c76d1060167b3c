"""Draw the table of dense_speed.py: time of a pass by contestant, a panel for each network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from restudy.views.style import INK, compose, new_figure, save, styled

NAMES = {
    "published_style": "NumPy as published",
    "scikit_learn": "scikit-learn",
    "pytorch": "PyTorch",
    "jax_one_by_one": "JAX, one by one",
    "jax_vmapped": "JAX, vmapped",
    "this_project": "this project",
}
COLORS = {"this_project": "#D55E00"}
OTHERS = "#3B4252"
MARKERS = {1: "o", 20: "s", 100: "^"}


@styled
def speed_figure(table: pd.DataFrame) -> Figure:
    """Draw a row of panels for each precision, a column for each network."""
    networks = list(dict.fromkeys(zip(table["depth"], table["units"], strict=True)))
    precisions = list(dict.fromkeys(table["precision"]))
    names = [name for name in NAMES if (table["contestant"] == name).any()]
    figure, panels = new_figure(
        len(precisions),
        len(networks),
        panel_size=(4.0, 0.3 * len(names) + 1.0),
        sharex=True,
        sharey=True,
    )
    for line, precision in zip(panels, precisions, strict=True):
        for axes, (depth, units) in zip(line, networks, strict=True):
            shown = table[(table["depth"] == depth) & (table["units"] == units)]
            shown = shown[shown["precision"] == precision]
            for replicates, marker in MARKERS.items():
                rows = shown[shown["replicates"] == replicates]
                axes.scatter(
                    rows["microseconds"],
                    [names.index(name) for name in rows["contestant"]],
                    marker=marker,
                    s=34,
                    color=[COLORS.get(name, OTHERS) for name in rows["contestant"]],
                    alpha=0.85,
                    linewidths=0,
                )
            axes.set_visible(not shown.empty)
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_yticks(range(len(names)), [NAMES[name] for name in names])
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.tick_params(axis="y", length=0, labelleft=True)
            axes.tick_params(axis="x", labelbottom=True)
            layers = "layer" if depth == 1 else "layers"
            axes.set_title(f"{depth} {layers} of {units}, {precision}", fontsize=9.5)
    for axes in panels.ravel():
        axes.set_xlabel("Time (µs)")
    for line in panels:
        line[0].set_ylabel("Contestant")
    handles = [
        (Line2D([], [], linestyle="", marker=marker, color=INK), str(replicates))
        for replicates, marker in MARKERS.items()
    ]
    return compose(
        figure,
        "Time of one training pass of one replicate",
        "Full-batch gradient descent on 200 points, tanh, one thread; median of interleaved runs",
        legends=[("Replicates", handles)],
    )


def draw(table: Path, picture: Path) -> None:
    """Draw a table file into a picture file."""
    save(speed_figure(pd.read_csv(table)), picture)


if __name__ == "__main__":
    folder = Path(__file__).parent / "results"
    draw(folder / "dense_speed.csv", folder / "dense_speed.svg")
