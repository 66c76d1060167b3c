"""The gradient check itself, and the sentences that are made of it."""

import numpy as np
import pandas as pd
import pytest
from moons import moons
from scipy.optimize import approx_fprime

from restudy.analysis.findings import describe_gradients, describe_layers
from restudy.families.dense import gradient_check
from restudy.families.dense.activations import ACTIVATIONS, make_activation
from restudy.families.dense.family import FAMILY as DENSE
from restudy.families.dense.gradient_check import check_gradients, numeric_gradient
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.stack import Batch, Stack

KEYS = ["activation", "arithmetic", "layer", "parameter"]


@pytest.fixture(scope="module")
def table():
    data = moons(100)
    activations = {name: {"kind": name} for name in ACTIVATIONS}
    sizes = [2, 3, 3, 3, 2]
    return check_gradients(sizes, activations, {"kind": "fan_in_normal"}, data.x, data.label, 0.01)


def test_corrected_gradient_is_right_everywhere(table):
    corrected = table[table["arithmetic"] == "corrected"]
    assert corrected["relative_error"].max() < 1e-6
    assert not table.duplicated(KEYS).any()
    assert len(corrected) == len(ACTIVATIONS) * 4 * 2


def test_published_gradient_is_wrong_in_hidden_layers_of_curved_activations_alone(table):
    published = table[table["arithmetic"] == "published"]
    wrong = published[published["relative_error"] > 1e-4]
    straight = {"identity", "relu", "leaky_relu", "maxout"}
    assert set(wrong["activation"]) == set(ACTIVATIONS) - straight
    assert set(wrong["layer"]) == {1, 2, 3}


def test_numeric_gradient_agrees_with_scipy():
    data = moons(30)
    network = DenseNetwork([2, 3, 2], seeds=[4])
    stack = Stack(network.weights, make_activation("tanh"), l2=0.1)
    batch = Batch(data.x, data.label, stack)
    start = stack.parameters.copy()

    def loss(parameters):
        stack.parameters[:] = parameters
        return stack.measure([batch])[0][0] + stack.penalty()[0]

    expected = approx_fprime(start, loss, 1e-7)
    stack.parameters[:] = start
    found = np.concatenate(
        [layer.swapaxes(0, 1).ravel() for layer in numeric_gradient(stack, batch)]
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_error_is_relative_to_the_larger_gradient_of_the_parameters_it_is_of(monkeypatch):
    def check():
        data = moons(20)
        activations, initializer = {"tanh": {"kind": "tanh"}}, {"kind": "fan_in_normal"}
        return check_gradients([2, 3, 2], activations, initializer, data.x, data.label, 0.01)

    def double_the_weights(stack, batch):
        gradients = numeric_gradient(stack, batch)
        for gradient in gradients:
            gradient[:, :, :-1] *= 2
        return gradients

    plain = check().set_index(KEYS)
    monkeypatch.setattr(gradient_check, "numeric_gradient", double_the_weights)
    found = check().set_index(KEYS)
    corrected = found.xs("corrected", level="arithmetic")
    for parameter, error, factor in (("weights", 0.5, 2), ("bias", 0, 1)):
        errors = corrected.xs(parameter, level="parameter")["relative_error"]
        np.testing.assert_allclose(errors, error, atol=1e-6)
        norms = [t.xs(parameter, level="parameter")["gradient_norm"] for t in (found, plain)]
        np.testing.assert_allclose(norms[0], factor * norms[1], rtol=1e-9)


def test_sentences_say_where_the_gradient_is_wrong(table):
    text = describe_gradients(table)
    corrected, published = text.split("Published:")
    assert "right everywhere" in corrected
    assert "tanh" in published and "and right with identity, ReLU, leaky ReLU, maxout." in published


def two_cells(dead):
    """Runs and layers of a cell each with tanh and relu, and their study."""
    cell = {
        "dataset": "moons",
        "protocol": "p",
        "activation": "tanh",
        "hidden_size": 3,
        "depth": 1,
        "initializer": "zeros",
        "optimizer": "gd",
    }
    other = cell | {"activation": "relu"}
    runs = pd.DataFrame([cell | {"seed": 0}, other | {"seed": 0}]).assign(
        diverged_at=pd.array([None, None], dtype="Int64")
    )
    rows = []
    for one, norm, share in ((cell, 0.5, dead[0]), (other, 0.25, dead[1])):
        for number, factor in ((0, 9.0), (100, 1.0)):
            for layer in (1, 2):
                hidden = layer == 1
                rows.append(
                    one
                    | {"seed": 0, "pass": number, "layer": layer}
                    | {"grad_norm": factor * norm * layer}
                    | {"saturated_share": share if hidden else np.nan}
                    | {"dead_share": share if hidden else np.nan}
                )
    study = {"cells": [cell, other], "vary": ["activation"], "question": "?"}
    return runs, pd.DataFrame(rows), study


def test_sentences_do_not_rank_what_is_equal():
    runs, layers, study = two_cells(dead=(0.0, 0.0))
    found = describe_layers(DENSE, runs, layers, {"s": study})["s"]
    assert found["units"][1] == "Mean final share of dead units is 0.0000 at all of them."


def test_sentences_on_layers_take_the_last_record_and_the_first_layer():
    runs, layers, study = two_cells(dead=(0.0, 0.75))
    found = describe_layers(DENSE, runs, layers, {"s": study})["s"]
    (gradients,) = found["gradients"]
    assert "highest with tanh (0.5000" in gradients
    assert "lowest with ReLU (0.2500" in gradients
    assert "dead units is highest with ReLU (0.7500" in found["units"][1]
