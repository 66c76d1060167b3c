"""Record what this run is computed with: configuration, data, locked environment, machine."""

import os
from pathlib import Path

from restudy.job import begin_job
from restudy.provenance.environment import (
    describe_environment,
    digest,
    file_digest,
    write_json,
)


def main(config: dict, inputs, output: str, repository: str, log) -> None:
    """Write the record as JSON."""
    folder = Path(output).parents[1]  # parent of results/
    record = {
        "configuration": config,
        "configuration_sha256": digest(config),
        "data_sha256": {os.path.relpath(path, folder): file_digest(path) for path in inputs.data},
        "lock_sha256": file_digest(inputs.lock),
        "environment": describe_environment(repository),
    }
    write_json(output, record)
    log(f"revision {record['environment']['revision']}")


log = begin_job(snakemake)
main(
    snakemake.params.config,
    snakemake.input,
    snakemake.output[0],
    snakemake.params.repository,
    log,
)
