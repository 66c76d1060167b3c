"""Cells of plain studies, whose axes have lists of values; which are near, and which are chosen."""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import product

from restudy.families.contract import Family
from restudy.study.cell import Cell, make_cell, unique_cells


def study_cells(family: Family, baseline: Mapping, study: Mapping) -> list[Cell]:
    """Return the cells of a study: the product of its varied axes around the baseline.

    Parameters
    ----------
    family : Family
        Its axes.
    baseline : mapping
        A value for every axis.
    study : mapping
        ``vary`` (axis -> list of values) and optionally ``fix`` (axis -> value), as
        `restudy.study.design.plain_section` has them.

    Returns
    -------
    list of Cell
        In the order in which the study names its axes and values; the last axis varies fastest.
    """
    vary = study["vary"]
    fixed = {**baseline, **study.get("fix", {})}
    cells = (
        {**fixed, **dict(zip(vary, values, strict=True))} for values in product(*vary.values())
    )
    return [make_cell(family, cell) for cell in cells]


def by_distance(cells: Iterable[Cell], baseline: Mapping) -> list[Cell]:
    """Return the cells, sorted by the number of axes on which they differ from the baseline.

    The protocol does not count: a cell and its counterpart under another protocol stay together.
    """

    def distance(cell: Cell) -> int:
        return sum(cell[axis] != baseline[axis] for axis in cell if axis != "protocol")

    return sorted(cells, key=distance)


def compared_axes(study: Mapping) -> list[str]:
    """Return the axes that a study compares: the protocol only if it varies nothing else.

    If it varies other axes too, each protocol is shown separately.
    """
    return [axis for axis in study["vary"] if axis != "protocol"] or list(study["vary"])


def one_axis_studies(family: Family, section: Mapping, max_cells: int) -> dict[str, dict]:
    """Return the small studies that vary exactly one axis, or one axis and the protocol.

    For an axis that no such study varies, a study is made of all cells that differ from the
    baseline on this axis (and the protocol) only, and named after the axis.

    Parameters
    ----------
    family : Family
        Its axes.
    section : mapping
        Baseline and studies.
    max_cells : int
        Largest number of cells of a study.

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
        and len(study_cells(family, baseline, study)) <= max_cells
    }
    varied = {axis for study in found.values() for axis in study["vary"]}
    cells = all_cells(family, section)
    for axis in family.axis_names:
        if axis in varied or axis == "protocol":
            continue
        held = {key: baseline[key] for key in baseline if key not in (axis, "protocol")}
        near = [cell for cell in cells if held.items() <= cell.items()]
        vary = {key: list(dict.fromkeys(c[key] for c in near)) for key in ("protocol", axis)}
        study = {"question": f"What does the {axis.replace('_', ' ')} change?", "vary": vary}
        product_cells = study_cells(family, baseline, study)
        complete = all(cell in near for cell in product_cells)
        if len(vary[axis]) > 1 and complete and len(product_cells) <= max_cells:
            found[f"by_{axis}"] = {"fix": {}, **study}
    return found


def nearest_cell(cells: Iterable[Cell], baseline: Mapping, wanted: Mapping) -> Cell | None:
    """Return the cell with the wanted values that differs least from a baseline, if any."""
    fitting = [cell for cell in cells if wanted.items() <= cell.items()]
    return max(fitting, key=lambda cell: len(baseline.items() & cell.items()), default=None)


def all_cells(family: Family, section: Mapping) -> list[Cell]:
    """Return the cells of all studies of a family, each once."""
    return unique_cells(
        cell
        for study in section["studies"].values()
        for cell in study_cells(family, section["baseline"], study)
    )


def choose_folders(folders: Iterable[str], share: float, seed: int) -> list[str]:
    """Choose some of the folders of training jobs at random.

    Parameters
    ----------
    folders : iterable of str
        Those of all jobs of a family.
    share : float
        Share of the folders to choose; rounded, but at least one if there is any.
    seed : int
        Another seed chooses others. The order of the folders does not matter, and one more
        folder replaces at most one of the chosen.

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
