"""Summarise every cell over its seeds."""

from restudy.analysis.summaries import summarize
from restudy.data.tables import read_table, write_table
from restudy.log import start_log


def main(model: str, runs: str, output: str, log) -> None:
    """Write a row per cell."""
    summary = summarize(model, read_table(runs))
    write_table(summary, output)
    log(f"{len(summary)} cells, {summary['diverged'].sum()} diverged runs")


main(
    snakemake.wildcards.model,
    snakemake.input.runs,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
