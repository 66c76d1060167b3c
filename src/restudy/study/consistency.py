"""Faults in a configuration that a schema cannot find: undefined names, settings that conflict."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import Any

from restudy.data.kinds import LARGEST_SET, dataset_kind, kinds_that, memory, too_many_draws
from restudy.families.contract import DRAWS, IMAGES, LARGEST_JOB, ONE, Family, draw_count
from restudy.families.registry import resolve
from restudy.families.setting_axes import find_setting, is_setting_axis, is_whole, setting_axis
from restudy.study.cell import Cell
from restudy.study.design import (
    Design,
    DesignError,
    baseline_cell,
    budgets_of,
    condition_of,
    condition_order,
    design_of,
    given_values,
    plain_section,
)
from restudy.study.entries import Entries, setting_faults, settings_lookup, split_value
from restudy.study.ranges import range_faults
from restudy.study.schema import values_by_axis
from restudy.study.validation import hint, join

ASKED = "asked for"  # stands for the study of a cell that need not be of any
LARGEST_STUDY = 100_000  # training jobs: what Snakemake plans in minutes and a gigabyte or two


def given_faults(config: Mapping, families: Mapping[str, Family]) -> Iterator[str]:
    """Yield a line for each fault in what is written: names, ranges, conditions and sizes.

    Parameters
    ----------
    config : mapping
        A configuration that its schema allows.
    families : mapping of str to Family
        The families that may have a section in it.
    """
    for name, dataset in config["datasets"].items():
        yield from _dataset_faults(f"datasets.{name}", dataset)
    for name, family in families.items():
        if config.get(name) is not None:
            entries = Entries(config, family)
            faults = list(_section_faults(entries))
            yield from faults or _size_faults(family, config[name])


def cell_faults(config: Mapping, families: Mapping[str, Family]) -> Iterator[str]:
    """Yield a line for each fault in the cells that the studies consist of.

    Parameters
    ----------
    config, families
        As in `given_faults`, which has found nothing.
    """
    for name, family in families.items():
        if config.get(name) is None:
            continue
        entries = Entries(config, family)
        try:
            baseline_cell(entries)
            designs = {study: design_of(config, family, study) for study in config[name]["studies"]}
        except DesignError as fault:
            yield str(fault)
            continue
        faults = []
        for study, design in designs.items():
            faults += _design_faults(entries, f"{name}.studies.{study}", design)
            if budgets_of(config[name]["studies"][study]):
                faults += _slot_faults(entries, f"{name}.studies.{study}", design)
        yield from faults
        if family.check and not faults:
            yield from resolve(family, family.check)(plain_section(config, family, designs), name)


def _dataset_faults(place: str, dataset: Mapping) -> Iterator[str]:
    seeds = [key for key in ("seed", "heldout_seed", "validation_seed") if key in dataset]
    for first, second in combinations(seeds, 2):
        if dataset[first] == dataset[second]:
            yield (
                f"{place}.{second}: got {dataset[second]}, the same as {first}; allowed: another "
                "seed, or two parts would have the same points"
            )
    shares = [dataset[key] for key in ("heldout_share", "validation_share") if key in dataset]
    if sum(shares) >= 1:
        yield (
            f"{place}.validation_share: got {shares[1]:g} beside heldout_share {shares[0]:g}; "
            "allowed: together below 1, so that points are left to train on"
        )
    parts = ("points", "heldout_points", "validation_points")
    sizes = {key: dataset[key] for key in parts if key in dataset}
    for key, size in (sizes or {"rows": dataset_kind(dataset["kind"]).examples}).items():
        draws = draw_count(dataset)
        if draws > 1 and size * draws > LARGEST_SET:
            yield f"{place}.{DRAWS}{too_many_draws(draws, size, key)}"
    if (needed := memory(dataset)) > LARGEST_JOB:
        found = ", ".join(f"{key} {size:,}" for key, size in sizes.items())
        more = [f"{key} {dataset[key]:,}" for key in ("features", DRAWS) if key in dataset]
        yield (
            f"{place}: got {', '.join([found, *more])}, which take about {needed:,.0f} MB of "
            f"memory; allowed: what takes at most {LARGEST_JOB:,} MB"
        )
    if "classes" in dataset:
        for key in parts:
            if dataset[key] < dataset["classes"]:
                yield (
                    f"{place}.{key}: got {dataset[key]}; allowed: at least {dataset['classes']}, "
                    "one for every class"
                )


def _section_faults(entries: Entries) -> Iterator[str]:
    """Yield the faults of a section's baseline and studies."""
    section, name = entries.section, entries.family.name
    yield from _values_faults(entries, f"{name}.baseline", section["baseline"])
    for study_name, study in section["studies"].items():
        place = f"{name}.studies.{study_name}"
        yield from _values_faults(entries, f"{place}.fix", study["fix"])
        for axis in study["fix"]:
            if axis in study["vary"]:
                yield f"{place}.fix.{axis}: is also under vary; allowed: one of the two"
        yield from _halving_faults(entries, place, study)
        for axis, given in study["vary"].items():
            yield from _axis_faults(entries, f"{place}.vary.{axis}", axis, given, study)
        try:
            condition_order(study["vary"])
        except CycleError as fault:
            circle = " -> ".join(fault.args[1])
            yield f"{place}.vary: conditions refer to each other ({circle}); allowed: no circle"


def _halving_faults(entries: Entries, place: str, study: Mapping) -> Iterator[str]:
    """Yield the faults of a study's successive halving."""
    budgets = budgets_of(study)
    if any(later <= earlier for earlier, later in pairwise(budgets)):
        yield f"{place}.halving.budgets: got {budgets}; allowed: each more than the one before"
    if budgets:
        budget = setting_axis("protocol", entries.family.time.budget)
        for key in ("fix", "vary"):
            if budget in study[key]:
                yield f"{place}.{key}.{budget}: is set by halving.budgets; allowed: one of the two"


def _slot_faults(entries: Entries, place: str, design: Design) -> Iterator[str]:
    """Yield the faults of cells that are to stand in the same slots."""
    protocols = design.levels["protocol"]
    counts = {each: entries.entry("protocol", each)["replicates"] for each in protocols}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{count} of {name}" for name, count in counts.items())
        yield f"{place}: got replicates {found}; allowed with halving: the same of every protocol"


def _values_faults(entries: Entries, place: str, values: Mapping[str, Any]) -> Iterator[str]:
    for axis, value in values.items():
        yield from (f"{place}.{axis}{line}" for line in value_faults(entries, axis, value))


def value_faults(entries: Entries, axis: str, value: Any) -> Iterator[str]:
    """Yield ``: got …; allowed: …`` for each fault in a value of an axis or a setting."""
    if is_setting_axis(axis):
        yield from setting_faults(find_setting(entries.family, axis), value)
    else:
        yield from entries.faults(axis, value)


def _axis_faults(
    entries: Entries, place: str, axis: str, given: Any, study: Mapping
) -> Iterator[str]:
    """Yield the faults of what a study gives for an axis: a list, a range, a condition."""
    values = given_values(given)
    if isinstance(values, list):
        inner = f"{place}.values" if isinstance(given, Mapping) else place
        for index, value in enumerate(values):
            faults = value_faults(entries, axis, value)
            yield from (f"{inner}[{index}]{line}" for line in faults)
    elif "from" not in given or "to" not in given:
        yield f"{place}: got {join(given)}; allowed: values, or a range with from and to"
    else:
        yield from _range_faults(entries, place, axis, given, study)
    for name, allowed in condition_of(given).items():
        inner = f"{place}.only_if.{name}"
        names = [other for other in values_by_axis(entries.family) if other != axis]
        if name not in names:
            yield f"{inner}: unknown axis{hint(name, names)}; allowed: {join(names)}"
            continue
        for value in allowed:
            yield from (f"{inner}{line}" for line in value_faults(entries, name, value))


def _range_faults(
    entries: Entries, place: str, axis: str, given: Mapping, study: Mapping
) -> Iterator[str]:
    for end in ("from", "to"):
        faults = value_faults(entries, axis, given[end])
        yield from (f"{place}.{end}{line}" for line in faults)
    whole = is_whole(entries.family, axis)
    sampled = "sample" in study
    yield from (f"{place}{line}" for line in range_faults(given, whole, sampled))


def _size_faults(family: Family, section: Mapping) -> Iterator[str]:
    """Yield the study whose jobs are more than can be planned; counted without making a cell."""
    for name, study in section["studies"].items():
        drawn = study.get("sample", {}).get("size")
        cells = drawn or math.prod(map(_count, study["vary"].values()))
        seeds = _most_seeds(section, study) if family.seeds_per_job == ONE else 1
        if cells * seeds > LARGEST_STUDY:
            jobs = f"{cells:,} cells" + (f" of {seeds:,} seeds, a job each" if seeds > 1 else "")
            yield (
                f"{family.name}.studies.{name}: asks for {jobs}; allowed: at most "
                f"{LARGEST_STUDY:,} training jobs in a study"
            )


def _count(given: Any) -> int:
    """How many values a study gives for an axis."""
    values = given_values(given)
    return len(values) if isinstance(values, list) else values["count"]


def _most_seeds(section: Mapping, study: Mapping) -> int:
    """The seeds of a cell at most, as the study's protocols state them."""
    varied = study["vary"].get("protocol.replicates")
    if varied is not None:
        values = given_values(varied)
        return max(values) if isinstance(values, list) else values["to"]
    protocol = study["fix"].get("protocol", section["baseline"].get("protocol"))
    names = given_values(study["vary"].get("protocol", [protocol]))
    found = [values.get("protocol.replicates") for values in (study["fix"], section["baseline"])]
    for text in names:
        name, spelled = split_value(text)
        found += [int(spelled.get("replicates", 0)), section["protocols"][name]["replicates"]]
    return max(filter(None, found))


def _design_faults(entries: Entries, place: str, design: Design) -> Iterator[str]:
    """Yield the faults of what the values of a study's cells stand for."""
    for axis, values in design.levels.items():
        for value in values:
            yield from (f"{place}: {axis}{line}" for line in entries.faults(axis, value))
            if axis == "dataset" and "+" in value:
                yield from _dataset_faults(f"{place}: {value}", entries.entry(axis, value))


def data_faults(config: Mapping, known: Mapping, families: Mapping[str, Family]) -> Iterator[str]:
    """Yield a line for each setting that needs more of a data set than there is.

    Parts and batches may need more images than there are; early stopping and successive halving, a
    validation part that a table is too small for.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    known : mapping
        Name of each data set -> what is known of it. Of images ``train`` and ``test``, their
        numbers in the two files; of points ``has_validation``.
    families : mapping of str to Family
        The families that may have a section in the configuration.
    """
    images, lacking = {}, set()
    for name, facts in known.items():
        dataset = config["datasets"][name]
        if dataset["kind"] not in kinds_that(IMAGES):
            lacking |= set() if facts.has_validation else {name}
        elif found := list(_part_faults(f"datasets.{name}", dataset, facts)):
            yield from found
        else:
            images[name] = facts
    for name, family in families.items():
        if not config[name]:
            continue
        if family.takes == IMAGES:
            yield from _excess_faults(config, family, images)
            yield from _study_image_faults(config, family, images)
            continue
        yield from _excess_faults(config, family, known)
        for study in config[name]["studies"] if lacking else ():
            yield from _validation_faults(config, family, study, lacking)


def _validation_faults(
    config: Mapping, family: Family, study: str, lacking: Collection[str]
) -> Iterator[str]:
    """Yield what a study decides by validation points that its data set does not have."""
    entries = Entries(config, family)
    halving = config[family.name]["studies"][study].get("halving")
    cells = design_of(config, family, study).cells
    # Overrides are of single numbers: what a protocol stops by is said under its name.
    used = ((cell["dataset"], split_value(cell["protocol"])[0]) for cell in cells)
    for dataset, protocol in dict.fromkeys(used):
        if split_value(dataset)[0] in lacking:
            place = f"{family.name}.studies.{study}.halving"
            yield from _rule_faults(family, place, halving, dataset)
            yield from _stopping_faults(entries, protocol, dataset)


def _stopping_faults(entries: Entries, protocol: str, dataset: str) -> Iterator[str]:
    """Yield a line if a protocol stops early by validation points that a data set lacks."""
    place = f"{entries.family.name}.protocols.{protocol}.stop_early"
    rule = entries.entry("protocol", protocol).get("stop_early")
    yield from _rule_faults(entries.family, place, rule, dataset)


def _rule_faults(family: Family, place: str, rule: Mapping | None, dataset: str) -> Iterator[str]:
    """Yield a line if a rule decides by validation points, which a data set lacks."""
    if rule and family.measure(rule["measure"]).part == "validation":
        others = [each.name for each in family.measures if each.part == "train" and each.better]
        yield (
            f"{place}.measure: got {rule['measure']!r}; allowed with data set {dataset!r}, no "
            f"class of which has a third row for validation: {join(others)}"
        )


def asked_faults(
    config: Mapping, family: Family, cell: Cell, known: Mapping = MappingProxyType({})
) -> Iterator[str]:
    """Yield a line for each fault of a cell that is asked for by its path, in a study or not.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    family : Family
        Of the cell.
    cell : Cell
        Its values are allowed one by one.
    known : mapping
        As in `data_faults`, as far as the data have been looked at.
    """
    if family.check:
        study = {"question": "", "vary": {}, "fix": {}}
        section = {**config[family.name], "studies": {ASKED: study}}
        designs = {ASKED: Design({}, (cell,), 1)}
        plain = plain_section({**config, family.name: section}, family, designs)
        place = f"{family.name}.studies.{ASKED}: "
        for line in resolve(family, family.check)(plain, family.name):
            if line.startswith(place):
                yield f"{family.name}: {line.removeprefix(place)}"
    facts = known.get(split_value(cell["dataset"])[0])
    if facts is None:
        return
    if family.takes != IMAGES and not facts.has_validation:
        yield from _stopping_faults(Entries(config, family), cell["protocol"], cell["dataset"])
    yield from _excess(config, family, [cell], {split_value(cell["dataset"])[0]: facts})


def _excess_faults(config: Mapping, family: Family, known: Mapping) -> Iterator[str]:
    """Yield a line for each cell of a study that is too large to be trained on its data set."""
    designs = (design_of(config, family, study) for study in config[family.name]["studies"])
    cells = dict.fromkeys(cell for design in designs for cell in design.cells)
    yield from _excess(config, family, cells, known)


def _excess(
    config: Mapping, family: Family, cells: Iterable[Cell], known: Mapping
) -> Iterator[str]:
    if not family.check_data:
        return
    find_excess, settings = resolve(family, family.check_data), settings_lookup(config, family)
    for cell in cells:
        facts = known.get(split_value(cell["dataset"])[0])
        if facts is not None:
            place = f"{family.name}.protocols.{cell['protocol']}"
            yield from find_excess(settings(cell), facts, place)


def _study_image_faults(config: Mapping, family: Family, images: Mapping) -> Iterator[str]:
    entries = Entries(config, family)
    for study in config[family.name]["studies"]:
        cells = design_of(config, family, study).cells
        for text, protocol in dict.fromkeys((cell["dataset"], cell["protocol"]) for cell in cells):
            counts = images.get(split_value(text)[0])
            if counts is None:
                continue
            dataset = entries.entry("dataset", text)
            if "+" in text:
                yield from _part_faults(f"{family.name}.studies.{study}: {text}", dataset, counts)
            batch = entries.entry("protocol", protocol).get("batch_size")
            smallest = _smallest_part(dataset, counts)
            if batch is not None and batch > smallest:
                yield (
                    f"{family.name}.protocols.{protocol}.batch_size: got {batch}; allowed: at "
                    f"most {smallest}, the smallest part of data set {text!r} that study "
                    f"{study!r} uses"
                )


def _smallest_part(dataset: Mapping, counts: Any) -> int:
    """The images to train on, or to validate with, whichever are fewer."""
    validation = dataset["validation_examples"]
    return min(dataset["train_examples"] or counts.train - validation, validation)


def _part_faults(place: str, dataset: Mapping, counts) -> Iterator[str]:
    validation = dataset["validation_examples"]
    rest = counts.train - validation
    if rest < 1:
        yield (
            f"{place}.validation_examples: got {validation}; allowed: at most {counts.train - 1}, "
            f"which leaves one of {counts.train} to train on"
        )
    elif dataset["train_examples"] > rest:
        yield (
            f"{place}.train_examples: got {dataset['train_examples']}; allowed: at most {rest}, "
            f"what validation_examples leaves of {counts.train}"
        )
    if dataset["test_examples"] > counts.test:
        yield (
            f"{place}.test_examples: got {dataset['test_examples']}; allowed: at most "
            f"{counts.test}, all test images"
        )
