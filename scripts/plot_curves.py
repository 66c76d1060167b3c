"""Draw loss, accuracy and other quantities of a study's cells over training."""

from restudy.data.tables import read_rows
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.curves import curves_figure
from restudy.views.style import save


def main(family: Family, params, inputs, outputs, log) -> None:
    """Write a picture for each quantity that an output is named after."""
    history, runs = (read_rows(paths, params.levels) for paths in (inputs.history, inputs.runs))
    for quantity, path in outputs.items():
        save(curves_figure(history, params.study, family, quantity, runs), path)
        log(f"{quantity} drawn")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input,
    snakemake.output,
    log,
)
