"""Dense activations: values and derivatives against TensorFlow, limits, flags and parameters."""

import numpy as np
import pytest
import tensorflow as tf
from dense_references import (
    ACTIVATION_CASES,
    TENSORFLOW_ACTIVATIONS,
    activation_settings,
    apply_tensorflow,
)

from restudy.families.dense.activations import ACTIVATIONS, make_activation

MAGNITUDES = np.concatenate([np.geomspace(1e-8, 1e4, 400), np.linspace(0.01, 60.0, 2_000)])


def build(case):
    return make_activation(activation_settings(case))


def net_inputs(pieces, dtype=np.float64):
    """Points of the grid ±|z|, shape (pieces, n).

    For maxout, each piece has an order of its own and a factor too: of equal pieces, which
    TensorFlow shares the slope between, there are none.
    """
    grid = np.concatenate([-MAGNITUDES[::-1], MAGNITUDES]).astype(dtype)
    rows = [
        np.random.default_rng(piece).permutation(grid) * dtype(1 + piece / 97)
        for piece in range(pieces)
    ]
    return np.stack(rows)


def evaluate(activation, z):
    """Value and derivative as a layer finds them."""
    value, slope = np.empty(z[:1].shape, z.dtype), np.empty_like(z)
    activation.value(z, value)
    activation.derivative(z, value, slope)
    return value, slope


def evaluate_tensorflow(case, z):
    variable = tf.constant(z, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        value = apply_tensorflow(case, variable)
    return value.numpy(), tape.gradient(value, variable).numpy()


def test_every_activation_is_checked():
    assert {activation_settings(case)["kind"] for case in ACTIVATION_CASES} == set(ACTIVATIONS)
    assert set(TENSORFLOW_ACTIVATIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_value_and_derivative_are_those_of_tensorflow(case):
    activation = build(case)
    z = net_inputs(activation.pieces)
    value, slope = evaluate(activation, z)
    expected_value, expected_slope = evaluate_tensorflow(case, z)
    # Held exponents keep 1 / (1 + exp(-z)) above 1e-308, where TensorFlow has 0.
    np.testing.assert_allclose(value, expected_value, rtol=1e-12, atol=1e-300)
    # A slope found from a (1 - a², a + α, a (1 - a)), or a sum that crosses zero, has lost the
    # digits that cancel: a few units of the last place of 1 remain.
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_float32_follows_float64(case):
    activation = build(case)
    z = net_inputs(activation.pieces, np.float32)
    value, slope = evaluate(activation, z)
    assert value.dtype == slope.dtype == np.float32
    expected_value, expected_slope = evaluate_tensorflow(case, z.astype(np.float64))
    np.testing.assert_allclose(value, expected_value, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(slope, expected_slope, rtol=1e-6, atol=2e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_large_net_inputs_are_finite_without_a_floating_point_error(case, dtype):
    activation = build(case)
    z = np.array([[-1e4, -800.0, -100.0, -50.0, 0.0, 50.0, 100.0, 800.0, 1e4]], dtype)
    z = np.concatenate([np.roll(z, piece) for piece in range(activation.pieces)])
    # What vanishes may vanish.
    with np.errstate(all="raise", under="ignore"):
        value, slope = evaluate(activation, z)
    assert np.isfinite(value).all() and np.isfinite(slope).all()


LIMITS = {  # f(-1e4), f'(-1e4), f(1e4), f'(1e4)
    "identity": (-1e4, 1.0, 1e4, 1.0),
    "tanh": (-1.0, 0.0, 1.0, 0.0),
    "sigmoid": (0.0, 0.0, 1.0, 0.0),
    "relu": (0.0, 0.0, 1e4, 1.0),
    "leaky_relu": (-100.0, 0.01, 1e4, 1.0),
    "elu": (-1.0, 0.0, 1e4, 1.0),
    "softplus": (0.0, 0.0, 1e4, 1.0),
    "silu": (0.0, 0.0, 1e4, 1.0),
    "gelu": (0.0, 0.0, 1e4, 1.0),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", LIMITS)
def test_limits_far_from_zero(kind, dtype):
    value, slope = evaluate(make_activation(kind), np.array([[-1e4, 1e4]], dtype))
    found = [value[0, 0], slope[0, 0], value[0, 1], slope[0, 1]]
    np.testing.assert_allclose(found, LIMITS[kind], rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("case", [case for case in ACTIVATION_CASES if build(case).in_place])
def test_in_place_value_is_the_same(case):
    activation = build(case)
    z = net_inputs(1)
    expected, _ = evaluate(activation, z)
    activation.value(z, z)
    np.testing.assert_array_equal(z, expected)


def test_activations_that_a_layer_evaluates_in_place_are_these():
    in_place = {kind for kind in ACTIVATIONS if make_activation(kind).in_place}
    assert in_place == {"identity", "tanh", "sigmoid", "relu"}


@pytest.mark.parametrize("case", [c for c in ACTIVATION_CASES if not build(c).reads_net_input])
def test_derivative_that_reads_the_value_alone_never_looks_at_the_net_input(case):
    activation = build(case)
    z = net_inputs(1)
    value, expected = evaluate(activation, z)
    for net_input in (None, np.full_like(z, np.nan)):
        slope = np.empty_like(z)
        activation.derivative(net_input, value, slope)
        np.testing.assert_array_equal(slope, expected)


@pytest.mark.parametrize("case", [c for c in ACTIVATION_CASES if not build(c).in_place])
def test_value_and_derivative_leave_what_they_read_as_it_was(case):
    activation = build(case)
    z = net_inputs(activation.pieces)
    kept = z.copy()
    value = np.empty((1, z.shape[1]))
    activation.value(z, value)
    found = value.copy()
    activation.derivative(z, value, np.empty_like(z))
    np.testing.assert_array_equal(z, kept)
    np.testing.assert_array_equal(value, found)


@pytest.mark.parametrize("case", ACTIVATION_CASES)
def test_steepest_is_the_largest_slope(case):
    activation = build(case)
    grid = np.concatenate([np.linspace(-8.0, 8.0, 4_001), [-1e4, 1e4]])
    z = np.stack([np.roll(grid, 7 * piece) for piece in range(activation.pieces)])
    _, slope = evaluate_tensorflow(case, z)
    assert activation.steepest == pytest.approx(np.abs(slope).max(), rel=1e-3)


def test_maxout_gives_the_slope_to_one_of_equal_pieces():
    activation = make_activation({"kind": "maxout", "pieces": 3})
    z = np.array([[1.0, 2.0, 0.0], [1.0, 3.0, 0.0], [0.0, 3.0, 0.0]])
    value, slope = evaluate(activation, z)
    assert value.tolist() == [[1.0, 3.0, 0.0]]
    assert slope.tolist() == [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_maxout_takes_its_pieces_in_blocks_of_units():
    activation = make_activation("maxout")
    z = np.array([[1.0], [2.0], [5.0], [-1.0]])  # two units: first pieces 1, 2; second 5, -1
    value, slope = np.empty((2, 1)), np.empty((4, 1))
    activation.value(z, value)
    activation.derivative(z, value, slope)
    assert value.ravel().tolist() == [5.0, 2.0]
    assert slope.ravel().tolist() == [0.0, 1.0, 1.0, 0.0]


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="slope"):
        make_activation({"kind": "relu", "slope": 0.1})


@pytest.mark.parametrize(
    ("kind", "name", "wrong"),
    [
        ("leaky_relu", "slope", 0.0),
        ("leaky_relu", "slope", 1.0),
        ("elu", "alpha", 0.0),
        ("elu", "alpha", -1.0),
        ("maxout", "pieces", 1),
    ],
)
def test_parameters_outside_their_range_are_refused(kind, name, wrong):
    with pytest.raises(ValueError, match=f"{name}: got {wrong}, allowed"):
        make_activation({"kind": kind, name: wrong})
