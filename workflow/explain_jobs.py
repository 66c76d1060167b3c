"""Say of every job that would run what changed since it ran last; takes Snakemake's arguments."""

import json
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "src"))

from snakemake import cli
from snakemake.api import DAGApi
from snakemake.logging import logger

from restudy.operation.causes import (
    Cause,
    PendingJob,
    configuration_causes,
    decides_on_cells,
    describe_difference,
    differences,
    explain,
)
from restudy.provenance.parts import (
    compare_modules,
    compare_packages,
    noted_parts,
    read_packages,
)
from restudy.study.config import key_path

# A parameter that is a digest, as Snakemake keeps it.
DIGEST = re.compile(r"'([0-9a-f]{64})'")
# Parameters that are digests of modules, and the one that is of the configuration.
MODULES, COMPUTED = ("code", "source"), "computed"
DIGESTS = (*MODULES, COMPUTED)


class Explainer:
    """Reads off Snakemake's dry run why each job would run, and what its last run knew."""

    def __init__(self, workflow):
        self.workflow, self.dag, self.records = workflow, workflow.dag, workflow.persistence
        self.triggers = {str(trigger) for trigger in workflow.rerun_triggers}
        self.config, self.lock = workflow.globals["CONFIG"], workflow.globals["LOCK"]
        self.parts = workflow.globals["PARTS"]
        # What differs from the configuration that the last whole run recorded.
        path, self.changes = Path("results/provenance.json"), []
        if path.exists():
            recorded = json.loads(path.read_text(encoding="utf-8"))["configuration"]
            self.changes = list(differences(recorded, self.config))

    async def jobs(self) -> list[PendingJob]:
        """All jobs that would run, sorted by rule."""
        pending = {}
        for job in (job for level in self.dag.toposorted() for job in level):
            if not self.dag.needrun(job) or job.rule.norun:
                continue
            before = [
                pending[other]
                for other, files in self.dag.dependencies[job].items()
                if other in pending and files & self.dag.reason(job).updated_input_run
            ]
            inherited = [cause for other in before for cause in (*other.causes, *other.inherited)]
            causes = [cause async for cause in self.causes(job)]
            if not causes and not inherited:
                causes = [Cause("Snakemake says", str(self.dag.reason(job)))]
            pending[job] = PendingJob(
                job.rule.name,
                dict(job.wildcards_dict),
                str(job.output[0]) if job.output else job.rule.name,
                list(dict.fromkeys(causes)),
                list(dict.fromkeys(inherited)),
            )
        return sorted(pending.values(), key=lambda job: job.name)

    async def causes(self, job) -> AsyncIterator[Cause]:
        """What changed for one job itself, whatever else makes it run."""
        record = next(filter(None, map(self.records.metadata, job.output)), None)
        if await self.records.incomplete(job):
            yield Cause("interrupted", "the last run had not ended")
        elif self.is_forced(job):
            yield Cause("forced", "asked for by --force, --forcerun or --forceall")
        if not job.output:
            yield Cause("always", "makes no file, so it runs whenever it is asked for")
            return
        missing = [str(path) async for path in job.missing_output(set(job.output))]
        if missing and record is None:
            yield Cause("never made", "nothing is known of an earlier run")
        elif missing:
            which = "" if len(missing) == len(job.output) else f": {', '.join(missing)}"
            yield Cause("gone", f"deleted, or lost by a run that failed, since it was made{which}")
        async for path, why in self.updated_inputs(job):
            # An input that is new as such is told of below.
            if record is None or record.input is None or path in record.input:
                yield self.of_file(path, why, job, record)
        if "code" in self.triggers:
            async for _ in job.outputs_older_than_script_or_notebook():
                path = Path(os.path.relpath(REPOSITORY)) / "scripts" / Path(job.rule.script).name
                yield Cause(
                    "code", f"{_name(path)} (by its date: of scripts, only that is compared)"
                )
                break
        if record is None:
            return
        named, unnamed = [], []
        if "params" in self.triggers and self.records.params_changed(job):
            own = job.non_derived_params
            params = {name: value for name, value in job.params.items() if value in own}
            for cause in self.of_digests(record.params, params):
                yield cause
            old = [text for text in record.params if not DIGEST.fullmatch(text)]
            params = {key: value for key, value in params.items() if key not in DIGESTS}
            named, unnamed = configuration_causes(
                old, params, job.wildcards_dict, self.section(job)
            )
        if "input" in self.triggers:
            files, results = self.of_other_inputs(
                record.input or [], [str(path) for path in job.input]
            )
            named, unnamed = [*named, *files], [*unnamed, *results]
        if unnamed and not any(cause.kind == "configuration" for cause in named):
            # Other cells: what follows from the studies, the baseline or the number of seeds.
            named += self.of_other_cells(job.wildcards_dict.get("model")) or unnamed
        for cause in named:
            yield cause
        if "code" in self.triggers and any(self.records.code_changed(job)):
            yield Cause("code", f"rule {job.rule.name} runs another script")
        if "software-env" in self.triggers and any(self.records.software_stack_changed(job)):
            yield Cause("environment", "the definition of the conda environment")

    def is_forced(self, job) -> bool:
        """Whether the call forces it; Snakemake's reason is silent on that after another job."""
        named = job.rule in self.dag.forcerules and job not in self.dag.omitforce
        return named or not self.dag.forcefiles.isdisjoint(job.output)

    def section(self, job) -> str:
        """Section of the configuration that a job belongs to, as far as it belongs to one."""
        for model, notebooks in self.workflow.globals["NOTEBOOKS"].items():
            names = (job.wildcards_dict.get("model"), job.rule.name.rpartition("_")[2])
            if model in names or job.wildcards_dict.get("notebook") in notebooks:
                return model
        return "dense"

    async def updated_inputs(self, job) -> AsyncIterator[tuple[str, str]]:
        """Inputs that no job makes anew and that are newer than the output, with other content."""
        oldest = await job.output_mintime
        most = self.records.max_checksum_file_size
        made = {
            str(path)
            for other, files in self.dag.dependencies[job].items()
            if self.dag.needrun(other)
            for path in files
        }
        for path in job.input if oldest is not None else ():
            if str(path) in made or not await path.exists() or not await path.is_newer(oldest):
                continue
            if not await path.is_checksum_eligible(most):
                yield str(path), "by its date: it is too large to be compared"
                continue
            known = self.records.input_checksums(job, path) - {None}
            if not known:
                yield str(path), "by its date: what it was is not recorded"
            elif len(known) > 1 or not await path.is_same_checksum(*known, most):
                yield str(path), ""

    def of_file(self, path: str, why: str, job, record) -> Cause:
        """The cause that an input with other content is."""
        note = f" ({why})" if why else ""
        if path == self.lock:
            return Cause("environment", f"requirements.lock: {self.packages(job, record)}{note}")
        if path == self.workflow.globals["ENVIRONMENT"]:
            return Cause("environment", f"environment.yml{note}")
        for name, dataset in self.config["datasets"].items():
            own = dataset.get("path")
            if own and Path(path) in (Path(own), Path(own) / Path(path).name):
                return Cause("data", f"{path}, of data set {name}, has other content{note}")
        if Path(path).resolve().is_relative_to(REPOSITORY) and not path.startswith("results/"):
            return Cause("code", f"{_name(path)}{note}")
        return Cause("data", f"{path} is another than this was made from{note}")

    def of_digests(self, old: list[str], params: Mapping) -> Iterator[Cause]:
        """Modules and keys of the configuration behind digests that changed."""
        digests = [found[1] for found in map(DIGEST.fullmatch, old) if found]
        for name in MODULES:
            new = params.get(name)
            if not isinstance(new, str) or new in digests:
                continue
            noted = filter(None, (noted_parts(Path.cwd(), each) for each in digests))
            if (before := next(noted, None)) is None:
                yield Cause("code", "modules of the job; what they were is not recorded")
            for text in compare_modules(before, self.parts[new]) if before else ():
                yield Cause("code", text)
        if params.get(COMPUTED, None) not in (None, *digests):
            for path, old_part, new_part in self.changes:
                text = describe_difference(key_path(path), old_part, new_part)
                yield Cause("configuration", text)

    def packages(self, job, record) -> str:
        """What changed in the lock since the job's last run, as far as that is known."""
        new = read_packages(self.lock)
        checksum = (record.input_checksums if record else {}).get(self.lock, "")
        digest = checksum.rpartition(":")[2]
        old = noted_parts(Path.cwd(), digest)
        if old is not None:
            return compare_packages(old, new)
        for path in ("results/provenance.json", *map(str, job.output)):
            if not path.endswith("provenance.json") or not Path(path).exists():
                continue
            made = json.loads(Path(path).read_text(encoding="utf-8"))
            if made["lock_sha256"] == digest:
                libraries = made["environment"]["libraries"]
                known = {name: libraries[name] for name in new.keys() & libraries}
                change = compare_packages(known, {name: new[name] for name in known})
                return f"of the main libraries, whose versions the results record, {change}"
        return "other content; which packages it named is not recorded"

    @staticmethod
    def of_other_inputs(old: list[str], new: list[str]) -> tuple[list[Cause], list[Cause]]:
        """Files of the project, and results, that were added to the inputs or taken from them."""
        files, counts = [], []
        for paths, what, more in (
            (sorted(set(new) - set(old)), "is used now", "more"),
            (sorted(set(old) - set(new)), "is used no more", "fewer"),
        ):
            own = [path for path in paths if not path.startswith("results/")]
            files += [Cause("code", f"{_name(path)} {what}") for path in own]
            if count := len(paths) - len(own):
                counts.append(f"{count} {more}")
        text = f"other results are its input: {' and '.join(counts)} than before"
        return files, [Cause("configuration", text)] if counts else []

    def of_other_cells(self, model: str | None) -> list[Cause]:
        """Changes that decide on which cells there are, of one model or of all."""
        return [
            Cause("configuration", describe_difference(key_path(path), old, new))
            for path, old, new in self.changes
            if decides_on_cells(path) and model in (None, path[0])
        ]


def _name(path: str | Path) -> str:
    """A file of the project by its place there."""
    return os.path.relpath(Path(path).resolve(), REPOSITORY)


def main(arguments: list[str]) -> None:
    """Make a dry run, silent but for errors, and print why each of its jobs would run."""
    execute = DAGApi.execute_workflow

    def execute_and_explain(api: DAGApi, *positional, **named) -> None:
        execute(api, *positional, **named)
        workflow = api.workflow_api._workflow
        explainer = Explainer(workflow)
        changes = [
            describe_difference(key_path(path), old, new) for path, old, new in explainer.changes
        ]
        print(explain(workflow.async_run(explainer.jobs()), changes))

    DAGApi.execute_workflow = execute_and_explain
    logger.addFilter(lambda record: record.levelno >= logging.WARNING)
    # With this quietness a dry run ends before it goes through the jobs one by one.
    quiet = ["--quiet", "rules", "progress", "--dry-run"]
    cli.main(["--snakefile", str(REPOSITORY / "Snakefile"), *quiet, *arguments])


main(sys.argv[1:])
