"""Draw the final test accuracy of all cells of a CNN study, best on top."""

from restudy.data.tables import read_rows
from restudy.log import start_log
from restudy.views.conv_curves import final_accuracy_figure
from restudy.views.style import save


def main(params, runs: list[str], output: str, log) -> None:
    """Write the picture."""
    save(final_accuracy_figure(read_rows(runs, params.levels), params.study), output)
    log(f"written {output}")


main(
    snakemake.params,
    snakemake.input.runs,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
