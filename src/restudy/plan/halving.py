"""The rungs of studies with successive halving: fixed places, and who may stand there.

Which cells are promoted is known only when a rung has been trained, and which files there will be
has to be known before. So each rung after the first has slots, numbered places for a cell; what
trains in a slot reads which one it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from restudy.families.contract import ONE, Family
from restudy.plan import paths
from restudy.plan.studies import Plan
from restudy.study.cell import Cell, spell
from restudy.study.design import budgets_of, design_of

RANKS = "ranks.csv"  # table of a rung's cells


@dataclass(frozen=True)
class Rung:
    """A rung of a study.

    Attributes
    ----------
    study : str
        Name of the study.
    number : int
        From 1.
    budget : int
        Passes or steps that its cells are trained for, all together.
    size, promoted : int
        How many cells it has, and how many of them go on.
    cells : tuple of Cell
        Those that may stand in it, with its budget: the cells of the first rung, in their order.
    datasets : tuple of str
        Their data sets.
    replicates : int
        Seeds of each.
    """

    study: str
    number: int
    budget: int
    size: int
    promoted: int
    cells: tuple[Cell, ...]
    datasets: tuple[str, ...]
    replicates: int


def halved_studies(plan: Plan, family: Family) -> list[str]:
    """Return the names of a family's studies with successive halving."""
    return [name for name, study in plan.studies(family).items() if budgets_of(study)]


def rungs(plan: Plan, family: Family, study: str) -> list[Rung]:
    """Return the rungs of a study, the first one first; none without successive halving."""
    return plan.remember(("rungs", family.name, study), lambda: _rungs(plan, family, study))


def _rungs(plan: Plan, family: Family, study: str) -> list[Rung]:
    given = plan.studies(family)[study]
    budgets = budgets_of(given)
    if not budgets:
        return []
    designs = [
        design_of(plan.config, family, study, number) for number in range(1, len(budgets) + 1)
    ]
    sizes = rung_sizes(len(designs[0].cells), given["halving"]["keep"], len(budgets))
    return [
        Rung(
            study,
            number,
            budget,
            size,
            promoted,
            design.cells,
            tuple(design.levels["dataset"]),
            plan.replicates(design.cells[0]),
        )
        for number, (budget, size, promoted, design) in enumerate(
            zip(budgets, sizes, [*sizes[1:], 0], designs, strict=True), start=1
        )
    ]


def rung_sizes(cells: int, keep: float, rungs: int) -> list[int]:
    """Return how many cells each rung has: of each, the kept share goes on, at least one."""
    sizes = [cells]
    for _ in range(rungs - 1):
        sizes.append(max(1, round(keep * sizes[-1])))
    return sizes


def job_folders(plan: Plan, family: Family, rung: Rung) -> list[list[str]]:
    """Return the folders of a rung's training jobs, a list for each of its cells."""
    if rung.number == 1:
        return [
            [job.folder for job in plan.jobs(family, [cell])]
            for cell in plan.cells(family, rung.study)
        ]
    return [slot_folders(family, rung, slot) for slot in range(1, rung.size + 1)]


def slot_folders(family: Family, rung: Rung, slot: int) -> list[str]:
    """Return the folders of the training jobs of a slot: one, or one per seed."""
    folder = paths.slot(family.name, rung.study, rung.number, slot)
    if family.seeds_per_job != ONE:
        return [folder]
    return [f"{folder}/seed~{seed}" for seed in range(rung.replicates)]


def all_slot_folders(plan: Plan, family: Family) -> Iterator[str]:
    """Iterate over the folders of all training jobs of promoted cells."""
    for study in halved_studies(plan, family):
        for rung in rungs(plan, family, study)[1:]:
            for folders in job_folders(plan, family, rung):
                yield from folders


def rank_tables(plan: Plan, family: Family) -> list[str]:
    """Return the tables of all rungs of all studies."""
    return [
        f"{paths.rung(family.name, study, each.number)}/{RANKS}"
        for study in halved_studies(plan, family)
        for each in rungs(plan, family, study)
    ]


def promotion(plan: Plan, family: Family, rung: Rung) -> dict[str, Any]:
    """Return what a job needs to rank the cells of a rung and promote some, as JSON values.

    Returns
    -------
    dict
        study, rung, measure and promoted; ``folders``, of its training jobs by cell; ``rows``, what
        tells them apart by the settings that the study varies; and ``next``: for each cell that may
        stand in the next rung, by what it is in this one (its path), its ``cell`` there, the
        ``checkpoints`` of its seeds' jobs and its ``data``.
    """
    given = plan.studies(family)[rung.study]
    found = {
        "study": rung.study,
        "rung": rung.number,
        "measure": given["halving"]["measure"],
        "promoted": rung.promoted,
        "folders": job_folders(plan, family, rung),
        "coordinates": {cell.path: dict(cell.at) for cell in rung.cells},
        "budget": None,
        "next": {},
    }
    if rung.promoted:
        later = rungs(plan, family, rung.study)[rung.number]
        found["budget"] = later.budget
        found["next"] = {
            now.path: {
                "cell": then.row,
                "data": plan.data_file(then["dataset"]),
                "checkpoints": _checkpoints(family, then),
            }
            for now, then in zip(rung.cells, later.cells, strict=True)
        }
    return found


def _checkpoints(family: Family, cell: Cell) -> str:
    """The folder of the checkpoints of a cell's jobs, with a place for the seed."""
    values = {axis: spell(value) for axis, value in cell.items()}
    return paths.checkpoints(family, {**values, "seed": "{seed}"})


def likely_settings(plan: Plan, family: Family, rung: Rung, anew: bool = False) -> dict[str, Any]:
    """Return settings of a job that takes about as long as one of a slot, for the price.

    It trains the rung's first cell for what its budget has more than that of the rung before, or
    for all of it if it trains anew.
    """
    before = 0 if anew else rungs(plan, family, rung.study)[rung.number - 2].budget
    settings = dict(plan.settings(family, rung.cells[0]))
    protocol = {**settings["protocol"], family.time.budget: rung.budget - before}
    return {**settings, "protocol": protocol}
