"""Draw the decision boundaries of all cells of a study, one panel per cell."""

import numpy as np

from restudy.data.tables import by_folder, read_description, read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.study.cell import make_cell
from restudy.views.boundaries import boundary_panel
from restudy.views.panels import part_label
from restudy.views.selection import divergence_note, measures_of
from restudy.views.style import save


def main(family: Family, params, inputs, output: str, log) -> None:
    """Write the picture."""
    grids, tables = by_folder(inputs.grids), by_folder(inputs.runs)
    points, descriptions = by_folder(inputs.points), by_folder(inputs.descriptions)
    measures = measures_of(family, "accuracy")
    panels, diverged = [], 0
    for row, values in zip(params.cells, params.shown, strict=True):
        cell = make_cell(family, row)
        data = f"results/data/{cell['dataset']}"
        runs = read_table(tables[cell.folder])
        with np.load(grids[cell.folder]) as file:
            fields = dict(file)
        diverged += len(runs) - len(fields["seeds"])
        panels.append(
            {
                "values": values,
                "points": read_table(points[data]),
                "description": read_description(descriptions[data]),
                "grid": fields if len(fields["seeds"]) else None,
                "accuracies": {part_label(each): runs[each.name].mean() for each in measures},
            }
        )
    save(boundary_panel(panels, params.study, note=divergence_note(diverged)), output)
    log(f"written {output}, {len(panels)} panels")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input,
    snakemake.output[0],
    log,
)
