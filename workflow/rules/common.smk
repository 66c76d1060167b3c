"""Loads the plan, constrains wildcards, and has the small functions that rules share; no rules."""

import mimetypes
import os
import sys
from pathlib import Path

from restudy.analysis.captions import caption_facts
from restudy.analysis.markup import escape_markup
from restudy.claims.claimed import claimed_values
from restudy.claims.document import needed_tensors
from restudy.errors import UserError
from restudy.families import own_python
from restudy.families.contract import IMAGES, ONE, OVERRIDE, POINTS
from restudy.families.registry import FAMILIES
from restudy.job import check_package
from restudy.operation.loading import load_study
from restudy.operation.tickets import Ticket, describe_call
from restudy.plan import figures, files, halving, notebooks, paths, report_labels
from restudy.provenance import cut, environment, parts, pinning
from restudy.provenance.environment import digest
from restudy.provenance.imports import Sources
from restudy.secret_text import hide_in_command, hide_secrets
from restudy.small_files import read_json
from restudy.study.cell import cell_from_wildcards, cell_pattern
from restudy.study.config import without_checks
from restudy.study.grid import choose_folders
from restudy.study.labels import label_of

internals.speed_up_parsing()
internals.decide_by_content()
internals.mend_s3_plugin()
internals.lead_search_path(REPOSITORY / "src")
internals.quote_python()
internals.mend_report()
internals.hide_in_logs()
check_package(environment.PROJECT, REPOSITORY)
CALL = internals.call_of(workflow)
SPEAKER = internals.speak_plainly(workflow, CALL)
reported = internals.reported


def tell(line):
    """Tell whoever called of something; jobs, which plan anew, don't repeat it."""
    if CALL.is_main:
        print(line, file=sys.stderr)


with reported():
    read = CALL.configfiles if CALL.is_main else ()
    STUDY = load_study(
        config,
        CALL.overrides,
        read,
        sys.argv[1:],
        REPOSITORY,
        tell,
        of_job=not CALL.is_main,
    )
    # Only one run at a time may work in a folder; a run's own jobs don't take it.
    if CALL.is_main:
        internals.take_folder(CALL)
    if CALL.is_main and not CALL.storage:
        cut_results, lines = cut.look_for_cut(Path.cwd(), CALL.only_looks)
        for line in lines:
            tell(line)
        internals.redo_damaged(cut_results)
PLAN, CONFIG = STUDY.plan, STUDY.plan.config
# What is recorded, shown and digested: without the passwords that addresses may have.
PUBLIC = hide_secrets(CONFIG)
CATEGORIES = report_labels.categories(FAMILIES)
# Whether results are in a bucket, with copies of what is needed here.
IN_BUCKET = bool(CALL.storage)


# Families that train in an environment which conda makes.
WITH_CONDA = {
    name: family
    for name, family in PLAN.families.items()
    if family.environment and not family.python
}
internals.prepare_here(WITH_CONDA)


onstart:
    with reported():
        if not CALL.deploys_conda:
            for name in internals.families_to_train(workflow) & WITH_CONDA.keys():
                raise own_python.not_deployed(WITH_CONDA[name])
        internals.begin_run(workflow, CALL.storage)
    if SPEAKER:
        internals.expect(
            workflow, SPEAKER, REPOSITORY / "benchmarks/results/reference_jobs.csv"
        )


def end_run(has_failed=False):
    """Say how the run has ended."""
    internals.end_run(
        workflow,
        SPEAKER,
        config["ticket"]["options"],
        STUDY.checks["notify"],
        Path(paths.FINDINGS),
        [Path(paths.REPORT, name) for name in ("study.html", "verdicts.html")],
        has_failed,
    )


onsuccess:
    end_run()


onerror:
    end_run(has_failed=True)


# Jobs on other machines have the sources without their history: this tells them the revision. One
# that a user has set is not believed.
if CALL.is_main or environment.REVISION not in os.environ:
    os.environ[environment.REVISION] = environment.described_revision(REPOSITORY)


envvars:
    environment.REVISION,


for line in pinning.pin_variables(os.environ):
    tell(f"{line} would change results: jobs run without it.")
if CALL.is_main and (others := environment.unlocked()):
    tell(f"Packages that are not those of the lock: {others}")


def alternatives(names):
    """A pattern that matches one of the names, or nothing if there are none."""
    return "|".join(names) or "nothing_of_that_name"


wildcard_constraints:
    **{axis.name: axis.pattern for each in FAMILIES.values() for axis in each.all_axes},
    seed="[0-9]+",
    file_format=alternatives(figures.FILE_FORMATS),
    family=alternatives(PLAN.families),
    study=alternatives({s for f in PLAN.families.values() for s in PLAN.studies(f)}),


SOURCES = Sources(REPOSITORY)
# The locked environment: a parameter of whatever must be made again when it changes.
LOCK = parts.lock_digest(REPOSITORY / "requirements.lock")


def code(script, *further):
    """Digest of a script, of the modules that it imports and of further files of the project.

    A parameter, so that content decides on what is made again, and neither dates nor places.
    """
    return parts.digest_of(parts.MODULES, SOURCES.job(script, *further))


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


# The report needs the MIME type of every file in it.
mimetypes.add_type("text/x-tex", ".tex")
mimetypes.add_type("text/markdown", ".md")
# Only the main process writes captions; with results in a bucket, a job would fetch these for it.
found, recorded = (
    read_json(CALL.is_main and internals.fetch(workflow, path) or "", *keys)
    for path, *keys in ((paths.FINDINGS,), (paths.PROVENANCE, "environment"))
)
# For jobs: the user's files of code and what families in them train in, where data come from, the project
# whose code they must run, and how large a state they keep (no parameters: nothing runs again because
# something lies elsewhere). For captions: the last run's findings, facts of the families, and how to
# make an item again.
config |= {
    "files": STUDY.files,
    "python": STUDY.python,
    "places": PLAN.places(),
    "repository": str(REPOSITORY),
    "kept_state_megabytes": STUDY.checks["kept_state_megabytes"],
    "findings": escape_markup(found),
    "title": escape_markup(STUDY.checks["title"]),
    "claims_file": escape_markup(str(CONFIG["claims"])),
    "unlocked": escape_markup(str(recorded.get("unlocked", ""))),
    "facts": escape_markup(
        {name: caption_facts(each) for name, each in PLAN.families.items()}
    ),
    "ticket": Ticket(
        digest(PUBLIC),
        describe_call(
            REPOSITORY, Path.cwd(), CALL.replacing, hide_in_command(CALL.override_words)
        ),
        internals.captioned_item,
        internals.CAPTION_STYLE,
    ),
}
