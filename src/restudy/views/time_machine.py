"""Snapshots of weights for a page that runs the networks itself, as many as it has room for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from restudy.data.tables import parts_of
from restudy.study.labels import label_of
from restudy.views.payload import pack, single

# Weights are random numbers: compressing float32 to text takes about this many bytes for one.
TEXT_PER_BYTE = 1.2
# Snapshots of a run that are kept where not one seed of every cell fits with all of them.
FEWER_SNAPSHOTS = (12, 6)
LARGEST_POINTS = 200_000  # bytes of text that the points of one data set may take
MOST_RECORDS = 60


@dataclass
class Machine:
    """What the time machine reads.

    Attributes
    ----------
    settings : mapping of int to mapping
        For each dense cell that may stand on the page, by its number: ``activation`` (its kind and
        parameters), ``arithmetic``, ``l2`` and ``l1``.
    load : callable
        Number of a cell -> its snapshots, as `pack_snapshots` of the dense networks gives them.
    points : mapping of str to DataFrame
        Data set -> part, x1 to xD, label.
    descriptions : mapping of str to mapping
        Data set -> ``classes`` and ``features``, their names.
    """

    settings: Mapping[int, Mapping[str, Any]]
    load: Callable[[int], Mapping[str, np.ndarray]]
    points: Mapping[str, pd.DataFrame]
    descriptions: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Stock:
    """Snapshots that a cell has: their number, the seeds', and a network's numbers."""

    snapshots: int
    seeds: int
    weights: int

    def size(self, seeds: int, snapshots: int) -> int:
        """Bytes of float32 of at most so many seeds and snapshots."""
        return 4 * self.weights * min(seeds, self.seeds) * min(snapshots, self.snapshots)


@dataclass(frozen=True)
class Choice:
    """Which cells stand on a page, and at most how many seeds and snapshots of each."""

    cells: tuple[int, ...]
    seeds: int
    snapshots: int


def choose(stocks: Mapping[int, Stock], order: Sequence[int], room: float) -> Choice:
    """Choose snapshots that take at most so many bytes of float32.

    Seeds are given up first, down to one, then snapshots, then cells, from the end of the order.

    Parameters
    ----------
    stocks : mapping of int to Stock
        What each cell has; cells without a snapshot are passed over.
    order : sequence of int
        The cells, the most wanted first.
    room : float
        Bytes.
    """
    cells = tuple(number for number in order if stocks[number].snapshots)
    most = max((stocks[number].snapshots for number in cells), default=0)

    def size(seeds: int, snapshots: int) -> int:
        return sum(stocks[number].size(seeds, snapshots) for number in cells)

    for snapshots in dict.fromkeys((most, *(min(most, count) for count in FEWER_SNAPSHOTS))):
        if size(1, snapshots) <= room:
            largest = max((stocks[number].seeds for number in cells), default=0)
            seeds = max(k for k in range(1, max(largest, 1) + 1) if size(k, snapshots) <= room)
            return Choice(tuple(sorted(cells)), seeds, snapshots)
    snapshots, kept = min(most, FEWER_SNAPSHOTS[0]), []
    for number in cells:
        if stocks[number].size(1, snapshots) <= room:
            room -= stocks[number].size(1, snapshots)
            kept.append(number)
    return Choice(tuple(sorted(kept)), 1, snapshots)


def thin_snapshots(count: int, most: int) -> np.ndarray:
    """Numbers of at most so many of a run's snapshots, evenly, the first and last included."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, max(most, 2)).round().astype(int))


def pack_machine(
    machine: Machine,
    cells: Sequence[Mapping],
    order: Sequence[int],
    tables: Mapping[str, pd.DataFrame],
    room: int,
) -> str:
    """Return the time machine's data as text that is no longer than a number of characters.

    Parameters
    ----------
    machine : Machine
        Where they come from.
    cells : sequence of mapping
        All dense cells.
    order : sequence of int
        Numbers of those that may stand on the page, the most wanted first.
    tables : mapping of str to DataFrame
        ``runs`` and ``history`` of the dense networks.
    room : int
        Characters.
    """
    stocks = {number: _stock(machine, number, cells[number]) for number in sorted(order)}
    datasets = _datasets(machine)
    by_cell = {name: _by_cell(tables[name], cells) for name in ("runs", "history")}

    def packed(share: float) -> str:
        choice = choose(stocks, order, share)
        records = _records(machine, cells, choice, by_cell)
        return pack(
            {"datasets": datasets, "cells": records, "kept": _account(stocks, choice, len(cells))}
        )

    share = room / TEXT_PER_BYTE
    # How well the weights compress shows only when they are compressed.
    share *= 0.99 * room / len(packed(share))
    while len(text := packed(share)) > room and share > 1:
        share *= 0.97
    return text


def _stock(machine: Machine, number: int, cell: Mapping[str, Any]) -> Stock:
    """What a cell has, without reading its weights."""
    snapshots, description = machine.load(number), machine.descriptions[cell["dataset"]]
    rows = cell["hidden_size"] * machine.settings[number]["activation"].get("pieces", 1)
    inputs = [len(description["features"]), *[cell["hidden_size"]] * cell["depth"]]
    outputs = [*[rows] * cell["depth"], len(description["classes"])]
    weights = sum((a + 1) * b for a, b in zip(inputs, outputs, strict=True))
    return Stock(len(snapshots["passes"]), len(snapshots["seeds"]), weights)


def _layer_names(snapshots: Mapping[str, np.ndarray]) -> list[str]:
    names = [name for name in snapshots if name.startswith("layer")]
    return sorted(names, key=lambda name: int(name.removeprefix("layer")))


def _account(stocks: Mapping[int, Stock], choice: Choice, cells: int) -> dict:
    """What is kept and what there is, for the page to say."""
    there = [stock for stock in stocks.values() if stock.snapshots]
    return {
        "cells": len(choice.cells),
        "seeds": choice.seeds,
        "snapshots": choice.snapshots,
        "ofCells": cells,
        "withSnapshots": len(there),
        "ofSeeds": max((stock.seeds for stock in there), default=0),
        "ofSnapshots": max((stock.snapshots for stock in there), default=0),
    }


def _datasets(machine: Machine) -> list[dict]:
    """Each data set's names and its points, as far as there is room for them."""
    datasets = []
    for name, points in machine.points.items():
        description = machine.descriptions[name]
        parts = {
            part: {"x": single(x), "label": label.astype(np.uint16)}
            for part, (x, label) in parts_of(points).items()
        }
        if len(pack(parts)) > LARGEST_POINTS:
            parts.pop("heldout", None)
        if len(pack(parts)) > LARGEST_POINTS:
            parts = {}
        datasets.append(
            {
                "name": name,
                "label": label_of(name),
                "features": list(description["features"]),
                "standardized": "mean" in description,
                "classes": list(description["classes"]),
                "parts": parts,
            }
        )
    return datasets


def _records(
    machine: Machine,
    cells: Sequence[Mapping],
    choice: Choice,
    tables: Mapping[str, Mapping[tuple, pd.DataFrame]],
) -> list[dict]:
    """Snapshots and recorded losses of the chosen cells and seeds."""
    names, records = list(machine.points), []
    for number in choice.cells:
        cell, snapshots = cells[number], machine.load(number)
        seeds = snapshots["seeds"][: choice.seeds]
        kept = thin_snapshots(len(snapshots["passes"]), choice.snapshots)
        place = tuple(cell.values())
        diverged = tables["runs"][place].set_index("seed")["diverged_at"].reindex(seeds)
        records.append(
            {
                "cell": number,
                "dataset": names.index(cell["dataset"]),
                **machine.settings[number],
                "seeds": seeds.astype(np.uint32),
                "diverged": [None if pd.isna(at) else int(at) for at in diverged],
                "passes": snapshots["passes"][kept].astype(np.uint32),
                "layers": [
                    single(snapshots[name][kept][:, : len(seeds)])
                    for name in _layer_names(snapshots)
                ],
                "record": _losses(tables["history"].get(place), seeds),
            }
        )
    return records


def _by_cell(table: pd.DataFrame, cells: Sequence[Mapping]) -> dict[tuple, pd.DataFrame]:
    return dict(list(table.groupby(list(cells[0]), sort=False)))


def _losses(history: pd.DataFrame | None, seeds: np.ndarray) -> dict[str, np.ndarray]:
    """Recorded losses of each seed, shape (seeds, times); NaN after a divergence."""
    if history is None:
        return {"time": np.array([], np.uint32)}
    own = history[history["seed"].isin(seeds)]
    times = np.sort(own["pass"].unique())
    times = times[thin_snapshots(len(times), MOST_RECORDS)]
    measures = {}
    for name in ("train_loss", "heldout_loss"):
        table = own.pivot(index="seed", columns="pass", values=name)
        measures[name] = single(table.reindex(index=seeds, columns=times))
    return {"time": times.astype(np.uint32), **measures}
