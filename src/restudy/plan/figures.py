"""Which figures there are of a study, of a cell and of a run, and where they lie."""

from __future__ import annotations

from restudy.families.contract import ONE, Family
from restudy.families.registry import FAMILIES
from restudy.study.cell import Cell

# These tell every cell of a study apart, which a figure of many can't.
OF_FEW_CELLS = ("gradient_norms", "inactive_units", "boundaries")
# These show the plane of a data set's two features.
NEEDS_PLANE = ("boundaries", "boundary")
# What a run has to leave for its own figures.
RUN_ARTEFACTS = ("judgements.parquet", "weights.npz", "scalars.parquet", "histograms.parquet")
RUN_FIGURES = {
    "confusion": "Confusion matrix",
    "worst_images": "Most wrong images",
    "conv1_filters": "Filters of the first layer",
    "conv1_statistics": "Statistics of the first layer",
    "conv1_histograms": "Histograms of the first layer",
}


def curve_quantities(family: Family) -> list[str]:
    """Return the quantities whose course over training is drawn: "loss", "accuracy"."""
    if not family.leaves("history.parquet"):
        return []
    recorded = {measure.quantity for measure in family.recorded_measures}
    return [quantity for quantity in family.quantities if quantity in recorded]


def study_figures(family: Family) -> dict[str, str]:
    """Return the figures of a whole study: what a file's name ends with -> what it is called."""
    figures = {f"{q}_curves": f"{q.capitalize()} over training" for q in curve_quantities(family)}
    if "effects" in family.end_figures:
        figures |= {f"{q}_effects": f"{q.capitalize()} by axis" for q in family.quantities}
    if "final_accuracy" in family.end_figures:
        figures["final_accuracy"] = "Final test accuracy"
    if family.leaves("layers.parquet"):
        figures["gradient_norms"] = "Gradient norms"
        figures["inactive_units"] = "Saturated and dead units"
    if family.leaves("boundary.npz"):
        figures["boundaries"] = "Decision boundaries"
    return figures


def draws_runs(family: Family) -> bool:
    """Whether a single run of a family has figures of its own."""
    return all(map(family.leaves, RUN_ARTEFACTS))


def cell_figures(family: Family) -> dict[str, str]:
    """Return the figures of a cell or of one run of it: a file's name -> what it is called."""
    figures = {"boundary": "Decision boundary"} if family.leaves("boundary.npz") else {}
    return figures | (RUN_FIGURES if draws_runs(family) else {})


def study_figure(family: Family, study: str, kind: str) -> str:
    """Return the path of a figure of a study."""
    suffix = "png" if kind == "boundaries" else "svg"
    return f"results/figures/{family.name}/{study}_{kind}.{suffix}"


def cell_figure(cell: Cell, kind: str, seed: int | None = None) -> str:
    """Return the path of a figure of a cell, or of the run of a seed of it."""
    run = "" if seed is None else f"/seed~{seed}"
    return f"results/figures/{cell.family}/cells/{cell.path}{run}/{kind}.svg"


def shows_runs(family: Family) -> bool:
    """Whether figures of cells are of a single run each."""
    return family.seeds_per_job == ONE


def figure_label(path: str) -> str:
    """Return what the report calls the figure at a path that this module gave."""
    family, name = FAMILIES[path.split("/")[2]], path.rpartition("/")[2].rpartition(".")[0]
    labels = study_figures(family) | cell_figures(family)
    kind = next(kind for kind in labels if name == kind or name.endswith(f"_{kind}"))
    return labels[kind]
