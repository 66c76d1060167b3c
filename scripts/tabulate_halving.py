"""Join the ranks of all rungs of a family's studies with successive halving."""

import pandas as pd

from restudy.data.tables import read_table, write_table
from restudy.job import begin_job


def main(tables: list[str], output: str, log) -> None:
    """Write a row per study, rung and cell; a setting that only some studies vary has gaps."""
    joined = pd.concat([read_table(path) for path in tables], ignore_index=True)
    write_table(joined, output)
    log(f"{len(joined):,} rows of {len(tables):,} rungs")


log = begin_job(snakemake)
main(snakemake.input.tables, snakemake.output[0], log)
