"""Why a job runs again: what changed since it ran last, in the words of what a user edits."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby
from textwrap import fill
from typing import Any

from restudy.study.config import key_path

ABSENT = object()
LONGEST_VALUE = 60  # characters of a value that is shown
LINE_WIDTH = 100
# Entries of a cell's settings, by the part of the configuration that has them.
PARTS_OF_SETTINGS = {
    "protocol": "protocols",
    "optimizer": "optimizers",
    "activation": "activations",
    "initializer": "initializers",
}


@dataclass(frozen=True)
class Cause:
    """A change, such as ("configuration", "dense.optimizers.gd.learning_rate: 0.01 → 0.02")."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass
class PendingJob:
    """A job that would run.

    Attributes
    ----------
    name : str
        Its rule.
    wildcards : dict
        What distinguishes it from others of the rule.
    target : str
        Its first file, or its rule where it makes none.
    causes : list of Cause
        What changed for it alone.
    inherited : list of Cause
        What changed for jobs before it, which make its input anew.
    """

    name: str
    wildcards: dict[str, str]
    target: str
    causes: list[Cause] = field(default_factory=list)
    inherited: list[Cause] = field(default_factory=list)


def differences(old: Any, new: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any, Any]]:
    """Places at which two JSON-like values differ.

    Yields
    ------
    (path, old, new)
        Keys and indices down to the place; `ABSENT` stands for a key that one side lacks. Lists
        of plain values are compared as wholes, and so are lists of unequal length.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif _is_list_of_parts(old) and _is_list_of_parts(new) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, (*path, index))
    elif old != new or type(old) is not type(new):
        yield path, old, new


def _is_list_of_parts(value) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(v, Mapping | list) for v in value)


def describe_difference(place: str, old: Any, new: Any) -> str:
    """A line such as ``dense.optimizers.gd.learning_rate: 0.01 → 0.02``."""
    if old is ABSENT:
        return f"{place}: new, {_shown(new)}"
    if new is ABSENT:
        return f"{place}: gone, was {_shown(old)}"
    return f"{place}: {_shown(old)} → {_shown(new)}"


def _shown(value) -> str:
    if isinstance(value, list | tuple) and len(repr(value)) > LONGEST_VALUE:
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    text = str(value) or "nothing"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def decides_on_cells(path: Sequence) -> bool:
    """Whether a key of the configuration has a part in which cells and runs there are."""
    return path[-1] == "replicates" or bool({"studies", "baseline", "claims"} & {*path[:2]})


def configuration_causes(
    old: Sequence[str], new: Mapping[str, Any], wildcards: Mapping[str, str], model: str
) -> tuple[list[Cause], list[Cause]]:
    """What changed in a job's parameters, by the keys of the configuration.

    Parameters
    ----------
    old : sequence of str
        Those of the last run, as Snakemake keeps them: the ``repr`` of each value, without names.
    new : mapping
        Name -> value.
    wildcards : mapping
        Of the job.
    model : str
        "dense" or "conv", the section of the configuration that the job belongs to.

    Returns
    -------
    named, unnamed : lists of Cause
        What a key of the configuration names, and what follows from it, by the parameter's name.
    """
    left = {name: value for name, value in new.items() if repr(value) not in old}
    gone = [text for text in old if text not in {repr(value) for value in new.values()}]
    named, unnamed = [], []
    for name, value in left.items():
        before = max(gone, key=lambda text: _likeness(text, value), default=None)
        if before is None:
            unnamed.append(Cause("configuration", f"{name} is asked for, which was not before"))
            continue
        gone.remove(before)
        try:
            old_value = ast.literal_eval(before)
        except (ValueError, SyntaxError):
            unnamed.append(Cause("configuration", f"{name} is another than before"))
            continue
        if name == "revision":
            text = f"git revision {old_value[:12]} → {value[:12]}"
            named.append(Cause("code", text))
            continue
        if name == "claims":
            old_value, value = (
                {claim["id"]: claim for claim in each} for each in (old_value, value)
            )
        changes = list(differences(old_value, value))
        if not changes:
            unnamed.append(Cause("configuration", f"{name}: the order of its entries"))
        for path, old_part, new_part in changes:
            place = _place(name, path, value, wildcards, model)
            text = describe_difference(place or key_path([name, *path]), old_part, new_part)
            (named if place else unnamed).append(Cause("configuration", text))
    return named, unnamed


def _likeness(text: str, value) -> float:
    """How likely the text is an earlier state of a value: by kind, then by the text itself."""
    new = repr(value)
    matcher = SequenceMatcher(None, text[:2000], new[:2000], autojunk=False)
    return (text[:1] == new[:1]) + matcher.quick_ratio()


def _place(name: str, path: tuple, value, wildcards: Mapping, model: str) -> str | None:
    """Key of the configuration that a parameter's part was taken from; None where there is none."""
    while path and isinstance(path[0], int) and isinstance(value, list):
        value, path = value[path[0]], path[1:]
    if name == "settings" and path and isinstance(value, Mapping):
        cell, (part, *rest) = value["cell"], path
        if part == "dataset":
            return key_path(["datasets", cell["dataset"], *rest])
        if part in PARTS_OF_SETTINGS:
            return key_path([model, PARTS_OF_SETTINGS[part], cell[part], *rest])
        return None
    match name, path:
        case "config", _:
            return key_path(path)
        case "dataset", _:
            return key_path(["datasets", wildcards.get("dataset", ""), *path])
        case "study", _:
            return key_path([model, "studies", wildcards["study"], *path])
        case "studies", (section, study, key, *rest) if key != "cells":
            return key_path([section, "studies", study, key, *rest])
        case "studies", (section, study):
            return key_path([section, "studies", study])
        case "baselines", (section, *rest):
            return key_path([section, "baseline", *rest])
        case "claims", (claim, *rest):
            part = {"protocols": "tests"}.get(rest[0], rest[0]) if rest else None
            return key_path(["claims", claim, *([part] if part else [])])
        case "parameters", ("datasets", *rest):
            return key_path(["datasets", *rest])
        case "parameters", ("baseline" | "protocols" | "optimizers" | "studies", *_):
            return key_path([model, *path])
    return None


def explain(jobs: Sequence[PendingJob], changes: Iterable[str] = ()) -> str:
    """The whole answer, as text: the causes with a number each, then the jobs by their causes.

    Parameters
    ----------
    jobs : sequence of PendingJob
        In the order in which jobs of the same causes are listed.
    changes : iterable of str
        What else changed in the configuration, as `describe_difference` says it.
    """
    if not jobs:
        return "Nothing would run: everything asked for is there and up to date."
    causes = dict.fromkeys(cause for job in jobs for cause in job.causes)
    number = {cause: place for place, cause in enumerate(causes, start=1)}
    texts = {str(cause) for cause in causes}
    changes = [change for change in changes if f"configuration: {change}" not in texts]
    lines = [f"{_counted(len(jobs))} would run. What changed since they ran last:", ""]
    lines += [_wrapped(f"[{number[cause]}] {cause}", "  ", "      ") for cause in causes]
    if changes:
        lines += ["", "The configuration differs from that in results/provenance.json also in:"]
        lines += [_wrapped(change, "  ", "      ") for change in changes]

    def heading(job: PendingJob) -> tuple:
        own = sorted(number[cause] for cause in job.causes)
        before = sorted({number[cause] for cause in job.inherited} - set(own))
        return not own, own, before

    for (_, own, before), group in groupby(sorted(jobs, key=heading), key=heading):
        members = list(group)
        words = [f"{_numbers(own)} {'itself' if len(own) == 1 else 'themselves'}"] if own else []
        if before:
            words.append(
                f"{'and input' if own else 'Input'} made anew because of {_numbers(before)}"
            )
        lines += ["", f"{', '.join(words)}: {_counted(len(members))}"]
        rules = dict.fromkeys(job.name for job in members)
        lines += [_described([job for job in members if job.name == rule]) for rule in rules]
    return "\n".join(lines)


def _counted(count: int) -> str:
    return f"{count} {'job' if count == 1 else 'jobs'}"


def _numbers(numbers: Sequence[int]) -> str:
    return " ".join(f"[{number}]" for number in numbers)


def _described(jobs: Sequence[PendingJob]) -> str:
    """Jobs of one rule: what they have in common, then what tells each from the others."""
    name = jobs[0].name
    if len(jobs) == 1:
        return _wrapped(f"{name}: {jobs[0].target}", "  ", "      ")
    keys = dict.fromkeys(key for job in jobs for key in job.wildcards)
    common = {
        key: jobs[0].wildcards.get(key)
        for key in keys
        if len({job.wildcards.get(key) for job in jobs}) == 1
    }
    shared = ", ".join(f"{key} {value}" for key, value in common.items())
    each = "; ".join(
        ", ".join(f"{key} {value}" for key, value in job.wildcards.items() if key not in common)
        for job in jobs
    )
    head = f"{name}, {len(jobs)} jobs{f' ({shared})' if shared else ''}"
    return _wrapped(f"{head}: {each}", "  ", "      ")


def _wrapped(text: str, first: str, rest: str) -> str:
    return fill(
        text,
        LINE_WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
