"""Draw the decision boundary of one cell."""

import numpy as np

from restudy.data.tables import read_description, read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.study.cell import make_cell
from restudy.study.labels import cell_title
from restudy.views.boundaries import boundary_figure
from restudy.views.panels import part_label
from restudy.views.selection import divergence_note, measures_of
from restudy.views.style import empty_figure, save


def main(family: Family, values: dict, inputs, output: str, log) -> None:
    """Write the picture, with the cell's mean accuracies."""
    title = cell_title(make_cell(family, values))
    runs = read_table(inputs.runs)
    with np.load(inputs.grid) as file:
        grid = dict(file)
    description = read_description(inputs.description)
    if len(grid["seeds"]) == 0:
        figure = empty_figure(title, f"All {len(runs)} runs diverged.")
    elif "x1" not in grid:
        count = len(description["features"])
        reason = f"Boundaries are drawn for two features; this data set has {count}."
        figure = empty_figure(title, reason)
    else:
        figure = boundary_figure(
            grid,
            read_table(inputs.points),
            description,
            title,
            divergence_note(len(runs) - len(grid["seeds"])),
            {
                part_label(measure): runs[measure.name].mean()
                for measure in measures_of(family, "accuracy")
            },
        )
    save(figure, output)
    log(f"written {output}")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params.cell,
    snakemake.input,
    snakemake.output[0],
    log,
)
