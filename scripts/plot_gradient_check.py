"""Draw the errors of the gradients by layer, published and corrected side by side."""

from restudy.data.tables import read_table
from restudy.job import begin_job
from restudy.views.gradient_check_figure import gradient_check_figure
from restudy.views.style import save


def main(table: str, output: str, log) -> None:
    """Write the picture."""
    save(gradient_check_figure(read_table(table)), output)
    log(f"written {output}")


log = begin_job(snakemake)
main(snakemake.input.table, snakemake.output[0], log)
