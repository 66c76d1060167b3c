"""Train one cell of a study as its settings spell it out, and name what its files hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from restudy.data.tables import parts_of, with_cell
from restudy.families.dense.boundary import map_finished
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import make_optimizer
from restudy.families.dense.schedules import make_schedule
from restudy.families.dense.snapshots import affordable_count, pack_snapshots, snapshot_passes
from restudy.log import Progress


@dataclass(frozen=True)
class CellResult:
    """What a trained cell leaves, by the names of its files without their endings.

    Attributes
    ----------
    tables : dict of str to DataFrame
        ``runs``, ``history`` and ``layers`` of `DenseResult`, with the cell's axes as their first
        columns.
    arrays : dict of str to dict of str to ndarray
        ``weights``: the final ones, ``layer1``, ``layer2``, … of shape (R, rows, fan_in + 1);
        ``snapshots``: see `pack_snapshots`; ``boundary``: see `map_finished`.
    """

    tables: dict[str, pd.DataFrame]
    arrays: dict[str, dict[str, np.ndarray]]


def train_cell(
    settings: Mapping, points: pd.DataFrame, log: Callable[[str], None] = lambda line: None
) -> CellResult:
    """Train all replicates of a dense cell.

    Parameters
    ----------
    settings : mapping
        ``cell``: its axes; ``activation``, ``initializer`` and ``optimizer``: each its ``kind`` and
        parameters; ``protocol``: all that is held fixed (config/README.md).
    points : DataFrame
        The data set, with its parts ``train`` and ``heldout``.
    log : callable
        Told what matters, a line at a time, and the progress every few seconds.

    Returns
    -------
    CellResult
    """
    cell, protocol = settings["cell"], settings["protocol"]
    parts = parts_of(points)
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
    return CellResult(
        tables={
            "runs": with_cell(result.runs, cell),
            "history": with_cell(result.history, cell),
            "layers": with_cell(result.layers, cell),
        },
        arrays={
            "weights": {f"layer{n}": layer for n, layer in enumerate(result.weights, start=1)},
            "snapshots": pack_snapshots(result.snapshots, network.seeds),
            "boundary": map_finished(result, settings["activation"], x),
        },
    )
