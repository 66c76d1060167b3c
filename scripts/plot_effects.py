"""Draw loss and accuracy after training by the values of a study's axes."""

from backprop.data.tables import combine
from backprop.log import start_log
from backprop.views.effects import effects_figure
from backprop.views.style import save


def main(study: dict, tables: list[str], outputs, log) -> None:
    """Write both pictures."""
    runs = combine(tables)
    for measure in ("loss", "accuracy"):
        save(effects_figure(runs, study, measure), getattr(outputs, measure))
        log(f"{measure} drawn")


main(
    snakemake.params.study,
    snakemake.input.runs,
    snakemake.output,
    start_log(snakemake.log[0]),
)
