"""Fail if a verdict differs from what its claim expects."""

import sys

from restudy.claims.verdicts import disagreements
from restudy.data.tables import read_table
from restudy.job import begin_job


def main(claims: str, log) -> None:
    """Log every such verdict and exit with 1, or log that there is none."""
    table = read_table(claims)
    found = disagreements(table)
    for line in found:
        log(line)
    if found:
        sys.exit(1)
    log(f"{len(table)} verdicts, all as expected")


log = begin_job(snakemake)
main(snakemake.input.claims, log)
