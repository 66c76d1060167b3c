"""Make the training and held-out points of a point set, generated or loaded."""

from restudy.data.points import make_points
from restudy.data.tables import write_table
from restudy.job import begin_job
from restudy.small_files import write_json
from restudy.study.entries import split_value


def main(dataset: dict, outputs, log) -> None:
    """Write the points as CSV (part, x1 to xD, label), and their description as JSON."""
    points, description = make_points(dataset)
    write_table(points, outputs.points)
    write_json(outputs.description, description)
    log(f"{len(points):,} points of {len(description['classes'])} classes written")


log = begin_job(snakemake)
name, _ = split_value(snakemake.wildcards.dataset)
place = snakemake.config["places"][name]
main({**snakemake.params.dataset, **place}, snakemake.output, log)
