"""Draw the decision boundaries of one cell."""

from restudy.analysis.boundaries import map_boundaries
from restudy.data.tables import read_arrays, read_description, read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.study.cell import make_cell
from restudy.study.labels import cell_title
from restudy.views.boundaries import accuracies_of, boundary_figure
from restudy.views.selection import divergence_note, finished_runs
from restudy.views.style import empty_figure, save


def main(family: Family, params, inputs, output: str, log) -> None:
    """Write the picture, with the cell's accuracies."""
    title = cell_title(make_cell(family, params.cell))
    runs, points = read_table(inputs.runs), read_table(inputs.points)
    description = read_description(inputs.description)
    features, classes = len(description["features"]), len(description["classes"])
    if features != 2:
        reason = f"Boundaries are drawn for two features; this data set has {features}."
        save(empty_figure(title, reason), output)
        return
    weights = read_arrays(inputs.weights)
    boundaries = map_boundaries(family, params.settings, runs, weights, points, classes)
    if boundaries is None:
        figure = empty_figure(title, f"All {len(runs)} runs diverged.")
    else:
        note = divergence_note(finished_runs(runs)[1])
        accuracies = accuracies_of(runs, family, boundaries)
        figure = boundary_figure(boundaries, points, description, title, note, accuracies)
    save(figure, output)
    log(f"written {output}")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input,
    snakemake.output[0],
    log,
)
