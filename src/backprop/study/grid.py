"""From studies to cells: pure functions of a completed configuration.

A cell is a plain dict, its keys in the order of `AXES`. Its path spells it out, so that a target
can be typed, and is read back from the path's wildcards.
"""

from collections.abc import Iterable, Mapping
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


def compared_axes(study: Mapping) -> list[str]:
    """Axes that a study compares, in its order: the protocol only if it varies nothing else.

    Beside other axes, each protocol is looked at by itself.
    """
    return [axis for axis in study["vary"] if axis != "protocol"] or list(study["vary"])


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
