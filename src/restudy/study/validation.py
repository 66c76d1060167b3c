"""Check a document against a schema, fill in its defaults, and say each fault in one line."""

import copy
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache

from jsonschema import Draft202012Validator, ValidationError, validators

from restudy.errors import cut, quote, show

LARGEST_NUMBER = 1e300  # also excludes infinities and, since comparisons with it are false, NaN


def fill_and_check(document: dict, schema: Mapping) -> list[str]:
    """Write a schema's defaults into a document; return a line for each fault found in it."""
    schema = _inherit_defaults(schema, schema.get("$defs", {}))
    errors = sorted(filling_validator()(schema).iter_errors(document), key=_position)
    return [line for error in errors for line in describe(error)]


@cache
def filling_validator():
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


def describe(error: ValidationError) -> Iterator[str]:
    """Yield one line for each fault in a schema error."""
    place = key_path(error.absolute_path) or "top level"
    found, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            allowed = list(error.schema.get("properties", {}))
            for key in found:
                if key not in allowed:
                    near = hint(key, allowed)
                    yield f"{place}: unknown key {key!r}{near}; allowed: {join(allowed)}"
        case "required":
            for key in rule:
                if key not in found:
                    yield f"{place}: missing key {key!r}"
        case "enum":
            yield f"{place}: got {quote(found)}{hint(found, rule)}; allowed: {join(rule)}"
        case "type":
            kinds = [rule] if isinstance(rule, str) else rule
            allowed = " or ".join(_TYPES[kind] for kind in kinds)
            yield f"{place}: got {show(found)}; allowed: {allowed}{_number_note(found, rule)}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            bound = {
                "minimum": "at least",
                "exclusiveMinimum": "more than",
                "maximum": "at most",
                "exclusiveMaximum": "less than",
            }[error.validator]
            yield f"{place}: got {quote(found)}; allowed: {bound} {rule}"
        case "minItems" | "minProperties" if not found:
            yield f"{place}: is empty; allowed: at least one entry"
        case "minProperties" | "minItems":
            yield f"{place}: got only {join(found)}; allowed: at least {rule}"
        case "maxItems":
            yield f"{place}: got {len(found)} entries; allowed: at most {rule}"
        case "anyOf":
            names = join(branch["required"][0] for branch in rule)
            yield f"{place}: got only {join(found)}; allowed: datasets with one or more of {names}"
        case "uniqueItems":
            yield f"{place}: got {quote(found)}; allowed: each value once"
        case "pattern" if rule.startswith("^[a-z]"):
            yield (
                f"{place}: got the name {quote(found)}; allowed: a letter from a to z, then "
                "letters, digits and underscores, all in lower case and no underscore at the end"
            )
        case "maxLength":
            yield f"{place}: got {quote(found)}; allowed: at most {rule} characters"
        case "oneOf":
            keys = [key for branch in rule for key in branch["required"]]
            given = [key for key in keys if key in found]
            yield f"{place}: got {join(given)}; allowed: exactly one of {', '.join(keys)}"
        case "minLength":
            yield f"{place}: is empty; allowed: some text"
        case "pattern":
            yield f"{place}: got {quote(found)}; allowed: text of the form {rule}"
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


def _number_note(found, rule) -> str:
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


def hint(found, allowed) -> str:
    """Return the allowed name that is nearest to what was found, as a question; or nothing."""
    close = get_close_matches(cut(str(found)), [str(name) for name in allowed], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def join(names) -> str:
    """Return names as a list in words."""
    return ", ".join(cut(str(name)) for name in names) or "none"
