"""The networks that the study page runs in the browser are those of the library, to the digit."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT, need_file
from scipy.special import ndtr

from restudy.families.dense.activations import ACTIVATIONS, make_activation
from restudy.families.dense.layers import SATURATED
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import gradient_descent

PARAMETERS = {
    "leaky_relu": {"slope": 0.2},
    "elu": {"alpha": 1.7},
    "maxout": {"pieces": 3},
}
PROGRAM = """
import * as network from "{module}";
import {{ readFileSync }} from "node:fs";
const asked = JSON.parse(readFileSync(0, "utf8"));
const answer = (({{ {names} }}) => {body})(network);
console.log(JSON.stringify(answer, (key, node) => ArrayBuffer.isView(node) ? [...node] : node));
"""
RUN = """{
  const activation = makeActivation(asked.activation);
  const layers = asked.layers.map(({ data, rows, columns }) => (
    { data: Float32Array.from(data), rows, columns }));
  const step = forward(layers, activation, Float32Array.from(asked.x.flat()), asked.x.length);
  const { loss, accuracy } = measure(step, asked.label, asked.published);
  return {
    probabilities: probabilities(step),
    loss: loss + penalty(layers, asked.l2, asked.l1),
    accuracy,
    units: step.hidden.map((layer) => inactiveUnits(layer, activation)),
  };
}"""


def in_node(body: str, asked):
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    program = PROGRAM.format(
        module=(ROOT / "web/src/study/network.js").as_uri(),
        names="makeActivation, forward, measure, penalty, probabilities, inactiveUnits, "
        "normalShare, SATURATED",
        body=body,
    )
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def run(network: DenseNetwork, weights, settings, x, label, replicate: int = 0) -> dict:
    """What the browser makes of one replicate; weights and points cut to single precision."""
    layers = [layer[replicate].astype(np.float32) for layer in weights]
    asked = {
        "activation": settings,
        "layers": [
            {"data": w.ravel().tolist(), "rows": w.shape[0], "columns": w.shape[1]} for w in layers
        ],
        "x": x.astype(np.float32).tolist(),
        "label": label.tolist(),
        "published": network.arithmetic == "published",
        "l2": network.l2,
        "l1": network.l1,
    }
    return in_node(RUN, asked)


def some_points(classes: int, features: int = 2, count: int = 60):
    generator = np.random.default_rng(classes)
    label = np.arange(count) % classes
    return generator.normal(size=(count, features)) + label[:, None], label


def test_every_activation_has_its_twin_and_the_threshold_is_one():
    assert in_node("SATURATED", None) == SATURATED
    known = in_node(
        "asked.filter((one) => { try { return makeActivation(one); } catch { return false; } })",
        [{"kind": kind, "pieces": 2} for kind in [*ACTIVATIONS, "no_such"]],
    )
    assert [one["kind"] for one in known] == list(ACTIVATIONS)


def test_normal_distribution_function_agrees_with_scipy():
    z = np.concatenate([np.linspace(-12, 12, 481), [-3.5355339, 3.5355339, 0.0, -30.0]])
    found = np.array(in_node("asked.map(normalShare)", z.tolist()))
    np.testing.assert_allclose(found, ndtr(z), rtol=1e-11, atol=0)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_the_library(kind, depth, classes):
    settings = {"kind": kind, **PARAMETERS.get(kind, {})}
    x, label = some_points(classes)
    network = DenseNetwork([2, *[7] * depth, classes], settings, "he_normal", seeds=[3, 4])
    network.fit(x, label, gradient_descent(0.002), passes=30)
    expected = network.predict_proba(x)
    for replicate in (0, 1):
        found = run(network, network.weights, settings, x, label, replicate)
        found = np.reshape(found["probabilities"], (len(x), classes))
        np.testing.assert_allclose(found, expected[replicate], atol=2e-6)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@pytest.mark.parametrize("arithmetic", ["corrected", "published"])
@pytest.mark.parametrize("classes", [2, 3])
def test_loss_accuracy_and_inactive_units_are_those_that_training_recorded(
    kind, arithmetic, classes
):
    settings = {"kind": kind, **PARAMETERS.get(kind, {})}
    x, label = some_points(classes)
    # Far from the origin, with large weights: some units are saturated at every point.
    x = x + 6
    network = DenseNetwork(
        [2, 9, 9, classes], settings, {"kind": "uniform", "limit": 1.0}, seeds=[0, 1],
        l2=0.01, l1=0.002, arithmetic=arithmetic,
    )  # fmt: skip
    result = network.fit(
        x, label, gradient_descent(1e-4), passes=20, record_interval=10, snapshot_passes=[0, 10, 20]
    )
    recorded = result.history.set_index(["seed", "pass"])
    shares = result.layers.set_index(["seed", "pass", "layer"])
    seen = set()
    for number, weights in result.snapshots.items():
        for seed in (0, 1):
            found = run(network, weights, settings, x, label, seed)
            row = recorded.loc[(seed, number)]
            assert found["loss"] == pytest.approx(row["train_loss"], rel=1e-5)
            assert found["accuracy"] == row["train_accuracy"]
            for layer, units in enumerate(found["units"], start=1):
                expected = shares.loc[(seed, number, layer)]
                assert np.mean(units) == pytest.approx(expected["saturated_share"], abs=1e-9)
                assert np.mean(np.equal(units, 1)) == pytest.approx(expected["dead_share"])
                seen.add(expected["dead_share"] > 0)
    if make_activation(settings).pieces == 1 and kind not in ("identity", "leaky_relu"):
        assert True in seen


def test_overflow_of_the_published_softmax_is_kept_and_the_corrected_one_has_none():
    x, label = some_points(2)
    for arithmetic in ("published", "corrected"):
        network = DenseNetwork([2, 4, 2], "relu", seeds=[0], l2=0, arithmetic=arithmetic)
        weights = [layer * 300 for layer in network.weights]
        network.weights = weights
        found = run(network, weights, {"kind": "relu"}, x, label)
        # JSON has no infinity and no NaN: both are null.
        assert (found["loss"] is None) == (arithmetic == "published")
        shares = np.reshape(found["probabilities"], (-1, 2))
        np.testing.assert_allclose(shares, network.predict_proba(x)[0], atol=1e-4)
