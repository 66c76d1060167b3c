"""Train one cell: all its replicates side by side, in one job."""

import numpy as np

from restudy.families.contract import Run
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import make_optimizer
from restudy.families.dense.schedules import make_schedule
from restudy.families.dense.snapshots import affordable_count, pack_snapshots, snapshot_passes


def train(run: Run) -> None:
    """Train all replicates of a dense cell.

    It saves ``runs.csv``, ``history.parquet`` and ``layers.parquet``, the tables of
    `DenseResult`; ``weights.npz``, the final weights ``layer1``, ``layer2``, … of shape
    (R, rows, fan_in + 1); and ``snapshots.npz``, see `pack_snapshots`.
    """
    settings, protocol = run.settings, run.settings["protocol"]
    x, label = points_of(run, "train")
    hidden = [run.cell["hidden_size"]] * run.cell["depth"]
    network = DenseNetwork(
        sizes=[x.shape[-1], *hidden, int(label.max()) + 1],
        activation=settings["activation"],
        initializer=settings["initializer"],
        seeds=run.seeds,
        l2=protocol["l2"],
        l1=protocol["l1"],
        arithmetic=protocol["arithmetic"],
        precision=protocol["precision"],
    )
    snapshots = affordable_count(
        network.weights, protocol["snapshots"], protocol["snapshot_megabytes"]
    )
    if snapshots < protocol["snapshots"]:
        run.log(f"snapshot_megabytes allows {snapshots} of {protocol['snapshots']} snapshots")
    passes, earlier = run.restored() or (0, None)
    if passes:
        run.log(f"goes on from {passes:,} of {protocol['passes']:,} passes")
    result = network.fit(
        x,
        label,
        make_optimizer(settings["optimizer"]),
        protocol["passes"],
        validation=points_of(run, "validation"),  # which a few rows leave no points for
        heldout=points_of(run, "heldout"),
        batch_size=protocol["batch_size"],
        schedule=make_schedule(protocol["schedule"], protocol["passes"]),
        record_interval=protocol["record_interval"],
        snapshot_passes=snapshot_passes(protocol["passes"], snapshots),
        stop_early=protocol.get("stop_early"),
        earlier=earlier,
        progress=run.progress(protocol["passes"], "passes"),
    )
    run.log(f"{len(result.runs)} replicates, {result.runs['diverged_at'].count()} diverged")
    run.checkpoint(protocol["passes"], result.state)
    run.save("runs.csv", result.runs)
    run.save("history.parquet", result.history)
    run.save("layers.parquet", result.layers)
    run.save("weights.npz", {f"layer{n}": each for n, each in enumerate(result.weights, start=1)})
    run.save("snapshots.npz", pack_snapshots(result.snapshots, network.seeds))


def points_of(run: Run, part: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the points of a part of the data, if it has any: shared by all seeds, or of each.

    Returns
    -------
    x, label : ndarray
        Of shapes (N, D) and (N,) if all seeds of the job train on the same draw of the data set;
        else (R, N, D) and (R, N).
    """
    found = [run.data_by_seed[seed].get(part) for seed in run.seeds]
    if all(each is found[0] for each in found):
        return found[0]
    return tuple(np.stack(arrays) for arrays in zip(*found, strict=True))
