"""Kinds in the records and kinds that there is code for are the same, as are their settings."""

import inspect
import re
from functools import partial

import pytest

from restudy.data.image_files import PUBLISHED_SETS
from restudy.data.kinds import DATASET_KINDS, dataset_kind, kinds_that
from restudy.data.points import POINT_SETS
from restudy.families import components
from restudy.families.contract import IMAGES, POINTS
from restudy.families.conv import activations as conv_activations
from restudy.families.conv import initializers as conv_initializers
from restudy.families.conv import optimizers as conv_optimizers
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.dense import activations, initializers, optimizers, schedules
from restudy.families.dense.family import FAMILY as DENSE

IN_TENSORFLOW = tuple(kind for kind in components.ACTIVATIONS if kind.tensorflow)
SCHEDULES = next(each for each in DENSE.settings if each.name == "schedule").kinds
REGISTRIES = [
    # Records, code, and parameters that come from elsewhere.
    (components.ACTIVATIONS, activations.ACTIVATIONS, set()),
    (IN_TENSORFLOW, conv_activations.ACTIVATIONS, set()),
    (components.INITIALIZERS, initializers.INITIALIZERS, set()),
    (components.INITIALIZERS, conv_initializers.INITIALIZERS, set()),
    (components.OPTIMIZERS, optimizers.OPTIMIZERS, {"learning_rate"}),
    (components.OPTIMIZERS, conv_optimizers.OPTIMIZERS, {"learning_rate"}),
    # The passes come from the protocol, and make_schedule itself sees to the warm-up.
    (components.SCHEDULES, schedules.SCHEDULES, {"passes"}),
]


@pytest.mark.parametrize(("records", "registry", "given"), REGISTRIES)
def test_kinds_with_their_parameters_and_defaults(records, registry, given):
    assert [kind.name for kind in records] == list(registry)
    for kind in records:
        parameters = inspect.signature(registry[kind.name]).parameters
        described = {setting.name: setting for setting in kind.settings}
        assert set(described) - {"warm_up"} == set(parameters) - given
        for name in set(parameters) - given:
            default = parameters[name].default
            if default is not inspect.Parameter.empty:
                assert described[name].default == default


def test_learning_rate_is_a_setting_of_every_optimizer():
    (setting,) = components.optimizer_axis("dense").bundle.settings
    assert setting.name == "learning_rate" and setting.required
    for registry in (optimizers.OPTIMIZERS, conv_optimizers.OPTIMIZERS):
        for factory in registry.values():
            assert "learning_rate" in inspect.signature(factory).parameters


def test_families_offer_what_they_have_code_for():
    for family, registry in (
        (DENSE, activations.ACTIVATIONS),
        (CONV, conv_activations.ACTIVATIONS),
    ):
        assert [kind.name for kind in family.bundles["activation"].kinds] == list(registry)
    assert tuple(kind.name for kind in SCHEDULES) == tuple(schedules.SCHEDULES)


@pytest.mark.parametrize(
    ("what", "records", "make", "parameters"),
    [
        ("activation", components.ACTIVATIONS, activations.make_activation, {}),
        ("activation", IN_TENSORFLOW, conv_activations.make_activation, {}),
        ("initializer", components.INITIALIZERS, initializers.make_initializer, {}),
        ("initializer", components.INITIALIZERS, conv_initializers.make_initializer, {}),
        ("optimizer", components.OPTIMIZERS, optimizers.make_optimizer, {"learning_rate": 0.1}),
        (
            "optimizer",
            components.OPTIMIZERS,
            conv_optimizers.build_optimizer,
            {"learning_rate": 0.1},
        ),
        (
            "schedule",
            components.SCHEDULES,
            partial(schedules.make_schedule, passes=10),
            {"warm_up": 2},
        ),
    ],
)
def test_unknown_kinds_are_refused_with_what_was_found_and_all_that_is_allowed(
    what, records, make, parameters
):
    allowed = ", ".join(kind.name for kind in records)
    for given, found in (({"kind": "lion"}, "'lion'"), ({}, "None")):
        expected = re.escape(f"{what}: got {found}, allowed: {allowed}")
        with pytest.raises(ValueError, match=f"^{expected}$"):
            make(given | parameters)


def test_dataset_kinds():
    assert kinds_that(POINTS) == tuple(POINT_SETS)
    assert kinds_that(IMAGES) == (*PUBLISHED_SETS, "idx")
    assert len(DATASET_KINDS) == len(POINT_SETS) + len(PUBLISHED_SETS) + 1
    for name in kinds_that(IMAGES):
        # Where images lie does not affect results, and is said for every kind of them.
        assert any(not setting.affects_results for setting in dataset_kind(name).settings)
