"""Draw the decision boundaries of all cells of a study, one panel per cell."""

from restudy.analysis.boundaries import map_boundaries
from restudy.data.tables import by_folder, read_arrays, read_description, read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.plan.paths import data_folder
from restudy.views.boundaries import accuracies_of, boundary_panel
from restudy.views.selection import divergence_note, finished_runs
from restudy.views.style import save


def main(family: Family, params, inputs, output: str, log) -> None:
    """Write the picture."""
    weights, tables = by_folder(inputs.weights), by_folder(inputs.runs)
    points = {folder: read_table(path) for folder, path in by_folder(inputs.points).items()}
    descriptions = by_folder(inputs.descriptions)
    panels, diverged = [], 0
    for job, values in zip(params.jobs, params.shown, strict=True):
        data, runs = data_folder(job["cell"]["dataset"]), read_table(tables[job["folder"]])
        panel = {"points": points[data], "values": values}
        description = read_description(descriptions[data])
        boundaries = map_boundaries(
            family,
            job["settings"],
            runs,
            read_arrays(weights[job["folder"]]),
            panel["points"],
            len(description["classes"]),
        )
        diverged += finished_runs(runs)[1]
        accuracies = accuracies_of(runs, family, boundaries)
        found = {"boundaries": boundaries, "accuracies": accuracies, "description": description}
        panels.append(panel | found)
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
