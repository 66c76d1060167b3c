"""Draw the final test accuracy of all cells of a CNN study, best on top."""

from backprop.data.tables import combine
from backprop.log import start_log
from backprop.views.conv_curves import final_accuracy_figure
from backprop.views.style import save


def main(study: dict, runs: list[str], output: str, log) -> None:
    """Write the picture."""
    save(final_accuracy_figure(combine(runs), study), output)
    log(f"written {output}")


main(
    snakemake.params.study,
    snakemake.input.runs,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
