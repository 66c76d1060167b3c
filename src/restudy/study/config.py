"""Check a configuration against the schema and for consistency, and fill in defaults.

Whatever could fail later is refused before a job starts, with one line for each fault: the key,
what was found, and what is allowed.
"""

import copy
import math
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from restudy.data.kinds import kinds_that, without_location
from restudy.errors import UserError
from restudy.families.contract import IMAGES, ONE, Axis, Bundle, Family
from restudy.families.registry import FAMILIES, resolve
from restudy.study.cell import read_value
from restudy.study.grid import study_cells
from restudy.study.schema import (
    CHECKS,
    bundle_schema,
    cell_schema,
    config_schema,
)
from restudy.study.yaml_files import parse_yaml

LARGEST_STUDY = 100_000  # training jobs: what Snakemake plans in minutes and a gigabyte or two
LARGEST_NUMBER = 1e300  # also excludes infinities and, since comparisons with it are false, NaN


class ConfigError(UserError):
    """A configuration that cannot be run; the message lists every fault found."""


def complete_config(config: Mapping, families: Mapping[str, Family] = FAMILIES) -> dict:
    """Return a validated copy of a configuration with every default filled in.

    Parameters
    ----------
    config : mapping
        As read from YAML; it is not changed.
    families : mapping of str to Family
        The families that may have a section in it.

    Returns
    -------
    dict
        The completed configuration.

    Raises
    ------
    ConfigError
        If a key, type, value, name or combination is not allowed.
    """
    completed = copy.deepcopy(dict(config))
    faults = fill_and_check(completed, config_schema(families))
    faults = faults or list(_inconsistencies(completed, families))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    for name, family in families.items():
        if completed.setdefault(name, None) is not None:
            _make_numbers_floats(completed[name], family)
    completed.setdefault("claims", None)
    return completed


def without_checks(config: Mapping) -> dict:
    """Return a configuration without what never affects results: checks and locations of files."""
    datasets = {name: without_location(each) for name, each in config["datasets"].items()}
    kept = {key: value for key, value in config.items() if key not in (*CHECKS, "families")}
    return {**kept, "datasets": datasets}


def _make_numbers_floats(section: dict, family: Family) -> None:
    """Convert numbers on axes to floats, so that 1 and 1.0 are the same cell."""
    for axis in (axis.name for axis in family.axes if axis.values == "number"):
        section["baseline"][axis] = float(section["baseline"][axis])
        for study in section["studies"].values():
            if axis in study["fix"]:
                study["fix"][axis] = float(study["fix"][axis])
            if axis in study["vary"]:
                study["vary"][axis] = [float(value) for value in study["vary"][axis]]


def with_typed_values(config: Mapping, given: Mapping, above: str = "--config") -> dict:
    """Return a configuration in which values from the command line have their YAML types.

    Snakemake parses `--config dense='{"protocols": …}'` as YAML but leaves inner values as text.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    given : mapping
        The part of it given on the command line, nested in the same way.
    above : str
        Where that stands, for messages.

    Raises
    ------
    YamlError
        If a text is not YAML.
    """
    typed = dict(config)
    for key, value in given.items():
        place = f"{above} {key}"
        if isinstance(value, Mapping):
            typed[key] = with_typed_values(config[key], value, place)
        else:
            typed[key] = _typed(value, place)
    return typed


def _typed(value: Any, place: str) -> Any:
    """Return a value from the command line, or a list of them, with the type that YAML gives it."""
    if isinstance(value, list):
        return [_typed(each, place) for each in value]
    return parse_yaml(value, place) if isinstance(value, str) else value


def fill_and_check(document: dict, schema: Mapping) -> list[str]:
    """Write a schema's defaults into a document; return a line for each fault found in it."""
    schema = _inherit_defaults(schema, schema.get("$defs", {}))
    errors = sorted(_filling_validator()(schema).iter_errors(document), key=_position)
    return [line for error in errors for line in _describe(error)]


@cache
def _filling_validator():
    """Return a validator (draft 2020-12) that fills defaults into the instance as it descends."""
    check_properties = Draft202012Validator.VALIDATORS["properties"]

    def fill_then_check(validator, properties, instance, schema):
        if validator.is_type(instance, "object"):
            for key, subschema in properties.items():
                default = subschema.get("default")
                if default is not None:
                    instance.setdefault(key, copy.deepcopy(default))
        yield from check_properties(validator, properties, instance, schema)

    # JSON Schema accepts 3.0 as an integer and cannot exclude infinities; here a size must be
    # written as an integer, because it becomes part of a path, and numbers must be finite.
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: (
                isinstance(value, int)
                and not isinstance(value, bool)
                # Otherwise it would not count as a number, and no bound would be checked.
                and abs(value) <= LARGEST_NUMBER
            ),
            "number": lambda _, value: (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and abs(value) <= LARGEST_NUMBER
            ),
        }
    )
    return validators.extend(
        Draft202012Validator, {"properties": fill_then_check}, type_checker=types
    )


def _inherit_defaults(schema, definitions: Mapping):
    """Return a schema in which what refers to a definition has its default, if it has no own."""
    if isinstance(schema, list):
        return [_inherit_defaults(each, definitions) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    own = {key: _inherit_defaults(each, definitions) for key, each in schema.items()}
    if "$ref" not in own:
        return own
    definition = definitions[own["$ref"].removeprefix("#/$defs/")]
    inherited = {"default": definition["default"]} if "default" in definition else {}
    return inherited | own


def _position(error: ValidationError) -> str:
    return key_path(error.absolute_path)


def key_path(parts) -> str:
    """Return a key's path as a user would write it: ``dense.studies.sizes.vary.depth[0]``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _describe(error: ValidationError) -> Iterator[str]:
    """Yield one line for each fault in a schema error."""
    place = key_path(error.absolute_path) or "top level"
    found, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            allowed = list(error.schema.get("properties", {}))
            for key in found:
                if key not in allowed:
                    hint = _hint(key, allowed)
                    yield f"{place}: unknown key {key!r}{hint}; allowed: {_join(allowed)}"
        case "required":
            for key in rule:
                if key not in found:
                    yield f"{place}: missing key {key!r}"
        case "enum":
            yield f"{place}: got {found!r}{_hint(found, rule)}; allowed: {_join(rule)}"
        case "type":
            kinds = [rule] if isinstance(rule, str) else rule
            allowed = " or ".join(_TYPES[kind] for kind in kinds)
            yield f"{place}: got {_show(found)}; allowed: {allowed}{_number_hint(found, rule)}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            bound = {
                "minimum": "at least",
                "exclusiveMinimum": "more than",
                "maximum": "at most",
                "exclusiveMaximum": "less than",
            }[error.validator]
            yield f"{place}: got {found!r}; allowed: {bound} {rule}"
        case "minItems" | "minProperties" if not found:
            yield f"{place}: is empty; allowed: at least one entry"
        case "minProperties" | "minItems":
            yield f"{place}: got only {_join(found)}; allowed: at least {rule}"
        case "maxItems":
            yield f"{place}: got {len(found)} entries; allowed: at most {rule}"
        case "anyOf":
            names = _join(branch["required"][0] for branch in rule)
            yield f"{place}: got only {_join(found)}; allowed: datasets with one or more of {names}"
        case "uniqueItems":
            yield f"{place}: got {found!r}; allowed: each value once"
        case "pattern" if rule.startswith("^[a-z]"):
            yield (
                f"{place}: got the name {found!r}; allowed: a letter from a to z, then letters, "
                "digits and underscores, all in lower case and no underscore at the end"
            )
        case "maxLength":
            yield f"{place}: got {found!r}; allowed: at most {rule} characters"
        case "oneOf":
            keys = [key for branch in rule for key in branch["required"]]
            given = [key for key in keys if key in found]
            yield f"{place}: got {_join(given)}; allowed: exactly one of {', '.join(keys)}"
        case "minLength":
            yield f"{place}: is empty; allowed: some text"
        case "pattern":
            yield f"{place}: got {found!r}; allowed: text of the form {rule}"
        case _:
            yield f"{place}: {error.message}"


_TYPES = {
    "object": "keys with values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a finite number",
    "boolean": "true or false",
}


def _number_hint(found, rule) -> str:
    """Return how to write a number that YAML 1.1 reads as text: 1.0e-4 for 1e-4, and so on."""
    if not isinstance(found, str) or rule not in ("number", "integer"):
        return ""
    match = re.fullmatch(r"([-+]?\d+)\.?(\d*)[eE]([-+]?)(\d+)", found)
    if match is None:
        return ""
    whole, fraction, sign, exponent = match.groups()
    if rule == "integer":
        return " (write it out in digits)"
    return f" (YAML wants it written {whole}.{fraction or 0}e{sign or '+'}{exponent})"


def _show(value) -> str:
    names = {dict: "keys with values", list: "a list", type(None): "nothing"}
    for kind, name in names.items():
        if isinstance(value, kind):
            return name
    return repr(value)


def _hint(found, allowed) -> str:
    close = get_close_matches(str(found), [str(name) for name in allowed], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _join(names) -> str:
    return ", ".join(str(name) for name in names) or "none"


def _inconsistencies(config: Mapping, families: Mapping[str, Family]) -> Iterator[str]:
    """Yield faults that a schema cannot find: undefined names and settings that conflict."""
    for name, dataset in config["datasets"].items():
        yield from _dataset_faults(f"datasets.{name}", dataset)
    for name, family in families.items():
        if name in config:
            yield from _reference_faults(family, config[name], config["datasets"])
            yield from _size_faults(family, config[name])
            if family.check:
                yield from resolve(family, family.check)(config[name], name)


def _dataset_faults(place: str, dataset: Mapping) -> Iterator[str]:
    if "heldout_seed" in dataset and dataset["seed"] == dataset["heldout_seed"]:
        yield (
            f"{place}.heldout_seed: got {dataset['heldout_seed']}, the same as seed; allowed: "
            "another seed, or the held-out points would repeat the training points"
        )
    if "classes" in dataset:
        for key in ("points", "heldout_points"):
            if dataset[key] < dataset["classes"]:
                yield (
                    f"{place}.{key}: got {dataset[key]}; allowed: at least {dataset['classes']}, "
                    "one for every class"
                )


def _reference_faults(family: Family, section: Mapping, datasets: Mapping) -> Iterator[str]:
    kinds = kinds_that(family.takes)
    known = {
        "dataset": ("defined", [name for name, each in datasets.items() if each["kind"] in kinds]),
        "protocol": ("defined", list(section["protocols"])),
    }
    for axis, bundle in family.bundles.items():
        names = [*section[bundle.name], *(kind.name for kind in bundle.kinds if bundle.plain)]
        known[axis] = ("allowed" if bundle.plain else "defined", names)

    def check(place: str, axis: str, name) -> Iterator[str]:
        word, names = known.get(axis, ("", [name]))
        if name not in names:
            yield f"{place}: got {name!r}{_hint(name, names)}; {word}: {_join(names)}"

    for axis, name in section["baseline"].items():
        yield from check(f"{family.name}.baseline.{axis}", axis, name)
    for study_name, study in section["studies"].items():
        place = f"{family.name}.studies.{study_name}"
        for axis, name in study["fix"].items():
            yield from check(f"{place}.fix.{axis}", axis, name)
            if axis in study["vary"]:
                yield f"{place}.fix.{axis}: is also under vary; allowed: one of the two"
        for axis, names in study["vary"].items():
            for index, name in enumerate(names):
                yield from check(f"{place}.vary.{axis}[{index}]", axis, name)


def _size_faults(family: Family, section: Mapping) -> Iterator[str]:
    """Yield the study whose jobs are more than can be planned; counted without making a cell."""
    for name, study in section["studies"].items():
        cells = math.prod(len(values) for values in study["vary"].values())
        protocol = study["fix"].get("protocol", section["baseline"].get("protocol"))
        used = [
            section["protocols"].get(each) for each in study["vary"].get("protocol", [protocol])
        ]
        seeds = max((each["replicates"] for each in used if each), default=1)
        seeds = seeds if family.seeds_per_job == ONE else 1
        if cells * seeds > LARGEST_STUDY:
            jobs = f"{cells:,} cells" + (f" of {seeds:,} seeds, a job each" if seeds > 1 else "")
            yield (
                f"{family.name}.studies.{name}: asks for {jobs}; allowed: at most "
                f"{LARGEST_STUDY:,} training jobs in a study"
            )


def check_image_counts(
    config: Mapping, images: Mapping, families: Mapping[str, Family] = FAMILIES
) -> None:
    """Refuse parts of data sets, and batches, that need more images than there are.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    images : mapping
        Name of each set of images -> its counts: ``train`` and ``test``, the numbers of images in
        the two files.

    Raises
    ------
    ConfigError
        With one line for each fault.
    """
    faults, valid = [], {}
    for name, counts in images.items():
        found = list(_part_faults(f"datasets.{name}", config["datasets"][name], counts))
        faults += found
        if not found:
            valid[name] = counts
    for name, family in families.items():
        if config[name] and family.takes == IMAGES:
            faults += _batch_faults(family, config[name], config["datasets"], valid)
            faults += _excess_faults(family, config, valid)
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))


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


def _batch_faults(
    family: Family, section: Mapping, datasets: Mapping, images: Mapping
) -> Iterator[str]:
    for study_name, study in section["studies"].items():
        for cell in study_cells(family, section["baseline"], study):
            name = cell["dataset"]
            batch = section["protocols"][cell["protocol"]].get("batch_size")
            if name not in images or batch is None:
                continue
            dataset = datasets[name]
            validation = dataset["validation_examples"]
            examples = dataset["train_examples"] or images[name].train - validation
            smallest = min(examples, validation)
            if batch > smallest:
                place = f"{family.name}.protocols.{cell['protocol']}.batch_size"
                yield (
                    f"{place}: got {batch}; allowed: at most {smallest}, the smallest part of "
                    f"data set {name!r} that study {study_name!r} uses"
                )


def _excess_faults(family: Family, config: Mapping, images: Mapping) -> Iterator[str]:
    """Yield what the family finds of cells that are too large for their images."""
    if not family.check_images:
        return
    find_excess, settings = resolve(family, family.check_images), settings_lookup(config, family)
    section = config[family.name]
    for study in section["studies"].values():
        for cell in study_cells(family, section["baseline"], study):
            if cell["dataset"] in images:
                place = f"{family.name}.protocols.{cell['protocol']}"
                yield from find_excess(settings(cell), images[cell["dataset"]], place)


def cell_settings(config: Mapping, family: Family, cell: Mapping) -> dict:
    """Return everything that determines what a cell computes: its values with their settings.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    family : Family
        The cell's family.
    cell : mapping
        One value per axis; it need not belong to a study.

    Returns
    -------
    dict
        cell, dataset, protocol, and for every axis with a bundle the entry that its value names;
        keys sorted within each. What never affects results is left out: where data are and, if
        each seed has its own job, the number of replicates.

    Raises
    ------
    ConfigError
        If the cell has a value that is not allowed, or an undefined name.
    """
    section = config[family.name]
    if section is None:
        raise ConfigError(f"{family.name}: the configuration has no such section")
    errors = _filling_validator()(cell_schema(family)).iter_errors(dict(cell))
    faults = [f"{family.name}.{line}" for error in errors for line in _describe(error)]
    if not faults:
        alone = {**section, "studies": {}, "baseline": cell}
        found = _reference_faults(family, alone, config["datasets"])
        faults = [line.replace(".baseline", "", 1) for line in found]
    if faults:
        raise ConfigError("\n".join(faults))
    return settings_lookup(config, family)(cell)


def settings_lookup(config: Mapping, family: Family) -> Callable[[Mapping], dict[str, dict]]:
    """Return a function that gives the `cell_settings` of cells that are known to be valid.

    All cells of the configuration's own studies are. What a value of an axis names is looked up
    once and shared by all cells with that value, since a grid may have thousands.
    """
    section = config[family.name]
    # A job of one seed computes the same for any number of seeds.
    left_out = ("replicates",) if family.seeds_per_job == ONE else ()

    @cache
    def part(axis: str, name: str) -> dict:
        if axis == "dataset":
            return _sorted(without_location(config["datasets"][name]))
        if axis == "protocol":
            entry = section["protocols"][name]
            return _sorted({key: entry[key] for key in entry if key not in left_out})
        return named_entry(section, family.bundles[axis], name)

    axes = ("dataset", "protocol", *family.bundles)
    return lambda cell: {"cell": dict(cell), **{axis: part(axis, cell[axis]) for axis in axes}}


def named_entry(section: Mapping, bundle: Bundle, name: str) -> dict:
    """Return a named entry, or the plain kind of that name, with all its parameters."""
    entry = dict(section[bundle.name].get(name, {"kind": name}))
    list(_filling_validator()(bundle_schema(bundle)).iter_errors(entry))
    return _sorted(entry)


def check_target(config: Mapping, target: str, families: Mapping[str, Family] = FAMILIES) -> None:
    """Refuse a target on the command line that names a cell which cannot be trained.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    target : str
        A path; one that names no cell is left to Snakemake.
    families : mapping of str to Family
        As in `complete_config`.

    Raises
    ------
    ConfigError
        If an axis has a value that is not allowed.
    """
    parts = target.split("/")
    for name in set(families) & set(parts):
        values = dict(part.split("~", 1) for part in parts if "~" in part)
        if set(families[name].axis_names) <= set(values):
            cell = {axis.name: _read(axis, values[axis.name]) for axis in families[name].all_axes}
            try:
                cell_settings(config, families[name], cell)
            except ConfigError as fault:
                raise ConfigError(f"{target}\n{fault}") from None


def _read(axis: Axis, text: str):
    """Return the value that a path's text spells, or the text itself if it spells none."""
    try:
        value = read_value(axis, text)
    except ValueError:
        return text
    return text if isinstance(value, int) and not text.isdecimal() else value


def _sorted(settings: Mapping) -> dict:
    """Return the settings sorted by key: their digest must not depend on the file's order."""
    return dict(sorted(settings.items()))
