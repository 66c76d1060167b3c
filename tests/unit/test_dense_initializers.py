"""Dense initial weights: moments, bounds, distributions against Keras', order of the draws."""

import inspect
import math

import keras
import numpy as np
import pytest
from scipy.stats import ks_2samp, kstest, norm, truncnorm

from restudy.families.dense.initializers import (
    INITIALIZERS,
    TRUNCATED_DEVIATION,
    draw_weights,
    make_initializer,
)

FAN_IN, FAN_OUT = 300, 200
# Variance and largest magnitude (None: unbounded), worked out for fan-in 300 and fan-out 200.
EXPECTED = {
    "fan_in_normal": (1 / 300, None),
    "xavier_uniform": (2 / 500, math.sqrt(6 / 500)),
    "xavier_normal": (2 / 500, None),
    "he_uniform": (2 / 300, math.sqrt(6 / 300)),
    "he_normal": (2 / 300, None),
    "lecun_normal": (1 / 300, 2 * math.sqrt(1 / 300) / 0.8796256610342398),
    "truncated_normal": (0.01 * 0.8796256610342398**2, 0.2),
    "uniform": (0.05**2 / 3, 0.05),
}
KERAS = {
    "xavier_uniform": lambda: keras.initializers.GlorotUniform(seed=1),
    "he_uniform": lambda: keras.initializers.HeUniform(seed=1),
    "lecun_normal": lambda: keras.initializers.LecunNormal(seed=1),
    "truncated_normal": lambda: keras.initializers.TruncatedNormal(stddev=0.1, seed=1),
    "uniform": lambda: keras.initializers.RandomUniform(-0.05, 0.05, seed=1),
}
# Keras cuts its Glorot and He normals off at two standard deviations; these here are plain normal.
NORMAL = {
    "fan_in_normal": math.sqrt(1 / 300),
    "xavier_normal": math.sqrt(2 / 500),
    "he_normal": math.sqrt(2 / 300),
}


def draw(settings, shape=(FAN_IN, FAN_OUT), seed=0):
    return make_initializer(settings)(np.random.RandomState(seed), *shape)


def test_every_initializer_is_checked():
    assert set(INITIALIZERS) == set(EXPECTED) | {"orthogonal", "zeros"}
    assert set(EXPECTED) == set(KERAS) | set(NORMAL)


@pytest.mark.parametrize("name", EXPECTED)
def test_mean_and_variance_are_those_of_the_definition(name):
    values = draw(name)
    variance, _ = EXPECTED[name]
    assert values.shape == (FAN_IN, FAN_OUT) and values.dtype == np.float64
    # Five standard errors of a normal sample's variance; the other shapes have smaller ones.
    assert values.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / values.size))
    assert values.mean() == pytest.approx(0, abs=5 * math.sqrt(variance / values.size))


@pytest.mark.parametrize("name", [name for name, (_, bound) in EXPECTED.items() if bound])
def test_bounded_initializers_fill_their_bounds(name):
    values = draw(name)
    _, bound = EXPECTED[name]
    assert -bound <= values.min() < -0.995 * bound
    assert 0.995 * bound < values.max() <= bound


@pytest.mark.parametrize("shape", [(FAN_IN, FAN_OUT), (20, 2_000), (2_000, 20)])
@pytest.mark.parametrize("name", KERAS)
def test_distribution_is_that_of_keras(name, shape):
    ours = draw(name, shape).ravel()
    theirs = np.asarray(KERAS[name]()(shape), float).ravel()
    assert ks_2samp(ours, theirs).pvalue > 1e-3


@pytest.mark.parametrize("name", NORMAL)
def test_normal_initializers_are_normal(name):
    assert kstest(draw(name).ravel(), norm(scale=NORMAL[name]).cdf).pvalue > 1e-3
    assert np.abs(draw(name)).max() > 3.5 * NORMAL[name]  # not cut off


def test_deviation_of_the_cut_normal_is_scipys():
    assert pytest.approx(truncnorm(-2, 2).std(), rel=1e-9) == TRUNCATED_DEVIATION


@pytest.mark.parametrize("gain", [1.0, 0.5, math.sqrt(2)])
@pytest.mark.parametrize("shape", [(30, 7), (7, 30), (12, 12), (1, 5), (5, 1)])
def test_orthogonal_vectors_of_the_shorter_side(shape, gain):
    matrix = draw({"kind": "orthogonal", "gain": gain}, shape)
    assert matrix.shape == shape
    short = matrix if shape[0] >= shape[1] else matrix.T
    np.testing.assert_allclose(short.T @ short, gain**2 * np.eye(min(shape)), atol=1e-14)


def test_orthogonal_matrices_are_spread_evenly():
    matrices = np.array([draw("orthogonal", (3, 3), seed) for seed in range(2_000)])
    determinants = np.linalg.det(matrices)
    np.testing.assert_allclose(np.abs(determinants), 1.0, rtol=1e-12)
    # Half of all are reflections: within five standard deviations of a fair coin.
    assert abs((determinants > 0).mean() - 0.5) < 2.5 / math.sqrt(2_000)
    # By Archimedes, each coordinate of an even direction in space is uniform on ±1. Without the
    # signs of R's diagonal, some would have one sign only.
    for entry in matrices.reshape(-1, 9).T:
        assert kstest(entry, lambda value: (value + 1) / 2).pvalue > 1e-4


def test_parameters_scale_the_distribution():
    np.testing.assert_allclose(
        draw({"kind": "truncated_normal", "scale": 0.3}), 3 * draw("truncated_normal"), rtol=1e-12
    )
    np.testing.assert_allclose(
        draw({"kind": "uniform", "limit": 0.2}), 4 * draw("uniform"), rtol=1e-12
    )
    np.testing.assert_allclose(
        draw({"kind": "orthogonal", "gain": 2.0}), 2 * draw("orthogonal"), rtol=1e-12
    )
    assert inspect.signature(INITIALIZERS["truncated_normal"]).parameters["scale"].default == 0.1


def test_zeros_are_zero():
    assert not draw("zeros").any()


def test_normal_draws_are_the_published_ones():
    expected = np.random.RandomState(5).randn(4, 6)
    np.testing.assert_array_equal(draw("fan_in_normal", (4, 6), 5), expected / np.sqrt(4))


@pytest.mark.parametrize("name", [name for name in INITIALIZERS if name != "zeros"])
def test_seed_decides_the_draw(name):
    np.testing.assert_array_equal(draw(name, seed=3), draw(name, seed=3))
    assert (draw(name, seed=3) != draw(name, seed=4)).mean() > 0.99


def test_corrected_weights_are_drawn_layer_after_layer():
    rng = np.random.RandomState(7)
    expected = [rng.randn(*shape) / np.sqrt(shape[0]) for shape in [(3, 5), (5, 4), (4, 2)]]
    found = draw_weights([3, 5, 4, 2], "fan_in_normal", 7, "corrected")
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("arithmetic", ["published", "corrected"])
def test_single_hidden_layer_draws_the_first_then_the_last(arithmetic):
    rng = np.random.RandomState(7)
    first, last = rng.randn(2, 5) / np.sqrt(2), rng.randn(5, 2) / np.sqrt(5)
    found = draw_weights([2, 5, 2], "fan_in_normal", 7, arithmetic)
    np.testing.assert_array_equal(found[0], first)
    np.testing.assert_array_equal(found[1], last)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_published_deep_weights_come_from_one_hidden_matrix_drawn_first(depth):
    rng = np.random.RandomState(7)
    shared, first, last = rng.randn(5, 5), rng.randn(2, 5), rng.randn(5, 2)
    found = draw_weights([2, *[5] * depth, 2], "fan_in_normal", 7, "published")
    assert len(found) == depth + 1
    np.testing.assert_array_equal(found[0], first / np.sqrt(2))
    np.testing.assert_array_equal(found[-1], last / np.sqrt(5))
    for hidden in found[1:-1]:
        np.testing.assert_array_equal(hidden, shared / np.sqrt(5))
    # Equal, and yet not one object: training parts them.
    assert len({id(matrix) for matrix in found}) == depth + 1


def test_corrected_deep_weights_differ_between_layers():
    found = draw_weights([2, 5, 5, 5, 2], "fan_in_normal", 0, "corrected")
    assert (found[1] != found[2]).all()


@pytest.mark.parametrize("pieces", [2, 3])
def test_each_piece_is_drawn_as_a_matrix_of_its_own(pieces):
    rng = np.random.RandomState(7)
    initializer = make_initializer("xavier_uniform")
    first = [initializer(rng, 4, 6) for _ in range(pieces)]
    last = initializer(rng, 6, 3)
    found = draw_weights([4, 6, 3], "xavier_uniform", 7, "corrected", pieces)
    np.testing.assert_array_equal(found[0], np.hstack(first))
    np.testing.assert_array_equal(found[1], last)


def test_pieces_are_orthogonal_each():
    (first, _) = draw_weights([6, 4, 2], "orthogonal", 0, "corrected", 2)
    for piece in (first[:, :4], first[:, 4:]):
        np.testing.assert_allclose(piece.T @ piece, np.eye(4), atol=1e-14)


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="gain"):
        make_initializer({"kind": "zeros", "gain": 1.0})
