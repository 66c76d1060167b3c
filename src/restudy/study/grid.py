"""From studies to cells: pure functions of a completed configuration."""

import hashlib
from collections.abc import Iterable, Mapping
from itertools import product

from restudy.families.contract import Family
from restudy.study.cell import Cell, make_cell, unique_cells


def study_cells(family: Family, baseline: Mapping, study: Mapping) -> list[Cell]:
    """Cells of one study: the product of its varied axes around the baseline.

    Parameters
    ----------
    family : Family
        Which axes there are.
    baseline : mapping
        A value for every axis.
    study : mapping
        ``vary`` (axis -> list of values) and optionally ``fix`` (axis -> value).

    Returns
    -------
    list of Cell
        In the order in which the study names its axes and values, the last axis fastest.
    """
    vary = study["vary"]
    settled = {**baseline, **study.get("fix", {})}
    cells = (
        {**settled, **dict(zip(vary, values, strict=True))} for values in product(*vary.values())
    )
    return [make_cell(family, cell) for cell in cells]


def study_levels(family: Family, baseline: Mapping, study: Mapping) -> dict[str, list]:
    """Values of every axis that the cells of a study have, in its order: the cells' product."""
    settled = {**baseline, **study.get("fix", {})}
    return {axis: list(study["vary"].get(axis, [settled[axis]])) for axis in family.axis_names}


def by_distance(cells: Iterable[Cell], baseline: Mapping) -> list[Cell]:
    """Return the cells, those first that differ from the baseline on the fewest axes.

    The protocol does not count: a cell and its counterpart under another protocol stay together.
    """

    def distance(cell: Cell) -> int:
        return sum(cell[axis] != baseline[axis] for axis in cell if axis != "protocol")

    return sorted(cells, key=distance)


def compared_axes(study: Mapping) -> list[str]:
    """Axes that a study compares, in its order: the protocol only if it varies nothing else.

    Beside other axes, each protocol is looked at by itself.
    """
    return [axis for axis in study["vary"] if axis != "protocol"] or list(study["vary"])


def one_axis_studies(family: Family, section: Mapping, most: int) -> dict[str, dict]:
    """Return the studies that vary exactly one axis, and perhaps the protocol, and have few cells.

    An axis that no such study varies is looked for in the others: what they have around the
    baseline makes a study of its own, named after the axis.

    Parameters
    ----------
    family : Family
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
        and len(study_cells(family, baseline, study)) <= most
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
        if len(vary[axis]) > 1 and complete and len(product_cells) <= most:
            found[f"by_{axis}"] = {"fix": {}, **study}
    return found


def nearest_cell(cells: Iterable[Cell], baseline: Mapping, wanted: Mapping) -> Cell | None:
    """The cell that has the wanted values and otherwise differs least from a baseline, if any."""
    fitting = [cell for cell in cells if wanted.items() <= cell.items()]
    return max(fitting, key=lambda cell: len(baseline.items() & cell.items()), default=None)


def all_cells(family: Family, section: Mapping) -> list[Cell]:
    """Return the pooled cells of all studies of a family, each once."""
    return unique_cells(
        cell
        for study in section["studies"].values()
        for cell in study_cells(family, section["baseline"], study)
    )


def choose_folders(folders: Iterable[str], share: float, seed: int) -> list[str]:
    """Choose some of the folders of training jobs at random.

    Parameters
    ----------
    folders
        Those of all jobs of a family.
    share
        How many, as a share of them all; rounded, and at least one of any.
    seed
        Another seed chooses others. The order of the folders does not matter, and a further
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
