"""Put the benchmark files of the run's training jobs into one table."""

from restudy.analysis.summaries import read_benchmarks
from restudy.data.tables import write_table
from restudy.log import start_log


def main(records: list[str], output: str, log) -> None:
    """Write a row per job."""
    table = read_benchmarks(records)
    write_table(table, output)
    log(f"{len(table)} jobs, {table['cpu_seconds'].sum():,.0f} CPU seconds")


main(snakemake.input.records, snakemake.output[0], start_log(snakemake.log[0]))
