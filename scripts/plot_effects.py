"""Draw loss and accuracy after training by the values of a study's axes."""

from restudy.data.tables import read_rows
from restudy.log import start_log
from restudy.views.effects_figure import effects_figure
from restudy.views.style import save


def main(params, tables: list[str], outputs, log) -> None:
    """Write both pictures."""
    runs = read_rows(tables, params.levels)
    for measure in ("loss", "accuracy"):
        save(effects_figure(runs, params.study, measure), getattr(outputs, measure))
        log(f"{measure} drawn")


main(
    snakemake.params,
    snakemake.input.runs,
    snakemake.output,
    start_log(snakemake.log[0]),
)
