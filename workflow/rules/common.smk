"""Loads the plan, constrains wildcards, and has the small functions that rules share; no rules."""

import json
import mimetypes
import os
import sys
from contextlib import contextmanager
from pathlib import Path

from snakemake.exceptions import WorkflowError

from restudy.analysis.captions import caption_facts
from restudy.analysis.markup import escape_markup
from restudy.claims.document import needed_tensors
from restudy.errors import UserError
from restudy.families.contract import IMAGES, ONE, POINTS
from restudy.families.registry import FAMILIES
from restudy.operation.loading import load_study
from restudy.operation.tickets import Ticket, describe_call
from restudy.plan import figures, files, notebooks, paths, report_labels
from restudy.provenance import environment, parts
from restudy.provenance.environment import digest, file_digest
from restudy.provenance.imports import Sources
from restudy.study.cell import cell_from_wildcards, cell_pattern
from restudy.study.config import without_checks
from restudy.study.grid import choose_folders
from restudy.study.labels import label_of

internals.speed_up_parsing()
internals.mend_s3_plugin()
internals.lead_search_path(REPOSITORY / "src")
CALL = internals.call_of(workflow)


@contextmanager
def reported(heading=""):
    """Report a user's mistake as Snakemake does its own: without a traceback."""
    try:
        yield
    except UserError as fault:
        raise WorkflowError(f"{heading}{fault}") from None


with reported():
    read = CALL.configfiles if CALL.is_main else ()
    STUDY = load_study(config, CALL.overrides, read, sys.argv[1:], REPOSITORY)
    # Only one run at a time may work in a folder; a run's own jobs don't take it.
    if CALL.is_main:
        internals.take_folder(CALL)
PLAN, CONFIG = STUDY.plan, STUDY.plan.config
CATEGORIES = report_labels.categories(FAMILIES)
# Whether results are in a bucket, with copies of what is needed here.
IN_BUCKET = bool(CALL.storage)


onstart:
    with reported():
        internals.begin_run(workflow, CALL.storage)


# Jobs on other machines have the sources without their history: this tells them the revision.
os.environ.setdefault(environment.REVISION, environment.described_revision(REPOSITORY))


envvars:
    environment.REVISION,


def alternatives(names):
    """A pattern that matches one of the names, or nothing if there are none."""
    return "|".join(names) or "nothing_of_that_name"


wildcard_constraints:
    **{axis.name: axis.pattern for each in FAMILIES.values() for axis in each.all_axes},
    seed="[0-9]+",
    family=alternatives(PLAN.families),
    study=alternatives({s for f in PLAN.families.values() for s in PLAN.studies(f)}),


def here(path):
    """A file of the project, relative to the working directory."""
    return os.path.relpath(REPOSITORY / path)


def project_file(path):
    """A file of the project as an input."""
    return internals.source_file(here(path))


SOURCES = Sources(REPOSITORY)
# The locked environment: an input of whatever must be made again when it changes.
LOCK = project_file("requirements.lock")
parts.digest_of(parts.PACKAGES, parts.read_packages(LOCK), file_digest(LOCK))


def code(script):
    """The project's modules that a script imports, as inputs: an edit re-runs its rule."""
    return list(map(project_file, SOURCES.script(script)))


def family_of(wildcards):
    """The family that the wildcards name."""
    return PLAN.families[wildcards.family]


def study_of(wildcards):
    """The study that the wildcards name, with its name, as figures need it."""
    with reported():
        return PLAN.study(family_of(wildcards), wildcards.study)


def job_files(name):
    """Function of wildcards: a file in the folder of every training job of a family."""
    return lambda wildcards: files.job_files(PLAN.jobs(family_of(wildcards)), name)


def own_files(wildcards):
    """The user's own files that a data set consists of."""
    return list(map(internals.source_file, PLAN.own_files(wildcards.dataset)))


# The report needs the MIME type of every file in it.
mimetypes.add_type("application/x-ipynb+json", ".ipynb")
found = internals.fetch(workflow, paths.FINDINGS)
# For jobs: the user's families, and the project whose code they must run. For captions: the last
# run's findings, facts of the families, and how to make an item again.
config |= {
    "families": STUDY.families,
    "repository": str(REPOSITORY),
    "findings": escape_markup(json.loads(found.read_text("utf-8")) if found else {}),
    "facts": escape_markup(
        {name: caption_facts(each) for name, each in PLAN.families.items()}
    ),
    "viewer_style": internals.VIEWER_STYLE,
    "ticket": Ticket(
        digest(CONFIG),
        describe_call(REPOSITORY, Path.cwd(), CALL.replacing, CALL.override_words),
        internals.captioned_item,
        internals.CAPTION_STYLE,
    ),
}
