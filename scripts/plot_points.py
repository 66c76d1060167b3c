"""Draw a two-dimensional data set: training and held-out points."""

from backprop.data.tables import read_table
from backprop.log import start_log
from backprop.views.labels import label_of
from backprop.views.points import points_figure
from backprop.views.style import save, title_case


def main(name: str, points: str, output: str, log) -> None:
    """Write the scatter plot."""
    save(points_figure(read_table(points), title_case(label_of(name))), output)
    log(f"written {output}")


main(
    snakemake.wildcards.dataset,
    snakemake.input.points,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
