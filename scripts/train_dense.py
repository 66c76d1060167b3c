"""Train all replicates of one dense cell; write what came out and what happened on the way."""

import numpy as np

from backprop.data.tables import parts_of, read_table, with_cell, write_table
from backprop.dense.boundary import map_finished
from backprop.dense.network import DenseNetwork
from backprop.dense.optimizers import make_optimizer
from backprop.dense.schedules import make_schedule
from backprop.dense.snapshots import affordable_count, pack_snapshots, snapshot_passes
from backprop.log import Progress, start_log
from backprop.provenance.environment import describe_run, write_json


def main(params, inputs, outputs, log) -> None:
    """Train the cell that the settings spell out."""
    settings = params.settings
    cell, protocol = settings["cell"], settings["protocol"]
    parts = parts_of(read_table(inputs.points))
    x, label = parts["train"]
    network = DenseNetwork(
        sizes=[x.shape[1], *[cell["hidden_size"]] * cell["depth"], int(label.max()) + 1],
        activation=settings["activation"],
        initializer=settings["initializer"],
        seeds=range(protocol["replicates"]),
        l2=protocol["l2"],
        l1=protocol["l1"],
        arithmetic=protocol["arithmetic"],
        precision=protocol["precision"],
    )
    snapshots = affordable_count(
        network.weights, protocol["snapshots"], protocol["snapshot_megabytes"]
    )
    if snapshots < protocol["snapshots"]:
        log(f"snapshot_megabytes allows {snapshots} of {protocol['snapshots']} snapshots")
    result = network.fit(
        x,
        label,
        make_optimizer(settings["optimizer"]),
        protocol["passes"],
        heldout=parts["heldout"],
        batch_size=protocol["batch_size"],
        schedule=make_schedule(protocol["schedule"], protocol["passes"]),
        record_interval=protocol["record_interval"],
        snapshot_passes=snapshot_passes(protocol["passes"], snapshots),
        progress=Progress(log, protocol["passes"], "passes"),
    )
    diverged = result.runs["diverged_at"].count()
    log(f"{len(result.runs)} replicates, {diverged} diverged")
    write_table(with_cell(result.runs, cell), outputs.runs)
    write_table(with_cell(result.history, cell), outputs.history)
    write_table(with_cell(result.layers, cell), outputs.layers)
    layers = {f"layer{number}": w for number, w in enumerate(result.weights, start=1)}
    np.savez(outputs.weights, **layers)
    np.savez(outputs.snapshots, **pack_snapshots(result.snapshots, network.seeds))
    np.savez_compressed(outputs.boundary, **map_finished(result, settings["activation"], x))
    run = describe_run(settings, inputs.points, params.code, inputs.lock, params.repository)
    write_json(outputs.provenance, run)


main(
    snakemake.params,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
