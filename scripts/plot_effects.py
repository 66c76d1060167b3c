"""Draw loss, accuracy and other quantities after training by the values of a study's axes."""

from restudy.data.tables import read_rows
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.effects_figure import effects_figure
from restudy.views.style import save


def main(family: Family, params, tables: list[str], outputs, log) -> None:
    """Write a picture for each quantity that an output is named after."""
    runs = read_rows(tables, params.levels)
    for quantity, path in outputs.items():
        save(effects_figure(runs, params.study, family, quantity), path)
        log(f"{quantity} drawn")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input.runs,
    snakemake.output,
    log,
)
