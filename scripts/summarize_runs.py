"""Summarise every cell over its seeds."""

from restudy.analysis.summaries import summarize
from restudy.data.tables import read_table, write_table
from restudy.families.registry import FAMILIES
from restudy.job import begin_job


def main(family: str, runs: str, output: str, log) -> None:
    """Write a row per cell."""
    summary = summarize(FAMILIES[family], read_table(runs))
    write_table(summary, output)
    log(f"{len(summary)} cells, {summary['diverged'].sum()} diverged runs")


log = begin_job(snakemake)
main(snakemake.wildcards.family, snakemake.input.runs, snakemake.output[0], log)
