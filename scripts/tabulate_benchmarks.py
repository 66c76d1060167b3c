"""Collect the benchmark files of the run's training jobs into one table."""

from collections.abc import Mapping

from restudy.analysis.summaries import read_benchmarks
from restudy.data.tables import by_folder, write_table
from restudy.job import begin_job


def main(jobs: Mapping[str, list[str]], records: list[str], output: str, log) -> None:
    """Write a row per job."""
    table = read_benchmarks(jobs, by_folder(records))
    write_table(table, output)
    log(f"{len(table)} jobs, {table['cpu_seconds'].sum():,.0f} CPU seconds")


log = begin_job(snakemake)
main(snakemake.params.jobs, snakemake.input.records, snakemake.output[0], log)
