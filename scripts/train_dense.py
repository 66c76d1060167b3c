"""Train all replicates of one dense cell; write runs, history, weights, boundary, provenance."""

import numpy as np

from backprop.data.tables import read_table, with_cell, write_table
from backprop.dense.boundary import map_boundary
from backprop.dense.network import DenseNetwork
from backprop.dense.optimizers import make_optimizer
from backprop.dense.training import Points, train
from backprop.log import Progress, start_log
from backprop.provenance.environment import describe_run, write_json


def main(settings: dict, inputs, outputs, repository: str, log) -> None:
    """Train the cell that the settings spell out."""
    cell, protocol = settings["cell"], settings["protocol"]
    points = read_table(inputs.points)
    parts = {
        part: Points(rows[["x1", "x2"]].to_numpy(), rows["label"].to_numpy())
        for part, rows in points.groupby("part")
    }
    network = DenseNetwork(
        sizes=[2, *[cell["hidden_size"]] * cell["depth"], int(points["label"].max()) + 1],
        activation=cell["activation"],
        initializer=cell["initializer"],
        seeds=range(protocol["replicates"]),
        l2=protocol["l2"],
        arithmetic=protocol["arithmetic"],
        precision=protocol["precision"],
    )
    result = train(
        network,
        make_optimizer(settings["optimizer"]),
        parts["train"],
        parts["heldout"],
        protocol["passes"],
        protocol["record_interval"],
        Progress(log, protocol["passes"], "passes"),
    )
    diverged = result.runs["diverged_at"].count()
    log(f"{len(result.runs)} replicates, {diverged} diverged")
    write_table(with_cell(result.runs, cell), outputs.runs)
    write_table(with_cell(result.history, cell), outputs.history)
    layers = {f"layer{number}": w for number, w in enumerate(result.weights, start=1)}
    np.savez(outputs.weights, **layers)
    np.savez_compressed(outputs.boundary, **map_finished(result, cell, parts["train"].x))
    run = describe_run(settings, inputs.points, inputs.code, inputs.lock, repository)
    write_json(outputs.provenance, run)


def map_finished(result, cell: dict, points: np.ndarray) -> dict[str, np.ndarray]:
    """The boundary of the replicates that did not diverge, and ``seeds``, which these are.

    Grid step and margin are those of the published study. Without such a replicate there is no
    grid, only the empty ``seeds``.
    """
    finished = result.runs["diverged_at"].isna().to_numpy()
    seeds = {"seeds": result.runs["seed"].to_numpy()[finished]}
    if not finished.any():
        return seeds
    weights = [layer[finished] for layer in result.weights]
    return seeds | map_boundary(weights, cell["activation"], points, step=0.01, margin=0.5)


main(
    snakemake.params.settings,
    snakemake.input,
    snakemake.output,
    snakemake.params.repository,
    start_log(snakemake.log[0]),
)
