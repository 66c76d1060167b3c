"""Make the points of a point set, generated or loaded, in all of its draws and parts."""

from restudy.data.points import make_points
from restudy.data.tables import write_table
from restudy.families.contract import DRAWS
from restudy.job import begin_job
from restudy.small_files import write_json
from restudy.study.entries import split_value


def main(dataset: dict, outputs, log) -> None:
    """Write the points as CSV and their description as JSON; see `make_points`."""
    points, description = make_points(dataset)
    write_table(points, outputs.points)
    write_json(outputs.description, description)
    draws = f" in {description[DRAWS]} draws" if DRAWS in description else ""
    log(f"{len(points):,} points of {len(description['classes'])} classes{draws} written")


log = begin_job(snakemake)
name, _ = split_value(snakemake.wildcards.dataset)
place = snakemake.config["places"][name]
main({**snakemake.params.dataset, **place}, snakemake.output, log)
