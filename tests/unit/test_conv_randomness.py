import numpy as np
import pytest

from restudy.families.conv.randomness import draw_batches


@pytest.mark.parametrize(("examples", "batch_size"), [(60, 10), (64, 10), (7, 10)])
def test_every_epoch_covers_each_example_once(examples, batch_size):
    steps = 5 * examples // batch_size + 5
    stream = draw_batches(3, 0, steps, batch_size, examples).ravel()
    for epoch in range(len(stream) // examples):
        part = stream[epoch * examples : (epoch + 1) * examples]
        assert sorted(part) == list(range(examples)), epoch


def test_order_differs_between_epochs_and_seeds():
    first, second = draw_batches(0, 0, 2, 50, 50)
    other = draw_batches(1, 0, 1, 50, 50)[0]
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("split", [1, 6, 7, 13, 19])
def test_any_step_can_be_had_without_those_before_it(split):
    whole = draw_batches(0, 0, 20, 10, 64)
    parts = [draw_batches(0, 0, split, 10, 64), draw_batches(0, split, 20 - split, 10, 64)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_batches_are_as_asked_for():
    batches = draw_batches(0, 1100, 3, 50, 55_000)
    assert batches.shape == (3, 50)
    assert batches.dtype == np.int32
