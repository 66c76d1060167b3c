"""Names in the schema and names in the registries are the same."""

import inspect
import re
from functools import partial

import pytest
import yaml
from conftest import ROOT

from restudy.data.image_files import PUBLISHED_SETS
from restudy.data.points import POINT_SETS
from restudy.families.conv import activations as conv_activations
from restudy.families.conv import initializers as conv_initializers
from restudy.families.conv import optimizers as conv_optimizers
from restudy.families.dense import activations, initializers, optimizers, schedules
from restudy.study.config import KINDS_OF_MODEL, WHENCE

DEFS = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["$defs"]


@pytest.mark.parametrize(
    ("definition", "registry", "given"),
    [
        ("activation", activations.ACTIVATIONS, set()),
        ("activation", conv_activations.ACTIVATIONS, set()),
        ("initializer", initializers.INITIALIZERS, set()),
        ("initializer", conv_initializers.INITIALIZERS, set()),
        # The passes come from the protocol, and make_schedule itself sees to the warm-up.
        ("schedule", schedules.SCHEDULES, {"passes"}),
    ],
)
def test_kinds_with_their_parameters_and_defaults(definition, registry, given):
    branches = DEFS[definition]["allOf"]
    described = {}
    for branch in branches:
        kind = branch["if"]["properties"]["kind"]
        for name in kind.get("enum", [kind.get("const")]):
            described[name] = branch["then"]["properties"]
    assert DEFS[definition]["properties"]["kind"]["enum"] == list(registry)
    assert set(described) == set(registry)
    for name, factory in registry.items():
        parameters = inspect.signature(factory).parameters
        assert set(described[name]) - {"kind", "warm_up"} == set(parameters) - given
        for key in set(parameters) - given:
            assert described[name][key]["default"] == parameters[key].default


@pytest.mark.parametrize(
    ("definition", "make", "parameters"),
    [
        ("activation", activations.make_activation, {}),
        ("activation", conv_activations.make_activation, {}),
        ("initializer", initializers.make_initializer, {}),
        ("initializer", conv_initializers.make_initializer, {}),
        ("optimizer", optimizers.make_optimizer, {"learning_rate": 0.1}),
        ("optimizer", conv_optimizers.build_optimizer, {"learning_rate": 0.1}),
        ("schedule", partial(schedules.make_schedule, passes=10), {"warm_up": 2}),
    ],
)
def test_unknown_kinds_are_refused_with_what_was_found_and_all_that_is_allowed(
    definition, make, parameters
):
    allowed = ", ".join(DEFS[definition]["properties"]["kind"]["enum"])
    for given, found in (({"kind": "lion"}, "'lion'"), ({}, "None")):
        expected = re.escape(f"{definition}: got {found}, allowed: {allowed}")
        with pytest.raises(ValueError, match=f"^{expected}$"):
            make(given | parameters)


def test_dataset_kinds():
    kinds = DEFS["dataset"]["properties"]["kind"]["enum"]
    branches = [b["if"]["properties"]["kind"]["const"] for b in DEFS["dataset"]["allOf"]]
    assert kinds == branches == [*POINT_SETS, *PUBLISHED_SETS, "idx"]
    assert kinds == [*KINDS_OF_MODEL["dense"], *KINDS_OF_MODEL["conv"]]
    for kind, key in WHENCE.items():
        assert key in DEFS["dataset"]["allOf"][kinds.index(kind)]["then"]["properties"]
    assert list(WHENCE) == list(KINDS_OF_MODEL["conv"])


def test_optimizer_kinds_and_their_hyperparameters():
    kinds = DEFS["optimizer"]["properties"]["kind"]["enum"]
    assert kinds == list(optimizers.OPTIMIZERS) == list(conv_optimizers.OPTIMIZERS)
    for branch in DEFS["optimizer"]["allOf"]:
        kind = branch["if"]["properties"]["kind"]["const"]
        allowed = set(branch["then"]["properties"]) - {"kind"}
        for registry in (optimizers.OPTIMIZERS, conv_optimizers.OPTIMIZERS):
            assert allowed == set(inspect.signature(registry[kind]).parameters)


def test_defaults_of_hyperparameters_are_those_of_the_schema():
    factories = [*optimizers.OPTIMIZERS.values(), *conv_optimizers.OPTIMIZERS.values()]
    for factory in factories:
        for name, parameter in inspect.signature(factory).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                assert parameter.default == DEFS[name]["default"]
