"""The studies as an interactive page: questions, answers, curves, effects, cells, time machine.

Diverged runs are left out of every mean and counted beside it. What does not fit on a page that a
report can show is thinned, and the page says what and where everything is.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from restudy.analysis.captions import in_sentence
from restudy.analysis.choice import choose, how_chosen
from restudy.analysis.columns import COLUMNS
from restudy.analysis.effects import Decomposition, level_means, variance_shares
from restudy.analysis.importance import Importance, variance_importance
from restudy.analysis.smoothing import smooth_curve
from restudy.analysis.statistics import half_width
from restudy.data.tables import with_coordinates
from restudy.families.contract import Family, Measure, without_overrides
from restudy.families.registry import FAMILIES
from restudy.families.setting_axes import is_setting_axis, split_axis
from restudy.plan.figures import IMPORTANCE
from restudy.study.cell import Cell
from restudy.study.design import FEWEST_PREDICTED
from restudy.study.grid import by_distance, unique_cells
from restudy.study.labels import label_of, value_words
from restudy.views.importance_figure import fit_remark, loss_remark
from restudy.views.pages import render_page
from restudy.views.palette import LINE_STYLES
from restudy.views.payload import pack, single
from restudy.views.selection import has_diverged, recorded_of, thin_times
from restudy.views.style import CLASS_COLORS, PROBABILITY_COLORS, color_of, to_hex
from restudy.views.time_machine import Machine, pack_machine

MAX_FINAL_VALUES = 30_000  # of single runs: a quarter of a megabyte
LARGEST_PAGE = 1_390_000  # bytes; a report shows no larger one
# Means in all curves of the cells of a family, and how many each has at most and at least.
MAX_CURVE_VALUES = 40_000
MAX_TIMES, MIN_TIMES = 60, 8
MAX_POOLED_TIMES = 30
LINE_WIDTH = 2  # pixels; lengths of dashes are multiples of it
# Seeds that are drawn one by one.
MAX_SEEDS = 50
# What the table of layers knows, and how a network's is made of its layers'.
NORM, SHARES = "grad_norm", ("saturated_share", "dead_share")
ACTIVITY = (NORM, *SHARES)
# Measures that do not stand beside each cell unless they are asked for.
UNUSUAL = (NORM, "saturated_share")


def study_page(
    studies: Mapping[str, Mapping[str, Mapping]],
    baselines: Mapping[str, Mapping],
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    findings: Mapping[str, Any],
    machines: Mapping[str, Machine],
    families: Mapping[str, Family] = FAMILIES,
    settings: Mapping[str, Mapping] | None = None,
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    studies : mapping
        Family's name -> study name -> ``question``, ``vary`` (axes) and ``cells``; and, where it
        varies numbers, ``numbers``, ``scales`` and ``sampled``, see `Design.facts`, and
        ``coordinates``, see `restudy.data.tables.read_rows`.
    baselines : mapping
        Family's name -> its baseline: where not all cells fit, those that differ least come first.
    tables : mapping
        Family's name -> ``runs``, and as far as the family leaves them ``history`` and ``layers``,
        tables over all its cells.
    findings : mapping
        The sentences of ``results/report/findings.json``.
    machines : mapping of str to Machine
        What the time machine reads, of every family whose networks it can show.
    families : mapping of str to Family
        Their facts, by name.
    settings : mapping, optional
        Family's name -> axis -> value -> settings such as ``optimizer.learning_rate``, those that
        some study varies -> their values.
    """
    trees = [
        _family(
            families[name],
            studies[name],
            baselines[name],
            tables[name],
            findings,
            (settings or {}).get(name, {}),
        )
        for name in studies
    ]
    tree = {
        "families": trees,
        "look": {
            "classes": list(CLASS_COLORS),
            "probability": [to_hex(PROBABILITY_COLORS(share)) for share in np.linspace(0, 1, 65)],
        },
    }
    blocks = {"study": pack(tree)}
    for waiting, (name, machine) in zip(range(len(machines), 0, -1), machines.items(), strict=True):
        block = f"machine-{name}"
        cells = _cells_of(studies[name])
        order = [cell for cell in by_distance(cells, baselines[name]) if machine.shows(cell)]
        byte_budget = (LARGEST_PAGE - _size(blocks | {block: ""})) // waiting
        blocks[block] = pack_machine(machine, cells, order, tables[name], byte_budget)
    return _render(blocks)


def _render(blocks: Mapping[str, str]) -> str:
    return render_page("study", "Studies", blocks)


def _size(blocks: Mapping[str, str]) -> int:
    return len(_render(blocks).encode())


def _cells_of(studies: Mapping[str, Mapping]) -> list[Cell]:
    return unique_cells(cell for study in studies.values() for cell in study["cells"])


def _family(
    family: Family,
    studies: Mapping[str, Mapping],
    baseline: Mapping,
    tables: Mapping[str, pd.DataFrame],
    findings: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> dict:
    """One family: its axes, cells, measures, studies and curves."""
    cells = _cells_of(studies)
    values = [_values(cell, settings) for cell in cells]
    levels = {axis: _levels([each[axis] for each in values]) for axis in values[0]}
    codes = pd.DataFrame(
        {axis: [levels[axis].index(each[axis]) for each in values] for axis in levels}
    )
    runs, history = number_cells(family, cells, tables)
    measures = _measures(family, runs, history)
    finished = runs[~has_diverged(runs)]
    if history is not None:
        history = history.merge(finished[["cell", "seed"]], on=["cell", "seed"])
    time = family.time
    return {
        "name": family.name,
        "label": family.title,
        "time": time and {"name": time.name, "plural": time.plural, "label": time.label},
        "axes": [
            {
                "name": axis,
                "label": label_of(axis),
                "levels": [_level(axis, value, levels[axis]) for value in levels[axis]],
            }
            for axis in codes
        ],
        "cells": {axis: codes[axis].to_numpy(np.uint16) for axis in codes},
        "measures": [_measure(family, name) for name in measures],
        "opening": _opening(family, measures),
        "howChosen": how_chosen(family) if family.choice else "",
        "seeds": _counts(runs, len(cells)),
        "finished": _counts(finished, len(cells)),
        "summary": _summary(finished, measures, len(cells)),
        "finals": _finals(runs, measures),
        "curves": _curves(family, history, measures, by_distance(cells, baseline), cells),
        "studies": [
            _study(name, study, family, cells, codes, levels, runs, history, measures)
            | {"answer": _answer(findings["families"][family.name]["studies"][name])}
            for name, study in studies.items()
        ],
    }


def _values(cell: Cell, settings: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict:
    """A cell's values as the page has them: varied settings beside the names that they change."""
    values = {}
    for axis, value in cell.items():
        own = settings.get(axis, {}).get(value, {})
        keys = [split_axis(name)[1] for name in own]
        values |= {axis: without_overrides(value, *keys) if own else value, **own}
    return values


def _levels(values: Sequence) -> list:
    """Values of an axis in the order of the cells; numbers in their own, what is missing last."""
    found = list(dict.fromkeys(values))
    if any(isinstance(value, str) for value in found):
        return found
    return sorted(found, key=lambda value: (value is None, value or 0))


def _level(axis: str, value: Any, among: Sequence) -> dict[str, Any]:
    """A value of an axis; ``words`` where it needs more of them away from the axis' heading."""
    label, words = label_of(value, axis), value_words(value, axis)
    level = {"value": value, "label": label, "color": color_of(axis, value, among)}
    return level if words == label else level | {"words": words}


def _measures(family: Family, runs: pd.DataFrame, history: pd.DataFrame | None) -> list[str]:
    """What is measured of each run, without what no run has; all of it if there is nothing."""
    summarised = [each.name for each in family.measures if each.in_runs and each.summarised]
    tables = [table for table in (runs, history) if table is not None]
    known = [name for name in dict.fromkeys([*summarised, *ACTIVITY]) if name in runs]
    return [
        name
        for name in known
        if any(table[name].notna().any() for table in tables if name in table)
    ] or known


def _measure(family: Family, name: str) -> dict[str, Any]:
    """A measure in words."""
    own = family.measure(name)
    return {
        "name": name,
        "label": own.label if own else label_of(name),
        "quantity": own.quantity if own else name.rpartition("_")[2],
        "meaning": own.description if own else COLUMNS[name],
        "usual": name not in UNUSUAL,
        "better": own.better if own else "",
        "dash": _dash(family, own) if own else "",
    }


def _dash(family: Family, measure: Measure) -> str:
    """How the measure's line is dashed, for SVG: as in the figures of curves."""
    recorded = recorded_of(family, measure.quantity)
    if measure not in recorded[1:]:
        return ""
    _, lengths = LINE_STYLES[recorded.index(measure) % len(LINE_STYLES)]
    return " ".join(f"{LINE_WIDTH * length:g}" for length in lengths)


def _opening(family: Family, measures: Sequence[str]) -> str:
    """What the page opens with: what cells are ranked by first, on points not trained on if any."""
    quantity = family.measure(family.ranked_by[0]).quantity if family.ranked_by else ""
    fitting = [
        name for name in measures if (own := family.measure(name)) and own.quantity == quantity
    ]
    unseen = [name for name in fitting if family.measure(name).part != "train"]
    return [*measures[:1], *fitting, *unseen][-1]


def _answer(sentences: Mapping[str, Any]) -> dict[str, list[str]]:
    """Sentences on what came out of a study, and on what happened in its networks."""
    layers = sentences.get("layers", {})
    return {
        "outcome": [*sentences["outcome"]],
        "layers": [*layers.get("gradients", []), *layers.get("units", [])],
    }


def number_cells(
    family: Family, cells: Sequence[Cell], tables: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return runs and history of some cells, with a cell's place in place of its axes.

    Both get what the layers' table knows, where there is one: the norm of the whole gradient, and
    the shares of saturated and dead units, averaged over the hidden layers.

    Returns
    -------
    runs : DataFrame
        cell, seed, diverged_at, and the measures at the end.
    history : DataFrame or None
        cell, seed, pass or step, and the measures then.
    """
    axes = list(family.axis_names)
    numbers = pd.DataFrame([cell.row for cell in cells]).assign(cell=range(len(cells)))
    runs, history, layers = (
        _without_axes(tables[name].merge(numbers, on=axes), axes) if name in tables else None
        for name in ("runs", "history", "layers")
    )
    if layers is None:
        return runs, history
    time = family.time.name
    layers[NORM] = layers[NORM] ** 2
    grouped = layers.groupby(["cell", "seed", time])
    activity = grouped.agg({NORM: "sum", **dict.fromkeys(SHARES, "mean")})
    activity[NORM] = np.sqrt(activity[NORM])
    if history is not None:
        history = history.merge(activity.reset_index(), on=["cell", "seed", time], how="left")
    last = activity.groupby(level=["cell", "seed"]).tail(1).reset_index().drop(columns=time)
    runs = runs.drop(columns=NORM, errors="ignore")
    return runs.merge(last, on=["cell", "seed"], how="left"), history


def _without_axes(table: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    settings = [name for name in table if is_setting_axis(name)]
    return table.drop(columns=[*axes, *settings])


def _counts(runs: pd.DataFrame, cells: int) -> np.ndarray:
    return np.bincount(runs["cell"], minlength=cells).astype(np.uint16)


def _finals(runs: pd.DataFrame, measures: Sequence[str]) -> dict | None:
    """Each run's measures at the end of training, by cell and seed; None where they are too many.

    Differences of two runs need all digits.
    """
    if len(runs) * len(measures) > MAX_FINAL_VALUES:
        return None
    ordered = runs.sort_values(["cell", "seed"])
    return {
        "cell": ordered["cell"].to_numpy(np.uint32),
        "seed": ordered["seed"].to_numpy(np.uint32),
        "finished": (~has_diverged(ordered)).to_numpy(np.uint8),
        "values": {name: ordered[name].to_numpy(np.float64) for name in measures},
    }


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
    family: Family,
    history: pd.DataFrame | None,
    measures: Sequence[str],
    order: Sequence[Cell],
    cells: Sequence[Cell],
) -> dict | None:
    """Mean and half the 95% interval of each measure over time, cell by cell.

    Returns
    -------
    dict or None
        cells, the numbers of the cells that have curves; grids, series of times; and for each
        measure, by cell, the number of its grid and where its values start in mean and half. None
        without a history.
    """
    if history is None:
        return None
    time, measures = family.time.name, [name for name in measures if name in history]
    most = MAX_CURVE_VALUES // max(len(measures), 1)
    times = int(np.clip(most // max(len(order), 1), MIN_TIMES, MAX_TIMES))
    places = {cell: place for place, cell in enumerate(cells)}
    shown = sorted(places[cell] for cell in order[: most // times])
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
    family: Family,
    cells: Sequence[Cell],
    codes: pd.DataFrame,
    levels: Mapping[str, Sequence],
    runs: pd.DataFrame,
    history: pd.DataFrame | None,
    measures: Sequence[str],
) -> dict:
    """One study: its cells, the effects of its axes, and means over its cells by level."""
    places = {cell: place for place, cell in enumerate(cells)}
    own = np.array([places[cell] for cell in study["cells"]])
    named = [*study["vary"], *(axis for axis in codes if axis not in study["vary"])]
    varied = [axis for axis in named if codes.loc[own, axis].nunique() > 1]
    runs = runs[runs["cell"].isin(own)]
    finished = runs[~has_diverged(runs)].join(codes[varied], on="cell")
    numbers = [axis for axis in study.get("numbers", ()) if axis in varied]
    scales = {axis: scale for axis, scale in study.get("scales", {}).items() if axis in numbers}
    drawn = [axis for axis in numbers if study["sampled"] and axis in scales]
    values = {axis: levels[axis] for axis in numbers}
    is_complete = len(own) == prod(codes.loc[own, axis].nunique() for axis in varied)
    importance = _importance(study, family, runs, cells, measures)
    chosen = _chosen_pairs(family, runs.join(codes[varied], on="cell"), numbers)
    pooled = {}
    if history is not None and len(varied) > 1:
        past = history[history["cell"].isin(own)].join(codes[varied], on="cell")
        recorded = [measure for measure in measures if measure in history]
        shared = [axis for axis in varied if axis not in drawn]
        pooled = {axis: _pooled(past, axis, family.time.name, recorded) for axis in shared}
    return {
        "name": name,
        "label": label_of(name).capitalize(),
        "question": study["question"],
        "vary": varied,
        "cells": own.astype(np.uint32),
        "numbers": numbers,
        "scales": scales,
        "drawn": drawn,
        "leftOut": study.get("left_out", 0),
        "effects": {
            measure: _effects(finished, varied, measure, chosen, drawn, is_complete)
            | {
                "smooth": _smooth(
                    finished, measure, scales, {axis: values[axis] for axis in drawn}
                ),
                "importance": importance.get(measure),
            }
            for measure in measures
        },
        "pooled": pooled,
    }


def _chosen_pairs(
    family: Family, runs: pd.DataFrame, numbers: Sequence[str]
) -> dict[tuple[str, str], tuple[int, int]]:
    """The pair of values that is chosen of each two numbers, by place."""
    if not (family.choice and family.choice.name in runs):
        return {}
    found = {pair: choose(runs, pair, family.choice) for pair in combinations(numbers, 2)}
    return {pair: tuple(map(int, values)) for pair, values in found.items() if values}


def _importance(
    study: Mapping[str, Any],
    family: Family,
    runs: pd.DataFrame,
    cells: Sequence[Cell],
    measures: Sequence[str],
) -> dict[str, dict]:
    """What each axis and pair explains of each measure, if the study has a figure of that.

    Forests take seconds: they are grown for the measures that cells are ranked and chosen by, and
    the one that the page opens with.

    Parameters
    ----------
    study : mapping
        As `study_page` takes it.
    family : Family
        Whose study it is.
    runs : DataFrame
        Of the study, those that diverged included; ``cell`` is a place in ``cells``.
    cells : sequence of Cell
        Of the family.
    measures : sequence of str
        Columns of the runs.
    """
    facts = {"numbers": (), **study, "size": len(study["cells"])}
    if not (IMPORTANCE.kinds_of(family) and IMPORTANCE.fits(facts)):
        return {}
    axes = list(study["vary"])
    table = runs.join(pd.DataFrame([cell.row for cell in cells]), on="cell")
    table = with_coordinates(table, study.get("coordinates", {}))
    told = dict.fromkeys([*family.ranked_by, family.chosen_by, _opening(family, measures)])
    names = [name for name in told if name in measures]
    words = ", ".join(in_sentence(label_of(name)) for name in names)
    others = {"shares": [], "note": f"They are estimated for {words}."}
    found = {name: _shares(variance_importance(table, axes, name), axes) for name in names}
    return {name: found.get(name, others) for name in measures}


def _shares(found: Importance, axes: Sequence[str]) -> dict[str, Any]:
    """Shares as the page lists them, with the caption of their figure; or why there are none."""
    if found.reason:
        return {"shares": [], "note": " ".join(filter(None, [found.reason, loss_remark(found)]))}
    shares = [
        {
            "term": [axis for axis in (row.axis, row.other) if axis],
            "share": row.share,
            "low": row.share_low,
            "high": row.share_high,
        }
        for row in found.shares.itertuples()
    ]
    if len(axes) > 2:
        shares.append({"term": axes, "share": found.higher, "low": None, "high": None})
    words = IMPORTANCE.shows, IMPORTANCE.made, fit_remark(found), loss_remark(found)
    return {"shares": shares, "note": " ".join(filter(None, words))}


def _smooth(
    runs: pd.DataFrame, measure: str, scales: Mapping[str, str], drawn: Mapping[str, Sequence]
) -> dict[str, dict]:
    """A smooth curve through the cells of a sample, by the axes whose values were drawn."""
    cells = runs.groupby([*drawn, "cell"])[measure].mean().reset_index() if drawn else runs
    curves = {}
    for axis, levels in drawn.items():
        at = np.array(levels, float)[cells[axis]]
        curve = smooth_curve(at, cells[measure].to_numpy(float), scales[axis] == "log")
        curves[axis] = dict(zip(("at", "height"), map(single, curve), strict=True))
    return curves


def _effects(
    runs: pd.DataFrame,
    axes: Sequence[str],
    measure: str,
    chosen: Mapping[tuple[str, str], tuple[int, int]],
    drawn: Sequence[str] = (),
    is_complete: bool = True,
) -> dict:
    """Main effects, interactions and shares of the variance of one measure.

    A value that was drawn is hardly shared by two cells, so that pairs of it show nothing.
    ``chosen`` is as `_chosen_pairs` returns it.
    """
    shares = variance_shares(runs, axes, measure)
    if drawn:
        reason = (
            f"The cells are a sample: shares are estimated of at least {FEWEST_PREDICTED} cells "
            "that vary at least two axes."
        )
        shares = Decomposition({}, reason)
    elif not is_complete:
        reason = "Not every combination of these values is a cell, so the design is not complete."
        shares = Decomposition({}, reason)
    return {
        "main": {axis: _means(level_means(runs, [axis], measure), [axis]) for axis in axes},
        "pairs": [
            {
                "axes": list(pair),
                "chosen": chosen.get(pair),
                **_means(level_means(runs, pair, measure), pair, seeds=False),
            }
            for pair in combinations([axis for axis in axes if axis not in drawn], 2)
        ],
        "variance": [{"term": list(term), "share": v} for term, v in shares.shares.items()],
        "reason": shares.reason,
    }


def _means(table: pd.DataFrame, axes: Iterable[str], seeds: bool = True) -> dict:
    """Columns of a table of level means; the seeds padded to the same number."""
    columns = {f"level{n}": table[axis].to_numpy(np.uint16) for n, axis in enumerate(axes, 1)}
    columns |= {name: single(table[name]) for name in ("mean", "low", "high")}
    if seeds:
        most = min(max(map(len, table["seeds"]), default=0), MAX_SEEDS)
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
        times = _thin(cells.index[cells == rows["cell"].nunique()].to_numpy(), MAX_POOLED_TIMES)
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
