"""Put the tables of several cells below one another."""

from backprop.data.tables import combine, write_table
from backprop.log import start_log


def main(tables: list[str], output: str, log) -> None:
    """Write one table, CSV or Parquet by the output's ending."""
    frame = combine(tables)
    write_table(frame, output)
    log(f"{len(frame):,} rows from {len(tables)} tables")


main(snakemake.input.tables, snakemake.output[0], start_log(snakemake.log[0]))
