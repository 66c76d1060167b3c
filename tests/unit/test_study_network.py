"""The networks that the study page runs in the browser are those of the library, to the digit."""

import json
import shutil
import subprocess
from itertools import product

import numpy as np
import pytest
from conftest import ROOT, need_file
from scipy.special import ndtr

from restudy.families.components import ACTIVATIONS as RECORDS
from restudy.families.dense.activations import make_activation
from restudy.families.dense.layers import SATURATED
from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import gradient_descent
from restudy.families.dense.pictures import PLANE, draw_snapshots
from restudy.families.dense.snapshots import pack_snapshots
from restudy.families.dense.twin import describe_for_browser
from restudy.views.payload import pack

FORMS = {kind.name: kind.javascript for kind in RECORDS if kind.javascript}
# What settings are tried at, where it is not the defaults.
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
RUN = """asked.map((one) => {
  const activation = makeActivation(one.form, one.activation);
  const layers = one.layers.map(({ data, rows, columns }) => (
    { data: Float32Array.from(data), rows, columns }));
  const step = forward(layers, activation, Float32Array.from(one.x.flat()), one.x.length);
  const { loss, accuracy } = measure(step, one.label, one.published);
  return {
    probabilities: probabilities(step),
    loss: loss + penalty(layers, one.l2, one.l1),
    accuracy,
    units: step.hidden.map((layer) => inactiveUnits(layer, activation)),
  };
})"""


def in_node(body: str, asked):
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    program = PROGRAM.format(
        module=(ROOT / "web/src/study/network.js").as_uri(),
        names="makeActivation, forward, measure, penalty, probabilities, inactiveUnits, SATURATED",
        body=body,
    )
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        input=json.dumps(asked), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def asked_of(network: DenseNetwork, weights, settings, x, label, replicate: int = 0) -> dict:
    """What `RUN` takes of one replicate; weights and points cut to single precision."""
    layers = [layer[replicate].astype(np.float32) for layer in weights]
    return {
        "activation": settings,
        "form": FORMS[settings["kind"]],
        "layers": [
            {"data": w.ravel().tolist(), "rows": w.shape[0], "columns": w.shape[1]} for w in layers
        ],
        "x": x.astype(np.float32).tolist(),
        "label": label.tolist(),
        "published": network.arithmetic == "published",
        "l2": network.l2,
        "l1": network.l1,
    }


def settings_of(kind: str) -> dict:
    """An activation with all its settings, as a configuration has it in the end."""
    (record,) = [each for each in RECORDS if each.name == kind]
    defaults = {setting.name: setting.default for setting in record.settings}
    return {"kind": kind, **defaults, **PARAMETERS.get(kind, {})}


def some_points(classes: int, features: int = 2, count: int = 60):
    generator = np.random.default_rng(classes)
    label = np.arange(count) % classes
    return generator.normal(size=(count, features)) + label[:, None], label


def test_threshold_of_a_saturated_unit_is_one():
    assert in_node("SATURATED", None) == SATURATED


def test_built_in_activations_have_their_twins():
    assert set(FORMS) >= {
        *("identity", "tanh", "sigmoid", "relu", "leaky_relu"),
        *("elu", "softplus", "silu", "gelu", "maxout"),
    }


def test_normal_distribution_function_agrees_with_scipy():
    z = np.concatenate([np.linspace(-12, 12, 480), [-3.5355339, 3.5355339, -30.0]])
    asked = {"form": FORMS["gelu"], "z": [*z.tolist(), 0.0]}
    body = "((gelu) => asked.z.map((z) => z ? gelu.value(z) / z : gelu.slope(z)))"
    found = np.array(in_node(f"{body}(makeActivation(asked.form, {{}}))", asked))
    np.testing.assert_allclose(found, ndtr([*z, 0.0]), rtol=1e-11, atol=0)


@pytest.mark.parametrize("kind", FORMS)
def test_values_and_slopes_are_those_of_the_library(kind):
    settings = settings_of(kind)
    activation = make_activation(settings)
    z = np.linspace(-20, 20, 999)  # 0, where the slope may jump, is left out
    z = z[z != 0]
    body = """((f) => [f.steepest, f.pieces, f.pieces > 1 ? [] : asked.z.map((z) => {
      const a = f.value(z);
      return [a, f.slope(z, a)];
    })])(makeActivation(asked.form, asked.settings))"""
    asked = {"form": FORMS[kind], "settings": settings, "z": z.tolist()}
    steepest, pieces, found = in_node(body, asked)
    assert (steepest, pieces) == (activation.steepest, activation.pieces)
    if pieces == 1:
        value, slope = np.empty_like(z), np.empty_like(z)
        activation.value(z, value)
        activation.derivative(z, value, slope)
        np.testing.assert_allclose(found, np.stack([value, slope], axis=1), rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_the_library_at_any_depth(kind, classes):
    settings = settings_of(kind)
    x, label = some_points(classes)
    asked, expected = [], []
    for depth in (1, 2, 3, 4):
        network = DenseNetwork([2, *[7] * depth, classes], settings, "he_normal", seeds=[3, 4])
        network.fit(x, label, gradient_descent(0.002), passes=30)
        expected += list(network.predict_proba(x))
        asked += [asked_of(network, network.weights, settings, x, label, r) for r in (0, 1)]
    for found, one in zip(in_node(RUN, asked), expected, strict=True):
        found = np.reshape(found["probabilities"], (len(x), classes))
        np.testing.assert_allclose(found, one, atol=2e-6)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("arithmetic", ["corrected", "published"])
@pytest.mark.parametrize("classes", [2, 3])
def test_loss_accuracy_and_inactive_units_are_those_that_training_recorded(
    kind, arithmetic, classes
):
    settings = settings_of(kind)
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
    cases = list(product((0, 1), result.snapshots))
    asked = [
        asked_of(network, result.snapshots[number], settings, x, label, seed)
        for seed, number in cases
    ]
    for (seed, number), found in zip(cases, in_node(RUN, asked), strict=True):
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
        (found,) = in_node(RUN, [asked_of(network, weights, {"kind": "relu"}, x, label)])
        # JSON has no infinity and no NaN: both are null.
        assert (found["loss"] is None) == (arithmetic == "published")
        shares = np.reshape(found["probabilities"], (-1, 2))
        np.testing.assert_allclose(shares, network.predict_proba(x)[0], atol=1e-4)


COMPARE = """
import {{ inflate, unpack }} from "{payload}";
import {{ Run }} from "{snapshots}";
import {{ readFileSync }} from "node:fs";
const {{ records, dataset, forms, extent, columns, seeds }} = unpack(
  await inflate(readFileSync(0, "utf8")));
const answer = records.map((record) => seeds.map((seed) => {{
  const run = new Run(record, dataset, seed, forms);
  const at = (_, number) => (
    {{ state: run.state(number), field: run.field(number, extent, columns, columns) }});
  return {{ pieces: run.pieces, losses: run.losses("train"), snapshots: run.passes.map(at) }};
}}));
console.log(JSON.stringify(answer, (key, node) => ArrayBuffer.isView(node) ? [...node] : node));
"""


@pytest.mark.parametrize("kind", ["tanh", "maxout"])
@pytest.mark.parametrize("classes", [2, 3])
def test_what_is_computed_beforehand_is_what_the_browser_would_compute(kind, classes):
    need_file(shutil.which("node") or "node", "no Node.js; on Debian: apt install nodejs")
    x, label = some_points(classes)
    network = DenseNetwork([2, 5, 4, classes], settings_of(kind), "he_normal", seeds=[3, 4])
    result = network.fit(x, label, gradient_descent(0.01), 30, snapshot_passes=[0, 10, 30])
    snapshots = pack_snapshots(result.snapshots, network.seeds)
    description = describe_for_browser(
        {
            "activation": settings_of(kind),
            "protocol": {"arithmetic": "corrected", "l1": 0.0, "l2": 0.01, "passes": 30},
        }
    )
    parts = {"train": (x, label), "heldout": (x + 0.1, label)}
    pictures = draw_snapshots(description, snapshots, parts)
    assert pictures["plane"].dtype == np.uint8
    record = {
        **description,
        "seeds": snapshots["seeds"].astype(np.uint32),
        "passes": snapshots["passes"].astype(np.uint32),
        "diverged": [None, None],
        "layers": [snapshots[f"layer{n}"].astype(np.float32) for n in (1, 2, 3)],
        "record": {},
    }
    tree = {
        "records": [record, record | {"pictures": pictures}],
        "dataset": {
            "parts": {
                part: {"x": x.astype(np.float32), "label": label.astype(np.uint16)}
                for part, (x, label) in parts.items()
            }
        },
        "forms": {kind: FORMS[kind]},
        "extent": pictures["extent"],
        "columns": PLANE,
        "seeds": [3, 4],
    }
    program = COMPARE.format(
        payload=(ROOT / "web/src/shared/payload.js").as_uri(),
        snapshots=(ROOT / "web/src/study/snapshots.js").as_uri(),
    )
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", program],
        input=pack(tree), capture_output=True, text=True, check=True,
    )  # fmt: skip
    run_there, drawn = json.loads(done.stdout)
    differing = set()
    for one, other in zip(run_there, drawn, strict=True):
        assert one["pieces"] == other["pieces"] == make_activation(settings_of(kind)).pieces
        assert [row["pass"] for row in other["losses"]] == [0, 10, 30]
        for computed, stored in zip(one["snapshots"], other["snapshots"], strict=True):
            for part in ("train", "heldout"):
                for name in ("loss", "accuracy"):
                    expected = computed["state"][part][name]
                    assert stored["state"][part][name] == pytest.approx(expected, rel=1e-5)
            for units, expected in zip(
                stored["state"]["units"], computed["state"]["units"], strict=True
            ):
                np.testing.assert_allclose(units, expected, atol=1e-6)
            field, expected = stored["field"], computed["field"]
            assert {k: field[k] for k in ("classes", "columns", "rows")} == {
                "classes": classes,
                "columns": PLANE,
                "rows": PLANE,
            }
            np.testing.assert_allclose(field["shares"], expected["shares"], atol=1.1 / 255)
            differing.add(tuple(np.round(field["shares"][::97], 2)))
    assert len(differing) == 6
