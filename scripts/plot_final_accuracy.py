"""Draw the final accuracy of all cells of a study, best on top."""

from restudy.data.tables import read_rows
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.final_accuracy_figure import final_accuracy_figure
from restudy.views.style import save


def main(family: Family, params, runs: list[str], output: str, log) -> None:
    """Write the picture."""
    save(final_accuracy_figure(read_rows(runs, params.levels), params.study, family), output)
    log(f"written {output}")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input.runs,
    snakemake.output[0],
    log,
)
