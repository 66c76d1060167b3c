"""Which figures there are of a study and of a single cell, and where they lie."""

from collections.abc import Mapping

from restudy.study.grid import cell_path

# Of a whole study: what a file's name ends with, and what the report calls it.
STUDY_FIGURES = {
    "dense": {
        "loss_curves": "Loss over training",
        "accuracy_curves": "Accuracy over training",
        "loss_effects": "Loss by axis",
        "accuracy_effects": "Accuracy by axis",
        "gradient_norms": "Gradient norms",
        "inactive_units": "Saturated and dead units",
        "boundaries": "Decision boundaries",
    },
    "conv": {
        "loss_curves": "Loss over training",
        "accuracy_curves": "Accuracy over training",
        "final_accuracy": "Final test accuracy",
        "gradient_norms": "Gradient norms",
        "inactive_units": "Saturated and dead units",
    },
}
# Of a dense cell, or of one run of a cell of the CNN: a file's name.
CELL_FIGURES = {
    "dense": {"boundary": "Decision boundary"},
    "conv": {
        "confusion": "Confusion matrix",
        "worst_images": "Worst images",
        "conv1_filters": "Filters of the first layer",
        "conv1_statistics": "Statistics of the first layer",
        "conv1_histograms": "Histograms of the first layer",
    },
}
# These tell every cell of a study apart, which a figure of many can't.
OF_FEW_CELLS = ("gradient_norms", "inactive_units", "boundaries")
# These show the plane of a data set's two features.
NEEDS_PLANE = ("boundaries", "boundary")


def study_figure(model: str, study: str, kind: str) -> str:
    """Path of a figure of a study."""
    suffix = "png" if kind == "boundaries" else "svg"
    return f"results/figures/{model}/{study}_{kind}.{suffix}"


def cell_figure(model: str, cell: Mapping, kind: str, seed: int) -> str:
    """Path of a figure of a cell; the seed counts for the CNN alone, whose runs have their own."""
    run = f"/seed~{seed}" if model == "conv" else ""
    return f"results/figures/{model}/cells/{cell_path(cell)}{run}/{kind}.svg"


def figure_label(path: str) -> str:
    """What the report calls the figure at a path that one of the two functions gave."""
    model, name = path.split("/")[2], path.rpartition("/")[2].rpartition(".")[0]
    labels = {**STUDY_FIGURES[model], **CELL_FIGURES[model]}
    kind = next(kind for kind in labels if name == kind or name.endswith(f"_{kind}"))
    return labels[kind]
