"""The studies as an interactive page: questions, answers, curves, effects, cells, time machine.

Diverged runs are left out of every mean and counted beside it. What does not fit on a page that a
report can show is thinned, and the page says what and where everything is.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.columns import COLUMNS
from restudy.analysis.effects import level_means, variance_shares
from restudy.analysis.statistics import half_width
from restudy.analysis.summaries import MEASURES
from restudy.study.grid import AXES, INTEGER_AXES, by_distance, unique_cells
from restudy.study.labels import label_of
from restudy.views.pages import render_page
from restudy.views.payload import pack, single
from restudy.views.selection import has_diverged, thin_times
from restudy.views.style import CLASS_COLORS, PROBABILITY_COLORS, color_of, to_hex
from restudy.views.time_machine import Machine, pack_machine

LARGEST_PAGE = 1_390_000  # bytes; a report shows no larger one
TIMES = {"dense": "pass", "conv": "step"}
NAMES = {"dense": "Dense networks", "conv": "Convolutional network"}
ACTIVITY = ("grad_norm", "saturated_share", "dead_share")
# Means in all curves of the cells of a model, and how many each has at most and at least.
MOST_CURVE_VALUES = 40_000
MOST_TIMES, FEWEST_TIMES = 60, 8
MOST_POOLED_TIMES = 30
# Seeds that are drawn one by one.
MOST_SEEDS = 50


def study_page(
    studies: Mapping[str, Mapping[str, Mapping]],
    baselines: Mapping[str, Mapping],
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    findings: Mapping[str, Any],
    machine: Machine | None,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    studies : mapping
        Model -> study name -> ``question``, ``vary`` (axes) and ``cells``.
    baselines : mapping
        Model -> its baseline cell: where not all cells fit, those that differ least come first.
    tables : mapping
        Model -> ``runs``, ``history`` and ``layers``, tables over all its cells.
    findings : mapping
        The sentences of ``results/report/findings.json``.
    machine : Machine or None
        What the time machine of the dense networks reads; None without dense networks.
    """
    models = [
        _model(name, studies[name], baselines[name], tables[name], findings) for name in studies
    ]
    tree = {
        "models": models,
        "look": {
            "classes": list(CLASS_COLORS),
            "probability": [to_hex(PROBABILITY_COLORS(share)) for share in np.linspace(0, 1, 65)],
        },
    }
    blocks = {"study": pack(tree)}
    if machine is not None:
        cells = _cells_of(studies["dense"])
        order = [n for n in by_distance(cells, baselines["dense"]) if n in machine.settings]
        room = LARGEST_PAGE - _size(blocks | {"machine": ""})
        blocks["machine"] = pack_machine(machine, cells, order, tables["dense"], room)
    return _render(blocks)


def _render(blocks: Mapping[str, str]) -> str:
    return render_page("study", "Studies", blocks)


def _size(blocks: Mapping[str, str]) -> int:
    return len(_render(blocks).encode())


def _cells_of(studies: Mapping[str, Mapping]) -> list[dict]:
    return unique_cells(cell for study in studies.values() for cell in study["cells"])


def _model(
    model: str,
    studies: Mapping[str, Mapping],
    baseline: Mapping,
    tables: Mapping[str, pd.DataFrame],
    findings: Mapping[str, Any],
) -> dict:
    """One kind of network: its axes, cells, measures, studies and curves."""
    cells = _cells_of(studies)
    levels = {axis: _levels(axis, cells) for axis in AXES[model]}
    codes = pd.DataFrame(
        {axis: [levels[axis].index(cell[axis]) for cell in cells] for axis in AXES[model]}
    )
    runs, history = number_cells(model, cells, tables)
    measures = [
        name
        for name in dict.fromkeys([*MEASURES[model], *ACTIVITY])
        if runs[name].notna().any() or history[name].notna().any()
    ]
    finished = runs[~has_diverged(runs)]
    history = history.merge(finished[["cell", "seed"]], on=["cell", "seed"])
    time = TIMES[model]
    return {
        "name": model,
        "label": NAMES[model],
        "time": label_of(time),
        "axes": [
            {
                "name": axis,
                "label": label_of(axis),
                "levels": [
                    {"value": value, "label": label_of(value, axis), "color": color_of(axis, value)}
                    for value in levels[axis]
                ],
            }
            for axis in AXES[model]
        ],
        "cells": {axis: codes[axis].to_numpy(np.uint16) for axis in codes},
        "measures": [
            {
                "name": name,
                "label": label_of(name),
                "quantity": name.rpartition("_")[2],
                "meaning": COLUMNS[name],
            }
            for name in measures
        ],
        "seeds": _counts(runs, len(cells)),
        "finished": _counts(finished, len(cells)),
        "summary": _summary(finished, measures, len(cells)),
        "curves": _curves(history, time, measures, by_distance(cells, baseline)),
        "studies": [
            _study(name, study, cells, codes, finished, history, time, measures)
            | {"answer": _answer(findings, model, name)}
            for name, study in studies.items()
        ],
    }


def _levels(axis: str, cells: Sequence[Mapping]) -> list:
    """Values of an axis in the order of the cells; numbers in their own."""
    values = list(dict.fromkeys(cell[axis] for cell in cells))
    return sorted(values) if axis in INTEGER_AXES else values


def _answer(findings: Mapping[str, Any], model: str, study: str) -> dict[str, list[str]]:
    """Sentences on what came out of a study, and on what happened in its networks."""
    sentences = findings[model]["studies"][study]
    layers = findings["layers"][model][study]
    return {
        "outcome": [*sentences["loss"], *sentences["accuracy"], *sentences["gap"]],
        "layers": [*layers["gradients"], *layers["units"]],
    }


def number_cells(
    model: str, cells: Sequence[Mapping], tables: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Runs and history of some cells, with a cell's number in place of its axes.

    Both get what the layers' table knows: the norm of the whole gradient, and the shares of
    saturated and dead units, averaged over the hidden layers.

    Returns
    -------
    runs : DataFrame
        cell, seed, diverged_at, and the measures at the end.
    history : DataFrame
        cell, seed, pass or step, and the measures then.
    """
    time = TIMES[model]
    numbers = pd.DataFrame(cells).assign(cell=range(len(cells)))
    runs, history, layers = (
        tables[name].merge(numbers, on=list(AXES[model])).drop(columns=list(AXES[model]))
        for name in ("runs", "history", "layers")
    )
    layers["grad_norm"] = layers["grad_norm"] ** 2
    grouped = layers.groupby(["cell", "seed", time])
    activity = grouped.agg({"grad_norm": "sum", "saturated_share": "mean", "dead_share": "mean"})
    activity["grad_norm"] = np.sqrt(activity["grad_norm"])
    history = history.merge(activity.reset_index(), on=["cell", "seed", time], how="left")
    last = activity.groupby(level=["cell", "seed"]).tail(1).reset_index().drop(columns=time)
    runs = runs.drop(columns="grad_norm", errors="ignore")
    return runs.merge(last, on=["cell", "seed"], how="left"), history


def _counts(runs: pd.DataFrame, cells: int) -> np.ndarray:
    return np.bincount(runs["cell"], minlength=cells).astype(np.uint16)


def _summary(runs: pd.DataFrame, measures: Sequence[str], cells: int) -> dict[str, dict]:
    """Mean, standard deviation and half the 95% interval of each measure, a value per cell."""
    summary = {}
    for name in measures:
        values = runs.groupby("cell")[name].agg(["mean", "std", "count"]).reindex(range(cells))
        half = half_width(values["std"].to_numpy(), values["count"].fillna(0).to_numpy())
        summary[name] = {
            "mean": single(values["mean"]),
            "deviation": single(values["std"]),
            "half": single(half),
        }
    return summary


def _curves(
    history: pd.DataFrame, time: str, measures: Sequence[str], order: Sequence[int]
) -> dict:
    """Mean and half the 95% interval of each measure over time, cell by cell.

    Returns
    -------
    dict
        cells, the numbers of the cells that have curves; grids, series of times; and for each
        measure, by cell, the number of its grid and where its values start in mean and half.
    """
    most = MOST_CURVE_VALUES // max(len(measures), 1)
    times = int(np.clip(most // max(len(order), 1), FEWEST_TIMES, MOST_TIMES))
    shown = sorted(order[: most // times])
    grids: dict[bytes, int] = {}
    arrays: list[np.ndarray] = []
    series = {}
    for name in measures:
        grouped = history.dropna(subset=[name]).groupby(["cell", time])[name]
        values = grouped.agg(["mean", "std", "count"]).reset_index()
        values = values[values["cell"].isin(shown)]
        values = values.assign(
            half=half_width(values["std"].to_numpy(), values["count"].to_numpy())
        )
        by_cell = dict(list(values.groupby("cell")))
        parts, numbers = [], []
        for cell in shown:
            own = by_cell.get(cell, values.iloc[:0])
            kept = _thin(own[time].to_numpy(), times)
            own = own[own[time].isin(kept)]
            grid = own[time].to_numpy(np.uint32)
            if grid.tobytes() not in grids:
                grids[grid.tobytes()] = len(arrays)
                arrays.append(grid)
            numbers.append(grids[grid.tobytes()])
            parts.append(own)
        starts = np.cumsum([0, *(len(part) for part in parts)])[:-1]
        joined = pd.concat(parts)
        series[name] = {
            "grid": np.array(numbers, np.uint16),
            "start": starts.astype(np.uint32),
            "mean": single(joined["mean"]),
            "half": single(joined["half"]),
        }
    return {"cells": np.array(shown, np.uint32), "grids": arrays, "measures": series}


def _thin(times: np.ndarray, most: int) -> np.ndarray:
    """At most so many times, half of them even on a linear and half on a logarithmic scale."""
    times = np.unique(times)
    if len(times) <= most:
        return times
    positive = times[times > 0]
    return np.union1d(
        thin_times(times, most - most // 2, "linear"), thin_times(positive, most // 2, "log")
    )


def _study(
    name: str,
    study: Mapping[str, Any],
    cells: Sequence[Mapping],
    codes: pd.DataFrame,
    finished: pd.DataFrame,
    history: pd.DataFrame,
    time: str,
    measures: Sequence[str],
) -> dict:
    """One study: its cells, the effects of its axes, and means over its cells by level."""
    places = {tuple(cell.items()): number for number, cell in enumerate(cells)}
    own = np.array([places[tuple(cell.items())] for cell in study["cells"]])
    varied = [axis for axis in study["vary"] if codes.loc[own, axis].nunique() > 1]
    runs = finished[finished["cell"].isin(own)].join(codes[varied], on="cell")
    past = history[history["cell"].isin(own)].join(codes[varied], on="cell")
    return {
        "name": name,
        "label": label_of(name).capitalize(),
        "question": study["question"],
        "vary": varied,
        "cells": own.astype(np.uint32),
        "effects": {measure: _effects(runs, varied, measure) for measure in measures},
        "pooled": {axis: _pooled(past, axis, time, measures) for axis in varied}
        if len(varied) > 1
        else {},
    }


def _effects(runs: pd.DataFrame, axes: Sequence[str], measure: str) -> dict:
    """Main effects, interactions and shares of the variance of one measure."""
    shares = variance_shares(runs, axes, measure)
    return {
        "main": {axis: _means(level_means(runs, [axis], measure), [axis]) for axis in axes},
        "pairs": [
            {"axes": list(pair), **_means(level_means(runs, pair, measure), pair, seeds=False)}
            for pair in combinations(axes, 2)
        ],
        "variance": [{"term": list(term), "share": v} for term, v in shares.shares.items()],
        "reason": shares.reason,
    }


def _means(table: pd.DataFrame, axes: Iterable[str], seeds: bool = True) -> dict:
    """Columns of a table of level means; the seeds padded to the same number."""
    columns = {f"level{n}": table[axis].to_numpy(np.uint16) for n, axis in enumerate(axes, 1)}
    columns |= {name: single(table[name]) for name in ("mean", "low", "high")}
    if seeds:
        most = min(max(map(len, table["seeds"]), default=0), MOST_SEEDS)
        padded = np.full((len(table), most), np.nan, np.float32)
        for row, values in zip(padded, table["seeds"], strict=True):
            row[: len(values)] = values[:most]
        columns["seeds"] = padded
    return columns


def _pooled(past: pd.DataFrame, axis: str, time: str, measures: Sequence[str]) -> dict:
    """Curves of each level of an axis: a seed's mean over the level's cells, then over seeds.

    Only times count that all cells have, so that a curve is made of the same cells throughout.
    """
    pooled = {}
    for name in measures:
        rows = past.dropna(subset=[name])
        cells = rows.groupby(time)["cell"].nunique()
        times = _thin(cells.index[cells == rows["cell"].nunique()].to_numpy(), MOST_POOLED_TIMES)
        rows = rows[rows[time].isin(times)]
        by_seed = rows.groupby([axis, time, "seed"])[name].mean()
        values = by_seed.groupby(level=[0, 1]).agg(["mean", "std", "count"]).reset_index()
        half = half_width(values["std"].to_numpy(), values["count"].to_numpy())
        pooled[name] = {
            "level": values[axis].to_numpy(np.uint16),
            "time": values[time].to_numpy(np.uint32),
            "mean": single(values["mean"]),
            "half": single(half),
        }
    return pooled
