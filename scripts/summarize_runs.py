"""Summarise every cell over its seeds."""

from restudy.analysis.convergence import with_falls
from restudy.analysis.summaries import summarize
from restudy.data.tables import read_table, write_table
from restudy.families.registry import FAMILIES
from restudy.job import begin_job


def main(name: str, runs: str, history: str, output: str, log) -> None:
    """Write a row per cell."""
    family = FAMILIES[name]
    rows = with_falls(family, read_table(runs), [read_table(history)] if history else [])
    summary = summarize(family, rows)
    write_table(summary, output)
    log(f"{len(summary)} cells, {summary['diverged'].sum()} diverged runs")


log = begin_job(snakemake)
main(
    snakemake.wildcards.family,
    snakemake.input.runs,
    snakemake.input.history,
    snakemake.output[0],
    log,
)
