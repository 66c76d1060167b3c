"""Compare jobs that would run with the records of their last runs: what changed for each."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.operation.causes import (
    Cause,
    PendingJob,
    configuration_causes,
    decides_on_cells,
    describe_difference,
    differences,
    value_causes,
)
from restudy.provenance.environment import file_digest
from restudy.provenance.parts import (
    KNOWN,
    MODULES,
    PACKAGES,
    compare_modules,
    compare_packages,
    noted_parts,
    read_packages,
)
from restudy.provenance.records import (
    is_small_file,
    previous_path,
    read_record,
    record_path,
    to_json,
    within,
)
from restudy.study.config import key_path

LOCK, ENVIRONMENT = "requirements.lock", "environment.yml"
PROVENANCE = Path("results/provenance.json")
CODE, PARAMS, INPUT, SOFTWARE = "code", "params", "input", "software-env"
ALL_TRIGGERS = frozenset((CODE, PARAMS, INPUT, SOFTWARE))


@dataclass
class PlannedJob:
    """A job that would run, as far as Snakemake knows it.

    Attributes
    ----------
    rule : str
        Its rule.
    wildcards : dict of str to str
        What distinguishes it from others of the rule.
    inputs : dict of str to list of str
        Name -> paths, see `restudy.provenance.records.named_files`.
    outputs : list of str
        Its files.
    params : dict
        Name -> value.
    derived : frozenset of str
        Names of parameters that are made from inputs or outputs, and change with them.
    log, script : str
        Its log, and the file that it runs.
    needs : tuple of int
        Places, in the sequence of jobs, of those that rebuild an input of it.
    forced, interrupted : bool
        Whether the call forces it; whether its last run had not ended.
    missing : list of str
        Outputs that are not there.
    newer : dict of str to str
        Inputs that seem to have changed -> why only their date says so; empty if more does.
    script_is_newer, environment_changed : bool
        Whether the script has a later date than an output; whether the conda environment that the
        job would get is another one.
    reason : str
        Why it runs, in Snakemake's words.
    """

    rule: str
    wildcards: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    derived: frozenset[str] = frozenset()
    log: str = ""
    script: str = ""
    needs: tuple[int, ...] = ()
    forced: bool = False
    interrupted: bool = False
    missing: list[str] = field(default_factory=list)
    newer: dict[str, str] = field(default_factory=dict)
    script_is_newer: bool = False
    environment_changed: bool = False
    reason: str = ""


class Explainer:
    """Says of jobs what changed since they ran last.

    Parameters
    ----------
    config : mapping
        The completed configuration.
    root : path
        Folder of the project; the working directory is that of the run.
    triggers : collection of str
        What else than missing and changed files makes jobs run again: "code", "params", "input",
        "software-env".
    """

    def __init__(
        self, config: Mapping[str, Any], root: str | Path, triggers: Iterable[str] = ALL_TRIGGERS
    ):
        self.config, self.root, self.triggers = config, os.path.relpath(root), set(triggers)
        self.digest = cache(file_digest)
        # What differs from the configuration that the last whole run recorded.
        self.changes = []
        if PROVENANCE.exists():
            recorded = json.loads(PROVENANCE.read_text(encoding="utf-8"))["configuration"]
            self.changes = list(differences(recorded, config))

    def explain(self, jobs: Sequence[PlannedJob]) -> list[PendingJob]:
        """Return all jobs with their causes, sorted by rule.

        Parameters
        ----------
        jobs : sequence of PlannedJob
            Those first that make input of others.
        """
        rebuilt = {path for job in jobs for path in job.outputs}
        pending: list[PendingJob] = []
        for job in jobs:
            before = [pending[place] for place in job.needs]
            inherited = [cause for other in before for cause in (*other.causes, *other.inherited)]
            causes = list(self.causes(job, rebuilt))
            if not causes and not inherited:
                causes = [Cause("Snakemake says", job.reason)]
            pending.append(
                PendingJob(
                    job.rule,
                    job.wildcards,
                    job.outputs[0] if job.outputs else job.rule,
                    list(dict.fromkeys(causes)),
                    list(dict.fromkeys(inherited)),
                )
            )
        return sorted(pending, key=lambda job: job.name)

    def causes(self, job: PlannedJob, rebuilt: Iterable[str] = ()) -> Iterator[Cause]:
        """Iterate over what changed for one job itself, whatever else makes it run.

        Parameters
        ----------
        job : PlannedJob
            The job.
        rebuilt : collection of str
            Files that other jobs make before.
        """
        if job.interrupted:
            yield Cause("interrupted", "the last run had not ended")
        elif job.forced:
            yield Cause("forced", "asked for by --force, --forcerun or --forceall")
        if not job.outputs:
            yield Cause("always", "makes no file, so it runs whenever it is asked for")
            return
        record = self.record(job)
        if job.missing and record is None:
            yield Cause("never made", "nothing is known of an earlier run")
        elif job.missing:
            all_are = len(job.missing) == len(job.outputs)
            which = "" if all_are else f": {', '.join(job.missing)}"
            yield Cause("gone", f"deleted, or lost by a run that failed, since it was made{which}")
        yield from self.of_contents(job, record, set(rebuilt))
        if CODE in self.triggers:
            yield from self.of_script(job, record)
        if record is not None:
            yield from self.of_configuration(job, record)
        if SOFTWARE in self.triggers and job.environment_changed:
            yield Cause("environment", "the definition of the conda environment")

    def record(self, job: PlannedJob) -> dict[str, Any] | None:
        """Return the record of what is there of a job or, where that is gone, was there."""
        path = record_path(job.log)
        record = read_record(path)
        if record is None and (job.missing or job.interrupted):
            record = read_record(previous_path(path))
        return record

    def family(self, job: PlannedJob) -> Family | None:
        """Return the family whose section of the configuration a job belongs to."""
        notebook = job.wildcards.get("notebook")
        if notebook:
            return next((each for each in FAMILIES.values() if notebook in each.notebooks), None)
        name = job.wildcards.get("family") or job.params.get("family")
        return FAMILIES.get(name) if isinstance(name, str) else None

    def of_contents(
        self, job: PlannedJob, record: Mapping | None, rebuilt: set[str]
    ) -> Iterator[Cause]:
        """Iterate over inputs that no job rebuilds and that have other content."""
        digests = record["sha256"] if record else {}
        before = set(_paths(record["input"])) if record else None
        for path in dict.fromkeys(_paths(job.inputs)):
            own = within(self.root, path)
            # An input that is new as such is told of with the others of its kind.
            if path in rebuilt or (before is not None and own not in before):
                continue
            known = digests.get(own)
            if known is not None and is_small_file(path):
                if self.digest(path) != known:
                    yield self.of_file(path, "", known)
            elif path in job.newer:
                yield self.of_file(path, job.newer[path], known)

    def of_file(self, path: str, why: str, known: str | None) -> Cause:
        """Return the cause that an input with other content is.

        Parameters
        ----------
        path : str
            The input.
        why : str
            Why only its date says so, where that is the case.
        known : str or None
            Digest of its content before.
        """
        note, own = f" ({why})" if why else "", within(self.root, path)
        if own == LOCK:
            return Cause("environment", f"{LOCK}: {self.of_packages(path, known)}{note}")
        if own == ENVIRONMENT:
            return Cause("environment", f"{ENVIRONMENT}{note}")
        if path in (family.file for family in FAMILIES.values()):
            return Cause("code", f"{path}{note}")
        for name, dataset in self.config["datasets"].items():
            place = dataset.get("path")
            if place and Path(path) in (Path(place), Path(place) / Path(path).name):
                return Cause("data", f"{path}, of data set {name}, has other content{note}")
        if self.is_of_project(path):
            return Cause("code", f"{own}{note}")
        return Cause("data", f"{path} is another than this was made from{note}")

    def is_of_project(self, path: str) -> bool:
        """Whether a file is one of the project's, and not a result."""
        inside = Path(path).resolve().is_relative_to(Path(self.root).resolve())
        return inside and not path.startswith("results/")

    def of_packages(self, lock: str, known: str | None) -> str:
        """Return what changed in the lock, as far as that is known."""
        new = read_packages(lock)
        old = noted_parts(Path.cwd(), known, PACKAGES) if known else None
        if old is not None:
            return compare_packages(old, new)
        if known and PROVENANCE.exists():
            made = json.loads(PROVENANCE.read_text(encoding="utf-8"))
            if made["lock_sha256"] == known:
                libraries = made["environment"]["libraries"]
                main = {name: libraries[name] for name in new.keys() & libraries}
                change = compare_packages(main, {name: new[name] for name in main})
                return f"of the main libraries, whose versions the results record, {change}"
        return "other content; which packages it named is not recorded"

    def of_script(self, job: PlannedJob, record: Mapping | None) -> Iterator[Cause]:
        """Iterate over what changed of the script: its name, its content, or only its date."""
        if not job.script:
            return
        own = os.path.relpath(Path(job.script).resolve(), Path(self.root).resolve())
        if record and record["script"] not in ("", own):
            yield Cause("code", f"rule {job.rule} runs another script")
        elif record and record["sha256"].get(own) not in (None, self.digest(job.script)):
            yield Cause("code", own)
        elif job.script_is_newer:
            yield Cause("code", f"{own} (by its date: of scripts, only that is compared)")

    def of_configuration(self, job: PlannedJob, record: Mapping) -> Iterator[Cause]:
        """Iterate over what changed in parameters and in the set of inputs."""
        named, unnamed, behind = [], [], []
        if PARAMS in self.triggers:
            old, new = (
                {name: value for name, value in params.items() if name not in job.derived}
                for params in (record["params"], json.loads(to_json(job.params)))
            )
            for name in [name for name in new if name in old]:
                found = self.of_digest(old[name], new[name], job)
                if found is not None:
                    behind += found
                    del old[name], new[name]
            named, unnamed = configuration_causes(old, new, job.wildcards, self.family(job))
        if INPUT in self.triggers:
            files, results = self.of_other_inputs(record["input"], job.inputs)
            named, unnamed = [*named, *files], [*unnamed, *results]
        if unnamed and not any(cause.kind == "configuration" for cause in named):
            # Other cells: what follows from the studies, the baseline or the number of seeds.
            family = self.family(job)
            named += self.of_other_cells(family.name if family else None) or unnamed
        yield from (*behind, *named)

    def of_digest(self, old: Any, new: Any, job: PlannedJob) -> list[Cause] | None:
        """Return what changed behind a parameter that is a digest; None if it is none."""
        known = KNOWN.get(new) if isinstance(new, str) and isinstance(old, str) else None
        if known is None:
            return None
        if old == new:
            return []
        ((kind, parts),) = known.items()
        before = noted_parts(Path.cwd(), old, kind)
        if kind == MODULES:
            return self.of_modules(before, parts)
        if before is None:
            return [_of_key(*change) for change in self.changes]
        return [cause for cause, _ in value_causes("config", before, parts, job.wildcards, None)]

    @staticmethod
    def of_modules(old: Mapping | None, new: Mapping) -> list[Cause]:
        """Return the modules that changed."""
        if old is None:
            return [Cause("code", "modules of the job; what they were is not recorded")]
        return [Cause("code", text) for text in compare_modules(old, new)]

    def of_other_inputs(
        self, old: Mapping[str, list[str]], new: Mapping[str, list[str]]
    ) -> tuple[list[Cause], list[Cause]]:
        """Return files, and numbers of results, that the inputs gained or lost."""
        before, now = set(_paths(old)), {within(self.root, path) for path in _paths(new)}
        files, counts = [], []
        for paths, what, more in (
            (sorted(now - before), "is used now", "more"),
            (sorted(before - now), "is no longer used", "fewer"),
        ):
            own = [path for path in paths if not path.startswith("results/")]
            files += [Cause(_kind_of(path), f"{path} {what}") for path in own]
            if count := len(paths) - len(own):
                counts.append(f"{count} {more}")
        text = f"other results are its input: {' and '.join(counts)} than before"
        return files, [Cause("configuration", text)] if counts else []

    def of_other_cells(self, family: str | None) -> list[Cause]:
        """Return changes that decide on which cells there are, of one family or of all."""
        return [
            _of_key(path, old, new)
            for path, old, new in self.changes
            if decides_on_cells(path) and family in (None, path[0])
        ]


def _of_key(path: tuple, old: Any, new: Any) -> Cause:
    return Cause("configuration", describe_difference(key_path(path), old, new))


def _kind_of(path: str) -> str:
    """What a file is that is no result, by its place in the project."""
    if path in (LOCK, ENVIRONMENT):
        return "environment"
    return "code" if path.startswith(("src/", "scripts/", "workflow/")) else "data"


def _paths(named: Mapping[str, Iterable[str]]) -> Iterator[str]:
    return (path for paths in named.values() for path in paths)
