import math

import keras
import numpy as np
import pytest

from restudy.families.conv.initial import count_fans
from restudy.families.conv.initializers import INITIALIZERS
from restudy.families.conv.network import draw_parameters
from restudy.families.conv.randomness import DATA_ORDER, INITIAL_VALUES, make_key
from restudy.families.conv.shapes import list_layers, parameter_shapes

CONVOLUTION = (5, 5, 32, 64)  # fan-in 800, fan-out 1600
DENSE = (300, 200)
# Standard deviation and largest magnitude, worked out for fan-in 800 and fan-out 1600.
EXPECTED = {
    "truncated_normal": (0.1 * 0.8796, 0.2),
    "xavier_uniform": (math.sqrt(2 / 2400), math.sqrt(6 / 2400)),
    "xavier_normal": (math.sqrt(2 / 2400), 2 * math.sqrt(2 / 2400) / 0.8796),
    "he_normal": (math.sqrt(2 / 800), 2 * math.sqrt(2 / 800) / 0.8796),
    "he_uniform": (math.sqrt(2 / 800), math.sqrt(6 / 800)),
    "lecun_normal": (math.sqrt(1 / 800), 2 * math.sqrt(1 / 800) / 0.8796),
    "uniform": (0.05 / math.sqrt(3), 0.05),
}
NOT_CUT_OFF = {"scale": 1.0, "mode": "fan_in", "distribution": "untruncated_normal"}
KERAS = {
    "truncated_normal": keras.initializers.TruncatedNormal(stddev=0.1, seed=1),
    "xavier_uniform": keras.initializers.GlorotUniform(seed=1),
    "xavier_normal": keras.initializers.GlorotNormal(seed=1),
    "he_normal": keras.initializers.HeNormal(seed=1),
    "he_uniform": keras.initializers.HeUniform(seed=1),
    "lecun_normal": keras.initializers.LecunNormal(seed=1),
    "fan_in_normal": keras.initializers.VarianceScaling(
        1.0, "fan_in", "untruncated_normal", seed=1
    ),
    "uniform": keras.initializers.RandomUniform(-0.05, 0.05, seed=1),
}


def draw(name, shape, seed=0, **parameters):
    return INITIALIZERS[name](**parameters)(shape, make_key(seed, INITIAL_VALUES, 0)).numpy()


def shapes_of(channels, pieces=1):
    sizes = {"channels": channels, "kernel": 5, "units": 64}
    return parameter_shapes(list_layers(sizes, pieces=pieces))


def test_every_initializer_is_checked():
    assert set(INITIALIZERS) == set(KERAS) | {"orthogonal", "zeros"}
    assert set(KERAS) == set(EXPECTED) | {"fan_in_normal"}  # which has no bound


def test_parameters_of_initializers_are_used():
    assert not draw("zeros", DENSE).any()
    np.testing.assert_allclose(
        draw("truncated_normal", DENSE, scale=0.5), 5 * draw("truncated_normal", DENSE), rtol=1e-6
    )
    np.testing.assert_allclose(
        draw("orthogonal", DENSE, gain=2.0), 2 * draw("orthogonal", DENSE), rtol=1e-6
    )
    assert 0.29 < np.abs(draw("uniform", DENSE, limit=0.3)).max() <= 0.3001


@pytest.mark.parametrize("name", EXPECTED)
def test_moments_and_bounds_are_those_of_the_definition(name):
    values = draw(name, CONVOLUTION)
    deviation, bound = EXPECTED[name]
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0, abs=5 * deviation / math.sqrt(values.size))
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert 0.99 * bound < np.abs(values).max() <= bound * 1.0001


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("shape", [CONVOLUTION, DENSE])
def test_distribution_is_that_of_keras(name, shape):
    # Two-sample Kolmogorov-Smirnov distance, at the 0.1% level.
    ours, theirs = (np.sort(x.ravel()) for x in (draw(name, shape), np.asarray(KERAS[name](shape))))
    grid = np.linspace(min(ours[0], theirs[0]), max(ours[-1], theirs[-1]), 1001)
    distance = np.abs(np.searchsorted(ours, grid) - np.searchsorted(theirs, grid)).max()
    assert distance / ours.size < 1.95 * math.sqrt(2 / ours.size)


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (5, 5, 2, 16)])
def test_orthogonal_kernels_are_orthonormal(shape):
    matrix = draw("orthogonal", shape).reshape(-1, shape[-1]).astype(np.float64)
    gram = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


def test_orthogonal_signs_are_not_those_of_the_decomposition():
    # Householder QR alone gives a first column whose first entry is never positive here.
    signs = {float(np.sign(draw("orthogonal", (4, 4), seed)[0, 0])) for seed in range(12)}
    assert signs == {-1.0, 1.0}


@pytest.mark.parametrize(
    ("shape", "fans"), [((5, 5, 1, 32), (25, 800)), ((3136, 1024), (3136, 1024))]
)
def test_fans_count_the_window(shape, fans):
    assert count_fans(shape) == fans


def test_biases_are_constant_and_weights_are_not():
    shapes, draw_kernel = shapes_of([32, 64]), INITIALIZERS["xavier_uniform"]()
    for name, value in draw_parameters(shapes, draw_kernel, seed=0, bias=0.25).items():
        assert (np.unique(value).tolist() == [0.25]) == name.endswith("bias"), name
    biases = draw_parameters(shapes, draw_kernel, seed=0)
    assert np.unique(biases["fc2/bias"]).tolist() == [np.float32(0.1)]


def test_draws_depend_on_seed_layer_and_purpose():
    def first(seed, purpose, number):
        return float(INITIALIZERS["he_normal"]()((4, 4), make_key(seed, purpose, number))[0, 0])

    base = first(0, INITIAL_VALUES, 0)
    assert base == first(0, INITIAL_VALUES, 0)
    others = [(1, INITIAL_VALUES, 0), (0, DATA_ORDER, 0), (0, INITIAL_VALUES, 1)]
    assert len({base, *(first(*key) for key in others)}) == 4


@pytest.mark.parametrize("channels", [[4], [32, 64], [4, 4, 4, 4]])
def test_no_two_kernels_or_pieces_of_any_seed_are_drawn_from_one_key(channels):
    keys = []

    def draw_kernel(shape, key):
        keys.append(tuple(key.numpy().tolist()))
        return np.zeros(shape, np.float32)

    for seed in (0, 1):
        draw_parameters(shapes_of(channels, pieces=4), draw_kernel, seed, pieces=4)
    assert len(keys) == 2 * ((len(channels) + 1) * 4 + 1)
    assert len(set(keys)) == len(keys)


def test_weights_of_a_layer_do_not_repeat_those_of_another():
    parameters = draw_parameters(shapes_of([32, 64]), INITIALIZERS["he_normal"](), seed=0)
    starts = [
        tuple(np.sign(np.ravel(parameters[name])[:12]))
        for name in parameters
        if name.endswith("weights")
    ]
    assert len(set(starts)) == 4
