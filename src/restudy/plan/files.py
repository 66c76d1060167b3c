"""Which files a run asks for, and which the manifest describes: pure functions of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from restudy.families.contract import Family
from restudy.plan import halving, paths
from restudy.plan.figures import (
    NEEDS_PLANE,
    cell_figure,
    cell_figures,
    is_of_few_cells,
    predicts_points,
    shows_runs,
    study_figure,
    study_figures,
)
from restudy.plan.studies import Job, Plan

# Results, below results/, that differ between two runs of the same configuration, and why.
LEFT_OUT = {
    "results/*provenance.json": "records of machine and time; their digests are here",
    "results/data/*.idx": "images; their digests are in digests.json",
    "results/tables/benchmarks.*": "times and memory of the jobs",
    "results/report/findings.json": "states the time of the training; the rest is in the tables",
    "results/report/verdicts.html": "states the run's command and times; the rest is in the tables",
    "results/report/overview.html": "states the times, machine and revision of the run",
    "results/report/environment.html": "a page about the machine and revision",
    "results/report/tensorboard*.html": "pages of the event files with their times and speeds",
    "results/report/certificate.html": "a record of a check and its date",
    "results/*/halving/*/promoted.json": "which cell stands in a slot; its record says so",
    "results/*/halving/*/ranks.csv": "rows of the tables of halvings",
    "results/checkpoints/*": "states from which training can go on",
    "results/logs/*": "times",
    "results/records/*": "what jobs were made from; its relevant parts are here by digest",
    "results/benchmarks/*": "times and memory",
}
# What the tables for papers are written in, by the ending of their files.
PAPER_TABLES = {"tex": "LaTeX", "md": "Markdown"}
# Tables of all cells, combined from those of the training jobs.
COMBINED = ("runs.csv", "history.parquet", "layers.parquet", "scalars.parquet")


def requested_files(plan: Plan) -> Iterator[str]:
    """Iterate over every file that a plain `snakemake` makes."""
    yield paths.PROVENANCE
    yield paths.MANIFEST
    yield f"{paths.REPORT}/certificate.html"
    yield paths.FINDINGS
    pages = ("overview", "study", "configuration", "environment")
    yield from (f"{paths.REPORT}/{page}.html" for page in pages)
    yield paths.page_of(paths.BENCHMARKS)
    if plan.claim_tables:
        yield f"{paths.REPORT}/verdicts.html"
        yield f"{paths.TABLES}/claims.html"
    for family in plan.families.values():
        yield from _family_files(plan, family)
    if plan.that_leave("events"):
        yield f"{paths.REPORT}/tensorboard.html"
        yield f"{paths.REPORT}/tensorboard_thinned.html"
    for family in plan.families.values():
        yield from pictures_of_cells(plan, family)


def _family_files(plan: Plan, family: Family) -> Iterator[str]:
    """Yield tables, notebooks and figures of a family, except those of single cells."""
    for name in family.notebooks:
        yield f"{paths.REPORT}/{name}_notebook.html"
        yield f"results/notebooks/{name}.ipynb"
    for name in ("history.parquet", "layers.parquet"):
        if family.leaves(name):
            yield paths.table(family, name)
    yield paths.table(family, "runs.html")
    yield paths.table(family, "summary.html")
    for study in plan.studies(family):
        for ending in PAPER_TABLES:
            yield paths.study_table(family, study, ending)
        yield from pictures_of_study(plan, family, study)
    studies = halving.halved_studies(plan, family)
    if studies:
        yield paths.table(family, "halving.html")
    for study in studies:
        yield study_figure(family, study, "halving")
    if family.gradient_check:
        yield gradient_check_figure(family)
        yield paths.table(family, "gradients.html")
    if prediction_files(family):
        yield paths.table(family, "confusion.csv")
        yield paths.table(family, "classes.html")
    for name in plan.used_datasets(family):
        if plan.feature_count(name) is not None:
            yield points_figure(name)


def gradient_check_figure(family: Family) -> str:
    """Return the path of the figure of a family's gradient check."""
    return f"{paths.FIGURES}/{family.name}/gradient_check.svg"


def points_figure(dataset: str) -> str:
    """Return the path of the figure of a point set."""
    return f"{paths.FIGURES}/data/{dataset}.svg"


def pictures_of_study(plan: Plan, family: Family, study: str) -> Iterator[str]:
    """Iterate over figures of a study; for a large one, those that need not show every cell."""
    for kind in study_figures(family, plan.study(family, study)):
        if is_of_few_cells(kind, family) and not plan.is_small(family, study):
            continue
        if kind not in NEEDS_PLANE or plan.planar(plan.cells(family, study)):
            yield study_figure(family, study, kind)


def pictures_of_cells(plan: Plan, family: Family) -> Iterator[str]:
    """Iterate over the figures of single cells, or runs, of studies that are small enough."""
    for cell in plan.pictured_cells(family):
        seeds = range(plan.replicates(cell)) if shows_runs(family) else (None,)
        for seed in seeds:
            for kind in cell_figures(family):
                if kind not in NEEDS_PLANE or plan.planar([cell]):
                    yield cell_figure(cell, kind, seed)


def job_files(jobs: Iterable[Job], name: str) -> list[str]:
    """Return the file of this name in the folder of each of the training jobs."""
    return [f"{job.folder}/{name}" for job in jobs]


def prediction_files(family: Family) -> dict[str, str]:
    """Return what a family's jobs leave that tells what they predict, by what it is.

    Either predictions, or runs and weights from which a function of the family predicts points.
    Nothing of a family that has neither.
    """
    if family.leaves("judgements.parquet"):
        return {"predictions": "judgements.parquet"}
    return {"runs": "runs.csv", "weights": "weights.npz"} if predicts_points(family) else {}


def study_inputs(plan: Plan, family: Family, study: str, name: str) -> list[str]:
    """Return the tables of a study's cells; for a large study, the one table of all cells.

    A figure of a few cells is drawn again only if one of them changes; a figure of thousands
    changes with nearly every cell, and need not track each one.
    """
    if not plan.is_small(family, study):
        return [paths.table(family, name)]
    return job_files(plan.jobs(family, plan.cells(family, study)), name)


def data_files(plan: Plan) -> list[str]:
    """Return a small file that represents each data set that is used by a cell."""
    names = (name for family in plan.families.values() for name in plan.used_datasets(family))
    return [plan.data_file(name) for name in dict.fromkeys(names)]


def artefact_names(family: Family) -> list[str]:
    """Return the names of a training job's artefacts, without its record of provenance."""
    return [artefact.name for artefact in family.artefacts]


def training_outputs(family: Family) -> dict[str, str]:
    """Return the outputs of the rule that trains a family: key -> path with wildcards."""
    folder = f"results/{family.name}/{paths.job_pattern(family)}"
    places = {artefact.key: f"{folder}/{artefact.name}" for artefact in family.artefacts}
    return {**places, "provenance": f"{folder}/{paths.RECORD}"}


def left_by(jobs: Mapping[str, Iterable[str]], families: Mapping[str, Family]) -> list[str]:
    """Return every file that training jobs write, given their folders by family."""
    return [
        f"{folder}/{name}"
        for family, folders in jobs.items()
        for folder in folders
        for name in (*artefact_names(families[family]), paths.RECORD)
    ]


def is_left_out(path: str) -> bool:
    """Return whether the manifest leaves a result out."""
    return any(fnmatch(path, pattern) for pattern in LEFT_OUT)


def aggregates(plan: Plan) -> list[str]:
    """Return every result that is made of several cells, and the data, for the manifest."""
    found = [path for path in requested_files(plan) if path != paths.MANIFEST]
    # The page of a table is requested; the table itself is made for it.
    found += [
        path.replace(".html", ".csv")
        for path in found
        if path.startswith(f"{paths.TABLES}/") and path.endswith(".html")
    ]
    found += [f"{paths.TABLES}/{name}" for name in plan.claim_tables]
    if plan.claim_tables:
        found += [f"{paths.TABLES}/claims_{name}.parquet" for name in ("tests", "seeds")]
    for path in data_files(plan):
        table = Path(path)
        images = table.name == "digests.json"
        found += [path] if images else [path, str(table.with_name("description.json"))]
    return [path for path in dict.fromkeys(found) if not is_left_out(path)]


def records(plan: Plan) -> list[str]:
    """Return the record of provenance of every training job."""
    return [
        f"{folder}/{paths.RECORD}" for folders in all_folders(plan).values() for folder in folders
    ]


def all_folders(plan: Plan) -> dict[str, list[str]]:
    """Return the folders of all training jobs by family, those of promoted cells too."""
    return {
        name: [*folders, *halving.all_slot_folders(plan, plan.families[name])]
        for name, folders in plan.folders().items()
    }


def findings_inputs(plan: Plan) -> dict[str, Any]:
    """Return the tables from which findings are stated, by names of family and table."""
    named: dict[str, Any] = {}
    for family in plan.families.values():
        tables = {"runs": "runs.csv"}
        if family.leaves("layers.parquet"):
            tables["layers"] = "layers.parquet"
        if family.leaves("scalars.parquet"):
            tables["scalars"] = "scalars.parquet"
        if family.gradient_check:
            tables["gradients"] = "gradients.csv"
        if halving.halved_studies(plan, family):
            tables["halving"] = "halving.csv"
        if prediction_files(family):
            tables["classes"] = "classes.csv"
        if family.leaves("judgements.parquet"):
            tables["confusion"] = "confusion.csv"
        for key, name in tables.items():
            named[f"{family.name}_{key}"] = paths.table(family, name)
    if plan.claim_tables:
        named["claims"] = f"{paths.TABLES}/claims.csv"
    return named


# What the front page shows of a family's first study, the first of these that it has.
MOST_SHOWN = 2  # figures
SHOWN_FIRST = ("final_accuracy", "loss_effects", "accuracy_effects", "loss_curves")


def first_figures(plan: Plan) -> list[tuple[str, str]]:
    """Return a figure of each family's first study, with the question that the study asks."""
    found = []
    for family in plan.families.values():
        study = next(iter(plan.studies(family)))
        drawn = set(pictures_of_study(plan, family, study))
        paths_of_kinds = (study_figure(family, study, kind) for kind in SHOWN_FIRST)
        path = next((each for each in paths_of_kinds if each in drawn), None)
        if path:
            found.append((path, plan.study(family, study)["question"]))
    return found[:MOST_SHOWN]


def overview_inputs(plan: Plan) -> dict[str, Any]:
    """Return the inputs of the front page, besides findings and provenance, by name."""
    named: dict[str, Any] = {"figures": [path for path, _ in first_figures(plan)]}
    if plan.claim_tables:
        named["claims"] = f"{paths.TABLES}/claims.csv"
    return named


def page_inputs(plan: Plan) -> dict[str, Any]:
    """Return the inputs of the page of the studies, by names of family and table."""
    named: dict[str, Any] = {}
    for family in plan.families.values():
        for key, name in (
            ("runs", "runs.csv"),
            ("history", "history.parquet"),
            ("layers", "layers.parquet"),
        ):
            if family.leaves(name):
                named[f"{family.name}_{key}"] = paths.table(family, name)
    machines = [family for family in plan.that_leave("snapshots.npz") if family.browser_twin]
    datasets = dict.fromkeys(name for family in machines for name in plan.used_datasets(family))
    folders = [paths.data_folder(name) for name in datasets]
    return {
        **named,
        "snapshots": [
            path
            for family in machines
            for path in job_files(plan.jobs(family, plan.machine_cells(family)), "snapshots.npz")
        ],
        "points": [f"{folder}/points.csv" for folder in folders],
        "descriptions": [f"{folder}/description.json" for folder in folders],
    }
