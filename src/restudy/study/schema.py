"""The schema of a configuration, derived from the facts of families and data sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from restudy.data.kinds import dataset_kinds
from restudy.families.contract import LARGEST_COUNT, Axis, Bundle, Family, Kind, Setting
from restudy.families.plugins import FAMILY_KEY, PLUGINS
from restudy.families.setting_axes import setting_axis, settings_that_vary

NAME = {
    "description": "A name, as used in paths.",
    "type": "string",
    "maxLength": 40,
    "pattern": "^[a-z]([a-z0-9_]*[a-z0-9])?$",
}
TYPES = {
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "text": "string",
}
KEPT_STATE_MEGABYTES = 100  # enough for the CNN of the usual size, with early stopping too
LARGEST_RANGE = 100_000  # values of a range, cells of a sample
LONGEST_QUESTION = 2000  # characters
BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "above": "exclusiveMinimum",
    "below": "exclusiveMaximum",
}


def config_schema(families: Mapping[str, Family]) -> dict:
    """Return the JSON Schema (2020-12) of a configuration.

    Parameters
    ----------
    families : mapping of str to Family
        The families that may have a section in a configuration.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Experiment configuration",
        "type": "object",
        "additionalProperties": False,
        "required": ["datasets"],
        "anyOf": [{"required": [name]} for name in families],
        "properties": {
            **CHECKS,
            "claims": CLAIMS,
            **OWN_FILES,
            "python": PYTHON,
            "datasets": {
                "description": "Named data sets; a cell names one of them.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": NAME,
                "additionalProperties": kinds_schema(dataset_kinds()),
            },
            **{name: section_schema(family) for name, family in families.items()},
        },
        "$defs": _definitions(families),
    }


# What a range has beside its ends, whose bounds are those of the axis.
RANGE = (
    Setting(
        "count",
        "How many values the range has, both ends among them; with sample it may be missing.",
        "integer",
        minimum=2,
        maximum=LARGEST_RANGE,
    ),
    Setting(
        "scale",
        "Whether the values, or their logarithms, are evenly spaced.",
        "choice",
        choices=("linear", "log"),
    ),
)
SAMPLE = (
    Setting(
        "size",
        "How many cells to draw; a larger sample keeps the cells of a smaller one.",
        "integer",
        required=True,
        minimum=1,
        maximum=LARGEST_RANGE,
    ),
    Setting(
        "method",
        "sobol spreads the cells evenly over all axes together, latin_hypercube over each axis, "
        "random draws each by itself.",
        "choice",
        "sobol",
        choices=("sobol", "random", "latin_hypercube"),
    ),
    Setting("seed", "Another seed draws other cells.", "integer", 0, minimum=0, maximum=2**32 - 1),
)


def halving_settings(family: Family) -> tuple[Setting, ...]:
    """Return the settings of successive halving, for a family that trains in passes or steps."""
    # None of the part of the data that results are reported on.
    reported = {each.part for each in family.reported} if family.chosen_by else set()
    measures = [
        each.name
        for each in family.measures
        if each.in_runs and each.better and each.part not in reported
    ]
    default = family.choice.name if family.choice else measures[0]
    return (
        Setting(
            "budgets",
            f"{family.time.plural.capitalize()} of each rung, each more than the one before.",
            "counts",
            required=True,
            minimum=1,
            maximum=LARGEST_COUNT,
            min_length=2,
            max_length=20,
        ),
        Setting(
            "keep",
            "Share of a rung's cells that goes on to the next: at least one cell.",
            default=0.33,
            above=0,
            below=1,
        ),
        Setting(
            "measure",
            "By whose mean over the seeds they are ranked.",
            "choice",
            default,
            choices=tuple(measures),
        ),
    )


# Settings of checks of finished results, and of what else never affects results.
CHECKS = {
    "kept_state_megabytes": {
        "description": "Largest state that a training job keeps when it has ended: with a larger "
        "budget and nothing else changed, training goes on from it. 0 keeps none. Does not affect "
        "results.",
        "type": "number",
        "minimum": 0,
        "default": KEPT_STATE_MEGABYTES,
    },
    "title": {
        "description": "What the run is about, in a few words: the heading of its front page. Does "
        "not affect results.",
        "type": "string",
        "default": "",
        "maxLength": 200,
    },
    "notify": {
        "description": "Command for the shell that is called when a run has ended, with "
        "RESTUDY_OUTCOME (done, failed or interrupted), RESTUDY_SUMMARY, RESTUDY_SECONDS and "
        "RESTUDY_FOLDER among its variables. Does not affect results.",
        "type": "string",
        "default": "",
    },
    "against": {
        "description": "Another run's results/manifest.json, with which the target verify compares "
        "this run's results; relative to the working directory. Does not affect results.",
        "type": "string",
        "minLength": 1,
    },
    "tolerance": {
        "description": "Largest distance (root of the sum of the squared relative differences of "
        "their numbers) at which verify calls two artefacts equal within tolerance. Does not "
        "affect results.",
        "type": "number",
        "minimum": 0,
        "default": 1.0e-6,
    },
    "certificate": {
        "description": "Which jobs the target certificate trains again. Does not affect results.",
        "type": "object",
        "additionalProperties": False,
        "default": {},
        "properties": {
            "share": {
                "description": "Share of the training jobs of each family; at least one of each.",
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 1,
                "default": 0.1,
            },
            "seed": {
                "description": "Another seed chooses other jobs.",
                "type": "integer",
                "minimum": 0,
                "default": 0,
            },
        },
    },
}
CLAIMS = {
    "description": "File of claims about the studies, which the run judges; relative to the "
    "working directory, or else to the project's folder. Without it, no claims are judged.",
    "type": "string",
    "minLength": 1,
}
FILES = {"type": "array", "uniqueItems": True, "items": {"type": "string", "minLength": 1}}
ADDED = {FAMILY_KEY: "a family of models", **{k: each.of_one for k, each in PLUGINS.items()}}
OWN_FILES = {
    key: {
        "description": f"Your own Python files, each with {what}; relative to the working "
        "directory, or else to the project's folder.",
        **FILES,
    }
    for key, what in ADDED.items()
}
PYTHON = {
    "description": "Of families in your own files, by name: the Python that it trains in, if that "
    "is not the one that runs the rest. Where it lies does not affect results, what is installed "
    "there may.",
    "type": "object",
    "additionalProperties": {"type": "string", "minLength": 1},
}


def section_schema(family: Family) -> dict:
    """Return the schema of a family's section."""
    bundles = {
        bundle.name: {
            "description": bundle.description,
            "type": "object",
            "propertyNames": NAME,
            "additionalProperties": bundle_schema(bundle),
            **({"default": {}} if bundle.plain else {"minProperties": 1}),
        }
        for bundle in family.bundles.values()
    }
    required = [bundle.name for bundle in family.bundles.values() if not bundle.plain]
    return {
        "description": family.description,
        "type": "object",
        "additionalProperties": False,
        "required": ["baseline", "protocols", *required, "studies"],
        "properties": {
            "baseline": {
                **cell_schema(family),
                "description": "The cell that every study starts from.",
                "required": list(family.axis_names),
            },
            "protocols": {
                "description": "Named bundles of what is held fixed while axes vary.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": NAME,
                "additionalProperties": settings_schema(family.settings),
            },
            **bundles,
            "studies": {
                "description": "Named questions, each a grid of cells around the baseline.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": NAME,
                "additionalProperties": study_schema(family),
            },
        },
    }


def study_schema(family: Family) -> dict:
    """Return the schema of one study."""
    varied = {
        name: _varied_schema(schema, _reference(family, name))
        for name, schema in values_by_axis(family).items()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["question", "vary"],
        "properties": {
            "question": {
                "description": "What the study asks, in plain words; shown in the report.",
                "type": "string",
                "minLength": 1,
                "maxLength": LONGEST_QUESTION,
            },
            "fix": {
                **cell_schema(family),
                "description": "Values that differ from the baseline throughout the study.",
                "default": {},
            },
            "vary": {
                "description": "The values that each varied axis takes, a list or a range; the "
                "cells are their product, or a sample of it.",
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": varied,
            },
            "sample": {
                "description": "Draw this many cells of the product instead of taking all.",
                **settings_schema(SAMPLE),
            },
            **_halving_schema(family),
        },
    }


def _halving_schema(family: Family) -> dict:
    if not (family.time and any(each.in_runs and each.better for each in family.measures)):
        return {}
    return {
        "halving": {
            "description": "Train all cells with the first budget, those that are best then with "
            "the second, and so on: its cells are those of the first rung.",
            **settings_schema(halving_settings(family)),
        }
    }


def _varied_schema(value: Mapping[str, Any], reference: Mapping[str, str]) -> dict:
    """Return the schema of what a study gives for an axis: a list, or a mapping."""
    several = {"minItems": 1, "uniqueItems": True, "items": reference}
    properties = {"values": {"type": "array", **several}, "only_if": {"$ref": "#/$defs/only_if"}}
    if value.get("type") in ("number", "integer"):
        ends = {end: {"type": value["type"]} for end in ("from", "to")}
        properties |= ends | {each.name: {"$ref": f"#/$defs/{each.name}"} for each in RANGE}
    return {
        "type": ["array", "object"],
        **several,
        "additionalProperties": False,
        "properties": properties,
    }


def _reference(family: Family, name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{family.name}.{name}"}


def _definitions(families: Mapping[str, Family]) -> dict[str, dict]:
    """Return the schemas that others refer to: the values of every axis, the keys of a range."""
    values = {
        f"{family.name}.{name}": schema
        for family in families.values()
        for name, schema in values_by_axis(family).items()
    }
    return {
        "only_if": {
            "description": "The values of other axes, one or a list, under which this one varies; "
            "elsewhere it keeps its fixed value.",
            "type": "object",
            "minProperties": 1,
        },
        **{setting.name: setting_schema(setting) for setting in RANGE},
        **values,
    }


def _constraints(schema: Mapping[str, Any]) -> dict:
    return {key: each for key, each in schema.items() if key not in ("description", "default")}


def cell_schema(family: Family) -> dict:
    """Return the schema of values for axes, and for settings of what stands on them."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _reference(family, name) for name in values_by_axis(family)},
    }


def values_by_axis(family: Family) -> dict[str, dict]:
    """Return the schema of a value of each axis, and of each setting that may be varied."""
    found = {
        axis.name: {"description": axis.description, **value_schema(axis)}
        for axis in family.all_axes
    }
    for axis in family.all_axes:
        for name, settings in settings_that_vary(family, axis).items():
            found[setting_axis(axis.name, name)] = _common_schema(settings)
    return found


def _common_schema(settings: Sequence[Setting]) -> dict:
    """Return the schema of a setting that several kinds have; with its range, if it is the same."""
    schemas = [
        {key: each for key, each in setting_schema(setting).items() if key != "default"}
        for setting in settings
    ]
    first = schemas[0]
    if all(_constraints(schema) == _constraints(first) for schema in schemas):
        return first
    return {"description": first["description"], "type": first["type"]}


def value_schema(axis: Axis) -> dict:
    """Return the schema of one value of an axis."""
    if axis.values == "choice":
        return {"enum": list(axis.choices)}
    if axis.is_number:
        kind = "integer" if axis.values == "whole_number" else "number"
        return {"type": kind, **_bounds(axis)}
    return {"type": "string"}


def bundle_schema(bundle: Bundle) -> dict:
    """Return the schema of one named entry of a bundle."""
    return {"description": bundle.entry, **kinds_schema(bundle.kinds, bundle.settings)}


def kinds_schema(kinds: Sequence[Kind], common: Iterable[Setting] = ()) -> dict:
    """Return the schema of a mapping with one of several kinds and the settings of that kind."""
    return {
        "type": "object",
        "required": ["kind", *(setting.name for setting in common if setting.required)],
        "properties": {"kind": {"enum": [kind.name for kind in kinds]}},
        "allOf": [
            {
                "if": {"required": ["kind"], "properties": {"kind": {"const": kind.name}}},
                "then": settings_schema((*common, *kind.settings), {"kind": {}}),
            }
            for kind in kinds
        ],
    }


def settings_schema(settings: Iterable[Setting], first: Mapping | None = None) -> dict:
    """Return the schema of a mapping with these settings and no other keys."""
    settings = tuple(settings)
    required = [setting.name for setting in settings if setting.required]
    return {
        "type": "object",
        "additionalProperties": False,
        **({"required": required} if required else {}),
        "properties": {**(first or {}), **{each.name: setting_schema(each) for each in settings}},
    }


def setting_schema(setting: Setting) -> dict:
    """Return the schema of one setting's value."""
    schema: dict[str, Any] = {"description": setting.description}
    if setting.type == "choice":
        schema["enum"] = list(setting.choices)
    elif setting.type == "settings":
        schema |= settings_schema(setting.settings)
    elif setting.type == "kind":
        schema |= kinds_schema(setting.kinds)
    elif setting.type == "kinds":
        schema |= {"type": "array", "minItems": 1, "items": kinds_schema(setting.kinds)}
    elif setting.type == "counts":
        schema |= {"type": "array", "minItems": setting.min_length}
        if setting.max_length is not None:
            schema["maxItems"] = setting.max_length
        schema["items"] = {"type": "integer", **_bounds(setting)}
    else:
        schema |= {"type": TYPES[setting.type], **_bounds(setting)}
        if setting.pattern:
            schema["pattern"] = setting.pattern
        elif setting.type == "text":
            schema["minLength"] = 1
    if setting.default is not None:
        schema["default"] = setting.default
    return schema


def _bounds(bounded: Setting | Axis) -> dict:
    found = {keyword: getattr(bounded, name) for name, keyword in BOUNDS.items()}
    return {keyword: bound for keyword, bound in found.items() if bound is not None}
