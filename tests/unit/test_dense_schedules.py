"""Learning-rate schedules: against Keras', the warm-up, and what happens at the edges."""

import keras
import numpy as np
import pytest

from restudy.families.dense.schedules import SCHEDULES, make_schedule

PASSES = 120


def factors(settings, passes=PASSES):
    schedule = make_schedule(settings, passes)
    return np.array([schedule(number) for number in range(1, passes + 1)])


def keras_factors(schedule, passes=PASSES):
    """Keras counts its steps from 0."""
    return np.array([float(schedule(number)) for number in range(passes)])


def test_every_schedule_is_checked():
    assert set(SCHEDULES) == {"constant", "step", "cosine"}


def test_constant_is_one():
    assert factors({"kind": "constant"}).tolist() == [1.0] * PASSES


@pytest.mark.parametrize(("interval", "factor"), [(10, 0.5), (7, 0.9), (1, 0.97), (1000, 0.1)])
def test_step_is_keras_exponential_decay_in_stairs(interval, factor):
    found = factors({"kind": "step", "interval": interval, "factor": factor})
    expected = keras.optimizers.schedules.ExponentialDecay(1.0, interval, factor, staircase=True)
    # Keras counts in float32.
    np.testing.assert_allclose(found, keras_factors(expected), rtol=1e-5)


def test_step_changes_after_every_interval_and_not_before():
    found = factors({"kind": "step", "interval": 3, "factor": 0.5}, 7)
    assert found.tolist() == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_is_keras_cosine_decay(final):
    found = factors({"kind": "cosine", "final": final})
    expected = keras.optimizers.schedules.CosineDecay(1.0, PASSES, alpha=final)
    np.testing.assert_allclose(found, keras_factors(expected), rtol=1e-5, atol=1e-6)


def test_cosine_starts_at_one_is_half_way_down_in_the_middle_and_falls_all_the_way():
    found = factors({"kind": "cosine", "final": 0.2}, 100)
    assert found[0] == 1.0
    assert found[50] == pytest.approx(0.6, rel=1e-12)
    assert (np.diff(found) < 0).all()
    assert 0.2 < found[-1] < 0.201


@pytest.mark.parametrize("warm_up", [0, 1, 5, 20])
@pytest.mark.parametrize(
    "settings",
    [{"kind": "constant"}, {"kind": "step", "interval": 9}, {"kind": "cosine", "final": 0.1}],
    ids=lambda settings: settings["kind"],
)
def test_warm_up_rises_evenly_to_one_and_then_the_schedule_begins(settings, warm_up):
    found = factors({**settings, "warm_up": warm_up})
    np.testing.assert_allclose(found[:warm_up], np.arange(1, warm_up + 1) / max(warm_up, 1))
    np.testing.assert_array_equal(found[warm_up:], factors(settings, PASSES - warm_up))


@pytest.mark.parametrize("warm_up", [10, 11, 40])
@pytest.mark.parametrize("kind", SCHEDULES)
def test_warm_up_as_long_as_the_training_is_all_there_is(kind, warm_up):
    found = factors({"kind": kind, "warm_up": warm_up}, 10)
    np.testing.assert_allclose(found, np.arange(1, 11) / warm_up, rtol=1e-15)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_training_of_one_pass_has_the_whole_rate(kind):
    assert factors({"kind": kind}, 1).tolist() == [1.0]


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match="interval"):
        make_schedule({"kind": "cosine", "interval": 10}, 10)
