"""The figures of a study, of a cell and of a run, and their paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from restudy.errors import UserError
from restudy.families.contract import ALL, ONE, POINTS, Family
from restudy.families.lookup import OWN
from restudy.families.own_files import told
from restudy.families.plugins import Figure
from restudy.families.registry import FAMILIES
from restudy.plan.paths import FIGURES
from restudy.study.cell import Cell
from restudy.study.design import FEWEST_PREDICTED

# Endings of what a figure can be written as. A run makes one; the others can be asked for by path.
FILE_FORMATS = ("svg", "png", "pdf")
# Figures that show the plane of a data set's two features.
NEEDS_PLANE = ("boundaries", "boundary")
# Artefacts that the figures of a single run need.
RUN_ARTEFACTS = ("judgements.parquet", "weights.npz", "scalars.parquet", "histograms.parquet")
RUN_FIGURES = {
    "confusion": "Confusion matrix",
    "worst_images": "Most wrong images",
    "conv1_filters": "Filters of the first layer",
    "conv1_statistics": "Statistics of the first layer",
    "conv1_histograms": "Histograms of the first layer",
}


class FileFormatError(UserError):
    """A target that is a figure in a format that none is written in."""


class Kind(NamedTuple):
    """One kind of figure of a study.

    Attributes
    ----------
    title : str
        Its name in the report.
    subject : str
        First argument of ``draw``: a quantity, or which of several figures to draw.
    caption : str
        File below ``report/``; the default one says what the record's ``shows`` does.
    """

    title: str
    subject: str
    caption: str = "figure.rst"


@dataclass(frozen=True)
class StudyFigures:
    """Figures of a study that one job draws from tables of the training jobs.

    Attributes
    ----------
    name : str
        Name of the rule, after ``plot_``.
    draw : str
        Dotted path of a function (subject, tables, study, family, cells) -> Matplotlib figure.
        ``tables`` has the study's rows of each table, by its name without ending; ``cells`` is
        empty unless ``of_few_cells``.
    tables : tuple of str
        Artefacts that the family must have.
    kinds : callable
        Family -> kinds of figures that it gets, by the ending of a file's name.
    of_few_cells : bool
        Whether they distinguish all cells, which is impossible for many cells.
    fits : callable
        Study, as `Plan.study` gives it -> whether it gets them.
    shows, made : str
        Sentences on what is shown, and on how it was computed, for kinds without their own caption.
    shows_claims : bool
        Whether they show what is claimed of single cells, see
        `restudy.claims.claimed.claimed_values`: the study that they get has it as ``claimed``.
    file : str
        Of figures in a file of the user's; then ``draw`` is the name of such a figure.
    """

    name: str
    draw: str
    tables: tuple[str, ...]
    kinds: Callable[[Family], dict[str, Kind]]
    of_few_cells: bool = False
    fits: Callable[[Mapping[str, Any]], bool] = lambda study: True
    shows: str = ""
    made: str = ""
    shows_claims: bool = False
    file: str = ""

    def kinds_of(self, family: Family) -> dict[str, Kind]:
        """Return the kinds that a family gets; none if it lacks a table."""
        return self.kinds(family) if all(map(family.leaves, self.tables)) else {}


def _curves(family: Family) -> dict[str, Kind]:
    recorded = {measure.quantity for measure in family.recorded_measures}
    return {
        f"{quantity}_curves": Kind(f"{quantity.capitalize()} over training", quantity, "curves.rst")
        for quantity in family.quantities
        if quantity in recorded
    }


def _effects(family: Family) -> dict[str, Kind]:
    if "effects" not in family.end_figures:
        return {}
    return {
        f"{quantity}_effects": Kind(f"{quantity.capitalize()} by axis", quantity, "effects.rst")
        for quantity in family.quantities
    }


def _final_accuracy(family: Family) -> dict[str, Kind]:
    if "final_accuracy" not in family.end_figures:
        return {}
    title = f"Final {family.measure(family.ranked_by[-1]).label.lower()}"
    return {"final_accuracy": Kind(title, "accuracy", "final_accuracy.rst")}


def _by_quantity(ending: str, title: str, subject: str) -> Callable[[Family], dict[str, Kind]]:
    """Return what gives a figure for each quantity by which a family's cells are ranked."""

    def kinds(family: Family) -> dict[str, Kind]:
        return {
            f"{quantity}_{ending}": Kind(
                title.format(quantity.capitalize()), f"{subject} {quantity}"
            )
            for quantity in family.quantities
        }

    return kinds


def _importance(family: Family) -> dict[str, Kind]:
    """The measure of each quantity by which cells are ranked."""
    measures = map(family.measure, family.ranked_by)
    return {
        f"{each.quantity}_importance": Kind(
            f"{each.quantity.capitalize()}: what matters", each.name
        )
        for each in measures
    }


# The page of the studies shows the same shares, see `restudy.views.study_page`.
IMPORTANCE = StudyFigures(
    "importance",
    "restudy.views.importance_figure:draw",
    ("runs.csv",),
    _importance,
    fits=lambda study: (
        bool(study["numbers"]) and len(study["vary"]) > 1 and study["size"] >= FEWEST_PREDICTED
    ),
    shows="The share of the variance between cells that each axis explains, and each pair "
    "beyond its axes.",
    made="Functional analysis of variance of a random forest's prediction (Hutter, Hoos and "
    "Leyton-Brown 2014), with 95% intervals of forests trained on simulated cells.",
)


def _layers(family: Family) -> dict[str, Kind]:
    return {
        "gradient_norms": Kind("Gradient norms", "gradients", "gradient_norms.rst"),
        "inactive_units": Kind("Saturated and dead units", "units", "inactive_units.rst"),
    }


STUDY_FIGURES = (
    StudyFigures("curves", "restudy.views.curves:draw", ("history.parquet", "runs.csv"), _curves),
    StudyFigures(
        "effects",
        "restudy.views.effects_figure:draw",
        ("runs.csv",),
        _effects,
        fits=lambda study: not study["sampled"] or set(study["vary"]) > set(study["scales"]),
    ),
    StudyFigures(
        "responses",
        "restudy.views.response_figures:draw",
        ("runs.csv",),
        _by_quantity("response", "{} by number", "curves"),
        fits=lambda study: bool(study["numbers"]),
        shows="What came out at the end of training against a number that the study varies, a line "
        "for each value of the next axis; of a sample every cell, a point.",
        made="Points are means and bars 95% intervals (Student's t over seeds). The curve of a "
        "sample is a cubic smoothing spline, as smooth as generalised cross-validation makes it.",
    ),
    IMPORTANCE,
    StudyFigures(
        "maps",
        "restudy.views.response_figures:draw",
        ("runs.csv",),
        _by_quantity("map", "{} by two numbers", "map"),
        fits=lambda study: len(study["numbers"]) > 1 and not study["sampled"],
        shows="What came out at every pair of two numbers that the study varies. The chosen one "
        "has a frame.",
        made="Means over the runs that did not diverge, and for the chosen one its 95% interval "
        "(Student's t over seeds).",
    ),
    StudyFigures(
        "parallels",
        "restudy.views.response_figures:draw",
        ("runs.csv",),
        _by_quantity("parallel", "{} of all cells", "parallel"),
        fits=lambda study: bool(study["numbers"]) and study["sampled"],
        shows="Every cell of the sample, a line through its values, coloured by how it did; the "
        "chosen cell is black.",
        made="The last axis is the mean, over the runs that did not diverge, of the measure by "
        "which cells are ranked.",
    ),
    StudyFigures(
        "final_accuracy",
        "restudy.views.final_accuracy_figure:draw",
        ("runs.csv",),
        _final_accuracy,
        shows_claims=True,
    ),
    StudyFigures(
        "layers",
        "restudy.views.layer_figures:draw",
        ("layers.parquet", "runs.csv"),
        _layers,
        of_few_cells=True,
    ),
)


def built_in_names() -> set[str]:
    """Return the names of figures of studies that are in no file of the user's."""
    endings = {
        ending
        for figures in STUDY_FIGURES
        for family in FAMILIES.values()
        for ending in figures.kinds_of(family)
    }
    return {*(figures.name for figures in STUDY_FIGURES), *endings, "boundaries", "halving"}


def all_study_figures() -> list[StudyFigures]:
    """Return the records of all figures of studies, with those in files of the user's."""
    return [*STUDY_FIGURES, *map(_of_own, OWN.get("figures", {}).values())]


def _of_own(own: Figure) -> StudyFigures:
    """Return the record of a figure in a file of the user's."""
    title = own.label or own.name.replace("_", " ").capitalize()

    def fits(study: Mapping[str, Any]) -> bool:
        with told(own.file, f"when the figure {own.name!r} was asked whether it fits a study"):
            return bool(own.fits(study))

    return StudyFigures(
        f"own_{own.name}",  # no rule has such a name
        own.name,
        own.tables,
        lambda family: {own.name: Kind(title, own.name)},
        fits=fits,
        shows=own.shows,
        made=own.made,
        file=own.file,
    )


def study_figures(family: Family, study: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the figures of a study, or of any: ending of a file's name -> title."""
    found = {
        ending: kind.title
        for figures in all_study_figures()
        if study is None or figures.fits(study)
        for ending, kind in figures.kinds_of(family).items()
    }
    return found | ({"boundaries": "Decision boundaries"} if draws_boundaries(family) else {})


def is_of_few_cells(ending: str, family: Family) -> bool:
    """Return whether a figure of a study distinguishes all its cells, so that they must be few."""
    few = (figures.kinds_of(family) for figures in STUDY_FIGURES if figures.of_few_cells)
    return ending == "boundaries" or any(ending in kinds for kinds in few)


def draws_boundaries(family: Family) -> bool:
    """Return whether the cells of a family have decision boundaries to draw.

    A job of it trains all seeds of a cell, so that a picture of all needs no more than its weights.
    """
    return family.seeds_per_job == ALL and predicts_points(family)


def predicts_points(family: Family) -> bool:
    """Return whether a function of a family can be called to predict points.

    In a Python of its own, it could not.
    """
    return (
        bool(family.predict)
        and not family.has_own_python
        and family.takes == POINTS
        and family.leaves("weights.npz")
    )


def draws_runs(family: Family) -> bool:
    """Return whether a single run of a family has figures of its own."""
    return all(map(family.leaves, RUN_ARTEFACTS))


def cell_figures(family: Family) -> dict[str, str]:
    """Return the figures of a cell or of one of its runs: a file's name -> title."""
    figures = {"boundary": "Decision boundary"} if draws_boundaries(family) else {}
    return figures | (RUN_FIGURES if draws_runs(family) else {})


def study_figure(family: Family, study: str, kind: str) -> str:
    """Return the path of a figure of a study."""
    return f"{FIGURES}/{family.name}/{study}_{kind}.svg"


def cell_figure(cell: Cell, kind: str, seed: int | None = None) -> str:
    """Return the path of a figure of a cell, or of its run with a seed."""
    run = "" if seed is None else f"/seed~{seed}"
    return f"{FIGURES}/{cell.family}/cells/{cell.path}{run}/{kind}.svg"


def check_figure(target: str) -> None:
    """Refuse a target on the command line that is a figure in a format that none is written in.

    Raises
    ------
    FileFormatError
        It names the target and the formats that there are.
    """
    ending = PurePosixPath(target).suffix
    if target.startswith(f"{FIGURES}/") and ending and ending[1:] not in FILE_FORMATS:
        allowed = ", ".join(f".{each}" for each in FILE_FORMATS)
        raise FileFormatError(f"{target}: got the ending {ending}; allowed of a figure: {allowed}")


def shows_runs(family: Family) -> bool:
    """Return whether each figure of a cell shows a single run."""
    return family.seeds_per_job == ONE


def figure_label(path: str) -> str:
    """Return the title of the figure at a path that this module returned."""
    family, name = FAMILIES[path.split("/")[2]], path.rpartition("/")[2].rpartition(".")[0]
    labels = study_figures(family) | cell_figures(family)
    kind = next(kind for kind in labels if name == kind or name.endswith(f"_{kind}"))
    return labels[kind]
