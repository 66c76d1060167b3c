"""From studies to cells: pure functions of a completed configuration.

A cell is a plain dict, its keys in the order of `AXES`. Its path spells it out, so that a target
can be typed, and is read back from the path's wildcards.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

AXES: dict[str, tuple[str, ...]] = {
    "dense": (
        "dataset",
        "protocol",
        "activation",
        "hidden_size",
        "depth",
        "initializer",
        "optimizer",
    ),
    "conv": ("dataset", "protocol", "activation", "initializer", "optimizer"),
}
INTEGER_AXES = ("hidden_size", "depth")

Cell = dict[str, str | int]


def study_cells(model: str, baseline: Mapping, study: Mapping) -> list[Cell]:
    """Cells of one study: the product of its varied axes around the baseline.

    Parameters
    ----------
    model : {"dense", "conv"}
        Which axes there are.
    baseline : mapping
        A value for every axis.
    study : mapping
        ``vary`` (axis -> list of values) and optionally ``fix`` (axis -> value).

    Returns
    -------
    list of dict
        In the order in which the study names its axes and values, the last axis fastest.
    """
    vary = study["vary"]
    settled = {**baseline, **study.get("fix", {})}
    cells = (
        {**settled, **dict(zip(vary, values, strict=True))} for values in product(*vary.values())
    )
    return [{axis: cell[axis] for axis in AXES[model]} for cell in cells]


def study_levels(model: str, baseline: Mapping, study: Mapping) -> dict[str, list]:
    """Values of every axis that the cells of a study have, in its order: the cells' product."""
    settled = {**baseline, **study.get("fix", {})}
    return {axis: list(study["vary"].get(axis, [settled[axis]])) for axis in AXES[model]}


def by_distance(cells: Sequence[Mapping], baseline: Mapping) -> list[int]:
    """Numbers of the cells, those first that differ from the baseline on the fewest axes.

    The protocol does not count: a cell and its counterpart under another protocol stay together.
    """
    distances = [
        sum(cell[axis] != baseline[axis] for axis in cell if axis != "protocol") for cell in cells
    ]
    return sorted(range(len(cells)), key=distances.__getitem__)


def compared_axes(study: Mapping) -> list[str]:
    """Axes that a study compares, in its order: the protocol only if it varies nothing else.

    Beside other axes, each protocol is looked at by itself.
    """
    return [axis for axis in study["vary"] if axis != "protocol"] or list(study["vary"])


def one_axis_studies(model: str, section: Mapping, most: int) -> dict[str, dict]:
    """Studies, as far as they vary one axis and perhaps the protocol, and have few cells.

    An axis that no such study varies is looked for in the others: what they have around the
    baseline makes a study of its own, named after the axis.

    Parameters
    ----------
    model : {"dense", "conv"}
        Which axes there are.
    section : mapping
        Baseline and studies.
    most : int
        Cells that a study may have.

    Returns
    -------
    dict
        Name -> question, fix and vary.
    """
    baseline = section["baseline"]
    found = {
        name: dict(study)
        for name, study in section["studies"].items()
        if len(set(study["vary"]) - {"protocol"}) == 1
        and len(study_cells(model, baseline, study)) <= most
    }
    varied = {axis for study in found.values() for axis in study["vary"]}
    cells = all_cells(model, section)
    for axis in AXES[model]:
        if axis in varied or axis == "protocol":
            continue
        held = {key: baseline[key] for key in baseline if key not in (axis, "protocol")}
        near = [cell for cell in cells if held.items() <= cell.items()]
        vary = {key: list(dict.fromkeys(c[key] for c in near)) for key in ("protocol", axis)}
        study = {"question": f"What does the {axis.replace('_', ' ')} change?", "vary": vary}
        product_cells = study_cells(model, baseline, study)
        complete = all(cell in near for cell in product_cells)
        if len(vary[axis]) > 1 and complete and len(product_cells) <= most:
            found[f"by_{axis}"] = {"fix": {}, **study}
    return found


def nearest_cell(cells: Iterable[Cell], baseline: Mapping, wanted: Mapping) -> Cell | None:
    """The cell that has the wanted values and otherwise differs least from a baseline, if any."""
    fitting = [cell for cell in cells if wanted.items() <= cell.items()]
    return max(fitting, key=lambda cell: len(baseline.items() & cell.items()), default=None)


def unique_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Cells without repeats, in order of first appearance: one serves every study that names it."""
    return list({tuple(cell.items()): cell for cell in cells}.values())


def all_cells(model: str, section: Mapping) -> list[Cell]:
    """The pooled cells of all studies of a model, each once."""
    return unique_cells(
        cell
        for study in section["studies"].values()
        for cell in study_cells(model, section["baseline"], study)
    )


def cell_path(cell: Mapping) -> str:
    """Path of a cell below its model's folder: ``axis~value`` folders in the order of the axes."""
    return "/".join(f"{axis}~{value}" for axis, value in cell.items())


def cell_pattern(model: str) -> str:
    """The same path with a wildcard for every value."""
    return "/".join(f"{axis}~{{{axis}}}" for axis in AXES[model])


def cell_from_wildcards(model: str, wildcards: Mapping[str, str]) -> Cell:
    """The cell that a path's wildcards spell."""
    return {
        axis: int(wildcards[axis]) if axis in INTEGER_AXES else str(wildcards[axis])
        for axis in AXES[model]
    }


def choose_folders(folders: Iterable[str], share: float, seed: int) -> list[str]:
    """Choose some of the folders of training jobs at random.

    Parameters
    ----------
    folders
        Those of all jobs of a model.
    share
        How many, as a share of them all; rounded, and at least one of any.
    seed
        Another seed chooses others. The order of the folders has no part in it, and a further
        folder displaces at most one.

    Returns
    -------
    list of str
        Sorted.
    """
    ranked = sorted(
        set(folders),
        key=lambda folder: hashlib.sha256(f"{seed}:{folder}".encode()).hexdigest(),
    )
    return sorted(ranked[: max(1, round(share * len(ranked)))])
