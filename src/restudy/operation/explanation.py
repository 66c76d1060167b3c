"""Compare jobs that would run with the records of their last runs: what changed for each."""

import json
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
    DATA,
    KNOWN,
    MODULES,
    PACKAGES,
    compare_modules,
    compare_packages,
    noted_parts,
)
from restudy.provenance.records import (
    is_small_file,
    previous_path,
    read_record,
    record_path,
    to_json,
)
from restudy.small_files import read_json
from restudy.study.validation import key_path

LOCK = "requirements.lock"
PROVENANCE = Path("results/provenance.json")
PARAMS, INPUT, SOFTWARE = "params", "input", "software-env"
ALL_TRIGGERS = frozenset((PARAMS, INPUT, SOFTWARE))


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
    log : str
        Its log.
    needs : tuple of int
        Places, in the sequence of jobs, of those that rebuild an input of it.
    forced, interrupted, damaged : bool
        Whether the call forces it; whether its last run had not ended; whether what that left was
        cut since.
    missing : list of str
        Outputs that are not there.
    newer : dict of str to str
        Inputs that seem to have changed -> why only their date says so; empty if more does.
    environment_changed : bool
        Whether the conda environment that the job would get is another one.
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
    needs: tuple[int, ...] = ()
    forced: bool = False
    interrupted: bool = False
    damaged: bool = False
    missing: list[str] = field(default_factory=list)
    newer: dict[str, str] = field(default_factory=dict)
    environment_changed: bool = False
    reason: str = ""


class Explainer:
    """Says of jobs what changed since they ran last.

    Parameters
    ----------
    config : mapping
        The completed configuration.
    triggers : collection of str
        What else than missing and changed files makes jobs run again: "params", "input",
        "software-env".
    """

    def __init__(self, config: Mapping[str, Any], triggers: Iterable[str] = ALL_TRIGGERS):
        self.config, self.triggers = config, set(triggers)
        self.digest = cache(file_digest)
        # What differs from the configuration that the last whole run recorded.
        self.changes = []
        if recorded := read_json(PROVENANCE, "configuration"):
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
        elif job.damaged:
            yield Cause("damaged", "what it made, or what was noted of it, was cut since")
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
        if record is not None:
            yield from self.of_configuration(job, record)
        if SOFTWARE in self.triggers and job.environment_changed:
            yield Cause("environment", "the definition of the conda environment")

    def record(self, job: PlannedJob) -> dict[str, Any] | None:
        """Return the record of what is there of a job or, where that is gone, was there."""
        path = record_path(job.log)
        record = read_record(path)
        if not record and (job.missing or job.interrupted):
            record = read_record(previous_path(path))
        return record or None

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
            # An input that is new as such is told of with the others of its kind.
            if path in rebuilt or (before is not None and path not in before):
                continue
            known = digests.get(path)
            other = "is another than this was made from"
            if known is not None and is_small_file(path):
                if self.digest(path) != known:
                    yield Cause("data", f"{path} {other}")
            elif path in job.newer:
                why = job.newer[path]
                yield Cause("data", f"{path} {other}" + (f" ({why})" if why else ""))

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
            unnamed = [*unnamed, *self.of_other_inputs(record["input"], job.inputs)]
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
        if kind == PACKAGES:
            family = self.family(job)
            own = family is not None and family.has_own_python
            where = f"{LOCK}, and the environment of {family.name}" if own else LOCK
            return [Cause("environment", f"{where}: {self.of_packages(before, parts, old)}")]
        if kind == DATA:
            return self.of_data(before, parts, job.wildcards["dataset"])
        if before is None:
            return [_of_key(*change) for change in self.changes]
        return [cause for cause, _ in value_causes("config", before, parts, job.wildcards, None)]

    @staticmethod
    def of_modules(old: Mapping | None, new: Mapping) -> list[Cause]:
        """Return the files that changed of what a job runs."""
        if old is None:
            return [Cause("code", "modules of the job; what they were is not recorded")]
        return [Cause("code", text) for text in compare_modules(old, new)]

    @staticmethod
    def of_data(old: Mapping | None, new: Mapping, dataset: str) -> list[Cause]:
        """Return the files that changed of a data set of the user's own."""
        names = [name for name in new if not old or old.get(name) != new[name]]
        text = f", of data set {dataset}, has other content"
        return [Cause("data", f"{name}{text}") for name in names or list(new)]

    @staticmethod
    def of_packages(old: Mapping | None, new: Mapping, known: str) -> str:
        """Return what changed in the lock, whose digest was ``known``, as far as it is recorded."""
        if old is not None:
            return compare_packages(old, new)
        made = read_json(PROVENANCE)
        if made.get("lock_sha256") == known:
            libraries = read_json(PROVENANCE, "environment", "libraries")
            main = {name: libraries[name] for name in new.keys() & libraries}
            change = compare_packages(main, {name: new[name] for name in main})
            return f"of the main libraries, whose versions the results record, {change}"
        return "other content; which packages it named is not recorded"

    @staticmethod
    def of_other_inputs(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> list[Cause]:
        """Return how many results more and fewer are inputs."""
        before, now = set(_paths(old)), set(_paths(new))
        counts = [
            f"{len(paths)} {word}"
            for paths, word in ((now - before, "more"), (before - now, "fewer"))
            if paths
        ]
        text = f"other results are its input: {' and '.join(counts)} than before"
        return [Cause("configuration", text)] if counts else []

    def of_other_cells(self, family: str | None) -> list[Cause]:
        """Return changes that decide on which cells there are, of one family or of all."""
        return [
            _of_key(path, old, new)
            for path, old, new in self.changes
            if decides_on_cells(path) and family in (None, path[0])
        ]


def _of_key(path: tuple, old: Any, new: Any) -> Cause:
    return Cause("configuration", describe_difference(key_path(path), old, new))


def _paths(named: Mapping[str, Iterable[str]]) -> Iterator[str]:
    return (path for paths in named.values() for path in paths)
