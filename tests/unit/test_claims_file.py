"""Claims become contrasts over cells; whatever the configuration lacks is refused in one line."""

import copy
import dataclasses
import json
from fractions import Fraction
from itertools import pairwise, permutations

import pytest
import svc_family
import yaml
from conftest import ROOT

from restudy.claims.document import (
    ClaimsError,
    claims_schema,
    complete_claims,
    needed_tables,
    needed_tensors,
    read_claims,
)
from restudy.claims.forms import FORMS, shapley_terms
from restudy.families.contract import Axis, Family, Measure, Time, count
from restudy.families.registry import FAMILIES
from restudy.study.config import complete_config, with_typed_values

SCHEMA = claims_schema()
CONFIG = complete_config(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
CLAIM = {
    "id": "ranking",
    "source": "Part 1",
    "statement": "The loss is lowest with ReLU.",
    "model": "dense",
    "study": "activations",
    "tests": [
        {
            "form": "ordered",
            "measure": "train_loss",
            "axis": "activation",
            "order": ["relu", "tanh", "sigmoid"],
        }
    ],
}
CNN = CLAIM | {"model": "conv", "study": "baseline"}


def complete(*claims):
    return complete_claims({"claims": list(claims)}, CONFIG)


def with_test(claim, **test):
    return {**copy.deepcopy(claim), "tests": [test]}


def figure(claim, wanted, planar=None):
    claims = {"claims": [{**claim, "figure": wanted}]}
    (done,) = complete_claims(claims, CONFIG, planar)
    return done["figure"]


def contrasts(claim, protocol="corrected"):
    (done,) = complete(claim)
    return done["protocols"][protocol]


def test_the_studys_fourteen_claims_can_be_judged_on_the_default_configuration():
    claims = read_claims(ROOT / "config/claims.yaml", CONFIG)
    assert len(claims) == 14
    for claim in claims:
        expected = ["published", "corrected"] if claim["model"] == "dense" else None
        assert expected in (None, list(claim["protocols"]))
    used = {part["form"] for c in claims for p in c["protocols"].values() for part in p}
    assert len(used) == 9 and used <= set(FORMS)


def test_an_order_is_a_contrast_between_neighbours_for_each_protocol():
    for protocol in ("published", "corrected"):
        first, second = contrasts(CLAIM, protocol)
        for part, (high, low) in ((first, ("tanh", "relu")), (second, ("sigmoid", "tanh"))):
            (plus, upper, _), (minus, lower, _) = part["terms"]
            assert (plus, minus) == (1.0, -1.0)
            assert (upper["activation"], lower["activation"]) == (high, low)
            assert upper["protocol"] == lower["protocol"] == protocol
            assert part["constant"] == part["margin"] == 0


@pytest.mark.parametrize(("direction", "order"), [("rising", 1), ("falling", -1)])
def test_monotone_takes_the_axis_in_the_studys_order(direction, order):
    claim = with_test(
        CLAIM | {"study": "hidden_sizes"},
        form="monotone", measure="train_loss", axis="hidden_size", direction=direction,
    )  # fmt: skip
    found = [part["terms"][0][1]["hidden_size"] for part in contrasts(claim)]
    assert found == [3, 5, 8, 50][::order][1:]


def test_a_threshold_has_a_side():
    test = {"form": "threshold", "measure": "train_loss", "cells": {"activation": "tanh"}}
    (above,) = contrasts(with_test(CLAIM, **test, above=0.25))
    (below,) = contrasts(with_test(CLAIM, **test, below=0.25, margin=0.1))
    assert (above["terms"][0][0], above["constant"]) == (1.0, 0.25)
    assert (below["terms"][0][0], below["constant"], below["margin"]) == (-1.0, -0.25, 0.1)


def test_equality_is_tested_on_both_sides():
    test = {"form": "equals", "measure": "test_accuracy", "value": 0.9869, "tolerance": 0.003}
    low, high = contrasts(with_test(CNN, **test), "full")
    assert low["constant"] == pytest.approx(0.9839)
    assert high["constant"] == pytest.approx(-0.9899)


def test_a_boundary_is_claimed_straight_or_not():
    (straight,) = contrasts(with_test(CLAIM, form="linear_boundary", cells={"activation": "tanh"}))
    assert (straight["terms"][0][0], straight["constant"]) == (1.0, 0.98)
    (curved,) = contrasts(
        with_test(
            CLAIM, form="linear_boundary", linear=False, agreement=0.9, cells={"activation": "relu"}
        )
    )
    assert (curved["terms"][0][0], curved["constant"]) == (-1.0, -0.9)


def test_overfitting_is_a_gap_that_grows():
    ends = {"from": 3, "to": 50}
    claim = CLAIM | {"study": "hidden_sizes"}
    claim = with_test(claim, form="overfitting", axis="hidden_size", margin=0.1, **ends)
    (part,) = contrasts(claim)
    signs = {cell["hidden_size"]: coefficient for coefficient, cell, _ in part["terms"]}
    assert signs == {50: 1.0, 3: -1.0}
    assert (part["measure"], part["margin"]) == ("generalisation_gap", 0.1)


@pytest.mark.parametrize(("direction", "sign"), [("rising", 1.0), ("falling", -1.0)])
def test_a_trend_is_the_end_less_the_start(direction, sign):
    def times(claim, protocol, **test):
        test = {"form": "trend", "direction": direction, **test}
        ends, course = contrasts(with_test(claim, **test, correlation=0.3), protocol)
        (alone,) = contrasts(with_test(claim, **test, correlation=0), protocol)
        assert alone == ends and ends["over"] is None
        found = {at: coefficient for coefficient, _, at in ends["terms"]}
        assert course["over"] == {"kind": "course", "from": min(found), "to": max(found)}
        ((weight, _, at),) = course["terms"]
        assert (weight, at, course["constant"]) == (sign, None, 0.3)
        return found

    cells = {"activation": "tanh"}
    dense = times(CLAIM, "corrected", measure="train_loss", cells=cells)
    assert dense == {20000: sign, 0: -sign}
    assert times(CNN, "full", measure="train_loss") == {5500: sign, 0: -sign}
    # The test set is first judged after an interval.
    assert times(CNN, "full", measure="test_loss") == {5500: sign, 1100: -sign}
    named = times(CNN, "full", measure="conv1/bias/std", **{"from": 100, "to": 200})
    assert named == {200: sign, 100: -sign}


def test_a_share_of_seeds_has_a_side_and_a_share():
    test = {"form": "share", "measure": "train_accuracy", "cells": {"activation": "tanh"}}
    (part,) = contrasts(with_test(CLAIM, **test, above=0.9, share=0.8))
    assert (part["share"], part["constant"], part["margin"]) == (0.8, 0.9, 0.0)
    assert part["terms"][0][0] == 1.0
    (part,) = contrasts(with_test(CLAIM, **test, below=0.9, share=0.8))
    assert (part["terms"][0][0], part["constant"]) == (-1.0, -0.9)


def test_equivalence_is_tested_on_both_sides():
    test = {"form": "equivalent", "measure": "train_loss", "axis": "activation", "tolerance": 0.1}
    first, second = contrasts(with_test(CLAIM, **test, values=["tanh", "relu"]))
    for part, sign in ((first, 1.0), (second, -1.0)):
        weights = {cell["activation"]: weight for weight, cell, _ in part["terms"]}
        assert weights == {"relu": sign, "tanh": -sign}
        # sign · (relu - tanh) + 0.1 > 0
        assert part["constant"] == -0.1 and part["margin"] == 0


def test_faster_compares_the_times_of_neighbours_and_is_about_the_typical_seed():
    test = {"form": "faster", "measure": "train_loss", "level": 0.3, "axis": "activation"}
    order = ["relu", "tanh", "sigmoid"]
    parts = contrasts(with_test(CLAIM, **test, order=order, margin=100))
    for part, (sooner, later) in zip(parts, pairwise(order), strict=True):
        weights = {cell["activation"]: weight for weight, cell, _ in part["terms"]}
        assert weights == {later: 1.0, sooner: -1.0}
        assert part["over"] == {"kind": "time_to_reach", "level": 0.3, "better": "lower"}
        assert (part["judged_by"], part["margin"]) == ("typical_seed", 100.0)
    (accuracy,) = contrasts(
        with_test(CLAIM, **test | {"measure": "heldout_accuracy", "order": order[:2]})
    )
    assert accuracy["over"]["better"] == "higher"


def test_an_interaction_is_a_difference_of_differences():
    claim = CNN | {"study": "factors"}
    start, end = (
        {"activation": "relu", "optimizer": "adam"},
        {"activation": "tanh", "optimizer": "gd"},
    )
    test = {"form": "interaction", "measure": "test_accuracy", "from": start, "to": end}
    (part,) = contrasts(with_test(claim, **test, cells={"initializer": "xavier_uniform"}), "short")
    weights = {(cell["activation"], cell["optimizer"]): weight for weight, cell, _ in part["terms"]}
    assert weights == {
        ("tanh", "gd"): 1.0, ("relu", "gd"): -1.0, ("tanh", "adam"): -1.0, ("relu", "adam"): 1.0,
    }  # fmt: skip


def test_how_tests_are_judged_is_said_once_or_for_each():
    claim = with_test(CLAIM, **ORDERED)
    for own, shared, expected in (
        ({}, {}, "mean"), ({}, {"judged_by": "normal"}, "normal"),
        ({"judged_by": "typical_seed"}, {"judged_by": "normal"}, "typical_seed"),
    ):  # fmt: skip
        given = {**claim, "tests": [{**claim["tests"][0], **own, "because": "It is small."}]}
        (done,) = complete_claims({"claims": [given], **shared}, CONFIG)
        part = done["protocols"]["corrected"][0]
        assert (part["judged_by"], part["because"]) == (expected, "It is small.")


def test_a_spread_may_say_how_many_seeds_it_is_from():
    for given, expected in (
        (0.1, {"value": 0.1, "seeds": None}), ({"value": 0.1, "seeds": 3},) * 2,
    ):  # fmt: skip
        (part, *_) = contrasts(with_test(CLAIM, **ORDERED, spread=given))
        assert part["spread"] == expected


def test_the_end_counts_as_a_record_even_before_the_first_interval():
    config = copy.deepcopy(CONFIG)
    config["conv"]["protocols"]["full"]["steps"] = 1000
    claim = with_test(CNN, form="threshold", measure="test_loss", above=0, at=1000)
    (done,) = complete_claims({"claims": [claim]}, config)
    assert done["protocols"]["full"][0]["terms"][0][2] == 1000


def test_a_distribution_is_near_a_shape():
    test = {"form": "distribution", "tensor": "conv1/bias", "shape": "normal", "distance": 0.1}
    (part,) = contrasts(with_test(CNN, **test), "full")
    assert (part["terms"][0][0], part["constant"]) == (-1.0, -0.1)
    assert part["measure"] == "conv1/bias/normal_distance"


def test_a_distribution_is_near_the_initial_one():
    test = {"form": "distribution", "tensor": "conv1/weights", "shape": "initial"}
    (part,) = contrasts(with_test(CNN, **test), "full")
    assert part["measure"] == "conv1/weights/initial_distance"
    assert part["label"].startswith("0.05 − distance from the initial distribution")


def quantities(claim, protocol="corrected"):
    """What readers are shown of each contrast: words, zero, bound and side."""
    keys = ("quantity", "zero", "bound", "direction")
    return [tuple(part[key] for key in keys) for part in contrasts(claim, protocol)]


TANH = {"activation": "tanh"}
OF_CELLS = [
    (
        {"form": "threshold", "measure": "train_loss", "below": 0.25, "at": 2000, "cells": TANH},
        [("Training loss (nats), after 2,000 training passes, tanh", "", 0.25, "below")],
    ),
    (
        {"form": "linear_boundary", "linear": False, "agreement": 0.9, "cells": TANH},
        [("Boundary linearity, tanh", "", 0.9, "below")],
    ),
    (
        {"form": "share", "measure": "train_loss", "above": 0.5, "share": 0.8, "cells": TANH},
        [("Share of seeds with training loss (nats), tanh above 0.5", "", 0.5, "above")],
    ),
    (
        {"form": "ordered", "measure": "train_loss", "axis": "activation",
         "order": ["relu", "tanh"]},
        [("Training loss (nats): tanh minus ReLU", "no difference", 0.0, "above")],
    ),
    (
        {"form": "equivalent", "measure": "train_loss", "axis": "activation",
         "values": ["relu", "tanh"], "tolerance": 0.1},
        [("Training loss (nats): tanh minus ReLU", "no difference", bound, side)
         for bound, side in ((-0.1, "above"), (0.1, "below"))],
    ),
    (
        {"form": "faster", "measure": "train_loss", "axis": "activation", "level": 0.3,
         "order": ["relu", "tanh"]},
        [("Training passes until training loss (nats) is at 0.3: tanh minus ReLU",
          "no difference", 0.0, "above")],
    ),
    (
        {"form": "trend", "measure": "train_loss", "direction": "falling", "cells": TANH},
        [("Training loss (nats), tanh: change from 0 to 20,000 training passes", "no change", 0.0,
          "below"),
         ("Training loss, tanh: rank correlation with time, from 0 to 20,000 training passes",
          "no trend", -0.5, "below")],
    ),
]  # fmt: skip
OF_TENSORS = [
    (
        {"form": "equals", "measure": "test_accuracy", "value": 0.5, "tolerance": 0.25},
        [("Test accuracy", "", 0.25, "above"), ("Test accuracy", "", 0.75, "below")],
    ),
    (
        {"form": "distribution", "tensor": "conv1/weights", "shape": "initial", "distance": 0.1},
        [("Distance of weights from the initial distribution, first convolution", "", 0.1,
          "below")],
    ),
    (
        {"form": "threshold", "measure": "conv1/bias/std", "above": 0.25},
        [("Standard deviation of bias, first convolution", "", 0.25, "above")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("test", "expected"), OF_CELLS)
def test_what_a_contrast_is_about_is_said_in_words_with_its_unit(test, expected):
    assert quantities(with_test(CLAIM, **test)) == expected


@pytest.mark.parametrize(("test", "expected"), OF_TENSORS)
def test_a_tensor_is_named_in_words(test, expected):
    assert quantities(with_test(CNN, **test), "full") == expected


@pytest.mark.parametrize(("test", "expected"), OF_CELLS)
def test_a_contrast_is_the_distance_of_its_quantity_from_the_bound(test, expected):
    for part in contrasts(with_test(CLAIM, **test)):
        sign = 1.0 if part["direction"] == "above" else -1.0
        assert part["constant"] == sign * part["bound"]
        assert part["terms"][0][0] == sign


def test_the_last_pass_counts_though_it_is_no_multiple():
    config = copy.deepcopy(CONFIG)
    for protocol in ("published", "corrected"):
        config["dense"]["protocols"][protocol]["record_interval"] = 300
    claim = with_test(CLAIM, **ORDERED, at=20000)
    (done,) = complete_claims({"claims": [claim]}, config)
    assert done["protocols"]["corrected"][0]["terms"][0][2] == 20000


def owed_to_the_activation(share):
    corners = {"from": {"activation": "relu", "optimizer": "adam"}}
    corners["to"] = {"activation": "tanh", "optimizer": "gd"}
    return with_test(
        CLAIM | {"model": "conv", "study": "factors"},
        form="attribution", measure="test_accuracy", factor="activation", share=share,
        cells={"initializer": "xavier_uniform"}, **corners,
    )  # fmt: skip


def test_part_of_a_difference_weighs_the_corners_by_hand():
    whole, owed = contrasts(owed_to_the_activation(share=0.8), "short")

    def weights(part):
        return {(c["activation"], c["optimizer"]): weight for weight, c, _ in part["terms"]}

    assert weights(whole) == {("relu", "adam"): 1.0, ("tanh", "gd"): -1.0}
    # Half of each of the two ways that change the activation, less 0.8 of the whole.
    by_hand = {("relu", "adam"): -0.3, ("tanh", "gd"): 0.3, ("tanh", "adam"): -0.5}
    assert weights(owed) == pytest.approx(by_hand | {("relu", "gd"): 0.5})


def test_what_cancels_leaves_no_term():
    _, owed = contrasts(owed_to_the_activation(share=0.5), "short")
    assert [weight for weight, _, _ in owed["terms"]] == [-0.5, 0.5]


def test_parts_of_a_difference_are_shapley_values():
    factors = ["a", "b", "c"]
    value = {
        frozenset(changed): Fraction(number * number + 3, 7)
        for number, changed in enumerate(
            [(), "a", "b", "c", ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
        )
    }
    total = Fraction(0)
    for factor in factors:
        found = sum(
            Fraction(weight).limit_denominator(1000) * value[changed]
            for weight, changed in shapley_terms(factors, factor)
        )
        orders = list(permutations(factors))
        by_hand = Fraction(0)
        for order in orders:
            before = frozenset(order[: order.index(factor)])
            by_hand += value[before] - value[before | {factor}]
        assert found == by_hand / len(orders)
        total += found
    assert total == value[frozenset()] - value[frozenset(factors)]


def test_attribution_names_eight_cells_and_cancels_none_of_the_difference():
    claim = with_test(
        CLAIM | {"model": "conv", "study": "factors"},
        form="attribution", measure="test_accuracy", factor="activation", share=0.5,
        **{"from": {"activation": "relu", "initializer": "truncated_normal", "optimizer": "adam"},
           "to": {"activation": "tanh", "initializer": "xavier_uniform", "optimizer": "gd"}},
    )  # fmt: skip
    whole, owed = contrasts(claim, "short")
    assert [coefficient for coefficient, _, _ in whole["terms"]] == [1.0, -1.0]
    assert len(owed["terms"]) == 8
    assert sum(coefficient for coefficient, _, _ in owed["terms"]) == pytest.approx(0)


def test_needed_tables_are_those_of_the_measures():
    claims = complete(
        with_test(CLAIM, form="linear_boundary", cells={"activation": "tanh"}),
        with_test(CNN | {"id": "b"}, form="distribution", tensor="conv1/bias", shape="normal"),
        with_test(
            CNN | {"id": "c"}, form="trend", measure="conv1/weights/mean", direction="falling"
        ),
    )
    assert needed_tables(claims) == [
        "conv_runs.csv",
        "conv_scalars.parquet",
        "conv_shapes.parquet",
        "dense_linearity.parquet",
        "dense_runs.csv",
    ]
    assert needed_tables(complete(with_test(CLAIM, **ORDERED, at=400))) == [
        "dense_history.parquet",
        "dense_runs.csv",
    ]
    assert needed_tensors(claims, "conv") == ["conv1/bias"]
    assert needed_tensors(claims, "dense") == []


ORDERED = CLAIM["tests"][0]
FAULTS = {
    "unknown key": (CLAIM | {"sourse": "x"}, "claims[0]: unknown key 'sourse'", "allowed"),
    "unknown form": (
        with_test(CLAIM, form="orderd"), "claims[0].tests[0].form: got 'orderd'", "'ordered'",
    ),
    "key of another form": (
        with_test(CLAIM, **ORDERED, tolerance=1), "tests[0]: unknown key 'tolerance'", "allowed",
    ),
    "no such study": (
        CLAIM | {"study": "activation"},
        "claims[0] (ranking).study: got 'activation' (did you mean 'activations'?)",
        "hidden_sizes",
    ),
    "no such measure": (
        with_test(CLAIM, **ORDERED | {"measure": "loss"}), "tests[0].measure: got 'loss'",
        "train_loss",
    ),
    "no such value": (
        with_test(CLAIM, **ORDERED | {"order": ["relu", "elu"]}), "activation: got 'elu'",
        "tanh, sigmoid, relu",
    ),
    "no such axis": (
        with_test(CLAIM, **ORDERED | {"axis": "units"}), "tests[0].axis: got 'units'", "activation",
    ),
    "an open axis": (
        with_test(CLAIM, form="threshold", measure="train_loss", above=0),
        "still open is activation (tanh, sigmoid, relu)", "one value for each axis",
    ),
    "an axis that does not vary": (
        with_test(CLAIM, form="monotone", measure="train_loss", axis="depth", direction="rising"),
        "tests[0].axis: got 'depth'", "allowed: activation",
    ),
    "an axis that is fixed and compared": (
        with_test(CLAIM, **ORDERED, cells={"activation": "relu"}),
        "tests[0].cells.activation: got 'relu'", "the axis that is compared",
    ),
    "an axis that overfitting does not have": (
        with_test(CLAIM, form="overfitting", axis="units", **{"from": 1, "to": 4}),
        "tests[0].axis: got 'units'", "hidden_size",
    ),
    "overfitting at one value": (
        with_test(CLAIM, form="overfitting", axis="activation", **{"from": "relu", "to": "relu"}),
        "tests[0].to: got 'relu', the same as from", "",
    ),
    "protocols against each other": (
        with_test(CLAIM, form="ordered", measure="train_loss", axis="protocol",
                  order=["published", "corrected"], cells={"activation": "tanh"}),
        "tests[0].axis: got 'protocol'", "a verdict for each",
    ),
    "a protocol as a factor": (
        with_test(CLAIM, form="attribution", measure="train_loss", factor="activation",
                  **{"from": {"activation": "relu", "protocol": "published"},
                     "to": {"activation": "tanh", "protocol": "corrected"}}),
        "tests[0].from: got 'protocol'", "a verdict for each",
    ),
    "a factor that is no axis": (
        with_test(CLAIM, form="attribution", measure="train_loss", factor="activation",
                  **{"from": {"activation": "relu", "units": 1},
                     "to": {"activation": "tanh", "units": 2}}),
        "tests[0].from: got 'units'", "hidden_size",
    ),
    "a layer that the network lacks": (
        with_test(CLAIM, form="distribution", tensor="layer3/weights", shape="uniform",
                  cells={"activation": "tanh"}),
        "tests[0].tensor: got 'layer3/weights'",
        "a layer that the cell's network has, one of layer1, layer2",
    ),
    "a number as text": (
        CLAIM | {"cells": {"hidden_size": "3"}},
        "cells.hidden_size: got '3' (did you mean 3, without quotes?)", "allowed: 3",
    ),
    "nothing for a test": (CLAIM | {"tests": [None]}, "tests[0]: got nothing", "keys with values"),
    "a test without a form": (
        with_test(CLAIM, measure="train_loss"), "tests[0]: missing key 'form'", "",
    ),
    "a form that is no text": (
        with_test(CLAIM, form=["ordered"]), "tests[0].form: got ['ordered']", "monotone",
    ),
    "both sides": (
        with_test(CLAIM, form="threshold", measure="train_loss", above=0, below=1),
        "tests[0]", "above, below",
    ),
    "between records": (
        with_test(CLAIM, **ORDERED, at=150), "tests[0].at: got 150", "a multiple of 400",
    ),
    "after the end": (
        with_test(CLAIM, **ORDERED, at=20400), "tests[0].at: got 20400", "the last, 20000",
    ),
    "a test set before it is judged": (
        with_test(CNN, form="threshold", measure="test_loss", above=0, at=0),
        "tests[0].at: got 0", "a multiple of 1100 (evaluate_interval) from 1100 on",
    ),
    "a training loss between records": (
        with_test(CNN, form="threshold", measure="train_loss", above=0, at=150),
        "tests[0].at: got 150", "a multiple of 100 (monitor_interval) from 0 on",
    ),
    "a protocol for one of the tests": (
        with_test(CLAIM, form="threshold", measure="train_loss", above=0,
                  cells={"activation": "tanh", "protocol": "published"}),
        "tests[0].cells.protocol: got 'published'", "a protocol for the whole claim",
    ),
    "a monotone axis of one value": (
        with_test(CLAIM | {"cells": {"activation": "tanh"}}, form="monotone",
                  measure="train_loss", axis="hidden_size", direction="rising"),
        "tests[0].axis: got 'hidden_size'", "activation",
    ),
    "an attribution to the only factor": (
        with_test(CNN, form="attribution", measure="test_loss", factor="activation",
                  **{"from": {"activation": "relu", "optimizer": "adam"},
                     "to": {"activation": "tanh"}}),
        "tests[0].to: got only activation", "at least 2",
    ),
    "a corner that is the same": (
        with_test(CLAIM, form="attribution", measure="train_loss", factor="activation",
                  **{"from": {"activation": "relu", "hidden_size": 3},
                     "to": {"activation": "relu", "hidden_size": 5}}),
        "tests[0].to.activation: got 'relu', the same as from", "",
    ),
    "final measure on the way": (
        with_test(CLAIM, **ORDERED | {"measure": "grad_norm"}, at=400),
        "grad_norm is known at the end of training only", "",
    ),
    "backwards": (
        with_test(CLAIM, form="trend", measure="train_loss", direction="rising",
                  **{"from": 800, "to": 400}, cells={"activation": "tanh"}),
        "tests[0].from: got 800", "less than 400",
    ),
    "a trend without a way": (
        with_test(CLAIM, form="trend", measure="train_loss", direction="rising",
                  **{"from": 800, "to": 800}, cells={"activation": "tanh"}),
        "tests[0].from: got 800", "less than 800",
    ),
    "overfitting between records": (
        with_test(CLAIM, form="overfitting", axis="activation", at=150,
                  **{"from": "relu", "to": "tanh"}),
        "tests[0].at: got 150", "a multiple of 400",
    ),
    "two cells left": (
        with_test(CNN | {"study": "factors"}, form="threshold", measure="test_loss", above=0,
                  cells={"activation": "relu", "initializer": "xavier_uniform"}),
        "still open is optimizer (adam, gd)", "one value for each axis",
    ),
    "the seed after the last": (
        CNN | {"figure": {"kind": "conv1_statistics", "seed": 1},
               "tests": [{"form": "threshold", "measure": "test_loss", "above": 0}]},
        "claims[0] (ranking).figure.seed: got 1", "allowed: 0 to 0",
    ),
    "a tensor that does not exist": (
        with_test(CNN, form="distribution", tensor="conv5/weights", shape="uniform"),
        "tensor: got 'conv5/weights'", "allowed: text of the form (conv[1-4]|fc1|fc2)/(",
    ),
    "a convolution that the network lacks": (
        with_test(CNN, form="distribution", tensor="conv3/weights", shape="uniform"),
        "tests[0].tensor: got 'conv3/weights'",
        "a layer that the cell's network has, one of conv1, conv2, fc1, fc2",
    ),
    "a statistic of a convolution that the network lacks": (
        with_test(CNN, form="trend", measure="conv3/pooled/max", direction="rising"),
        "tests[0].measure: got 'conv3/pooled/max'", "one of conv1, conv2, fc1, fc2",
    ),
    "a corner with other axes": (
        with_test(CLAIM | {"model": "conv", "study": "factors"}, form="attribution",
                  measure="test_accuracy", factor="activation",
                  **{"from": {"activation": "relu", "optimizer": "adam"},
                     "to": {"activation": "tanh", "initializer": "xavier_uniform"}}),
        "tests[0].to: got activation, initializer", "activation, optimizer",
    ),
    "an unknown verdict": (
        CLAIM | {"expect": "true_"}, "claims[0].expect: got 'true_'", "reproduced",
    ),
    "an unknown protocol": (
        CLAIM | {"expect": {"corect": "reproduced"}}, "expect: got 'corect'", "corrected",
    ),
    "a straight boundary of the CNN": (
        with_test(CNN, form="linear_boundary"),
        "tests[0].form: got 'linear_boundary', which needs the measure boundary_linearity",
        "the family 'Convolutional network' has train_loss, ",
    ),
    "no such family": (
        CLAIM | {"model": "dence"},
        "claims[0] (ranking).model: got 'dence' (did you mean 'dense'?)", "allowed: dense, conv",
    ),
    "a family that is no text": (
        CLAIM | {"model": 3}, "claims[0].model: got 3", "allowed: text",
    ),
    "no such statistic": (
        with_test(CNN, form="threshold", measure="conv1/weights/median", above=0),
        "tests[0].measure: got 'conv1/weights/median'",
        "test_brier, or text of the form (conv[1-4]|fc1)/(weights|",
    ),
    "a statistic between records": (
        with_test(CNN, form="threshold", measure="conv1/weights/mean", above=0, at=150),
        "tests[0].at: got 150", "a multiple of 100 (monitor_interval) from 0 on",
    ),
    "initial values that are not drawn": (
        with_test(CNN, form="distribution", tensor="conv1/bias", shape="initial"),
        "tests[0].shape: got 'initial'",
        "allowed: another shape, since conv1/bias is not drawn value by value from a known "
        "distribution with activation relu, initializer truncated_normal, optimizer adam",
    ),
    "an initializer without a distribution": (
        with_test(
            CLAIM | {"study": "initializers"},
            form="distribution", tensor="layer1/weights", shape="initial",
            cells={"initializer": "zeros"},
        ),
        "tests[0].shape: got 'initial'", "initializer zeros",
    ),
    "overfitting of the CNN": (
        with_test(CNN, form="overfitting", axis="activation", **{"from": "relu", "to": "tanh"}),
        "tests[0].form: got 'overfitting', which needs the measure generalisation_gap; the family "
        "'Convolutional network' has train_loss, ", "test_accuracy",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_line_with_key_found_and_allowed(fault):
    claim, found, allowed = FAULTS[fault]
    with pytest.raises(ClaimsError) as error:
        complete(claim)
    (line,) = str(error.value).splitlines()
    assert found in line and allowed in line


def test_the_last_layer_of_a_network_may_be_named():
    test = {"form": "distribution", "tensor": "layer2/weights", "shape": "normal"}
    (part,) = contrasts(with_test(CLAIM, **test, cells={"activation": "tanh"}))
    assert part["measure"] == "layer2/weights/normal_distance"


def test_a_convolution_may_be_named_where_the_protocol_has_it():
    config = copy.deepcopy(CONFIG)
    config["conv"]["protocols"]["full"]["channels"] = [4, 4, 4]
    claim = with_test(CNN, form="distribution", tensor="conv3/weights", shape="uniform")
    (done,) = complete_claims({"claims": [claim]}, config)
    assert needed_tensors([done], "conv") == ["conv3/weights"]


def test_every_step_of_an_order_has_the_margin():
    steps = contrasts(with_test(CLAIM, **ORDERED, margin=0.25))
    assert [step["margin"] for step in steps] == [0.25, 0.25]


def test_a_name_may_stand_once():
    with pytest.raises(ClaimsError, match=r"claims\[1\].*ranking"):
        complete(CLAIM, CLAIM)


def test_a_missing_or_broken_file_is_told(tmp_path):
    with pytest.raises(ClaimsError, match="no such file"):
        read_claims(tmp_path / "none.yaml", CONFIG)
    broken = tmp_path / "broken.yaml"
    broken.write_text("claims: [")
    with pytest.raises(ClaimsError, match="not YAML: line 1: expected the node content"):
        read_claims(broken, CONFIG)
    broken.write_bytes(b"claims: \xff")
    with pytest.raises(ClaimsError, match="not YAML: not UTF-8 text"):
        read_claims(broken, CONFIG)
    broken.write_text("claims: \0")
    with pytest.raises(ClaimsError, match="not YAML: unacceptable character #x0000"):
        read_claims(broken, CONFIG)
    broken.write_text("claims:\n- id: one\n  source: x\n  id: two\n")
    with pytest.raises(ClaimsError, match="line 4: duplicate key 'id', first in line 2"):
        read_claims(broken, CONFIG)
    broken.write_text("")
    with pytest.raises(ClaimsError, match="top level"):
        read_claims(broken, CONFIG)


def test_values_of_the_command_line_get_their_types():
    config = {"dense": {"protocols": {"p": {"replicates": "40", "l2": 0.1}}}, "name": "01"}
    given = {"dense": {"protocols": {"p": {"replicates": "40"}}}}
    typed = with_typed_values(config, given)
    assert typed["dense"]["protocols"]["p"] == {"replicates": 40, "l2": 0.1}
    assert typed["name"] == "01"
    assert config["dense"]["protocols"]["p"]["replicates"] == "40"


def test_a_figure_is_named_by_its_kind_and_is_of_the_claims_study_unless_said():
    assert figure(CLAIM, "loss_effects") == "results/figures/dense/activations_loss_effects.svg"
    other = {"kind": "boundaries", "study": "depths"}
    assert figure(CLAIM, other) == "results/figures/dense/depths_boundaries.svg"
    cell = {"kind": "boundary", "cells": {"protocol": "corrected", "activation": "relu"}}
    assert figure(CLAIM, cell) == (
        "results/figures/dense/cells/dataset~moons/protocol~corrected/activation~relu/"
        "hidden_size~3/depth~1/initializer~fan_in_normal/optimizer~gd/boundary.svg"
    )
    test = {"form": "threshold", "measure": "test_accuracy", "above": 0.5}
    path = figure(with_test(CNN, **test), "conv1_filters")
    assert path.endswith("/optimizer~adam/seed~0/conv1_filters.svg")
    (done,) = complete(CLAIM)
    assert done["figure"] == ""


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            "los_effects",
            "claims[0] (ranking).figure.kind: got 'los_effects' (did you mean 'loss_effects'?); "
            "allowed: loss_curves, accuracy_curves, loss_effects, accuracy_effects, "
            "gradient_norms, inactive_units",
        ),
        ("boundaries", "figure.kind: got 'boundaries'; allowed: loss_curves, "),
        ("final_accuracy", "figure.kind: got 'final_accuracy'"),
        ({"kind": "loss_curves", "study": "depth"}, "figure.study: got 'depth' (did you mean 'dep"),
        ({"kind": "loss_curves", "cells": {"depth": 1}}, "figure.cells: loss_curves shows the wh"),
        ({"knd": "loss_curves"}, "unknown key 'knd' (did you mean 'kind'?); allowed: kind, "),
        (3, "claims[0].figure: got 3; allowed: text or keys with values"),
    ],
)
def test_a_figure_that_there_is_not_is_refused_with_what_is_allowed(wanted, message):
    with pytest.raises(ClaimsError) as error:
        figure(CLAIM, wanted, planar=[])
    assert message in str(error.value)


def test_a_figure_of_one_cell_wants_one_cell_and_a_seed_that_runs():
    with pytest.raises(ClaimsError, match=r"still open is protocol .*; activation .*one value for"):
        figure(CLAIM, "boundary")
    cells = {"protocol": "corrected", "activation": "relu"}
    with pytest.raises(ClaimsError, match=r"figure\.seed: boundary shows all seeds"):
        figure(CLAIM, {"kind": "boundary", "cells": cells, "seed": 1})
    test = {"form": "threshold", "measure": "test_accuracy", "above": 0.5}
    with pytest.raises(ClaimsError, match=r"figure\.seed: got 9; allowed: 0 to 0"):
        figure(with_test(CNN, **test), {"kind": "confusion", "seed": 9})


# Advances in epochs, one seed a job, with numbered layers but no depth to vary.
NET = Family(
    name="little_net",
    title="Little networks",
    description="Networks of some other library.",
    takes="points",
    axes=(Axis("rate", "Rate", "Learning rate.", "number", above=0),),
    protocol=(count("epochs", "How many."), count("every", "Between records.")),
    measures=(
        Measure("train_loss", "Training loss", "At each record.", "nats", "lower", "every"),
        Measure("test_loss", "Test loss", "Not at the start.", "nats", "lower", "every", False),
        Measure("norm", "Norm", "Of the weights, at the end."),
    ),
    ranked_by=("train_loss",),
    time=Time("epoch", "epochs", "Epochs", "epochs", "point"),
    tensors=r"layer[1-9]/weights",
    monitored=r"layer[1-9]/max",
    monitored_interval="every",
)
OTHERS = {
    "datasets": {"moons": {"kind": "moons", "points": 20, "heldout_points": 20}},
    "svc": {
        "baseline": {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 1},
        "protocols": {"plain": {"replicates": 3}},
        "studies": {"penalties": {"question": "?", "vary": {"c": [0.1, 1, 10]}}},
    },
    "little_net": {
        "baseline": {"dataset": "moons", "protocol": "plain", "rate": 0.5},
        "protocols": {"plain": {"epochs": 50, "every": 20}},
        "studies": {"rates": {"question": "?", "vary": {"rate": [0.5, 2]}}},
    },
}
PENALTIES = CLAIM | {"model": "svc", "study": "penalties"}
RATES = CLAIM | {"model": "little_net", "study": "rates"}
RISES = {"form": "ordered", "measure": "heldout_accuracy", "axis": "c", "order": [0.1, 1, 10]}


@pytest.fixture
def others(monkeypatch):
    """Claims on two families that are not built in, completed."""
    for family in (svc_family.FAMILY, NET):
        monkeypatch.setitem(FAMILIES, family.name, family)
    config = complete_config(OTHERS)
    return lambda *claims: complete_claims({"claims": list(claims)}, config, ["moons"])


def test_any_family_has_claims_on_its_own_axes_of_numbers(others):
    claim = with_test(PENALTIES, **RISES) | {"figure": "accuracy_effects"}
    (done,) = others(claim)
    first, second = done["protocols"]["plain"]
    assert [first["label"], second["label"]] == [
        "Penalty C 1 − Penalty C 0.1",
        "Penalty C 10 − Penalty C 1",
    ]
    cell = {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 1.0}
    assert first["terms"][0] == [1.0, cell, None]
    assert isinstance(first["terms"][0][1]["c"], float)
    assert done["figure"] == "results/figures/svc/penalties_accuracy_effects.svg"
    assert done["arithmetic"] == {"plain": None}
    assert needed_tables([done]) == ["svc_runs.csv"]
    assert json.loads(json.dumps(done)) == done


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("cells", {"form": "threshold", "measure": "train_accuracy", "above": 0.5}),
        (
            "corners",
            {
                "form": "attribution", "measure": "train_accuracy", "factor": "c",
                "from": {"c": 10, "kernel": "rbf"}, "to": {"c": 0.1, "kernel": "linear"},
            },
        ),
        ("ends", {"form": "monotone", "measure": "train_accuracy", "axis": "c",
                  "direction": "rising"}),
    ],
)  # fmt: skip
def test_values_of_numbers_may_have_fractions_wherever_they_stand(others, name, test):
    config = copy.deepcopy(OTHERS)
    vary = config["svc"]["studies"]["penalties"]["vary"]
    if name == "corners":
        vary["kernel"] = ["linear", "rbf"]
    if name == "cells":
        test = test | {"cells": {"c": 0.1}}
    claims = {"claims": [with_test(PENALTIES, **test)]}
    (done,) = complete_claims(claims, complete_config(config))
    found = {cell["c"] for part in done["protocols"]["plain"] for _, cell, _ in part["terms"]}
    assert 0.1 in found


def test_a_familys_own_time_says_when_there_are_records(others):
    trend = {"form": "trend", "direction": "falling", "cells": {"rate": 0.5}}
    claims = others(
        with_test(RATES, **trend, measure="train_loss"),
        with_test(RATES | {"id": "b"}, **trend, measure="test_loss"),
        with_test(RATES | {"id": "c"}, **trend, measure="layer2/max"),
    )
    found = [claim["protocols"]["plain"][0] for claim in claims]
    assert [[at for _, _, at in part["terms"]] for part in found] == [[50, 0], [50, 20], [50, 0]]
    assert found[0]["label"] == "falling from 0 to 50 epochs (Rate 0.5)"
    assert needed_tables(claims) == [
        "little_net_history.parquet", "little_net_runs.csv", "little_net_scalars.parquet",
    ]  # fmt: skip


def test_any_layer_may_be_named_of_a_family_that_does_not_state_its_layers(others):
    test = {"form": "distribution", "tensor": "layer9/weights", "shape": "normal"}
    (done,) = others(with_test(RATES, **test, cells={"rate": 2}))
    assert needed_tensors([done], "little_net") == ["layer9/weights"]
    assert needed_tables([done]) == ["little_net_runs.csv", "little_net_shapes.parquet"]


FIRST = {"cells": {"c": 1}}
REFUSED = {
    "a time without any": (
        with_test(PENALTIES, **RISES, at=5),
        "tests[0].at: got 5; allowed: no such key, since the family 'Support vector machines' "
        "records nothing during training",
    ),
    "a trend without time": (
        with_test(PENALTIES, form="trend", measure="train_accuracy", direction="rising", **FIRST),
        "tests[0].form: got 'trend'; allowed: a form that needs the end of training alone, since "
        "the family 'Support vector machines' records nothing",
    ),
    "a boundary that is not measured": (
        with_test(PENALTIES, form="linear_boundary", **FIRST),
        "tests[0].form: got 'linear_boundary', which needs the measure boundary_linearity; the "
        "family 'Support vector machines' has train_accuracy, validation_accuracy, "
        "heldout_accuracy",
    ),
    "a gap that is not measured": (
        with_test(PENALTIES, form="overfitting", axis="c", **{"from": 0.1, "to": 10}),
        "which needs the measure generalisation_gap; the family 'Support vector machines' has",
    ),
    "tensors that are not kept": (
        with_test(PENALTIES, form="distribution", tensor="layer1/weights", shape="normal", **FIRST),
        "which needs the final values of tensors; the family 'Support vector machines' keeps none",
    ),
    "initial values that a family does not state": (
        with_test(
            RATES, form="distribution", tensor="layer1/weights", shape="initial", cells={"rate": 2}
        ),
        "tests[0].shape: got 'initial'; allowed: another shape, since the family 'Little networks' "
        "does not say what initial values are drawn from",
    ),
    "a measure of another family": (
        with_test(PENALTIES, **RISES | {"measure": "train_loss"}),
        "tests[0].measure: got 'train_loss'; allowed: train_accuracy, validation_accuracy, "
        "heldout_accuracy",
    ),
    "a number that the study does not have": (
        with_test(PENALTIES, **RISES | {"order": [0.1, 0.5]}), "c: got 0.5; allowed: 0.1, 1, 10",
    ),
    "a number with a fraction as text": (
        with_test(PENALTIES, **RISES | {"order": [1, "0.1"]}),
        "c: got '0.1' (did you mean 0.1, without quotes?); allowed: 0.1, 1, 10",
    ),
    "a family without a section": (
        CLAIM, "claims[0] (ranking).model: the configuration has no section 'dense'",
    ),
    "no such family": (
        PENALTIES | {"model": "swc"},
        "claims[0] (ranking).model: got 'swc' (did you mean 'svc'?); allowed: svc, little_net",
    ),
    "a measure of the end alone": (
        with_test(RATES, form="threshold", measure="norm", above=0, at=20, cells={"rate": 2}),
        "tests[0].at: norm is known at the end of training only",
    ),
    "between epochs": (
        with_test(RATES, form="threshold", measure="test_loss", above=0, at=0, cells={"rate": 2}),
        "allowed: a multiple of 20 (every) from 20 on, or the last, 50",
    ),
    "a figure that the family does not leave": (
        with_test(PENALTIES, **RISES) | {"figure": "boundaries"},
        "figure.kind: got 'boundaries'; allowed: accuracy_effects",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_what_another_family_lacks_is_refused_in_one_line(others, fault):
    claim, message = REFUSED[fault]
    with pytest.raises(ClaimsError) as error:
        others(claim)
    (line,) = str(error.value).splitlines()
    assert message in line


def test_what_is_not_recorded_has_no_records(monkeypatch):
    end = Measure("train_loss", "Training loss", "At the end.", "nats", "lower")
    bare = dataclasses.replace(NET, measures=(end, *NET.measures[1:]))
    monkeypatch.setitem(FAMILIES, bare.name, bare)
    config = complete_config({key: OTHERS[key] for key in ("datasets", "little_net")})
    test = {"form": "threshold", "measure": "train_loss", "above": 0, "at": 20}
    claims = {"claims": [with_test(RATES, **test, cells={"rate": 2})]}
    with pytest.raises(ClaimsError, match="train_loss is known at the end of training only"):
        complete_claims(claims, config)


def test_the_schema_and_the_code_have_the_same_forms():
    assert list(FORMS) == SCHEMA["$defs"]["test"]["properties"]["form"]["enum"]


RATE, SHARE = "optimizer.learning_rate", "optimizer.momentum"
SEARCH = complete_config(yaml.safe_load((ROOT / "config/search.yaml").read_text()))
FALLS = {
    **CLAIM,
    "study": "rates",
    "cells": {SHARE: 0.9},
    "tests": [
        {"form": "ordered", "measure": "train_loss", "axis": RATE, "order": [1.0, 0.01, 0.0001]}
    ],
}


def searched(claim):
    (done,) = complete_claims({"claims": [claim]}, SEARCH)
    return done["protocols"]["corrected"]


def test_settings_are_compared_and_fixed_like_axes():
    first, second = searched(FALLS)
    cells = [cell["optimizer"] for _, cell, _ in first["terms"]]
    # The cells have one spelling, whatever the entry has by itself: 0.01 and 0.9.
    assert cells == ["momentum", "momentum+learning_rate=1"]
    assert first["label"] == "learning rate 0.01 − learning rate 1"
    slowest = second["terms"][0][1]
    assert slowest["optimizer"] == "momentum+learning_rate=0.0001"
    steps = searched(
        with_test(FALLS, form="monotone", measure="train_loss", axis=RATE, direction="falling")
    )
    assert len(steps) == 8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cells": {"optimizer.momentun": 0.9}}, "did you mean 'optimizer.momentum'?"),
        ({"cells": {SHARE: 0.8}}, "got 0.8; allowed: 0, 0.5, 0.9"),
        ({"cells": {}}, "still open is optimizer.momentum (0, 0.5, 0.9)"),
    ],
)
def test_settings_that_no_cell_has_are_refused(changes, words):
    with pytest.raises(ClaimsError) as caught:
        searched({**FALLS, **changes})
    assert words in str(caught.value)


def test_a_sample_has_figures_of_its_own():
    wanted = {"kind": "loss_parallel", "study": "search"}
    (done,) = complete_claims({"claims": [{**FALLS, "figure": wanted}]}, SEARCH)
    assert done["figure"] == "results/figures/dense/search_loss_parallel.svg"
    with pytest.raises(ClaimsError, match="loss_parallel"):
        searched({**FALLS, "figure": "loss_parallel"})
