"""Draw a point set: training and held-out points."""

from backprop.data.tables import read_description, read_table
from backprop.log import start_log
from backprop.study.labels import label_of
from backprop.views.points import points_figure
from backprop.views.style import save, title_case


def main(name: str, inputs, output: str, log) -> None:
    """Write the scatter plot."""
    description = read_description(inputs.description)
    title = title_case(label_of(name))
    save(points_figure(read_table(inputs.points), description, title), output)
    log(f"written {output}")


main(
    snakemake.wildcards.dataset,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
