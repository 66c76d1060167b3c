"""What initial values are drawn from, as stated, against what the families draw."""

import pytest
from scipy import stats

from restudy.analysis.shapes import expected_distance, shape_distances, tensors_by_run
from restudy.families.components import INITIALIZERS
from restudy.families.conv.family import FAMILY as CONV
from restudy.families.conv.initializers import make_initializer
from restudy.families.conv.network import draw_parameters
from restudy.families.conv.shapes import list_layers, parameter_shapes
from restudy.families.dense.family import FAMILY as DENSE
from restudy.families.dense.network import DenseNetwork
from restudy.families.distributions import DISTRIBUTIONS, Distribution
from restudy.families.registry import resolve

KINDS = {kind.name: {each.name: each.default for each in kind.settings} for kind in INITIALIZERS}
DRAWN = sorted(DISTRIBUTIONS)
MAXOUT = {"kind": "maxout", "pieces": 3}
ACTIVATIONS = pytest.mark.parametrize("activation", [{"kind": "tanh"}, MAXOUT], ids=["tanh", "max"])


def dense_tensors(initializer, activation):
    sizes = [40, 60, 60, 30]
    network = DenseNetwork(sizes, activation=activation, initializer=initializer, seeds=[0])
    stored = {f"layer{n}": each for n, each in enumerate(network.weights, start=1)}
    return tensors_by_run(DENSE, stored)[0], {"cell": {"depth": 2}}


def conv_tensors(initializer, activation):
    sizes = {"channels": [8, 16], "kernel": 5, "units": 30}
    pieces = activation.get("pieces", 1)
    shapes = parameter_shapes(list_layers(sizes, (12, 12), pieces=pieces))
    drawn = draw_parameters(shapes, make_initializer(initializer), 0, pieces=pieces)
    return {name: value.numpy() for name, value in drawn.items()}, {"cell": {}}


def test_distributions_are_stated_of_all_kinds_that_have_one():
    assert set(KINDS) - set(DRAWN) == {"orthogonal", "zeros"}


@ACTIVATIONS
@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize(("family", "draw"), [(DENSE, dense_tensors), (CONV, conv_tensors)])
def test_initial_values_are_draws_from_what_is_stated(family, draw, kind, activation):
    initializer = {"kind": kind, **KINDS[kind]}
    tensors, settings = draw(initializer, activation)
    settings |= {"initializer": initializer, "activation": activation}
    initial = resolve(family, family.initial)
    for name, values in tensors.items():
        distribution = initial(settings, name)
        assert (distribution is None) == name.endswith("bias")
        if distribution is not None:
            found = shape_distances(values, distribution)
            # Of exact draws, one in 13,000 is as far away.
            assert found["initial_distance"] < 2.6 * expected_distance(values.size), name
            # A distribution of a scale that is a quarter larger is told from it.
            stated = distribution(values.shape)
            wider = Distribution(stated.shape, 1.25 * stated.scale)
            wrong = shape_distances(values, lambda shape, wider=wider: wider)
            if values.size > 3_000:
                assert wrong["initial_distance"] > 2.6 * expected_distance(values.size), name


@pytest.mark.parametrize("kind", ["orthogonal", "zeros", "own"])
@pytest.mark.parametrize("family", [DENSE, CONV])
def test_what_is_not_drawn_value_by_value_has_no_distribution(family, kind):
    settings = {"cell": {"depth": 1}, "initializer": {"kind": kind}, "activation": {"kind": "tanh"}}
    for tensor in ("layer1/weights", "conv1/weights"):
        assert resolve(family, family.initial)(settings, tensor) is None


def test_a_truncated_distribution_keeps_the_variance():
    truncated = Distribution("normal", 0.7).truncated()
    assert stats.truncnorm(-2, 2, scale=truncated.scale).std() == pytest.approx(0.7)
