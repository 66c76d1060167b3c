"""Concatenate the tables of several cells."""

from restudy.data.tables import stack_tables
from restudy.job import begin_job


def main(tables: list[str], output: str, settings: dict, log) -> None:
    """Write one table, CSV or Parquet by the output's ending."""
    rows = stack_tables(tables, output, settings)
    log(f"{rows:,} rows from {len(tables):,} tables")


log = begin_job(snakemake)
main(snakemake.input.tables, snakemake.output[0], snakemake.params.settings, log)
