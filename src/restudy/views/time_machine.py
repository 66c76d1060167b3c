"""Snapshots of weights for a page that runs the networks itself, as many as it has room for."""

import math
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.typical import typical_seeds
from restudy.data.tables import parts_of, split_draws
from restudy.families.contract import Family, draw_of
from restudy.families.registry import resolve
from restudy.study.cell import Cell, make_cell
from restudy.study.labels import label_of
from restudy.views.payload import pack, single

# Weights are random numbers: compressing float32 to text takes about this many bytes for one.
TEXT_PER_BYTE = 1.2
# Snapshots of a run that are kept where not one seed of every cell fits with all of them.
FEWER_SNAPSHOTS = (12, 6)
MAX_POINTS_TEXT = 200_000  # bytes of text that the points of one data set may take
MAX_RECORDS = 60
PARTS = ("train", "heldout")
Arrays = Mapping[str, np.ndarray]


@dataclass
class Machine:
    """What the time machine of a family reads.

    Attributes
    ----------
    family : Family
        Whose networks they are.
    networks : mapping of Cell to mapping
        Each cell that may stand on the page -> what its ``browser_twin`` says of its networks.
    load : callable
        Cell -> its snapshots: seeds (R,), passes (S,), and layer1, layer2, … of shape
        (S, R, rows, fan_in + 1).
    shapes : callable
        Cell -> the shapes of these arrays, by name.
    points : mapping of str to DataFrame
        Data set -> part, x1 to xD, label; and draw, if there are several.
    descriptions : mapping of str to mapping
        Data set -> ``classes`` and ``features``, their names.
    """

    family: Family
    networks: Mapping[Cell, Mapping[str, Any]]
    load: Callable[[Cell], Arrays]
    shapes: Callable[[Cell], Mapping[str, tuple[int, ...]]]
    points: Mapping[str, pd.DataFrame]
    descriptions: Mapping[str, Mapping[str, Any]]

    def shows(self, cell: Cell) -> bool:
        """Return whether a cell's networks can be run or drawn."""
        network = self.networks.get(cell)
        drawn = bool(self.family.snapshot_pictures)
        return network is not None and (drawn or bool(network.get("form")))

    def pictures(self, cell: Cell, snapshots: Arrays) -> dict[str, Any] | None:
        """Return what the page shows of networks that it cannot run; None of those that it can."""
        network = self.networks[cell]
        if network.get("form"):
            return None
        draw = resolve(self.family, self.family.snapshot_pictures)
        parts = _parts_of_seeds(self.points[cell["dataset"]], snapshots["seeds"].tolist())
        return _in_single(draw(network, snapshots, parts))


@dataclass(frozen=True)
class Inventory:
    """Snapshots that a cell has.

    Attributes
    ----------
    snapshots, seeds : int
        How many.
    weights : int
        Numbers of one network.
    picture_bytes : int
        What goes with each, where the page cannot run the network.
    """

    snapshots: int
    seeds: int
    weights: int
    picture_bytes: int = 0

    def size(self, seeds: int, snapshots: int) -> int:
        """Return the bytes of at most so many seeds and snapshots, in single precision."""
        each = 4 * self.weights + self.picture_bytes
        return each * min(seeds, self.seeds) * min(snapshots, self.snapshots)


@dataclass(frozen=True)
class Choice:
    """Which cells stand on a page, and at most how many seeds and snapshots of each."""

    cells: tuple[Cell, ...]
    seeds: int
    snapshots: int


def choose(
    inventories: Mapping[Cell, Inventory], order: Sequence[Cell], byte_budget: float
) -> Choice:
    """Choose snapshots that take at most so many bytes of float32.

    Seeds are given up first, down to one, then snapshots, then cells, from the end of the order.

    Parameters
    ----------
    inventories : mapping of Cell to Inventory
        What each cell has; cells without a snapshot are passed over.
    order : sequence of Cell
        The cells, the most wanted first.
    byte_budget : float
        Bytes.

    Returns
    -------
    Choice
        Its cells in the order given.
    """
    cells = tuple(cell for cell in order if inventories[cell].snapshots)
    most = max((inventories[cell].snapshots for cell in cells), default=0)

    def size(seeds: int, snapshots: int) -> int:
        return sum(inventories[cell].size(seeds, snapshots) for cell in cells)

    for snapshots in dict.fromkeys((most, *(min(most, count) for count in FEWER_SNAPSHOTS))):
        if size(1, snapshots) <= byte_budget:
            largest = max((inventories[cell].seeds for cell in cells), default=0)
            fitting = (
                k for k in range(1, max(largest, 1) + 1) if size(k, snapshots) <= byte_budget
            )
            return Choice(cells, max(fitting), snapshots)
    snapshots, kept = min(most, FEWER_SNAPSHOTS[0]), []
    for cell in cells:
        if inventories[cell].size(1, snapshots) <= byte_budget:
            byte_budget -= inventories[cell].size(1, snapshots)
            kept.append(cell)
    return Choice(tuple(kept), 1, snapshots)


def thin_snapshots(count: int, most: int) -> np.ndarray:
    """Return the places of at most so many snapshots, evenly, the first and last included."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, max(most, 2)).round().astype(int))


def read_shapes(path: str | Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays in an npz file, by name, without reading the arrays."""
    shapes = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                version = np.lib.format.read_magic(file)
                read_header = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shapes[name.removesuffix(".npy")] = read_header(file)[0]
    return shapes


def pack_machine(
    machine: Machine,
    cells: Sequence[Cell],
    order: Sequence[Cell],
    tables: Mapping[str, pd.DataFrame],
    byte_budget: int,
) -> str:
    """Return the time machine's data as text that is no longer than a number of characters.

    Parameters
    ----------
    machine : Machine
        Where they come from.
    cells : sequence of Cell
        All cells of the family, in the order in which the page numbers them.
    order : sequence of Cell
        Those that may stand on the page, the most wanted first.
    tables : mapping of str to DataFrame
        ``runs`` and, where it is left, ``history`` of the family.
    byte_budget : int
        Characters.
    """
    inventories = {cell: _inventory(machine, cell) for cell in order}
    by_cell = {name: _by_cell(tables[name], machine.family) for name in tables if name != "layers"}
    places = {cell: place for place, cell in enumerate(cells)}
    wanted = _seeds_in_order([by_cell["runs"][cell] for cell in order], machine.family)
    keys = [each.name for each in machine.family.settings if each.name.startswith("snapshot")]

    @cache
    def datasets(seeds: int) -> list[dict]:
        return _datasets(machine, wanted[:seeds])

    @cache
    def record(cell: Cell, seeds: int, snapshots: int) -> dict:
        return {"cell": places[cell]} | _record(machine, cell, wanted[:seeds], snapshots, by_cell)

    def packed(share: float) -> str:
        choice = choose(inventories, order, share)
        shown = sorted(choice.cells, key=places.__getitem__)
        return pack(
            {
                "datasets": datasets(choice.seeds),
                "cells": [record(cell, choice.seeds, choice.snapshots) for cell in shown],
                "forms": _forms(machine, shown),
                "kept": _account(inventories, choice, len(cells)),
                "keys": keys,
            }
        )

    share = byte_budget / TEXT_PER_BYTE
    # How well the weights compress shows only when they are compressed.
    share *= 0.99 * byte_budget / len(packed(share))
    while len(text := packed(share)) > byte_budget and share > 1:
        share *= 0.97
    return text


def _inventory(machine: Machine, cell: Cell) -> Inventory:
    """What a cell has, without reading its weights."""
    shapes = machine.shapes(cell)
    layers = [shapes[name] for name in _layer_names(shapes)]
    snapshots, seeds = shapes["passes"][0], shapes["seeds"][0]
    weights = sum(math.prod(shape[2:]) for shape in layers)
    if not snapshots or machine.networks[cell].get("form"):
        return Inventory(snapshots, seeds, weights)
    pictures = machine.pictures(cell, _part(machine.load(cell), [0], [0]))
    return Inventory(snapshots, seeds, weights, sum(each.nbytes for each in _arrays(pictures)))


def _layer_names(snapshots: Iterable[str]) -> list[str]:
    names = [name for name in snapshots if name.startswith("layer")]
    return sorted(names, key=lambda name: int(name.removeprefix("layer")))


def _part(snapshots: Arrays, kept: Sequence[int], places: Sequence[int]) -> dict[str, np.ndarray]:
    """Some snapshots of some seeds, by their places."""
    return {
        "seeds": snapshots["seeds"][places],
        "passes": snapshots["passes"][kept],
        **{name: snapshots[name][kept][:, places] for name in _layer_names(snapshots)},
    }


def _seeds_in_order(runs: Sequence[pd.DataFrame], family: Family) -> list[int]:
    """All seeds of some cells, those first that are most often near the median of their cell.

    Cells are compared seed by seed, so that they have to have the same ones.
    """
    ranks: dict[int, float] = {}
    for own in runs:
        typical = typical_seeds(own, family)
        for seed in own["seed"].tolist():
            place = typical.index(seed) if seed in typical else len(own)
            ranks[seed] = ranks.get(seed, 0.0) + place / len(own)
    return sorted(ranks, key=lambda seed: (ranks[seed], seed))


def _account(inventories: Mapping[Cell, Inventory], choice: Choice, cells: int) -> dict:
    """What is kept and what there is, for the page to say."""
    there = [inventory for inventory in inventories.values() if inventory.snapshots]
    return {
        "cells": len(choice.cells),
        "seeds": choice.seeds,
        "snapshots": choice.snapshots,
        "ofCells": cells,
        "withSnapshots": len(there),
        "ofSeeds": max((inventory.seeds for inventory in there), default=0),
        "ofSnapshots": max((inventory.snapshots for inventory in there), default=0),
    }


def _forms(machine: Machine, cells: Iterable[Cell]) -> dict[str, str]:
    """JavaScript of every activation that occurs and has it, by its kind."""
    networks = [machine.networks[cell] for cell in cells]
    return {each["activation"]["kind"]: each["form"] for each in networks if each.get("form")}


def _measured(points: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Training points, and those held out, by part."""
    return {part: labelled for part, labelled in parts_of(points).items() if part in PARTS}


def _parts_of_seeds(
    points: pd.DataFrame, seeds: Sequence[int]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Points to measure by part, (N, D) and (N,); if there are several draws, those of each seed.

    Then with the seed as the first axis.
    """
    draws = [_measured(own) for own in split_draws(points)]
    if len(draws) == 1:
        return draws[0]
    own = [draws[draw_of(seed, len(draws))] for seed in seeds]
    return {
        part: (np.stack([each[part][0] for each in own]), np.stack([each[part][1] for each in own]))
        for part in draws[0]
    }


def _datasets(machine: Machine, seeds: Sequence[int]) -> list[dict]:
    """Each data set's names and its points, as far as there is room for them.

    Of several draws, the page gets their number and the points of those that these seeds were
    trained on, by the draw, instead of the points of the only one.
    """
    datasets = []
    for name, points in machine.points.items():
        description = machine.descriptions[name]
        tables = split_draws(points)
        draws = {
            str(draw): {
                part: {"x": single(x), "label": label.astype(np.uint16)}
                for part, (x, label) in _measured(tables[draw]).items()
            }
            for draw in sorted({draw_of(seed, len(tables)) for seed in seeds} or {0})
        }
        if len(pack(draws)) > MAX_POINTS_TEXT:
            for parts in draws.values():
                parts.pop("heldout", None)
        if len(pack(draws)) > MAX_POINTS_TEXT:
            draws = {draw: {} for draw in draws}
        held = {"parts": draws.get("0", {})}
        if len(tables) > 1:
            held = {"parts": {}, "drawCount": len(tables), "draws": draws}
        datasets.append(
            {
                "name": name,
                "label": label_of(name),
                "features": list(description["features"]),
                "standardized": "mean" in description,
                "classes": list(description["classes"]),
                **held,
            }
        )
    return datasets


def _record(
    machine: Machine,
    cell: Cell,
    seeds: Sequence[int],
    snapshots: int,
    tables: Mapping[str, Mapping[Cell, pd.DataFrame]],
) -> dict:
    """At most so many snapshots of some seeds of a cell, and their recorded losses."""
    whole, runs = machine.load(cell), tables["runs"][cell]
    kept = thin_snapshots(len(whole["passes"]), snapshots)
    part = _part(whole, kept, np.flatnonzero(np.isin(whole["seeds"], seeds)))
    shown = part["seeds"]
    diverged = runs.set_index("seed")["diverged_at"].reindex(shown)
    network = {key: value for key, value in machine.networks[cell].items() if key != "form"}
    history = tables.get("history", {}).get(cell)
    pictures = machine.pictures(cell, part)
    return {
        "dataset": list(machine.points).index(cell["dataset"]),
        **network,
        "seeds": shown.astype(np.uint32),
        **_nearness(runs, shown.tolist(), machine.family),
        "diverged": [None if pd.isna(at) else int(at) for at in diverged],
        "passes": part["passes"].astype(np.uint32),
        "layers": [single(part[name]) for name in _layer_names(part)],
        "record": {} if history is None else _losses(history, shown, machine.family),
        **({"pictures": pictures} if pictures else {}),
    }


def _nearness(runs: pd.DataFrame, seeds: Sequence[int], family: Family) -> dict[str, Any]:
    """How many runs finished, how many of them are nearer the median than each seed, and of what.

    The page opens with the seed that is nearest. Of one that diverged it is None.
    """
    typical = typical_seeds(runs, family)
    return {
        "finished": len(typical),
        "nearer": [typical.index(seed) if seed in typical else None for seed in seeds],
        "comparedBy": family.measure(family.ranked_by[-1]).label,
    }


def _by_cell(table: pd.DataFrame, family: Family) -> dict[Cell, pd.DataFrame]:
    axes = list(family.axis_names)
    groups = table.groupby(axes, sort=False)
    return {make_cell(family, dict(zip(axes, key, strict=True))): rows for key, rows in groups}


def _losses(history: pd.DataFrame, seeds: np.ndarray, family: Family) -> dict[str, np.ndarray]:
    """Recorded losses of each seed, shape (seeds, times); NaN after a divergence."""
    time = family.time.name
    own = history[history["seed"].isin(seeds)]
    times = np.sort(own[time].unique())
    times = times[thin_snapshots(len(times), MAX_RECORDS)]
    losses = {}
    for name in (f"{part}_loss" for part in PARTS):
        if name in own:
            table = own.pivot(index="seed", columns=time, values=name)
            losses[name] = single(table.reindex(index=seeds, columns=times))
    return {"time": times.astype(np.uint32), **losses}


def _arrays(tree: Any) -> list[np.ndarray]:
    """All arrays in a tree."""
    if isinstance(tree, dict | list):
        branches = tree.values() if isinstance(tree, dict) else tree
        return [each for branch in branches for each in _arrays(branch)]
    return [tree] if isinstance(tree, np.ndarray) else []


def _in_single(tree: Any) -> Any:
    """A tree with its arrays of floats in single precision."""
    if isinstance(tree, dict):
        return {key: _in_single(branch) for key, branch in tree.items()}
    if isinstance(tree, list):
        return [_in_single(branch) for branch in tree]
    floats = isinstance(tree, np.ndarray) and tree.dtype.kind == "f"
    return single(tree) if floats else tree
