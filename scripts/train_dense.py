"""Train all replicates of one dense cell; write what came out and what happened on the way."""

import numpy as np

from restudy.data.tables import read_table, write_table
from restudy.families.dense.cells import train_cell
from restudy.log import start_log
from restudy.provenance.environment import describe_run, write_json


def main(params, inputs, outputs, log) -> None:
    """Train the cell that the settings spell out."""
    result = train_cell(params.settings, read_table(inputs.points), log)
    for name, table in result.tables.items():
        write_table(table, outputs[name])
    np.savez(outputs.weights, **result.arrays["weights"])
    np.savez(outputs.snapshots, **result.arrays["snapshots"])
    np.savez_compressed(outputs.boundary, **result.arrays["boundary"])
    run = describe_run(params.settings, inputs.points, params.code, inputs.lock, params.repository)
    write_json(outputs.provenance, run)


main(
    snakemake.params,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
