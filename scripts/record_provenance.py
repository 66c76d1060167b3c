"""Record what this run is computed with: configuration, data, locked environment, machine."""

import os
from pathlib import Path

from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.provenance.environment import describe_environment, digest, file_digest
from restudy.small_files import write_json


def main(params, inputs, output: str, log) -> None:
    """Write the record as JSON."""
    folder = Path(output).parents[1]  # parent of results/
    record = {
        "configuration": params.config,
        "configuration_sha256": digest(params.config),
        # Who reads the results may need these files, and nothing depends on where they lie.
        "families": {
            name: os.path.relpath(family.file) for name, family in FAMILIES.items() if family.file
        },
        "data_sha256": {os.path.relpath(path, folder): file_digest(path) for path in inputs.data},
        "lock_sha256": params.lock,
        "environment": describe_environment(),
    }
    write_json(output, record)
    log(f"revision {record['environment']['revision']}")


log = begin_job(snakemake)
main(snakemake.params, snakemake.input, snakemake.output[0], log)
