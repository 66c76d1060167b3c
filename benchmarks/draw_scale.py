"""Draw the table of scale.py: how time, memory and the report grow with the cells."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import pandas as pd
from matplotlib.figure import Figure

from restudy.views.style import compose, new_figure, save, styled

PANELS = {
    "Dry run (s)": "dry run",
    "Its memory (MB)": "dry run, memory",
    "All but training (s a cell)": "all but training, per cell",
    "Jobs that follow it (s)": "aggregates",
    "The report (MB)": "report, size",
}


@styled
def scale_figure(table: pd.DataFrame) -> Figure:
    """Draw a panel for each measure, by the number of cells."""
    figure, panels = new_figure(1, len(PANELS), panel_size=(2.5, 2.6), sharex=True)
    for axes, (title, measure) in zip(panels[0], PANELS.items(), strict=True):
        rows = table[table["measure"] == measure].sort_values("cells")
        axes.plot(rows["cells"], rows["value"], marker="o", color="#D55E00", linewidth=1.8)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.15 * rows["value"].max())
        axes.set_xlabel("Cells")
        axes.set_title(title)
    return compose(figure, "What the pipeline itself costs as the grid grows", "", "", [])


if __name__ == "__main__":
    results = Path(__file__).parent / "results"
    save(scale_figure(pd.read_csv(results / "scale.csv")), results / "scale.svg")
