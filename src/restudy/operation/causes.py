"""Why a job runs again: what changed since it ran last, in the words of what a user edits."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from textwrap import fill
from typing import Any

from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.study.entries import split_value
from restudy.study.validation import key_path

ABSENT = object()
STUDY_KEYS = ("question", "fix", "vary")  # of a study, as the configuration has them
MAX_SHOWN = 60  # characters of a value
LINE_WIDTH = 100


@dataclass(frozen=True)
class Cause:
    """A change, such as ("configuration", "dense.optimizers.gd.learning_rate: 0.01 → 0.02")."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass
class PendingJob:
    """A job that would run, as `explain` tells of it.

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
        What changed for jobs before it, which rebuild its input.
    """

    name: str
    wildcards: dict[str, str]
    target: str
    causes: list[Cause] = field(default_factory=list)
    inherited: list[Cause] = field(default_factory=list)


def differences(old: Any, new: Any, path: tuple = ()) -> Iterator[tuple[tuple, Any, Any]]:
    """Iterate over the places at which two JSON-like values differ.

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
    """Return a line such as ``dense.optimizers.gd.learning_rate: 0.01 → 0.02``."""
    if old is ABSENT:
        return f"{place}: new, {_shown(new)}"
    if new is ABSENT:
        return f"{place}: gone, was {_shown(old)}"
    return f"{place}: {_shown(old)} → {_shown(new)}"


def _shown(value) -> str:
    if isinstance(value, list | tuple) and len(repr(value)) > MAX_SHOWN:
        return f"{len(value)} {'entry' if len(value) == 1 else 'entries'}"
    text = str(value) or "nothing"
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def decides_on_cells(path: Sequence) -> bool:
    """Whether a key of the configuration has a say in which cells and runs there are."""
    return path[-1] == "replicates" or bool({"studies", "baseline", "claims"} & {*path[:2]})


def configuration_causes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    wildcards: Mapping[str, str],
    family: Family | None,
) -> tuple[list[Cause], list[Cause]]:
    """Return what changed in a job's parameters, by the keys of the configuration.

    Parameters
    ----------
    old, new : mapping
        Name -> value as JSON has it, of the last run and now.
    wildcards : mapping
        Of the job.
    family : Family or None
        Whose section of the configuration the job belongs to, if it belongs to one.

    Returns
    -------
    named, unnamed : lists of Cause
        What a key of the configuration names, and what follows from it, by the parameter's name.
    """
    named, unnamed = [], []
    for name in dict.fromkeys([*new, *old]):
        if name not in old:
            unnamed.append(Cause("configuration", f"{name} is asked for, which was not before"))
        elif name not in new:
            unnamed.append(Cause("configuration", f"{name} is no longer used"))
        # As texts: Snakemake, too, takes another order of entries for another value.
        elif json.dumps(old[name]) != json.dumps(new[name]):
            found = value_causes(name, old[name], new[name], wildcards, family)
            for each, has_key in found:
                (named if has_key else unnamed).append(each)
    return named, unnamed


def value_causes(
    name: str, old: Any, new: Any, wildcards: Mapping[str, str], family: Family | None
) -> Iterator[tuple[Cause, bool]]:
    """Iterate over what changed in a parameter, and whether a key of the configuration names it."""
    old, new = _by_id(name, old), _by_id(name, new)
    changes = list(differences(old, new))
    if not changes:
        yield Cause("configuration", f"{name}: the order of its entries"), False
    for path, before, after in changes:
        place = _place(name, path, new, wildcards, family)
        text = describe_difference(place or key_path([name, *path]), before, after)
        yield Cause("configuration", text), place is not None


def _by_id(name: str, value: Any) -> Any:
    """A list of claims by their ids, alone or in a configuration; any other value as it is."""
    if name == "claims" and isinstance(value, list):
        return {claim["id"]: claim for claim in value}
    if name == "config" and isinstance(value.get("claims"), list):
        return {**value, "claims": _by_id("claims", value["claims"])}
    return value


def _place(
    name: str, path: tuple, value: Any, wildcards: Mapping, family: Family | None
) -> str | None:
    """Key of the configuration that a parameter's part was taken from; None where there is none."""
    while path and isinstance(path[0], int) and isinstance(value, list):
        value, path = value[path[0]], path[1:]
    if name == "config":
        return key_path(path)
    if path[:1] == ("settings",) and isinstance(value, Mapping):
        # One of several jobs or cells, each with its settings.
        name, value, path = "settings", value["settings"], path[1:]
    if name == "settings" and path and isinstance(value, Mapping) and "cell" in value:
        return _place_of_setting(value["cell"], path, family)
    section = family.name if family else ""
    match name, path:
        case "dataset", _:
            dataset, _ = split_value(wildcards.get("dataset", ""))
            return key_path(["datasets", dataset, *path])
        case "study", (key, *rest) if family:
            # The rest is worked out from what a study varies.
            named = [key, *rest] if key in STUDY_KEYS else []
            return key_path([section, "studies", wildcards["study"], *named])
        case "studies", (of_family, study, key, *rest) if key in STUDY_KEYS:
            return key_path([of_family, "studies", study, key, *rest])
        case "studies", (of_family, study):
            return key_path([of_family, "studies", study])
        case "networks", (of_family, int() as place, "settings", *rest) if rest:
            cell = value[of_family][place]["cell"]
            return _place_of_setting(cell, tuple(rest), FAMILIES.get(of_family))
        case "baselines", (of_family, *rest):
            return key_path([of_family, "baseline", *rest])
        case "claims", (claim, *rest):
            part = {"protocols": "tests"}.get(rest[0], rest[0]) if rest else None
            return key_path(["claims", claim, *([part] if part else [])])
        case "parameters", ("datasets", *rest):
            return key_path(["datasets", *rest])
        case "parameters", (part, *_) if family and part in _parts_of_section(family):
            return key_path([section, *path])
    return None


def _parts_of_section(family: Family) -> list[str]:
    """Keys of a family's section of the configuration."""
    bundles = [bundle.name for bundle in family.bundles.values()]
    return ["baseline", "protocols", *bundles, "studies"]


def _place_of_setting(cell: Mapping, path: tuple, family: Family | None) -> str | None:
    """Key of the configuration that a part of a cell's settings was taken from."""
    axis, *rest = path
    # What overrides change can't be the cause: another value is another cell.
    name, _ = split_value(cell.get(axis, ""))
    if axis == "dataset":
        return key_path(["datasets", name, *rest])
    if family and axis == "protocol":
        return key_path([family.name, "protocols", name, *rest])
    if family and axis in family.bundles:
        return key_path([family.name, family.bundles[axis].name, name, *rest])
    return None


def explain(jobs: Sequence[PendingJob], changes: Iterable[str] = ()) -> str:
    """Return the whole answer as text: causes with a number each, then the jobs by their causes.

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
            words.append(f"{'and input' if own else 'Input'} rebuilt because of {_numbers(before)}")
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
