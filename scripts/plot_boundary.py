"""Draw the decision boundary of one dense cell."""

import numpy as np

from restudy.data.tables import read_description, read_table
from restudy.log import start_log
from restudy.study.labels import cell_title
from restudy.views.boundaries import boundary_figure
from restudy.views.selection import divergence_note
from restudy.views.style import empty_figure, save


def main(cell: dict, inputs, output: str, log) -> None:
    """Write the picture, with the cell's mean accuracies."""
    runs = read_table(inputs.runs)
    with np.load(inputs.grid) as file:
        grid = dict(file)
    description = read_description(inputs.description)
    if len(grid["seeds"]) == 0:
        figure = empty_figure(cell_title(cell), f"All {len(runs)} runs diverged.")
    elif "x1" not in grid:
        count = len(description["features"])
        reason = f"A boundary is drawn for two features; this data set has {count}."
        figure = empty_figure(cell_title(cell), reason)
    else:
        figure = boundary_figure(
            grid,
            read_table(inputs.points),
            description,
            cell_title(cell),
            divergence_note(len(runs) - len(grid["seeds"])),
            train_accuracy=runs["train_accuracy"].mean(),
            heldout_accuracy=runs["heldout_accuracy"].mean(),
        )
    save(figure, output)
    log(f"written {output}")


main(snakemake.params.cell, snakemake.input, snakemake.output[0], start_log(snakemake.log[0]))
