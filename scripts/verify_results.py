"""Compare this run's results with another run's manifest; fail if one differs or is missing."""

import os
import sys

from restudy.data.tables import write_table
from restudy.job import begin_job
from restudy.verification.manifest import (
    FAILURES,
    compare_manifests,
    read_manifest,
    state_comparison,
)


def main(params, terminal, log) -> None:
    """Write the full list, report what is not identical, and exit with 1 if anything failed."""
    own, other = read_manifest(params.manifest), read_manifest(params.against)
    table = compare_manifests(own, other, params.tolerance)
    write_table(table, params.table)
    failed = table["outcome"].isin(FAILURES).any()
    for line in [*state_comparison(table, params.tolerance), f"all artefacts: {params.table}"]:
        log(line)
        # If a job fails, Snakemake shows its log.
        if not failed:
            print(line, file=terminal)
    if failed:
        sys.exit(1)


# The user waits for the outcome: keep the stream to which this process prints before its log.
terminal = os.fdopen(os.dup(sys.stdout.fileno()), "w")
log = begin_job(snakemake)
main(snakemake.params, terminal, log)
