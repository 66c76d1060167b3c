"""Check a configuration against the schema and against itself, and fill in defaults.

Refuses anything that could fail later, before a job starts, with one line for each fault: the
key, what was found, and what is allowed.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from restudy.errors import UserError
from restudy.study.grid import AXES, INTEGER_AXES, all_cells, study_cells

MODELS = ("dense", "conv")
KINDS_OF_MODEL = {
    "dense": ("moons", "circles", "spirals", "blobs", "iris", "digits", "csv"),
    "conv": ("mnist", "fashion_mnist", "idx"),
}
# Where images come from doesn't change what is computed: their bytes are known or digested.
WHENCE = {"mnist": "sources", "fashion_mnist": "sources", "idx": "path"}
# What is only asked of results that are there.
CHECKS = ("against", "tolerance", "certificate")
PARAMETRIC_AXES = ("activation", "initializer")  # a kind, or a named entry with parameters
CHECKED_UNITS, CHECKED_DEPTH = 8, 4  # at most, in the network of the gradient check
LARGEST_NUMBER = 1e300  # also says no to infinities, and (by comparison) to NaN
# TensorFlow computes in 32 bits and takes smaller numbers for 0, larger ones for infinity, and
# what is closer to 1 for 1.
SMALLEST_SINGLE, LARGEST_SINGLE, BELOW_ONE = 1.2e-38, 3.4e38, 0.9999999
DECAYS = ("momentum", "rho", "beta_1", "beta_2")


class ConfigError(UserError):
    """A configuration that cannot be run; the message lists every fault found."""


def complete_config(config: Mapping, schema: Mapping) -> dict:
    """Validated copy of a configuration with every default filled in.

    Parameters
    ----------
    config : mapping
        As read from YAML.
    schema : mapping
        JSON Schema 2020-12; its ``default`` values are filled in.

    Returns
    -------
    dict
        The input is not changed.

    Raises
    ------
    ConfigError
        If a key, type, value, name or combination is not allowed.
    """
    completed = copy.deepcopy(dict(config))
    faults = fill_and_check(completed, schema) or list(_inconsistencies(completed, schema))
    if faults:
        raise ConfigError("\n".join(dict.fromkeys(faults)))
    for section in (*MODELS, "claims"):
        completed.setdefault(section, None)
    return completed


def without_whereabouts(config: Mapping) -> dict:
    """A configuration without where its data lie: of two that differ in that, results are equal."""
    datasets = {
        name: {key: value for key, value in dataset.items() if key not in ("sources", "path")}
        for name, dataset in config["datasets"].items()
    }
    return {**config, "datasets": datasets}


def with_typed_values(config: Mapping, given: Mapping) -> dict:
    """A configuration in which values from the command line have their YAML types.

    Snakemake reads `--config dense='{"protocols": …}'` as YAML but leaves what is inside as text.

    Parameters
    ----------
    config : mapping
        The whole configuration.
    given : mapping
        The part of it that stands on the command line, likewise nested.
    """
    typed = dict(config)
    for key, value in given.items():
        if isinstance(value, Mapping):
            typed[key] = with_typed_values(config[key], value)
        else:
            typed[key] = _typed(value)
    return typed


def _typed(value):
    """A value from the command line, or each of a list, with the type that YAML gives it."""
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def fill_and_check(document: dict, schema: Mapping) -> list[str]:
    """Write a schema's defaults into a document; return a line for each fault found in it."""
    errors = sorted(_filling_validator()(schema).iter_errors(document), key=_position)
    return [line for error in errors for line in _describe(error)]


@cache
def _filling_validator():
    """Draft 2020-12 validator that writes defaults into the instance as it descends."""
    check_properties = Draft202012Validator.VALIDATORS["properties"]

    def fill_then_check(validator, properties, instance, schema):
        if validator.is_type(instance, "object"):
            for key, subschema in properties.items():
                default = _default(validator, subschema)
                if default is not None:
                    instance.setdefault(key, copy.deepcopy(default))
        yield from check_properties(validator, properties, instance, schema)

    # JSON Schema takes 3.0 for an integer and has no word for infinities; here a size must be
    # written as one, because it becomes part of a path, and every number must be finite.
    types = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: (
                isinstance(value, int)
                and not isinstance(value, bool)
                # Else it would be no number, and the bounds of numbers would not hold for it.
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


def _default(validator, subschema):
    """Default of a subschema, its own or that of the definition it refers to."""
    if "default" in subschema or "$ref" not in subschema:
        return subschema.get("default")
    return validator._resolver.lookup(subschema["$ref"]).contents.get("default")


def _position(error: ValidationError) -> str:
    return key_path(error.absolute_path)


def key_path(parts) -> str:
    """A key's place as a user would write it: ``dense.studies.sizes.vary.depth[0]``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _describe(error: ValidationError) -> Iterator[str]:
    """One line for each fault in a schema error."""
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
            yield f"{place}: got {_join(found)} alone; allowed: at least {rule}"
        case "anyOf":
            yield f"{place}: got only {_join(found)}; allowed: datasets with dense, conv or both"
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
    """YAML 1.1 reads 1e-4 and 1.0e4 as text: it wants a dot, and a sign in the exponent."""
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


def _inconsistencies(config: Mapping, schema: Mapping) -> Iterator[str]:
    """Faults that a schema cannot see: names that nothing defines, settings that clash."""
    for name, dataset in config["datasets"].items():
        yield from _dataset_faults(f"datasets.{name}", dataset)
    for model in MODELS:
        if model in config:
            yield from _reference_faults(model, config[model], config["datasets"], schema)
    if "dense" in config:
        yield from _schedule_faults(config["dense"])
    if "conv" in config:
        yield from _single_precision_faults(config["conv"])


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


def _reference_faults(
    model: str, section: Mapping, datasets: Mapping, schema: Mapping
) -> Iterator[str]:
    defined = {
        "dataset": [n for n, d in datasets.items() if d["kind"] in KINDS_OF_MODEL[model]],
        "protocol": list(section["protocols"]),
        "optimizer": list(section["optimizers"]),
    }
    allowed = {axis: [*section[f"{axis}s"], *_kinds(schema, axis)] for axis in PARAMETRIC_AXES}

    def check(place: str, axis: str, name) -> Iterator[str]:
        for word, known in (("defined", defined), ("allowed", allowed)):
            names = known.get(axis, [name])
            if name not in names:
                yield f"{place}: got {name!r}{_hint(name, names)}; {word}: {_join(names)}"

    for axis, name in section["baseline"].items():
        yield from check(f"{model}.baseline.{axis}", axis, name)
    for study_name, study in section["studies"].items():
        place = f"{model}.studies.{study_name}"
        for axis, name in study["fix"].items():
            yield from check(f"{place}.fix.{axis}", axis, name)
            if axis in study["vary"]:
                yield f"{place}.fix.{axis}: also stands under vary; allowed: one of the two"
        for axis, names in study["vary"].items():
            for index, name in enumerate(names):
                yield from check(f"{place}.vary.{axis}[{index}]", axis, name)


def _schedule_faults(section: Mapping) -> Iterator[str]:
    """Warm-ups of dense networks that last longer than the passes."""
    for name, protocol in section["protocols"].items():
        warm_up, passes = protocol["schedule"]["warm_up"], protocol["passes"]
        if warm_up > passes:
            yield (
                f"dense.protocols.{name}.schedule.warm_up: got {warm_up}; allowed: at most "
                f"{passes}, the passes of the protocol"
            )


def _single_precision_faults(section: Mapping) -> Iterator[str]:
    """Numbers of the CNN that 32 bits cannot tell from 0, from infinity or from 1."""
    for group in ("protocols", "optimizers", "activations", "initializers"):
        for name, entry in section[group].items():
            for key, value in entry.items():
                place = f"conv.{group}.{name}.{key}: got {value!r}; allowed:"
                if key == "kind":
                    continue
                if value and not SMALLEST_SINGLE <= abs(value) <= LARGEST_SINGLE:
                    zero = "0, or " if key in _MAY_BE_ZERO else ""
                    yield (
                        f"{place} {zero}{SMALLEST_SINGLE} to {LARGEST_SINGLE}, which the CNN's "
                        "32-bit numbers can hold"
                    )
                elif key in DECAYS and value > BELOW_ONE:
                    yield f"{place} at most {BELOW_ONE}, which 32 bits can tell from 1"


_MAY_BE_ZERO = (*DECAYS, "initial_bias", "initial_accumulator", "weight_decay")


def check_image_counts(config: Mapping, images: Mapping) -> None:
    """Refuse to take more images than there are, for a part of a data set or for a batch.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    images : mapping
        Name of each data set of images -> its counts: ``train`` and ``test``, images in the two
        files.

    Raises
    ------
    ConfigError
        With a line for each fault.
    """
    faults, sound = [], {}
    for name, counts in images.items():
        found = list(_part_faults(f"datasets.{name}", config["datasets"][name], counts))
        faults += found
        if not found:
            sound[name] = counts
    if config["conv"]:
        faults += _batch_faults(config["conv"], config["datasets"], sound)
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


def _batch_faults(section: Mapping, datasets: Mapping, images: Mapping) -> Iterator[str]:
    for study_name, study in section["studies"].items():
        for cell in study_cells("conv", section["baseline"], study):
            name = cell["dataset"]
            if name not in images:
                continue
            dataset, batch = datasets[name], section["protocols"][cell["protocol"]]["batch_size"]
            validation = dataset["validation_examples"]
            examples = dataset["train_examples"] or images[name].train - validation
            smallest = min(examples, validation)
            if batch > smallest:
                yield (
                    f"conv.protocols.{cell['protocol']}.batch_size: got {batch}; allowed: at most "
                    f"{smallest}, the smallest part of data set {name!r} that study "
                    f"{study_name!r} uses"
                )


def cell_settings(config: Mapping, schema: Mapping, model: str, cell: Mapping) -> dict:
    """All that decides what a cell computes: the cell with its settings spelled out.

    Parameters
    ----------
    config : mapping
        A completed configuration.
    schema : mapping
        Its schema, which says what an axis may be.
    model : {"dense", "conv"}
        The cell's model.
    cell : mapping
        One value per axis; it need not belong to a study.

    Returns
    -------
    dict
        cell, dataset, protocol, optimizer, activation and initializer, keys sorted within each.
        What does not change the numbers is left out: where images come from and, for the CNN, the
        number of replicates (each is a job of its own).

    Raises
    ------
    ConfigError
        If the cell has a value that is not allowed, or names what is not defined.
    """
    section = config[model]
    if section is None:
        raise ConfigError(f"{model}: the configuration has no such section")
    axes = {"$ref": f"#/$defs/{model}_cell", "$defs": schema["$defs"]}
    errors = _filling_validator()(axes).iter_errors(dict(cell))
    faults = [f"{model}.{line}" for error in errors for line in _describe(error)]
    if not faults:
        alone = {**section, "studies": {}, "baseline": cell}
        found = _reference_faults(model, alone, config["datasets"], schema)
        faults = [line.replace(".baseline", "", 1) for line in found]
    if faults:
        raise ConfigError("\n".join(faults))
    return settings_lookup(config, schema, model)(cell)


def settings_lookup(
    config: Mapping, schema: Mapping, model: str
) -> Callable[[Mapping], dict[str, dict]]:
    """Function that gives the `cell_settings` of a model's cells that are known to be allowed.

    All cells of the configuration's own studies are. What one value of an axis stands for is
    looked up once, and shared by the cells that have it: a grid has thousands.
    """
    section = config[model]

    @cache
    def part(axis: str, name: str) -> dict:
        if axis in PARAMETRIC_AXES:
            return _parametric(section, schema, axis, name)
        if axis == "dataset":
            dataset = config["datasets"][name]
            left_out = WHENCE.get(dataset["kind"])
            entry = dataset
        else:
            entry = section[f"{axis}s"][name]
            left_out = "replicates" if (model, axis) == ("conv", "protocol") else None
        return _sorted({key: entry[key] for key in entry if key != left_out})

    axes = ("dataset", "protocol", "optimizer", *PARAMETRIC_AXES)
    return lambda cell: {"cell": dict(cell), **{axis: part(axis, cell[axis]) for axis in axes}}


def gradient_check_settings(section: Mapping, schema: Mapping) -> dict:
    """What the gradient check looks at, small enough to take a moment.

    Parameters
    ----------
    section : mapping
        The ``dense`` section of a completed configuration.
    schema : mapping
        The configuration's schema.

    Returns
    -------
    dict
        dataset, initializer, l2 and hidden_size of the baseline, the last at most
        `CHECKED_UNITS`; depth, that of the deepest cell, at most `CHECKED_DEPTH`; activations,
        every one that a cell has, with its parameters.
    """
    baseline = section["baseline"]
    cells = all_cells("dense", section)
    names = dict.fromkeys(cell["activation"] for cell in cells)
    return {
        "dataset": baseline["dataset"],
        "hidden_size": min(baseline["hidden_size"], CHECKED_UNITS),
        "depth": min(max(cell["depth"] for cell in cells), CHECKED_DEPTH),
        "initializer": _parametric(section, schema, "initializer", baseline["initializer"]),
        "l2": section["protocols"][baseline["protocol"]]["l2"],
        "activations": {n: _parametric(section, schema, "activation", n) for n in names},
    }


def _parametric(section: Mapping, schema: Mapping, axis: str, name: str) -> dict:
    """A named entry, or the kind of that name, with all its parameters."""
    entry = dict(section[f"{axis}s"].get(name, {"kind": name}))
    definition = {"$ref": f"#/$defs/{axis}", "$defs": schema["$defs"]}
    list(_filling_validator()(definition).iter_errors(entry))
    return _sorted(entry)


def _kinds(schema: Mapping, axis: str) -> list[str]:
    """Kinds of an axis whose values may be named with parameters of their own."""
    return schema["$defs"][axis]["properties"]["kind"]["enum"]


def check_target(config: Mapping, schema: Mapping, target: str) -> None:
    """Refuse a typed target that spells a cell which cannot be trained.

    Parameters
    ----------
    config, schema : mapping
        As in `cell_settings`.
    target : str
        A path; any that spells no cell is left to Snakemake.

    Raises
    ------
    ConfigError
        If an axis has a value that is not allowed.
    """
    parts = target.split("/")
    for model in set(MODELS) & set(parts):
        values = dict(part.split("~", 1) for part in parts if "~" in part)
        if set(AXES[model]) <= set(values):
            integers = {
                axis: int(values[axis])
                for axis in INTEGER_AXES
                if axis in AXES[model] and values[axis].isdecimal()
            }
            cell = {axis: values[axis] for axis in AXES[model]} | integers
            try:
                cell_settings(config, schema, model, cell)
            except ConfigError as fault:
                raise ConfigError(f"{target}\n{fault}") from None


def _sorted(settings: Mapping) -> dict:
    """The settings in one order, whatever the file's: a run is known by their text."""
    return dict(sorted(settings.items()))
