"""Names in the schema and names in the registries are the same."""

import inspect

import yaml
from conftest import ROOT

from backprop.conv import activations as conv_activations
from backprop.conv import initializers as conv_initializers
from backprop.conv import optimizers as conv_optimizers
from backprop.data.points import POINT_SETS
from backprop.dense import activations, initializers, optimizers

DEFS = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["$defs"]


def test_dense_activations():
    assert DEFS["dense_activation"]["enum"] == list(activations.ACTIVATIONS)


def test_dense_initializers():
    assert DEFS["dense_initializer"]["enum"] == list(initializers.INITIALIZERS)


def test_conv_activations():
    assert DEFS["conv_activation"]["enum"] == list(conv_activations.ACTIVATIONS)


def test_conv_initializers():
    assert DEFS["conv_initializer"]["enum"] == list(conv_initializers.INITIALIZERS)


def test_dataset_kinds():
    kinds = DEFS["dataset"]["properties"]["kind"]["enum"]
    assert kinds == [*POINT_SETS, "mnist"]


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
