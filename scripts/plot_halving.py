"""Draw who was promoted in a study with successive halving, and why."""

from restudy.data.tables import read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.halving_figure import halving_figure
from restudy.views.style import save


def main(family: Family, study: dict, table: str, output: str, log) -> None:
    """Write the picture."""
    ranks = read_table(table)
    save(halving_figure(ranks[ranks["study"] == study["name"]], study, family), output)
    log(f"written {output}")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params.study,
    snakemake.input.table,
    snakemake.output[0],
    log,
)
