"""Loads the plan, constrains wildcards, and hands over: what rules call is a line each; no rules."""

import json
import mimetypes
import os
import sys
from contextlib import contextmanager
from pathlib import Path

# Where the project lies: above this file, also where another workflow has this one as a module.
REPOSITORY = Path(str(workflow.current_basedir)).resolve().parents[1]
for folder in ("src", "workflow"):
    sys.path.insert(0, str(REPOSITORY / folder))
# Jobs and kernels inherit it. Snakemake hands its own search path on as well, but behind this one,
# where another package of our package's name could come first.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(REPOSITORY / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
)

import internals
from snakemake.exceptions import WorkflowError

from restudy.analysis.captions import caption_facts
from restudy.analysis.markup import escape_markup
from restudy.claims.document import needed_tables, needed_tensors, read_claims
from restudy.data.image_files import find_image_files
from restudy.data.inspection import inspect_datasets
from restudy.families.contract import IMAGES, POINTS
from restudy.errors import UserError
from restudy.families.contract import ONE
from restudy.families.registry import FAMILIES, load_families
from restudy.operation.tickets import Ticket, describe_call
from restudy.plan import files, labels, notebooks, paths
from restudy.plan.figures import RUN_FIGURES, STUDY_FIGURES, draws_boundaries, draws_runs
from restudy.plan.studies import Plan
from restudy.provenance.environment import (
    REVISION,
    described_revision,
    digest,
    file_digest,
    file_digests,
    revision,
)
from restudy.provenance.imports import imported_files, module_files, training_parts
from restudy.provenance.parts import (
    CONFIGURATION,
    MODULES,
    PACKAGES,
    digest_of,
    read_packages,
)
from restudy.study.cell import cell_from_wildcards, cell_pattern
from restudy.study.config import (
    check_image_counts,
    check_target,
    complete_config,
    with_typed_values,
    without_checks,
)
from restudy.study.grid import choose_folders
from restudy.study.labels import label_of
from restudy.study.schema import CHECKS
from restudy.study.yaml_files import read_yaml

internals.speed_up_parsing()
internals.mend_s3_plugin()
CALL = internals.call_of(workflow)


def here(path):
    """A file of the project, relative to the working directory."""
    return os.path.relpath(REPOSITORY / path)


def project_file(path):
    """A file of the project as an input."""
    return internals.source_file(here(path))


def find_file(path):
    """A file that a configuration names: in the working directory, or else in the project."""
    elsewhere = not Path(path).exists() and (REPOSITORY / path).exists()
    return here(path) if elsewhere else str(path)


@contextmanager
def reported(heading):
    """Report a user's mistake as Snakemake does its own: without a traceback."""
    try:
        yield
    except UserError as fault:
        raise WorkflowError(f"{heading}\n{fault}") from None


def load_config():
    """The completed configuration, and apart from it the settings of checks."""
    # Snakemake has read these files, and taken the last of what is in them twice.
    for path in CALL.configfiles if CALL.is_main else ():
        read_yaml(os.path.relpath(path))
    given = with_typed_values(config, CALL.overrides)
    found = {**given, "families": list(map(find_file, given.get("families") or ()))}
    load_families(found["families"])
    complete = complete_config(found)
    # Typed targets, before Snakemake works with them: what it raises later carries a traceback.
    for argument in sys.argv[1:]:
        check_target(complete, argument)
    # Jobs load the families themselves.
    config["families"] = complete.pop("families")
    # They make sure that it is this project's code that they run.
    config["repository"] = str(REPOSITORY)
    return complete, {key: complete.pop(key, None) for key in CHECKS}


def load_claims(complete, features):
    """The claims that the configuration names, as contrasts."""
    if not complete["claims"]:
        return []
    schema = read_yaml(here("workflow/schemas/claims.schema.yaml"))
    planar = [name for name, count in features.items() if count == 2]
    return read_claims(find_file(complete["claims"]), schema, complete, planar)


names = ", ".join(map(os.path.relpath, CALL.configfiles)) or "--config"
with reported(f"The configuration ({names}) can't be run:"):
    CONFIG, CHECK = load_config()
    # The user's own files are read and checked for it.
    FEATURES, IMAGE_SETS = inspect_datasets(CONFIG["datasets"])
    check_image_counts(CONFIG, IMAGE_SETS)
with reported(f"The claims ({CONFIG['claims']}) can't be judged:"):
    CLAIMS = load_claims(CONFIG, FEATURES)
PLAN = Plan(CONFIG, FEATURES, IMAGE_SETS, needed_tables(CLAIMS))

# One run at a time works in a folder. A call that only looks is told; the jobs of a run are its own.
if CALL.is_main:
    with reported("Nothing was started."):
        internals.take_folder(CALL)


onstart:
    with reported("Nothing was started."):
        internals.begin_run(workflow)


# Jobs on other machines have the sources without their history: they are told the revision.
os.environ.setdefault(REVISION, described_revision(REPOSITORY))


envvars:
    REVISION,


# Results are in a bucket, and here are copies of what is needed.
IN_BUCKET = bool(CALL.storage)
CATEGORIES = labels.categories(FAMILIES)
# The locked environment: what a change of it invalidates names it as an input.
LOCK = project_file("requirements.lock")
ENVIRONMENT = project_file("environment.yml")
digest_of(PACKAGES, read_packages(LOCK), file_digest(LOCK))
# Below results/data, of a set of images.
IMAGE_FILES = [
    f"results/data/{{dataset}}/{part}-{what}.idx"
    for part in ("train", "test")
    for what in ("images", "labels")
]
# The report asks for the kind of every file in it.
mimetypes.add_type("application/x-ipynb+json", ".ipynb")


def alternatives(names):
    """A pattern that is one of some names, or nothing that there is."""
    return "|".join(names) or "nothing_of_that_name"


AXES = {axis.name: axis.pattern for each in FAMILIES.values() for axis in each.all_axes}


wildcard_constraints:
    **AXES,
    seed="[0-9]+",
    family=alternatives(PLAN.families),
    study=alternatives({s for f in PLAN.families.values() for s in PLAN.studies(f)}),


def code(script):
    """The project's modules that a script imports: inputs, so that an edit re-runs its rule."""
    found = imported_files(REPOSITORY / "scripts" / script, REPOSITORY / "src")
    return list(map(project_file, found))


def training_code(family):
    """Digest of all modules that training a family runs: as a parameter, like inputs have it.

    A grid has thousands of training jobs, and Snakemake tracks every input of each.
    """
    script = REPOSITORY / "scripts/train.py"
    others = [each for each in FAMILIES.values() if each is not family]
    parts = training_parts(script, family, others, REPOSITORY / "src")
    return digest_of(MODULES, parts)


def family_code(wildcards):
    """The modules that predictions of a family are made with, as inputs."""
    family = family_of(wildcards)
    if family.file:
        return internals.source_file(family.file)
    found = module_files(family.predict, REPOSITORY / "src")
    return list(map(project_file, found))


def family_of(wildcards):
    """The family that the wildcards name."""
    return PLAN.families[wildcards.family]


def levels_of(wildcards):
    """Values of every axis in the study that the wildcards name: they pick its rows in a table."""
    return PLAN.levels(family_of(wildcards), study_of(wildcards)["name"])


def all_folders(wildcards):
    """Folders of all training jobs, by family."""
    return {
        name: [job.folder for job in PLAN.jobs(family)]
        for name, family in PLAN.families.items()
    }


def all_records(wildcards):
    """What every training job says of itself."""
    return [
        f"{folder}/{paths.RECORD}"
        for folders in all_folders(wildcards).values()
        for folder in folders
    ]


def own_files(wildcards):
    """The user's own files that a data set consists of."""
    dataset = CONFIG["datasets"][wildcards.dataset]
    if dataset["kind"] == "idx":
        return [internals.source_file(str(f)) for f in find_image_files(dataset["path"]).values()]
    return internals.source_file(dataset["path"]) if "path" in dataset else []


def image_digests(wildcards):
    """The file that stands for a set of images; of a published set it can't change."""
    path = f"results/data/{wildcards.dataset}/digests.json"
    own = CONFIG["datasets"][wildcards.dataset]["kind"] == "idx"
    return path if own else ancient(path)


def study_of(wildcards):
    """The study that the wildcards name, with its name: what a figure is told of it."""
    with reported("Nothing can be drawn:"):
        return PLAN.study(family_of(wildcards), wildcards.study)


def jobs_of(wildcards, study=None):
    """The training jobs of a study's cells, or of all cells of the family."""
    family = family_of(wildcards)
    return list(PLAN.jobs(family, study and PLAN.cells(family, study)))


def requested_files(wildcards):
    """Every file that a plain `snakemake` makes."""
    page = "results/report/certificate.html"
    return [*files.requested_files(PLAN), paths.MANIFEST, page]


# What the last run found, for the report's captions; empty until there is one.
found = internals.fetch(workflow, paths.FINDINGS)
FOUND = json.loads(found.read_text(encoding="utf-8")) if found else {}
config["findings"] = escape_markup(FOUND)
config["facts"] = escape_markup(
    {name: caption_facts(family) for name, family in PLAN.families.items()}
)
# The tickets below the items of the report, for captions alone; nothing runs again because of them.
config["ticket"] = Ticket(
    digest(CONFIG),
    describe_call(REPOSITORY, Path.cwd(), CALL.replacing, CALL.override_words),
    internals.captioned_item,
)
