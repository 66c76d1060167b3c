"""Draw the decision boundaries of all cells of a study, a panel each."""

import numpy as np

from restudy.data.tables import read_description, read_table
from restudy.log import start_log
from restudy.views.boundaries import boundary_panel
from restudy.views.selection import divergence_note
from restudy.views.style import save


def main(study: dict, cells: list[dict], inputs, output: str, log) -> None:
    """Write the picture; cells and all inputs stand in the same order."""
    panels = []
    diverged = 0
    files = zip(cells, inputs.points, inputs.descriptions, inputs.grids, inputs.runs, strict=True)
    for cell, points, description, grid, table in files:
        runs = read_table(table)
        with np.load(grid) as file:
            fields = dict(file)
        diverged += len(runs) - len(fields["seeds"])
        panels.append(
            {
                "values": cell,
                "points": read_table(points),
                "description": read_description(description),
                "grid": fields if len(fields["seeds"]) else None,
                "heldout_accuracy": runs["heldout_accuracy"].mean(),
            }
        )
    save(boundary_panel(panels, study, note=divergence_note(diverged)), output)
    log(f"written {output}, {len(panels)} panels")


main(
    snakemake.params.study,
    snakemake.params.cells,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
