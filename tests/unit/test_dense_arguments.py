"""What people get wrong in calling the dense networks from Python is refused by name."""

import copy
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from moons import moons

from restudy.families.arguments import whole_numbers
from restudy.families.contract import Setting
from restudy.families.dense import DenseNetwork, adam, gradient_descent, momentum
from restudy.families.dense.activations import ACTIVATIONS, make_activation
from restudy.families.dense.initializers import make_initializer
from restudy.families.dense.network import SETTINGS
from restudy.families.dense.optimizers import OPTIMIZERS, make_optimizer
from restudy.families.dense.schedules import cosine, make_schedule, step

POINTS = moons(60)
X, LABEL = POINTS.x, POINTS.label
NAN = np.where(np.arange(120).reshape(60, 2) == 7, np.nan, X)


def network(**given):
    return DenseNetwork(**{"sizes": [2, 4, 2], "seeds": range(2), **given})


def fit(net=None, **given):
    arguments = {"x": X, "label": LABEL, "optimizer": adam(0.05), "passes": 3, **given}
    return (net or network()).fit(**arguments)


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (ValueError, "sizes", [2]),
        (ValueError, "sizes", []),
        (ValueError, "sizes", [2, 0, 2]),
        (TypeError, "sizes", [2, 4.0, 2]),
        (TypeError, "sizes", [2, True, 2]),
        (ValueError, "sizes", [2, 4, 1]),
        (TypeError, "sizes", "242"),
        (TypeError, "sizes", 2),
        (TypeError, "sizes", np.array(2)),
        (ValueError, "seeds", []),
        (TypeError, "seeds", 5),
        (TypeError, "seeds", None),
        (TypeError, "seeds", "01"),
        (ValueError, "seeds", [-1]),
        (TypeError, "seeds", [1.5]),
        (ValueError, "seeds", [2**32]),
        (ValueError, "seeds", [0, 1, 0]),
        (TypeError, "activation", np.tanh),
        (TypeError, "activation", None),
        (ValueError, "activation", "Tanh"),
        (ValueError, "activation", {"slope": 0.1}),
        (TypeError, "initializer", ["zeros"]),
        (ValueError, "l2", -1),
        (TypeError, "l2", "0.1"),
        (ValueError, "l1", np.nan),
        (ValueError, "arithmetic", "Corrected"),
        (ValueError, "precision", np.float64),
    ],
)
def test_a_network_is_not_made_of(error, name, value):
    with pytest.raises(error, match=f"^{name}: got .*allowed: "):
        network(**{name: value})


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (ValueError, "batch_size", -1),
        (TypeError, "batch_size", 1.5),
        (TypeError, "batch_size", None),
        (TypeError, "batch_size", True),
        (ValueError, "passes", -1),
        (TypeError, "passes", 2.0),
        (ValueError, "record_interval", 0),
        (TypeError, "record_interval", 2.5),
        (ValueError, "snapshot_passes", [4]),
        (ValueError, "snapshot_passes", [-1]),
        (TypeError, "snapshot_passes", [2.5]),
        (TypeError, "snapshot_passes", 2),
        (TypeError, "schedule", "cosine"),
        (TypeError, "schedule", 0.5),
        (TypeError, "schedule", cosine),
        (TypeError, "schedule", lambda number: None),
        (ValueError, "schedule", lambda number: -number),
        (TypeError, "progress", None),
        (TypeError, "optimizer", adam),
        (TypeError, "optimizer", "adam"),
        (TypeError, "heldout", X),
        (TypeError, "heldout", (X,)),
        (ValueError, "heldout x", (X[:0], LABEL[:0])),
        (ValueError, "heldout label", (X, LABEL[:5])),
        (ValueError, "heldout label", (X, LABEL + 5)),
        (ValueError, "x", NAN),
        (ValueError, "x", np.where(np.isnan(NAN), np.inf, X)),
        (ValueError, "x", X.astype(str)),
        (ValueError, "x", X + 1j),
        (ValueError, "x", X[:, 0]),
        (ValueError, "x", X[:0]),
        (ValueError, "x", np.ma.masked_array(X, X > 1)),
        (ValueError, "x", scipy.sparse.csr_matrix(X)),
        (ValueError, "label", LABEL[:, None]),
        (ValueError, "label", np.array(["a", "b"])[LABEL]),
        (ValueError, "label", LABEL + 1),
        (ValueError, "label", LABEL * 0.5),
    ],
)
def test_a_training_is_not_begun_with(error, name, value):
    untouched = network()
    before = [layer.copy() for layer in untouched.weights]
    with pytest.raises(error, match=f"^{name}: got .*allowed: "):
        fit(untouched, **{name.split()[0]: value})
    for layer, expected in zip(untouched.weights, before, strict=True):
        np.testing.assert_array_equal(layer, expected)


@pytest.mark.parametrize(
    "points", [[0.1, 0.2], np.zeros((4, 3)), np.full((2, 2), np.nan), [["a", "b"]], None, 3, []]
)
def test_nothing_is_predicted_of(points):
    for predict in (network().predict, network().predict_proba):
        with pytest.raises(ValueError, match=r"^x: got .*allowed: "):
            predict(points)


def test_of_no_points_there_are_no_predictions():
    assert network().predict(X[:0]).shape == (2, 0)
    assert network().predict_proba(X[:0]).shape == (2, 0, 2)


@pytest.mark.parametrize("change", [lambda layer: layer[:1], lambda layer: layer[:, :, :2]])
def test_weights_of_another_network_are_refused(change):
    changed = network()
    changed.weights = [change(layer) for layer in changed.weights]
    for use in (lambda: changed.predict(X), lambda: fit(changed)):
        with pytest.raises(ValueError, match=r"^weights: got .*allowed: "):
            use()


@pytest.mark.parametrize(
    ("error", "name", "call"),
    [
        (ValueError, "learning_rate", lambda: adam(-1)),
        (ValueError, "learning_rate", lambda: adam(float("nan"))),
        (TypeError, "learning_rate", lambda: adam("0.1")),
        (TypeError, "adam", lambda: adam()),
        (TypeError, "adam", lambda: adam(0.1, lr=1)),
        (ValueError, "beta_1", lambda: adam(0.1, 1.0)),
        (ValueError, "momentum", lambda: momentum(0.1, momentum=1.5)),
        (TypeError, "learning_rate", lambda: gradient_descent(None)),
        (ValueError, "passes", lambda: cosine(0)),
        (ValueError, "interval", lambda: step(10, interval=0)),
        (ValueError, "warm_up", lambda: make_schedule({"kind": "constant", "warm_up": -1}, 10)),
        (ValueError, "slope", lambda: make_activation({"kind": "leaky_relu", "slope": 1})),
        (TypeError, "leaky_relu", lambda: make_activation({"kind": "leaky_relu", "alpha": 1})),
        (ValueError, "limit", lambda: make_initializer({"kind": "uniform", "limit": -1})),
        (TypeError, "gain", lambda: make_initializer({"kind": "orthogonal", "gain": "a"})),
    ],
)
def test_parts_are_refused_by_name(error, name, call):
    with pytest.raises(error, match=f"^{name}: .*allowed: "):
        call()


@pytest.mark.parametrize("value", [np.float32(0.25), np.int64(1), 1, 0.25])
def test_numbers_of_any_kind_will_do(value):
    assert network(l2=value, seeds=np.arange(2)).seeds == [0, 1]
    for factory in OPTIMIZERS.values():
        fit(optimizer=factory(value))


def test_no_pass_records_the_start_and_changes_nothing():
    untouched = network()
    before = [layer.copy() for layer in untouched.weights]
    assert fit(untouched, passes=0).history["pass"].tolist() == [0, 0]
    for layer, expected in zip(untouched.weights, before, strict=True):
        np.testing.assert_array_equal(layer, expected)


def test_ranges_are_those_of_the_configuration(monkeypatch):
    fit(batch_size=4)
    narrow = Setting("batch_size", "", "integer", maximum=3)
    monkeypatch.setitem(SETTINGS, "batch_size", narrow)
    with pytest.raises(ValueError, match="allowed: a whole number up to 3"):
        fit(batch_size=4)


def test_lists_have_the_lengths_that_their_setting_states():
    pair = Setting("sizes", "", "counts", minimum=1, maximum=9, min_length=1, max_length=2)
    assert whole_numbers(pair, np.array([3, 9])) == [3, 9]
    for value in ([], [1, 2, 3]):
        with pytest.raises(ValueError, match=r"a sequence of whole numbers, 1 to 2$"):
            whole_numbers(pair, value)
    with pytest.raises(ValueError, match=r"^sizes: got 10, allowed: a whole number from 1 up to 9"):
        whole_numbers(pair, [3, 10])


@pytest.mark.parametrize(
    ("error", "name", "call"),
    [
        (ValueError, "sizes", lambda: network(sizes=[2, 10**9, 2])),
        (ValueError, "seeds", lambda: network(seeds=itertools.count())),
        (ValueError, "seeds", lambda: network(seeds=range(10**9))),
        (ValueError, "l2", lambda: network(l2=10**400)),
        (ValueError, "record_interval", lambda: fit(passes=10**9, record_interval=1)),
        (ValueError, "snapshot_passes", lambda: fit(snapshot_passes=itertools.count())),
        (ValueError, "label", lambda: fit(label=np.ma.masked_array(LABEL, LABEL > 0))),
        (ValueError, "label", lambda: fit(label=[[1], [1, 2]])),
        (ValueError, "label", lambda: fit(label=[None] * 60)),
        (ValueError, "label", lambda: fit(label=LABEL + 0j)),
        (ValueError, "label", lambda: fit(label=np.array(["a", "b"], object)[LABEL])),
        (ValueError, "x", lambda: fit(x=[[1], [1, 2]])),
        (ValueError, "x", lambda: fit(x=[np.ma.masked_array([1.0, 2.0], [True, False])] * 60)),
        (ValueError, "x", lambda: fit(x=[[10**400, 1]] * 60)),
        (TypeError, "earlier", lambda: fit(earlier={})),
        (ValueError, "earlier", lambda: fit(earlier={"0/made": np.zeros(0)})),
        (ValueError, "earlier", lambda: fit(optimizer=gradient_descent(1), earlier=fit().state)),
        (ValueError, "schedule", lambda: fit(schedule=lambda n: np.nan if n == 2 else 1.0)),
        (TypeError, "adam", lambda: adam(lr=0.1)),
        (TypeError, "optimizer", lambda: make_optimizer("adam")),
        (TypeError, "learning_rate", lambda: make_optimizer({"kind": "adam", "learning_rate": ""})),
        (TypeError, "schedule", lambda: make_schedule(None, 10)),
        (ValueError, "passes", lambda: make_schedule({"kind": "cosine"}, -1)),
    ],
)
def test_what_has_no_end_and_what_is_no_number_is_refused_too(error, name, call):
    with pytest.raises(error, match=f"^{name}: .*allowed: ") as fault:
        call()
    assert len(str(fault.value)) < 300


@pytest.mark.parametrize("value", [None, "ab", [[[1], [1, 2]]], np.nan, "masked"])
def test_weights_that_are_none_are_refused(value):
    net = network()
    if value == "masked":
        net.weights = [np.ma.masked_array(layer, layer > 0) for layer in net.weights]
    elif isinstance(value, float):
        net.weights[0][0, 0, 0] = value
    else:
        net.weights = value
    with pytest.raises((TypeError, ValueError), match=r"^weights: .*allowed: "):
        net.predict(X)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, {"kind": "leaky_relu", "slope": 0.3}])
def test_a_network_can_be_pickled_and_copied(activation):
    net = network(activation=activation)
    fit(net)
    for again in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
        pd.testing.assert_frame_equal(fit(again).runs, fit(copy.deepcopy(net)).runs)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_a_schedule_and_a_result_can_be_pickled(kind):
    optimizer = OPTIMIZERS[kind](0.02)
    for settings in ({"kind": "cosine", "warm_up": 1}, {"kind": "step", "interval": 2}):
        schedule = make_schedule(settings, 3)
        result = fit(optimizer=optimizer, schedule=schedule)
        again = pickle.loads(pickle.dumps((optimizer, schedule, result)))
        pd.testing.assert_frame_equal(again[2].history, result.history)
        pd.testing.assert_frame_equal(
            fit(optimizer=again[0], schedule=again[1]).history, result.history
        )
