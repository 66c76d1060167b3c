"""Draw a point set: training and held-out points."""

from restudy.data.tables import read_description, read_table
from restudy.job import begin_job
from restudy.study.labels import label_of
from restudy.views.points_figure import points_figure
from restudy.views.style import save, title_case


def main(name: str, inputs, output: str, log) -> None:
    """Write the scatter plot."""
    description = read_description(inputs.description)
    title = title_case(label_of(name))
    save(points_figure(read_table(inputs.points), description, title), output)
    log(f"written {output}")


log = begin_job(snakemake)
main(snakemake.wildcards.dataset, snakemake.input, snakemake.output[0], log)
