"""Inputs and parameters of each notebook, as pure functions of a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from restudy.families.contract import Family
from restudy.plan import paths
from restudy.plan.studies import MAX_PICTURED_CELLS, Plan
from restudy.study.cell import Cell, unique_cells
from restudy.study.entries import split_value
from restudy.study.grid import nearest_cell, one_axis_studies, study_cells

LESSON_PASSES = 2000  # upper limit for trainings in the lesson on activation functions


class Notebook(NamedTuple):
    """Inputs of a notebook: files that it reads, and parameters as plain values.

    Both are functions of the plan and of the family whose facts name the notebook.
    """

    results: Callable[[Plan, Family], Iterator[str]]
    parameters: Callable[[Plan, Family], dict[str, Any]]


def family_of(plan: Plan, notebook: str) -> Family:
    """Return the family whose facts name a notebook."""
    return next(each for each in plan.families.values() if notebook in each.notebooks)


def notebook_names(plan: Plan) -> list[str]:
    """Return the notebooks of all families of a plan."""
    return [name for family in plan.families.values() for name in family.notebooks]


def results(plan: Plan, notebook: str) -> list[str]:
    """Return the results that a notebook reads."""
    return list(NOTEBOOKS[notebook].results(plan, family_of(plan, notebook)))


def parameters(plan: Plan, notebook: str) -> dict[str, Any]:
    """Return a notebook's parameters: plain values, and the folders of cells or of runs."""
    return NOTEBOOKS[notebook].parameters(plan, family_of(plan, notebook))


def derived_networks(plan: Plan, family: Family) -> dict[str, Cell | None]:
    """Return the cells with one hidden layer whose gradients the notebook derives, by activation.

    None if the run has no such cell; the penalty must be the one in the derivation.
    """
    plain = [
        cell
        for cell in plan.cells(family)
        if cell["depth"] == 1 and cell.settings["protocol"]["l1"] == 0
    ]
    baseline = plan.baseline(family)
    return {
        name: nearest_cell(plain, baseline, {"activation": name, "dataset": baseline["dataset"]})
        for name in ("tanh", "sigmoid", "relu")
    }


def shown_studies(plan: Plan, family: Family) -> tuple[dict[str, dict], list[Cell]]:
    """Return the studies of one axis and their cells, for the notebook on them."""
    studies = one_axis_studies(family, plan.plain_section(family), MAX_PICTURED_CELLS)
    baseline = plan.baseline(family)
    cells = [cell for study in studies.values() for cell in study_cells(family, baseline, study)]
    return studies, unique_cells(cells)


def shown_runs(plan: Plan, family: Family) -> dict[str, Cell | None]:
    """Return the cell of the baseline and that of the published variation."""
    baseline = plan.baseline(family)
    varied = [
        cell
        for cell in plan.cells(family)
        if (cell["activation"], cell["initializer"]) == ("tanh", "xavier_uniform")
        and cell.settings["optimizer"]["kind"] == "gradient_descent"
    ]
    return {
        "baseline_cell": nearest_cell(plan.cells(family), baseline, {}),
        "variation_cell": nearest_cell(varied, baseline, {}),
    }


def _common(plan: Plan, family: Family) -> dict[str, Any]:
    section = plan.plain_section(family)
    return {
        "baseline": plan.baseline(family).row,
        "protocols": section["protocols"],
        "optimizers": section["optimizers"],
    }


def _points(plan: Plan, family: Family) -> str:
    return f"{paths.data_folder(plan.baseline(family)['dataset'])}/points.csv"


def _derivation_results(plan: Plan, family: Family) -> Iterator[str]:
    yield _points(plan, family)
    for cell in filter(None, derived_networks(plan, family).values()):
        yield from (f"{cell.folder}/runs.csv", f"{cell.folder}/snapshots.npz")


def _derivation_parameters(plan: Plan, family: Family) -> dict[str, Any]:
    networks = {
        name: cell and {"folder": cell.folder, "l2": cell.settings["protocol"]["l2"]}
        for name, cell in derived_networks(plan, family).items()
    }
    return {"networks": networks, "dataset": plan.baseline(family)["dataset"]}


def _lesson_results(plan: Plan, family: Family) -> Iterator[str]:
    yield _points(plan, family)


def _lesson_parameters(plan: Plan, family: Family) -> dict[str, Any]:
    baseline = plan.baseline(family)
    passes = plan.settings(family, baseline)["protocol"]["passes"]
    return {"dataset": baseline["dataset"], "passes": min(passes, LESSON_PASSES)}


def _studies_results(plan: Plan, family: Family) -> Iterator[str]:
    _, cells = shown_studies(plan, family)
    names = {plan.baseline(family)["dataset"], *(cell["dataset"] for cell in cells)}
    yield from (paths.table(family, name) for name in ("runs.csv", "summary.csv"))
    for name in sorted(names):
        yield f"{paths.data_folder(name)}/points.csv"
        yield f"{paths.data_folder(name)}/description.json"
    for cell in cells:
        yield from (f"{cell.folder}/history.parquet", f"{cell.folder}/weights.npz")
        yield from (f"{cell.folder}/runs.csv", f"{cell.folder}/provenance.json")


def _studies_parameters(plan: Plan, family: Family) -> dict[str, Any]:
    used = dict.fromkeys((plan.baseline(family)["dataset"], *plan.used_datasets(family)))
    order = list(plan.config["datasets"])
    used = sorted(used, key=lambda value: order.index(split_value(value)[0]))
    datasets = {value: plan.dataset_facts(value) for value in used}
    return {
        **_common(plan, family),
        "studies": shown_studies(plan, family)[0],
        "datasets": datasets,
    }


def _images_results(plan: Plan, family: Family) -> Iterator[str]:
    for name in ("runs.csv", "summary.csv", "history.parquet"):
        yield paths.table(family, name)
    for cell in filter(None, shown_runs(plan, family).values()):
        for file in (
            "runs.csv",
            "judgements.parquet",
            "weights.npz",
            "scalars.parquet",
            "histograms.parquet",
        ):
            yield from (f"{job.folder}/{file}" for job in plan.jobs(family, [cell]))


def _images_parameters(plan: Plan, family: Family) -> dict[str, Any]:
    runs = shown_runs(plan, family)
    name = runs["baseline_cell"]["dataset"]
    counts = plan.images[split_value(name)[0]]
    return {
        **_common(plan, family),
        **{key: cell and cell.folder for key, cell in runs.items()},
        "studies": plan.plain_section(family)["studies"],
        "image": {key: getattr(counts, key) for key in ("height", "width", "classes")},
        "kind": plan.dataset_kinds[name],
    }


NOTEBOOKS = {
    "backpropagation": Notebook(_derivation_results, _derivation_parameters),
    "add_your_own_activation": Notebook(_lesson_results, _lesson_parameters),
    "dense_networks": Notebook(_studies_results, _studies_parameters),
    "convolutional_network": Notebook(_images_results, _images_parameters),
}
