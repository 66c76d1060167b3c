"""Draw the loss or the accuracy after training by the values of a study's axes."""

from backprop.data.tables import combine
from backprop.log import start_log
from backprop.views.effects import effects_figure
from backprop.views.style import save


def main(measure: str, study: dict, runs: list[str], output: str, log) -> None:
    """Write the picture."""
    save(effects_figure(combine(runs), study, measure), output)
    log(f"written {output}")


main(
    snakemake.wildcards.measure,
    snakemake.params.study,
    snakemake.input.runs,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
