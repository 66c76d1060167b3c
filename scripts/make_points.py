"""Draw the training and held-out points of a two-dimensional data set."""

from backprop.data.points import make_points
from backprop.data.tables import write_table
from backprop.log import start_log


def main(dataset: dict, output: str, log) -> None:
    """Write the points as CSV: part, x1, x2, label."""
    points = make_points(dataset)
    write_table(points, output)
    log(f"{len(points):,} points written")


main(snakemake.params.dataset, snakemake.output[0], start_log(snakemake.log[0]))
