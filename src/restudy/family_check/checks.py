"""The checks: what a family has to be for its results to be worth keeping, a verdict for each.

A check asks for the trials that it needs; what another check has asked for is not done again.
"""

from __future__ import annotations

import copy
import hashlib
import math
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from restudy.data.tables import read_table
from restudy.errors import UserError
from restudy.families.budgets import budget_of, why_anew
from restudy.families.contract import Axis, Family, Setting, draw_count
from restudy.families.own_python import interpreter_of
from restudy.families.registry import FAMILIES, read_family
from restudy.families.running import ENDING
from restudy.family_check.example import NoExampleError
from restudy.family_check.source import Source, own_file, source_of
from restudy.family_check.subject import Subject, configured, example_of, with_python
from restudy.family_check.trials import Limits, Told, Trials, copy_checkpoints
from restudy.family_check.watching import CALLS, NUMPY, PYTHON, VALUES, RandomState
from restudy.operation.fork_server import ForkServer
from restudy.study.config import ConfigError, complete_config
from restudy.study.entries import setting_faults, split_value
from restudy.verification.certificate import describe_difference, first_difference
from restudy.verification.fingerprints import UNREADABLE, digest_of, read_parts, take_fingerprint

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "FAILED", "skipped"
KEPT_MEGABYTES = 1000.0  # of the state that a training leaves for a larger budget
OTHER_SEED = 1  # more than each seed, for the trial of another one
LARGEST_SUM_ERROR = 1e-3  # of probabilities, which may be float16
MAX_NAMED = 3  # threads, processes or seeds in a message


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    check : str
        Its name.
    outcome : {"ok", "warning", "FAILED", "skipped"}
        A warning is for its reader to judge.
    found : str
        In words; of what was skipped, why.
    expected : str
        What would have been right, where something is not.
    place : str
        File and line to look at, with the text there.
    """

    check: str
    outcome: str
    found: str
    expected: str = ""
    place: str = ""

    def __str__(self) -> str:
        parts = [f"{self.outcome:<8} {self.check:<14} {self.found}"]
        parts += [f"expected: {self.expected}"] if self.expected else []
        parts += [f"look at {self.place}"] if self.place else []
        return "; ".join(parts)


class Case:
    """A family that is checked, with what is known of it by now.

    Parameters
    ----------
    source : Source
        Its code.
    trials : Trials
        Of it.
    wanted : sequence of str
        Names of the checks.
    """

    def __init__(self, source: Source, trials: Trials, wanted: Sequence[str]):
        self.source, self.trials, self.wanted = source, trials, wanted
        self.subject: Subject

    @property
    def family(self) -> Family:
        """Its facts."""
        return self.subject.family

    @cached_property
    def first(self) -> Told:
        """What the others are compared with: a training in a new Python, where that is asked."""
        alone = bool({"same_seed", "resources"} & set(self.wanted))
        return self.trials.train("first", alone=alone)

    @cached_property
    def traced(self) -> Mapping[str, Any]:
        """What is told of a training in which random states and calls are followed."""
        return self.trials.train("traced_calls", trace=CALLS).facts

    @property
    def train_place(self) -> str:
        """Where the function is that trains."""
        name = self.family.train.rpartition(":")[2]
        return self.source.place(self.source.function(name))

    def verdict(self, outcome: str, found: str, expected: str = "", line: Any = None) -> Verdict:
        """Return the verdict of the present check; of what is not ok, with a line to look at."""
        place = "" if outcome in (OK, SKIPPED) else self.source.place(line) or self.train_place
        return Verdict(self.name, outcome, self.source.show(found), expected, place)

    def run(self, name: str) -> Verdict:
        """Return the verdict of a check."""
        self.name = name
        check, needs_training = CHECKS[name]
        if needs_training and self.first.fault:
            if name == "train":
                return self.verdict(FAILED, self.first.fault, "", self.first.line)
            return self.verdict(SKIPPED, "it does not train")
        return check(self)


def check_family(
    given: str,
    server: ForkServer,
    configfile: str | None = None,
    cell: str | None = None,
    only: Sequence[str] = (),
    limits: Limits | None = None,
    python: str | None = None,
) -> Iterator[Verdict]:
    """Check a family of models.

    Parameters
    ----------
    given : str
        A file of the user's, or the name of a built-in family.
    server : ForkServer
        Forks trials, see `restudy.family_check.trials.start_server`.
    configfile, cell : str, optional
        A configuration whose baseline is trained, or the cell of it that a path names. Without
        one, an example is made of the facts.
    only : sequence of str
        Some of `NAMES`; none for all.
    limits : Limits, optional
        How long a process may take.
    python : str, optional
        Path of the Python that the family trains in, if that is not this one. Without it, that of
        the configuration counts, or of the conda environment that is active.

    Yields
    ------
    Verdict
        As soon as it is known.

    Raises
    ------
    UserError
        If there is no such file or configuration, or the facts leave open what to train.
    """
    built_in = FAMILIES.get(given)
    if built_in is None and not Path(given).is_file():
        known = ", ".join(name for name, each in FAMILIES.items() if not each.file)
        raise UserError(f"{given}: no such file; expected: a Python file, or one of {known}")
    source = source_of(built_in) if built_in else own_file(given, given)
    wanted = [name for name in NAMES if not only or name in only]
    # Resolved, since the system's folder of temporary files may be a link.
    with tempfile.TemporaryDirectory(prefix="restudy-check-") as name:
        folder = Path(name).resolve()
        trials = Trials(folder / "trials", source, server, limits or Limits())
        case = Case(source, trials, wanted)
        verdict, can_go_on = _load(trials, "" if built_in else source.path, given)
        if LOAD in wanted or verdict.outcome == FAILED:
            yield verdict
        if not can_go_on:
            return
        family = built_in or read_family(Path(source.path))
        family = with_python(family, given, configfile, python)
        try:
            subject = (
                configured(family, configfile, cell)
                if configfile
                else example_of(family, folder / "images")
            )
        except ConfigError as fault:
            if configfile:
                raise
            line = source.mention(str(fault))
            found = f"the facts contradict one another: {str(fault).splitlines()[0]}"
            yield Verdict("cell", FAILED, found, "a cell that they allow", source.place(line))
            return
        except NoExampleError as fault:
            raise NoExampleError(f"{given}: {fault}") from None
        case.subject = subject
        data = subject.make_data(folder / "data")
        trials.plan(family, subject.settings, data, subject.seeds)
        yield from (case.run(name) for name in wanted if name != LOAD)


def count_outcomes(verdicts: Sequence[Verdict]) -> str:
    """Return how many checks came out how: "16 checks: 14 ok, 1 warning, 1 FAILED"."""
    outcomes = [verdict.outcome for verdict in verdicts]
    counts = (
        f"{outcomes.count(each)} {each}"
        for each in (OK, WARNING, FAILED, SKIPPED)
        if each in outcomes
    )
    return f"{len(outcomes)} checks: {', '.join(counts)}"


def _load(trials: Trials, file: str, family: str) -> tuple[Verdict, bool]:
    """Return whether it can be loaded, in time, and loading does nothing else; and if it can be."""
    source, told = trials.source, trials.load(file, family)
    facts = told.facts
    if told.fault:
        line = told.line or source.mention(told.fault) or (source.path, 1)
        return Verdict(LOAD, FAILED, told.fault, "", source.place(line)), False
    if facts["printed"]:
        place = source.place(next(iter(facts["printed_at"]), None))
        return Verdict(LOAD, FAILED, "prints while it is loaded", "nothing printed", place), True
    if alive := facts["threads_of_load"]:
        found = f"leaves {_several(alive, 'thread')} running when it is loaded"
        traced = trials.load(file, family, name="load_traced", trace=CALLS)
        place = source.place(traced.facts.get("thread_started_at"))
        return Verdict(LOAD, FAILED, found, "none", place), True
    return Verdict(LOAD, OK, f"in {facts['load_seconds']:.1f} s, and does nothing else"), True


def _cell(case: Case) -> Verdict:
    """What the other checks train."""
    seeds = _several([str(seed) for seed in case.subject.seeds], "seed")
    return case.verdict(OK, f"{case.family.name}: {case.subject.cell.path}, {seeds}")


def _settings(case: Case) -> Verdict:
    """Settings and values that the facts don't allow are refused before anything runs."""
    wrong = list(wrong_configurations(case.subject))
    for key, config in wrong:
        try:
            complete_config(config, {case.family.name: case.family}, check_cells=False)
        except ConfigError:
            continue
        line = case.source.mention(f"'{key.rpartition('.')[2]}'")
        return case.verdict(FAILED, f"a wrong {key} is accepted", "that it is refused", line)
    for setting in case.family.settings:
        if setting.default is not None and (fault := next(_default_faults(setting), "")):
            line = case.source.mention(f"'{setting.name}'")
            return case.verdict(FAILED, f"the default of {setting.name}{fault}", "", line)
    loose = [axis.name for axis in case.family.axes if axis.is_number and not _bounds(axis)]
    if loose:
        found = f"any number is allowed of {', '.join(loose)}"
        expected = "minimum, maximum, above or below"
        line = case.source.mention(f"'{loose[0]}'")
        return case.verdict(WARNING, found, expected, line)
    return case.verdict(OK, f"{len(wrong)} wrong ones are refused before anything runs")


def _train(case: Case) -> Verdict:
    """It trains in a process of its own, as a job does."""
    facts, own = case.first.facts, interpreter_of(case.family)
    where = f" of its own Python, {own.python}" if own else " of its own"
    found = f"in a process{where}, in {facts['train_seconds']:.1f} s"
    return case.verdict(OK, found)


def _reads(case: Case) -> Verdict:
    """What may be varied is read."""
    told = case.trials.train("other", **_of_other_seed(case))
    if told.fault:
        return case.verdict(FAILED, f"another seed: {told.fault}", "", told.line)
    read = set(told.facts["read"])
    unread = [
        f"axis {axis.name}"
        for axis in case.family.axes
        if not {f"cell.{axis.name}", axis.name} & read
    ]
    unread += [
        f"setting {each.name}"
        for each in case.family.protocol
        if f"protocol.{each.name}" not in read and each.name != "replicates"
        if each.name in case.subject.settings["protocol"]
    ]
    if not unread:
        return case.verdict(OK, "train reads every axis and every setting of the protocol")
    line = case.source.mention(f"'{unread[0].rpartition(' ')[2]}'")
    found = f"train never reads {', '.join(unread)}"
    return case.verdict(WARNING, found, "that what is varied has an effect", line)


def _same_seed(case: Case) -> Verdict:
    """The same seed gives the same bytes, forked or in a Python of its own."""
    again = case.trials.train("again")
    if again.fault:
        return case.verdict(FAILED, f"a second time, {again.fault}", "the same", again.line)
    seeds = _seeds(case)
    if apart := _apart(case, case.first, again):
        line, names = _parting(case, "traced_alone", alone=True)
        found = f"{seeds} twice: {apart}{names}"
        return case.verdict(FAILED, found, "the same bytes", line)
    names = ", ".join(each.name for each in case.family.artefacts)
    return case.verdict(OK, f"{seeds} twice: the same bytes of {names}")


def _other_seed(case: Case) -> Verdict:
    """Another seed gives other results."""
    told = case.trials.train("other", **_of_other_seed(case))
    if told.fault:
        return case.verdict(FAILED, f"another seed: {told.fault}", "", told.line)
    names = [each.name for each in case.family.artefacts]
    differing = [
        name for name in names if _content(case.first.job / name) != _content(told.job / name)
    ]
    if differing:
        return case.verdict(OK, f"another seed: other results in {', '.join(differing)}")
    constant = case.source.constant_seeds()
    if constant:
        found = "another seed gives the same results, and random numbers begin with a fixed seed"
        return case.verdict(FAILED, found, "run.generator(…), or run.seed in its place", constant)
    asks = "asks for its seed" if case.first.facts["asks_seed"] else "never asks for its seed"
    found = f"another seed gives the same results: train {asks}, and nothing depends on chance"
    return case.verdict(WARNING, found, "this only of what is deterministic: it needs one seed")


def _random_state(case: Case) -> Verdict:
    """No number comes from a generator that all code of the process shares."""
    if line := case.source.unseeded():
        found = "a generator is made without a seed"
        return case.verdict(FAILED, found, "run.generator(…)", line)
    used = {name: RandomState(*state) for name, state in case.first.facts["random"].items()}
    drawn = [name for name, state in used.items() if not state.is_fresh]
    names = " and ".join(drawn or used)
    if {PYTHON, NUMPY} & set(drawn) and (line := case.source.shared_draw()):
        found = f"numbers are drawn from {names}, whose state all code of the process shares"
        return case.verdict(FAILED, found, "run.generator(…)", line)
    again = case.trials.train("again")
    later = {name: RandomState(*state) for name, state in again.facts.get("random", {}).items()}
    # Without a seed, every process has other states.
    if seeded := [name for name in used if later.get(name) == used[name]]:
        found = f"{' and '.join(seeded)}: the state that all code of the process shares is seeded"
        expected = "generators of its own, or this state restored in a run that was killed"
        return case.verdict(WARNING, found, expected, case.source.seeding())
    lines = {name: found for name in drawn if (found := _changing_line(case, name))}
    names, line = " and ".join(lines or drawn), next(iter(lines.values()), None)
    if not drawn or (not line and case.traced.get("trace_is_whole")):
        return case.verdict(OK, "no global random state is used")
    if not again.fault and not _apart(case, case.first, again):
        if not line:
            return case.verdict(OK, f"libraries draw from {names}, and no result depends on it")
        found = f"a library draws from {names}, which changes no result here"
        expected = "a seed of its own, such as random_state=… of scikit-learn"
        return case.verdict(WARNING, found, expected, line)
    found = f"a library draws from {names}, which nothing seeds"
    return case.verdict(FAILED, found, "a seed for it, from run.generator(…)", line)


def _threads(case: Case) -> Verdict:
    """The number of threads changes no result; or jobs always have one."""
    told = case.trials.train("threads", threads=2)
    if told.fault:
        return case.verdict(FAILED, f"on two threads: {told.fault}", "", told.line)
    apart = _apart(case, case.first, told)
    if not apart:
        return case.verdict(OK, "the same bytes on one thread and on two")
    line, names = _parting(case, "traced_threads", threads=2)
    found = f"on two threads instead of one, {apart}{names}"
    if case.family.resources.threads == 1:
        expected = "no more threads than run.threads; its jobs have one (Resources.threads)"
        return case.verdict(WARNING, found, expected, line)
    expected = "the same bytes, as jobs have fewer threads with --cores 1, or Resources(threads=1)"
    return case.verdict(FAILED, found, expected, line)


def _resume(case: Case) -> Verdict:
    """Killed after a checkpoint and started again, it ends as if nothing had been."""
    steps = case.first.facts["checkpoints"]
    if not steps:
        why = "it makes no checkpoints before its end: a killed job starts anew"
        return case.verdict(SKIPPED, why)
    line = case.first.facts["checkpointed_at"]
    unit = case.family.time.name if case.family.time else "checkpoint"
    for number in sorted({1, len(steps)}):
        name = f"killed_{number}"
        killed = case.trials.train(name, kill_after=number)
        scratch = case.trials.folder / f"scratch_{number}"
        told = case.trials.train(
            f"resumed_{number}", scratch=str(copy_checkpoints(killed, scratch))
        )
        where = f"killed after {unit} {steps[number - 1]}"
        if told.fault:
            return case.verdict(FAILED, f"{where}, {told.fault}", "", told.line or line)
        if told.facts["continued_from"] is None:
            found = f"{where}, it starts anew: it makes checkpoints, and does not go on from them"
            return case.verdict(FAILED, found, "run.restored()", line)
        if apart := _apart(case, case.first, told):
            found = f"{where}, {apart}"
            expected = "the same bytes: the checkpoint lacks something that training depends on"
            return case.verdict(FAILED, found, expected, line)
    found = (
        f"killed after {unit} {' and '.join(str(steps[n - 1]) for n in sorted({1, len(steps)}))}"
    )
    return case.verdict(OK, f"{found}: the same bytes as without")


def _larger_budget(case: Case) -> Verdict:
    """What goes on from a smaller budget ends as if it had been trained at once."""
    family, settings = case.family, case.subject.settings
    if why := why_anew(family, settings):
        return case.verdict(SKIPPED, why)
    key = family.time.budget
    smaller = copy.deepcopy(dict(settings))
    smaller["protocol"][key] = settings["protocol"][key] // 2
    if not smaller["protocol"][key]:
        return case.verdict(SKIPPED, f"a budget of {settings['protocol'][key]} can't be halved")
    half = case.trials.train("smaller", settings=smaller, kept_megabytes=KEPT_MEGABYTES)
    made = f"{smaller['protocol'][key]} {family.time.plural}"
    if half.fault:
        return case.verdict(FAILED, f"{made}: {half.fault}", "", half.line)
    line = half.facts["checkpointed_at"]
    scratch = case.trials.folder / "scratch_larger"
    if not (half.folder / "scratch").exists():
        found = (
            f"after {made}, no state is kept for a larger budget, from which it is said to go on"
        )
        return case.verdict(FAILED, found, "run.checkpoint(…) after the last one", line)
    told = case.trials.train("larger", scratch=str(copy_checkpoints(half, scratch)))
    if told.fault:
        return case.verdict(FAILED, f"going on from {made}: {told.fault}", "", told.line)
    if told.facts["continued_from"] is None:
        found = f"it does not go on from {made}, as its facts say"
        return case.verdict(FAILED, found, "run.restored(), or no starts_anew in its facts", line)
    if apart := _apart(case, case.first, told):
        found = f"going on from {made}, {apart}"
        return case.verdict(FAILED, found, "the same bytes as in one go", line)
    return case.verdict(OK, f"going on from {made}: the same bytes as in one go")


def _measures(case: Case) -> Verdict:
    """Every measure is recorded of every seed, and tables are as their readers take them."""
    faults = [
        (what, line) for what, line in case.first.facts["faults"] if "Python objects" not in what
    ]
    for told in (case.first, case.trials.known.get("other", case.first)):
        faults += [(each, None) for each in _table_faults(case, told)] if not told.fault else []
    if faults:
        what, line = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        expected = "each declared measure, finite or told to diverge, of each seed at each time"
        return case.verdict(FAILED, what + more, expected, line)
    names = ", ".join(each.name for each in case.family.measures if each.in_runs)
    return case.verdict(OK, f"{names}: of every seed, finite or diverged")


def _artefacts(case: Case) -> Verdict:
    """What the facts state is saved, and nothing else."""
    for what, line in case.first.facts["faults"]:
        if "Python objects" in what:
            return case.verdict(FAILED, what, "arrays that can be read without running code", line)
    declared = {each.name: each for each in case.family.artefacts}
    present = {each.name: each for each in case.first.job.iterdir()}
    written = case.first.facts["written"]
    for name in sorted(present.keys() - declared.keys()):
        line = written.get(str(present[name]))
        return case.verdict(
            FAILED,
            f"{name} is written beside its artefacts",
            "run.save(…) of an artefact in its facts",
            line,
        )
    for name, artefact in declared.items():
        if present[name].is_dir() != artefact.folder:
            kind = "a folder" if artefact.folder else "a file"
            return case.verdict(FAILED, f"{name} is not {kind}, as its facts say", kind)
    return case.verdict(OK, f"{', '.join(declared)}, and no other file")


def _predict(case: Case) -> Verdict:
    """What it predicts from saved weights is a class for each point, of each run."""
    if not case.family.predict:
        return case.verdict(SKIPPED, "its facts name no function that predicts")
    if not case.family.leaves("weights.npz"):
        return case.verdict(FAILED, "its facts have predict, and no artefact weights.npz", "both")
    told = case.trials.predict(case.first.job)
    facts = told.facts
    place = case.source.function(case.family.predict.rpartition(":")[2])
    if told.fault:
        return case.verdict(FAILED, told.fault, "classes (R, N)", told.line or place)
    if facts["shape"] != facts["expected_shape"]:
        found = f"returns the shape {tuple(facts['shape'])}"
        return case.verdict(FAILED, found, f"{tuple(facts['expected_shape'])}", place)
    if facts["kind"] not in "iu" or facts["unknown"]:
        found = f"returns {facts['type']}" + (
            f" with {facts['unknown'][0]}" if facts["unknown"] else ""
        )
        expected = f"whole numbers, of {', '.join(map(str, facts['classes']))}"
        return case.verdict(FAILED, found, expected, place)
    what, error = "a class", facts.get("largest_sum_error")
    if error is not None:
        if not error <= LARGEST_SUM_ERROR:
            found = "returns probabilities of a point that do not add up to 1"
            return case.verdict(FAILED, found, f"sums within {LARGEST_SUM_ERROR:g} of 1", place)
        what = "the probability of each class"
    return case.verdict(OK, f"{what} for each of {facts['shape'][1]} points, of each run")


def _side_effects(case: Case) -> Verdict:
    """Training leaves alone whatever is not its own."""
    facts = case.first.facts
    if changed := facts["changed"]:
        line = case.trials.train("frozen", freeze=True).line
        found = f"changes what it is trained on: {', '.join(changed)}"
        return case.verdict(FAILED, found, "copies of these arrays", line)
    work, outside = case.first.folder / "work", facts["written"]
    inside = (str(case.first.job), str(case.first.folder / "scratch"))
    stray = {str(each.absolute()) for each in work.rglob("*") if each.is_file()}
    stray |= {
        path
        for path in outside
        if not path.startswith((*inside, tempfile.gettempdir())) and Path(path).is_file()
    }
    for path in sorted(stray):
        shown = Path(path).name if path.startswith(str(work)) else path
        found = f"writes {shown}, outside the job's folder"
        return case.verdict(FAILED, found, "run.save, run.place or run.scratch", outside.get(path))
    if facts["threads"]:
        found = f"leaves {_several(facts['threads'], 'thread')} running"
        line = case.traced.get("thread_started_at")
        return case.verdict(FAILED, found, "none", line)
    if facts["processes"]:
        found = f"leaves {_several(facts['processes'], 'process')} running"
        return case.verdict(FAILED, found, "none", facts["process_started_at"])
    if facts["moved"]:
        return case.verdict(FAILED, "changes the working directory", "paths", facts["moved"])
    for name, line in facts["variables"].items():
        if line:
            found = f"sets the environment's variable {name}"
            return case.verdict(WARNING, found, "what the job has been given", line)
    return case.verdict(OK, "data, files and process are left as they were")


def _resources(case: Case) -> Verdict:
    """How long it takes to start, and how much memory it needs."""
    facts, declared = case.first.facts, case.family.resources.mem_mb
    found = (
        f"{facts['seconds_before']:.1f} s until train is called, then {facts['train_seconds']:.1f} "
        f"s; {facts['megabytes']:.0f} MB of memory at most, of the {declared} MB it asks for"
    )
    if facts["megabytes"] > declared:
        line = case.source.mention("'resources'")
        return case.verdict(WARNING, found, "Resources(mem_mb=…) that is not exceeded", line)
    return case.verdict(OK, found)


OF_THREADS = re.compile("threads|jobs|workers")  # variables that hold their number
LOAD = "load"  # the check that comes before all others, which know of the facts
# Name -> the check, and whether it needs a family that trains; in the order of the report.
CHECKS: dict[str, tuple[Callable[[Case], Verdict], bool]] = {
    "cell": (_cell, False),
    "settings": (_settings, False),
    "train": (_train, True),
    "resources": (_resources, True),
    "same_seed": (_same_seed, True),
    "other_seed": (_other_seed, True),
    "random_state": (_random_state, True),
    "threads": (_threads, True),
    "resume": (_resume, True),
    "larger_budget": (_larger_budget, True),
    "reads": (_reads, True),
    "measures": (_measures, True),
    "artefacts": (_artefacts, True),
    "predict": (_predict, True),
    "side_effects": (_side_effects, True),
}
NAMES = (LOAD, *CHECKS)


def wrong_configurations(subject: Subject) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a key, and the configuration with a value there which the facts don't allow."""
    family = subject.family

    def changed(place: Sequence[str], value: Any) -> tuple[str, dict[str, Any]]:
        config = copy.deepcopy(dict(subject.given))
        inner = config[family.name]
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        return ".".join(place), config

    protocol, _ = split_value(subject.cell["protocol"])
    yield changed(("no_such_key",), 1)
    yield changed(("protocols", protocol, "no_such_setting"), 1)
    for setting in family.settings:
        for value in _wrong_values(setting):
            yield changed(("protocols", protocol, setting.name), value)
    for axis in family.axes:
        for value in _wrong_values(axis):
            yield changed(("baseline", axis.name), value)
        name = split_value(subject.cell[axis.name])[0] if axis.bundle else ""
        if axis.bundle and name in subject.given[family.name].get(axis.bundle.name, {}):
            yield changed((axis.bundle.name, name, "no_such_setting"), 1)
            yield changed((axis.bundle.name, name, "kind"), "no_such_kind")


def _wrong_values(facts: Axis | Setting) -> list[Any]:
    kind = facts.values if isinstance(facts, Axis) else facts.type
    if kind in ("whole_number", "number", "integer"):
        just_outside = {"minimum": -1, "maximum": 1, "above": 0, "below": 0}
        bounds = [
            getattr(facts, name) + by
            for name, by in just_outside.items()
            if getattr(facts, name) is not None
        ]
        return ["no number", *bounds, *([] if kind == "number" else [1.5])]
    if kind == "name":
        return ["no_such_name"] if facts.bundle else []
    return ["no_such_choice"] if kind == "choice" else []


def _default_faults(setting: Setting) -> Iterator[str]:
    return setting_faults(setting, copy.deepcopy(setting.default))


def _bounds(axis: Axis) -> list[float]:
    ends = (axis.minimum, axis.maximum, axis.above, axis.below)
    return [each for each in ends if each is not None]


def _of_other_seed(case: Case) -> dict[str, Any]:
    """Return how the trial of another seed differs; it also notes what is read."""
    shift = len(case.subject.seeds) - 1 + OTHER_SEED
    # Of other points other results come in any case: so they are those of the same draw.
    draws = draw_count(case.subject.settings["dataset"])
    shift = math.ceil(shift / draws) * draws
    return {"seeds": [seed + shift for seed in case.subject.seeds], "note_reads": True}


def _seeds(case: Case) -> str:
    """Return the seeds in words."""
    return _several([str(seed) for seed in case.subject.seeds], "seed")


def _several(names: Sequence[str], what: str) -> str:
    plural = {"process": "processes"}.get(what, f"{what}s")
    shown = ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
    return f"{what if len(names) == 1 else plural} {shown}"


def _apart(case: Case, one: Told, other: Told) -> str:
    """Return in words which artefacts of two trials differ; empty if none does."""
    found = []
    for artefact in case.family.artefacts:
        paths = one.job / artefact.name, other.job / artefact.name
        if _digest(paths[0]) != _digest(paths[1]):
            first = first_difference(case.family, *paths) if paths[0].suffix != ".txt" else None
            where = f" ({describe_difference(case.family, first)})" if first else ""
            found.append(f"{artefact.name} differs{where}")
    if len(found) < 2:
        return "".join(found)
    names = ", ".join(each.split(" ", 1)[0] for each in found[1:])
    return (
        f"{found[0]}, and so do {names}" if len(found) > 2 else f"{found[0]}, and so does {names}"
    )


def _digest(path: Path) -> Any:
    try:
        return digest_of(path)
    except UNREADABLE as fault:
        return str(fault)


def _content(path: Path) -> str:
    """Return a digest of what an artefact says, but for the seeds it names."""
    try:
        parts = (
            (name, array)
            for name, array in read_parts(path)
            if name.rpartition(":")[2] not in ("seed", "seeds", "columns")
        )
        return take_fingerprint(parts).digest()
    except (KeyError, *UNREADABLE):  # no table, and no arrays
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _table_faults(case: Case, told: Told) -> Iterator[str]:
    """Yield what is wrong with the tables of runs and of their history."""
    family, job = case.family, told.job
    runs = read_table(job / "runs.csv")
    if "seed" not in runs or len(runs) != len(case.subject.seeds):
        yield f"runs.csv has {len(runs)} rows of {len(case.subject.seeds)} seeds"
        return
    lacking = [name for name in (*family.keys, *ENDING) if name not in runs]
    measures = [each for each in family.measures if each.in_runs]
    lacking += [each.name for each in measures if each.name not in runs]
    if lacking:
        yield f"runs.csv lacks the columns {', '.join(lacking)}"
        return
    finished = runs[runs["diverged_at"].isna()]
    for measure in measures:
        values = pd.to_numeric(finished[measure.name], errors="coerce")
        if measure.summarised and not np.isfinite(values).all():
            seed = finished["seed"][~np.isfinite(values)].iloc[0]
            yield f"{measure.name} is declared, and not recorded of seed {seed} (runs.csv)"
    if family.time and family.leaves("history.parquet"):
        yield from _history_faults(case, runs, read_table(job / "history.parquet"))


def _history_faults(case: Case, runs: pd.DataFrame, history: pd.DataFrame) -> Iterator[str]:
    time, budget = case.family.time, budget_of(case.family, case.subject.settings)
    names = [each.name for each in case.family.recorded_measures]
    lacking = [name for name in (*case.family.keys, time.name, *names) if name not in history]
    if lacking:
        yield f"history.parquet lacks the columns {', '.join(lacking)}"
        return
    for _, run in runs.iterrows():
        seed, rows = run["seed"], history[history["seed"] == run["seed"]]
        steps = rows[time.name].to_numpy()
        if (np.diff(steps) <= 0).any():
            yield f"history.parquet: the {time.plural} of seed {seed} do not increase"
        if pd.notna(run["diverged_at"]):
            continue
        stopped = run.get("stopped_at")
        end = budget if stopped is None or pd.isna(stopped) else stopped
        if not len(steps) or steps[-1] != end:
            last = steps[-1] if len(steps) else "none"
            yield f"history.parquet: the last {time.name} of seed {seed} is {last}, not {end}"
        for name in names:
            if not np.isfinite(rows[name].to_numpy(float)).any():
                yield f"{name} is declared, and never recorded of seed {seed} (history.parquet)"


def _parting(case: Case, other: str, **more: Any) -> tuple[Any, str]:
    """Return the first line after which two trainings have other values, and which ones."""
    one = case.trials.train("traced", trace=VALUES).facts.get("trace", [])
    two = case.trials.train(other, trace=VALUES, **more).facts.get("trace", [])
    clocks: dict[str, Any] = {}  # variables that come from a clock, whose numbers always differ
    for (line, values), (others_line, others) in zip(one, two, strict=False):
        if line != others_line:
            break
        names = [
            name
            for name in values
            if name in others and values[name] != others[name]
            if name not in clocks and not OF_THREADS.search(name)
        ]
        if names and not case.source.reads_clock(line):
            return line, f", the first to differ is {', '.join(names)}"
        clocks |= dict.fromkeys(names, line)
    first = next(iter(clocks.items()), None)
    return (first[1], f", the first to differ is {first[0]}") if first else (None, "")


def _changing_line(case: Case, library: str) -> Any:
    """Return the first line that changes a global random state, unless it imports something."""
    if library == PYTHON:
        return case.traced.get("pythons_random")
    before = case.traced.get("states", {}).get(library, "")
    for line, states in case.traced.get("trace", []):
        after = states.get(library, "")
        if after != before and not case.source.is_import(line):
            return line
        before = after
    return None
