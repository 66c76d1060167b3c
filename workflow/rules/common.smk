"""The configuration, the grid and the helpers that rules call; no rules."""

import gc
import json
import mimetypes
import os
import shutil
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import snakemake.sourcecache
import yaml
from snakemake.exceptions import WorkflowError
from snakemake.io import sourcecache_entry

REPOSITORY = Path(workflow.basedir)
# A graph of thousands of jobs stays to the end: to look for garbage in it, again and again while it
# is built, takes Python an eighth of the time of a dry run.
gc.disable()
# Scripts inherit this process's search path, so that this one line serves them all.
sys.path.insert(0, str(REPOSITORY / "src"))

from restudy.analysis.markup import escape_markup
from restudy.data.image_files import find_image_files
from restudy.data.inspection import inspect_datasets
from restudy.errors import UserError
from restudy.provenance.environment import (
    REVISION,
    described_revision,
    digest,
    file_digest,
    file_digests,
    revision,
)
from restudy.provenance.imports import imported_files
from restudy.provenance.parts import note_parts, read_packages
from restudy.operation.run_lock import claim, note_submission, who_runs
from restudy.operation.tickets import Ticket, describe_call
from restudy.claims.document import needed_tables, needed_tensors, read_claims
from restudy.study.config import (
    CHECKS,
    KINDS_OF_MODEL,
    ConfigError,
    WHENCE,
    cell_settings,
    check_image_counts,
    check_target,
    complete_config,
    gradient_check_settings,
    settings_lookup,
    with_typed_values,
    without_whereabouts,
)
from restudy.plan.figures import (
    CELL_FIGURES,
    NEEDS_PLANE,
    OF_FEW_CELLS,
    STUDY_FIGURES,
    cell_figure,
    study_figure,
)
from restudy.study.grid import (
    all_cells,
    by_distance,
    cell_from_wildcards,
    cell_path,
    cell_pattern,
    choose_folders,
    nearest_cell,
    one_axis_studies,
    study_cells,
    study_levels,
    unique_cells,
)
from restudy.study.labels import COUNTED, label_of
from restudy.study.yaml_files import read_yaml

# Options of snakemake that start no job and change nothing.
ONLY_LOOK = (
    "--report",
    "--lint",
    "--list-rules",
    "--list-target-rules",
    "--summary",
    "--detailed-summary",
    "--dag",
    "--rulegraph",
    "--filegraph",
    "--d3dag",
)

# Snakemake asks for the place of its script once for every job, of thousands, and takes 0.3 ms for
# it. The answer depends on the path alone. Speed is all that hangs on it.
if hasattr(snakemake.sourcecache, "parse_uri"):
    snakemake.sourcecache.parse_uri = cache(snakemake.sourcecache.parse_uri)

# The S3 plugin remembers of a folder that it isn't there, and then does not see that a job has
# stored it elsewhere.
if "snakemake_storage_plugin_s3" in sys.modules:
    s3_object = sys.modules["snakemake_storage_plugin_s3"].StorageObject
    s3_object.is_dir = lambda self: any(self.get_subkeys())


def here(path):
    """A file of the project, relative to the working directory."""
    return os.path.relpath(REPOSITORY / path)


def source_file(path):
    """A path as an input that is one of the sources, also where results are kept in a bucket.

    Snakemake's `local` would say the same, and that the job has to run where Snakemake does.
    """
    return sourcecache_entry(path, path)


def project_file(path):
    """A file of the project as an input."""
    return source_file(here(path))


with open(here("workflow/schemas/config.schema.yaml"), encoding="utf-8") as file:
    SCHEMA = yaml.safe_load(file)
try:
    # Snakemake has read these, and taken the last of what stands twice in them.
    for path in workflow.configfiles if workflow.is_main_process else ():
        read_yaml(os.path.relpath(path))
    CONFIG = complete_config(
        with_typed_values(config, workflow.config_settings.config), SCHEMA
    )
    # Typed targets, before Snakemake works with them: what it raises later carries a traceback.
    for argument in sys.argv[1:]:
        check_target(CONFIG, SCHEMA, argument)
    # What results are checked by has no part in them, nor in their digests.
    CHECK = {key: CONFIG.pop(key, None) for key in CHECKS}
    # Number of features of each point set, and what is in each set of images: the user's own
    # files are read and checked for it.
    FEATURES, IMAGES = inspect_datasets(CONFIG["datasets"])
    check_image_counts(CONFIG, IMAGES)
except UserError as fault:
    names = [os.path.relpath(path) for path in workflow.configfiles] or ["--config"]
    raise WorkflowError(
        f"The configuration ({', '.join(names)}) can't be run:\n{fault}"
    )

CLAIMS = []
if CONFIG["claims"]:
    claims_file = Path(CONFIG["claims"])
    if not claims_file.exists() and (REPOSITORY / claims_file).exists():
        claims_file = Path(here(claims_file))
    try:
        with open(
            here("workflow/schemas/claims.schema.yaml"), encoding="utf-8"
        ) as file:
            planar = [name for name, count in FEATURES.items() if count == 2]
            CLAIMS = read_claims(claims_file, yaml.safe_load(file), CONFIG, planar)
    except UserError as fault:
        raise WorkflowError(f"The claims ({claims_file}) can't be judged:\n{fault}")

# One run at a time works in a folder. A call that only looks is told; the jobs of a run are its own.
if workflow.is_main_process:
    looking = workflow.output_settings.dryrun or any(
        argument.split("=")[0] in ONLY_LOOK for argument in sys.argv[1:]
    )
    if looking:
        if note := who_runs(Path.cwd()):
            print(note, file=sys.stderr)
    else:
        try:
            # What a run that was killed outright has left must not stop the next.
            if claim(Path.cwd()):
                print("Removed the lock of a run that was killed.", file=sys.stderr)
        except UserError as fault:
            raise WorkflowError(str(fault))


onstart:
    gc.freeze()
    gc.enable()
    for each, parts in PARTS.items():
        note_parts(Path.cwd(), each, parts)
    if workflow.executor_plugin.name == "slurm":
        # The plugin would wait for ever.
        if not shutil.which("sbatch"):
            raise WorkflowError(
                "No sbatch on this host: call it where you submit Slurm jobs, or without "
                "--workflow-profile slurm."
            )
        note_submission()


# Jobs on other machines have the sources without their history: they are told the revision.
os.environ.setdefault(REVISION, described_revision(REPOSITORY))


envvars:
    REVISION,


# Results are in a bucket, and here are copies of what is needed.
IN_BUCKET = bool(workflow.storage_settings.default_storage_provider)
MODELS = [model for model in ("dense", "conv") if CONFIG[model]]
STUDIES = {model: CONFIG[model]["studies"] for model in MODELS}
CELLS = {model: all_cells(model, CONFIG[model]) for model in MODELS}
# Settings of every cell of the studies, in the order of the cells, and by the cell's path.
SETTINGS = {
    model: list(map(settings_lookup(CONFIG, SCHEMA, model), CELLS[model]))
    for model in MODELS
}
SETTINGS_BY_PATH = {
    (model, cell_path(each["cell"])): each
    for model in MODELS
    for each in SETTINGS[model]
}
DENSE = f"results/dense/{cell_pattern('dense')}"
CONV = f"results/conv/{cell_pattern('conv')}/seed~{{seed}}"
CONV_FIGURES = f"results/figures/conv/cells/{cell_pattern('conv')}/seed~{{seed}}"
IMAGE_FILES = [
    f"results/data/{{dataset}}/{part}-{what}.idx"
    for part in ("train", "test")
    for what in ("images", "labels")
]
# A study with more cells than this gets no panel of boundaries, and its cells no picture of their
# own: a report of thousands of pictures serves nobody. Each can still be asked for by its path.
MOST_PICTURES = 24
# Cells whose snapshots the page of the studies looks at; it has hardly room for more.
MOST_IN_MACHINE = 1000
CATEGORIES = {"dense": "2 Dense networks", "conv": "3 Convolutional network"}
# What the gradient check looks at.
GRADIENT_CHECK = {"dataset": "no_such_dataset"}
if "dense" in MODELS:
    GRADIENT_CHECK = gradient_check_settings(CONFIG["dense"], SCHEMA)
# The locked environment: what a change of it invalidates names it as an input.
LOCK = project_file("requirements.lock")
ENVIRONMENT = project_file("environment.yml")
# What digests stand for that decide on whether a job runs again.
PARTS = {file_digest(LOCK): read_packages(LOCK)}


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",
    protocol="[a-z][a-z0-9_]*",
    activation="[a-z][a-z0-9_]*",
    initializer="[a-z][a-z0-9_]*",
    optimizer="[a-z][a-z0-9_]*",
    hidden_size="[1-9][0-9]*",
    depth="[1-9][0-9]*",
    seed="[0-9]+",
    model="|".join(MODELS),
    study="|".join(dict.fromkeys(name for model in MODELS for name in STUDIES[model])),


def code(script):
    """The project's modules that a script imports: inputs, so that an edit re-runs its rule."""
    return [
        project_file(path)
        for path in imported_files(REPOSITORY / "scripts" / script, REPOSITORY / "src")
    ]


def code_version(paths):
    """Digest of files of the project, as a parameter, which has the same effect as inputs have.

    A grid has thousands of training jobs, and Snakemake looks after every input of each.
    """
    parts = file_digests(paths, REPOSITORY)
    PARTS[digest(parts)] = parts
    return digest(parts)


def notebook_code(name):
    """The project's modules that the cells of a notebook import."""
    path = REPOSITORY / f"workflow/notebooks/{name}.ipynb"
    return [project_file(module) for module in imported_files(path, REPOSITORY / "src")]


def settings(model):
    """Function of wildcards: the cell's settings, whether or not a study names the cell."""

    def of(wildcards):
        cell = cell_from_wildcards(model, wildcards)
        known = SETTINGS_BY_PATH.get((model, cell_path(cell)))
        try:
            return known or cell_settings(CONFIG, SCHEMA, model, cell)
        except ConfigError as fault:
            raise WorkflowError(str(fault))

    return of


def datasets_of(model):
    """Names of the data sets that a model takes, as an alternative for wildcard constraints."""
    names = [
        name
        for name, dataset in CONFIG["datasets"].items()
        if dataset["kind"] in KINDS_OF_MODEL[model]
    ]
    return "|".join(names) or "no_such_dataset"


def image_source(wildcards):
    """Kind of a set of images and where it comes from: all that its files depend on."""
    dataset = CONFIG["datasets"][wildcards.dataset]
    return {key: dataset[key] for key in ("kind", WHENCE[dataset["kind"]])}


def own_points(wildcards):
    """The user's own file, of a point set that has one."""
    path = CONFIG["datasets"][wildcards.dataset].get("path")
    return source_file(path) if path else []


def own_images(wildcards):
    """The user's own four files, of a set of images that consists of them."""
    dataset = CONFIG["datasets"][wildcards.dataset]
    if dataset["kind"] != "idx":
        return []
    return [
        source_file(str(path)) for path in find_image_files(dataset["path"]).values()
    ]


def image_digests(wildcards):
    """The file that stands for a set of images; of a published set it can't change."""
    path = f"results/data/{wildcards.dataset}/digests.json"
    own = CONFIG["datasets"][wildcards.dataset]["kind"] == "idx"
    return path if own else ancient(path)


def kinds_of_datasets():
    """Kind of every data set, by its name."""
    return {name: dataset["kind"] for name, dataset in CONFIG["datasets"].items()}


def study_of(wildcards):
    """The study that the wildcards name, with its name: what a figure is told of it."""
    study = STUDIES[wildcards.model].get(wildcards.study)
    if study is None:
        known = ", ".join(STUDIES[wildcards.model])
        raise WorkflowError(
            f"study {wildcards.study!r} is not in the configuration; it has: {known}"
        )
    return {"name": wildcards.study, **study}


@cache
def cells_of_study(model, study):
    """Cells of a study, given by its name."""
    return study_cells(model, CONFIG[model]["baseline"], STUDIES[model][study])


def cells_of(wildcards):
    """Cells of the study that the wildcards name."""
    study_of(wildcards)
    return cells_of_study(wildcards.model, wildcards.study)


def pictured_cells(model):
    """Cells of the studies that are small enough for a picture of every cell."""
    if model not in MODELS:
        return []
    studies = (cells_of_study(model, study) for study in STUDIES[model])
    return unique_cells(
        cell for cells in studies if len(cells) <= MOST_PICTURES for cell in cells
    )


def mapped(cells):
    """Those of some dense cells that have a decision boundary to draw: two features."""
    return [cell for cell in cells if FEATURES[cell["dataset"]] == 2]


def folders(model, cells):
    """Folders of the jobs that train the given cells: one a cell (dense) or one a seed (conv)."""
    for cell in cells:
        folder = f"results/{model}/{cell_path(cell)}"
        if model == "dense":
            yield folder
        else:
            replicates = CONFIG["conv"]["protocols"][cell["protocol"]]["replicates"]
            yield from (f"{folder}/seed~{seed}" for seed in range(replicates))


def studies_with_cells():
    """Every study's cells and varied axes, by model: what the findings are stated about."""
    return {
        model: {
            name: {
                "question": study["question"],
                "vary": list(study["vary"]),
                "cells": cells_of_study(model, name),
                "pictured": len(cells_of_study(model, name)) <= MOST_PICTURES,
            }
            for name, study in STUDIES[model].items()
        }
        for model in MODELS
    }


def levels_of(wildcards):
    """Values of every axis in the study that the wildcards name: they pick its rows in a table."""
    study = study_of(wildcards)
    return study_levels(wildcards.model, CONFIG[wildcards.model]["baseline"], study)


def study_files(wildcards, name):
    """A file in the folder of every training job of a study."""
    return [
        f"{folder}/{name}" for folder in folders(wildcards.model, cells_of(wildcards))
    ]


def study_tables(wildcards, name):
    """The tables of a study's cells; of a large study the one table of all cells instead.

    A figure of a few cells is drawn again only if one of them changes; a figure of thousands
    changes with nearly every cell, and needs not look after each.
    """
    if len(cells_of(wildcards)) > MOST_PICTURES:
        return [f"results/tables/{wildcards.model}_{name}"]
    return study_files(wildcards, name)


def mapped_cells_of(wildcards):
    """Cells of the study that the wildcards name, as far as they have a boundary to draw."""
    return mapped(cells_of(wildcards))


def mapped_files(wildcards, name):
    """A file in the folder of every such cell."""
    return [
        f"{folder}/{name}"
        for folder in folders(wildcards.model, mapped_cells_of(wildcards))
    ]


def mapped_data(wildcards, name):
    """A file of the data set of every such cell, in the order of the cells."""
    return [
        f"results/data/{cell['dataset']}/{name}" for cell in mapped_cells_of(wildcards)
    ]


def all_files(model, name):
    """A file in the folder of every training job of a model; none without that model."""
    return [f"{folder}/{name}" for folder in folders(model, CELLS.get(model, []))]


def dense_data(name):
    """A file of every data set that some dense cell uses."""
    names = dict.fromkeys(cell["dataset"] for cell in CELLS.get("dense", []))
    return [f"results/data/{dataset}/{name}" for dataset in names]


def machine_cells():
    """Numbers of the dense cells that may stand in the time machine, near the baseline first."""
    if "dense" not in MODELS:
        return []
    near = by_distance(CELLS["dense"], CONFIG["dense"]["baseline"])
    return sorted(near[:MOST_IN_MACHINE])


def network_settings():
    """Of each of these cells, by its number, what its network computes, given its weights."""
    return {
        number: {
            "activation": SETTINGS["dense"][number]["activation"],
            **{
                key: SETTINGS["dense"][number]["protocol"][key]
                for key in ("arithmetic", "l1", "l2")
            },
        }
        for number in machine_cells()
    }


def cells_by_file(model):
    """The cell of every training job of a model, in the order of `all_files`."""
    return [cell for cell in CELLS.get(model, []) for _ in folders(model, [cell])]


def data_digests():
    """A small file that stands for each data set that some cell uses."""
    names = dict.fromkeys(cell["dataset"] for model in MODELS for cell in CELLS[model])
    return [
        f"results/data/{name}/{'points.csv' if name in FEATURES else 'digests.json'}"
        for name in names
    ]


# The report asks for the kind of every file in it.
mimetypes.add_type("application/x-ipynb+json", ".ipynb")
NOTEBOOKS = {
    "dense": ("backpropagation", "dense_networks", "add_your_own_activation"),
    "conv": ("convolutional_network",),
}


def derived_networks():
    """Cells of one hidden layer for which the gradients are derived, by activation function.

    None where the run has no such cell; the penalty has to be the one of the derivation.
    """
    section = CONFIG["dense"]
    plain = [
        cell
        for cell in CELLS["dense"]
        if cell["depth"] == 1 and section["protocols"][cell["protocol"]]["l1"] == 0
    ]
    dataset = section["baseline"]["dataset"]
    return {
        name: nearest_cell(
            plain, section["baseline"], {"activation": name, "dataset": dataset}
        )
        for name in ("tanh", "sigmoid", "relu")
    }


def shown_studies():
    """Dense studies of one axis, and their cells: what the notebook on them shows."""
    studies = one_axis_studies("dense", CONFIG["dense"], MOST_PICTURES)
    baseline = CONFIG["dense"]["baseline"]
    cells = [
        cell
        for study in studies.values()
        for cell in study_cells("dense", baseline, study)
    ]
    return studies, unique_cells(cells)


def shown_conv_runs():
    """Folders of the baseline's run and of the published variation's, the first seed of each."""
    section = CONFIG["conv"]
    baseline = nearest_cell(CELLS["conv"], section["baseline"], {})
    descents = [
        name
        for name, optimizer in section["optimizers"].items()
        if optimizer["kind"] == "gradient_descent"
    ]
    varied = [
        cell
        for cell in CELLS["conv"]
        if (cell["activation"], cell["initializer"]) == ("tanh", "xavier_uniform")
        and cell["optimizer"] in descents
    ]
    variation = nearest_cell(varied, section["baseline"], {})
    return {
        name: f"results/conv/{cell_path(cell)}/seed~0" if cell else None
        for name, cell in (("baseline_run", baseline), ("variation_run", variation))
    }


def notebook_results(wildcards):
    """Files of the results that a notebook reads."""
    match wildcards.notebook:
        case "backpropagation":
            cells = [cell for cell in derived_networks().values() if cell]
            yield f"results/data/{CONFIG['dense']['baseline']['dataset']}/points.csv"
            for folder in folders("dense", cells):
                yield from (f"{folder}/runs.csv", f"{folder}/snapshots.npz")
        case "add_your_own_activation":
            yield f"results/data/{CONFIG['dense']['baseline']['dataset']}/points.csv"
        case "dense_networks":
            _, cells = shown_studies()
            names = {CONFIG["dense"]["baseline"]["dataset"]}
            names |= {cell["dataset"] for cell in cells}
            yield from (
                "results/tables/dense_runs.csv",
                "results/tables/dense_summary.csv",
            )
            for name in sorted(names):
                yield f"results/data/{name}/points.csv"
                yield f"results/data/{name}/description.json"
            for folder in folders("dense", cells):
                yield from (f"{folder}/history.parquet", f"{folder}/boundary.npz")
        case "convolutional_network":
            for table in ("runs.csv", "summary.csv", "history.parquet"):
                yield f"results/tables/conv_{table}"
            for folder in filter(None, shown_conv_runs().values()):
                for file in ("runs.csv", "judgements.parquet", "weights.npz", "events"):
                    yield f"{folder}/{file}"


def notebook_parameters(wildcards):
    """What a notebook is told of this run; plain values, and paths below the working directory."""
    model = next(m for m in MODELS if wildcards.notebook in NOTEBOOKS[m])
    section = CONFIG[model]
    baseline = section["baseline"]
    common = {
        "baseline": baseline,
        "protocols": section["protocols"],
        "optimizers": section["optimizers"],
    }
    match wildcards.notebook:
        case "backpropagation":
            networks = {
                name: cell
                and {
                    "folder": f"results/dense/{cell_path(cell)}",
                    "l2": section["protocols"][cell["protocol"]]["l2"],
                }
                for name, cell in derived_networks().items()
            }
            points = f"results/data/{baseline['dataset']}/points.csv"
            return {"networks": networks, "points": points}
        case "add_your_own_activation":
            passes = section["protocols"][baseline["protocol"]]["passes"]
            return {
                "points": f"results/data/{baseline['dataset']}/points.csv",
                "passes": min(passes, 2000),
            }
        case "dense_networks":
            used = {cell["dataset"] for cell in CELLS["dense"]} | {baseline["dataset"]}
            datasets = {
                name: {
                    key: dataset[key]
                    for key in dataset
                    if key != WHENCE.get(dataset["kind"])
                }
                for name, dataset in CONFIG["datasets"].items()
                if name in used
            }
            return {**common, "studies": shown_studies()[0], "datasets": datasets}
        case "convolutional_network":
            runs = shown_conv_runs()
            name = next(
                part.partition("~")[2]
                for part in runs["baseline_run"].split("/")
                if part.startswith("dataset~")
            )
            counts = IMAGES[name]
            image = {
                key: getattr(counts, key) for key in ("height", "width", "classes")
            }
            kind = CONFIG["datasets"][name]["kind"]
            return {
                **common,
                **runs,
                "studies": section["studies"],
                "image": image,
                "kind": kind,
            }


def everything():
    """Every file that a plain `snakemake` makes."""
    yield "results/provenance.json"
    yield "results/report/findings.json"
    yield "results/report/study.html"
    yield from (
        f"results/report/{page}.html" for page in ("configuration", "environment")
    )
    yield "results/tables/benchmarks.html"
    if CLAIMS:
        yield "results/report/verdicts.html"
        yield "results/tables/claims.html"
    for model in MODELS:
        for name in NOTEBOOKS[model]:
            yield f"results/report/{name}_notebook.html"
            yield f"results/notebooks/{name}.ipynb"
        yield f"results/tables/{model}_history.parquet"
        yield f"results/tables/{model}_layers.parquet"
        yield from (
            f"results/tables/{model}_{table}.html" for table in ("runs", "summary")
        )
        for study in STUDIES[model]:
            yield from study_figures(model, study)
    if "dense" in MODELS:
        yield "results/figures/dense/gradient_check.svg"
        yield "results/tables/dense_gradients.html"
        for name in dict.fromkeys(cell["dataset"] for cell in CELLS["dense"]):
            yield f"results/figures/data/{name}.svg"
    if "conv" in MODELS:
        yield "results/report/tensorboard.html"
        yield "results/report/tensorboard_thinned.html"
        yield "results/tables/conv_confusion.csv"
        yield "results/tables/conv_classes.html"
    for cell in mapped(pictured_cells("dense")):
        yield from (
            cell_figure("dense", cell, kind, 0) for kind in CELL_FIGURES["dense"]
        )
    for cell in pictured_cells("conv"):
        for seed in range(CONFIG["conv"]["protocols"][cell["protocol"]]["replicates"]):
            yield from (
                cell_figure("conv", cell, kind, seed) for kind in CELL_FIGURES["conv"]
            )


def study_figures(model, study):
    """Figures of a study: of a large one, those that need not tell all its cells apart."""
    cells = cells_of_study(model, study)
    for kind in STUDY_FIGURES[model]:
        if kind in OF_FEW_CELLS and len(cells) > MOST_PICTURES:
            continue
        if kind not in NEEDS_PLANE or mapped(cells):
            yield study_figure(model, study, kind)


def study_labels(wildcards, figure):
    """Labels of a figure that shows a whole study."""
    return {
        "Figure": figure,
        "Varied": ", ".join(map(label_of, study_of(wildcards)["vary"])),
    }


def cell_labels(model, wildcards, figure=None):
    """Labels of an item that shows a single cell: its axes, in words."""
    cell = cell_from_wildcards(model, wildcards)
    labels = {label_of(axis): label_of(value, axis) for axis, value in cell.items()}
    # The viewer sorts labels as text, and shows no space at their start: 5 goes before 50.
    for axis in COUNTED.keys() & cell.keys():
        labels[label_of(axis)] = labels[label_of(axis)].rjust(24)
    if model == "conv":
        labels = {"Figure": figure, **labels, "Seed": f"seed {wildcards.seed:>6}"}
    return labels


def notebook_labels(name, form):
    """Labels of a notebook: what it is about, and in which form it is there."""
    return {"Page": f"{name.replace('_', ' ').capitalize()}, {form}"}


def table_labels(table):
    """Labels of a table: what its rows are and of which networks."""
    models = {"dense": "Dense networks", "conv": "Convolutional network"}
    model, _, rows = table.partition("_")
    if model not in models:
        rows = {"benchmarks": "Training jobs", "claims": "Claims"}
        return {"Networks": "All", "Rows": rows[table]}
    return {
        "Networks": models[model],
        "Rows": {
            "runs": "Runs",
            "summary": "Cells",
            "gradients": "Gradients",
            "classes": "Classes",
        }[rows],
    }


# Below results/, what two honest runs of the same configuration differ in, and why.
LEFT_OUT = {
    "results/*provenance.json": "records of machine and time; their digests are here",
    "results/data/*.idx": "images; their digests are in digests.json",
    "results/tables/benchmarks.*": "times and memory of the jobs",
    "results/report/findings.json": "states the time of the training; the rest is in the tables",
    "results/report/verdicts.html": "states the call of the run; the rest is in the tables",
    "results/report/environment.html": "a page of the machine and revision",
    "results/report/tensorboard*.html": "pages of the event files with their times and speeds",
    "results/report/certificate.html": "a record of a check and its date",
    "results/logs/*": "times",
    "results/benchmarks/*": "times and memory",
}


def is_left_out(path):
    """Whether the manifest leaves a result out."""
    return any(fnmatch(path, pattern) for pattern in LEFT_OUT)


def aggregates():
    """Every result that is made of several cells, and the data."""
    tables = list(everything())
    # A table's page is asked for; the table is there for it.
    tables += [
        path.replace(".html", ".csv")
        for path in tables
        if path.startswith("results/tables/") and path.endswith(".html")
    ]
    tables += [f"results/tables/{name}" for name in needed_tables(CLAIMS)]
    if CLAIMS:
        tables += [
            f"results/tables/claims_{name}.parquet" for name in ("tests", "seeds")
        ]
    for path in data_digests():
        folder = os.path.dirname(path)
        images = os.path.basename(path) == "digests.json"
        tables += [path] if images else [path, f"{folder}/description.json"]
    return [path for path in dict.fromkeys(tables) if not is_left_out(path)]


def chosen_jobs():
    """Folders of the training jobs that the certificate tries, by model."""
    share, seed = CHECK["certificate"]["share"], CHECK["certificate"]["seed"]
    return {
        model: choose_folders(folders(model, CELLS[model]), share, seed)
        for model in MODELS
    }


def training_jobs():
    """Folders of all training jobs, by model."""
    return {model: list(folders(model, CELLS[model])) for model in MODELS}


def left_by(jobs):
    """Every file that training jobs leave, given their folders by model."""
    return [
        f"{folder}/{name}"
        for model in jobs
        for folder in jobs[model]
        for name in RECORDED[model]
    ]


def scratch(folder):
    """Where a training job runs again."""
    return folder.replace("results/", "results/certificate/", 1)


def originals(wildcards):
    """What the chosen jobs left."""
    return left_by(chosen_jobs())


def retrained(wildcards):
    """What they leave when they run again."""
    return [scratch(path) for path in originals(wildcards)]


# What the last run found, for the report's captions; empty until there is one.
FINDINGS = workflow.inputfile("results/report/findings.json")
if exists(FINDINGS):
    if FINDINGS.is_storage:
        workflow.async_run(FINDINGS.storage_object.managed_retrieve())
    found = json.loads(Path(FINDINGS).read_text(encoding="utf-8"))
    config["findings"] = escape_markup(found)
else:
    config["findings"] = {}

# The tickets below the items of the report, for captions alone; nothing runs again because of them.
config["ticket"] = Ticket(
    digest(CONFIG),
    describe_call(
        REPOSITORY,
        Path.cwd(),
        workflow.overwrite_configfiles,
        workflow.config_settings.config_args,
    ),
)
