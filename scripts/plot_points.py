"""Draw a two-dimensional data set: training and held-out points."""

from backprop.data.tables import read_table
from backprop.log import start_log
from backprop.views.points import points_figure
from backprop.views.style import save


def main(points: str, output: str, log) -> None:
    """Write the scatter plot."""
    save(points_figure(read_table(points)), output)
    log(f"written {output}")


main(snakemake.input.points, snakemake.output[0], start_log(snakemake.log[0]))
