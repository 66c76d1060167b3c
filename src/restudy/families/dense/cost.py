"""The cost of a dense cell: counts of operations, which predict its time, and bytes of results."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from restudy.data.kinds import EVALUATED, dataset_kind
from restudy.families.contract import PointFacts, draw_count
from restudy.families.dense.footprint import (
    JOB_BYTES,
    LAYER_BYTES,
    LAYER_RECORD_BYTES,
    POINT_BYTES,
    RECORD_BYTES,
    SNAPSHOT_COPIES,
    VALUE_COPIES,
    WEIGHT_COPIES,
)


class DataShape(NamedTuple):
    """Numbers of training points, other points, features and classes of a point set."""

    points: int
    evaluated: int
    features: int
    classes: int


# A guess, for a user's file.
OWN_FILE = DataShape(1000, 0, 10, 3)


class NetworkSize(NamedTuple):
    """Numbers of weights, units (each piece of maxout counts) and layers of a network."""

    weights: int
    units: int
    layers: int


def features(settings: Mapping) -> list[float]:
    """Return the terms of the weighted sum that predicts a cell's time.

    Parameters
    ----------
    settings : mapping
        See `restudy.study.config.cell_settings`.

    Returns
    -------
    list of float
        1, for the start; calls of NumPy; elementwise operations; products; records; and updates
        of parameters.
    """
    protocol = settings["protocol"]
    data, size = data_shape(settings["dataset"]), network_size(settings)
    batch = min(protocol["batch_size"] or data.points, data.points)
    updates = protocol["passes"] * math.ceil(data.points / batch)
    replicates, passes = protocol["replicates"], protocol["passes"]
    # In float32, half as many bytes pass through the processor.
    width = 0.5 if protocol["precision"] == "float32" else 1.0
    records = passes / protocol["record_interval"] + 1
    return [
        1.0,
        updates * size.layers,
        width * updates * replicates * batch * size.units,
        width * updates * replicates * batch * size.weights,
        records * replicates * (data.evaluated + data.points) * size.units,
        width * updates * replicates * size.weights,
    ]


def disk(settings: Mapping) -> float:
    """Return the bytes that a cell writes: weights, snapshots and records."""
    protocol, size = settings["protocol"], network_size(settings)
    replicates = protocol["replicates"]
    rows = replicates * (protocol["passes"] / protocol["record_interval"] + 1)
    snapshots = 8 * size.weights * replicates * (protocol["snapshots"] + 1)
    allowed = 1e6 * protocol["snapshot_megabytes"] + 8 * size.weights * replicates
    return 60e3 + min(snapshots, allowed) + rows * (35 + 25 * size.layers)


def state(settings: Mapping) -> float:
    """Return the bytes of the state that a cell keeps for a larger budget, with Adam the most."""
    protocol, size = settings["protocol"], network_size(settings)
    weights = 8 * size.weights * protocol["replicates"]
    snapshots = min(weights * protocol["snapshots"], 1e6 * protocol["snapshot_megabytes"])
    rows = protocol["replicates"] * (protocol["passes"] / protocol["record_interval"] + 1)
    # Parameters and two slots; measures by pass, and three numbers for each layer.
    return 12e3 + 3 * weights + snapshots + 8 * rows * (6 + 3 * size.layers)


def memory(settings: Mapping, facts: PointFacts) -> float:
    """Return the megabytes that a job takes at most.

    Parameters
    ----------
    settings : mapping
        As in `features`.
    facts : PointFacts
        Of the data set.
    """
    protocol, draws = settings["protocol"], draw_count(settings["dataset"])
    data = data_shape(settings["dataset"])
    if facts.rows:
        data = DataShape(facts.rows, 0, facts.features, facts.classes)
    size, replicates = network_size(settings, data), protocol["replicates"]
    width = 4 if protocol["precision"] == "float32" else 8
    weights = width * size.weights * replicates
    snapshots = min(weights * protocol["snapshots"], 1e6 * protocol["snapshot_megabytes"])
    records = replicates * (protocol["passes"] / protocol["record_interval"] + 1)
    # A set of points for each replicate where they train on draws of their own.
    points = (data.points + data.evaluated) * (1 if draws == 1 else draws + replicates)
    return 1e-6 * (
        JOB_BYTES
        + WEIGHT_COPIES * weights
        + SNAPSHOT_COPIES * snapshots
        + records * (RECORD_BYTES + LAYER_RECORD_BYTES * size.layers)
        + POINT_BYTES * points * (data.features + data.classes)
        # Of a replicate at least: values and net inputs of all layers for all training points.
        + VALUE_COPIES * width * data.points * size.units
        + LAYER_BYTES * size.layers
    )


def data_shape(dataset: Mapping) -> DataShape:
    """Return the shape of a point set, estimated where its settings do not determine it."""
    kind = dataset_kind(dataset["kind"])
    inputs = kind.features or dataset.get("features", OWN_FILE.features)
    classes = kind.classes or dataset.get("classes", OWN_FILE.classes)
    if "points" in dataset:
        # Records of older jobs lack a part that their data sets had not.
        evaluated = sum(dataset.get(f"{part}_points", 0) for part in EVALUATED)
        return DataShape(dataset["points"], evaluated, inputs, classes)
    count = kind.examples or OWN_FILE.points
    evaluated = sum(round(count * dataset.get(f"{part}_share", 0)) for part in EVALUATED)
    return DataShape(count - evaluated, evaluated, inputs, classes)


def network_size(settings: Mapping, data: DataShape | None = None) -> NetworkSize:
    """Return the size of a cell's network, for data of an estimated shape or a known one."""
    cell, data = settings["cell"], data or data_shape(settings["dataset"])
    pieces = settings["activation"].get("pieces", 1)
    width, depth = cell["hidden_size"], cell["depth"]
    fan_in = [data.features, *[width] * depth]
    fan_out = [*[width * pieces] * depth, data.classes]
    weights = sum((a + 1) * b for a, b in zip(fan_in, fan_out, strict=True))
    return NetworkSize(weights, sum(fan_out), depth + 1)
