"""Weights kept on the way: at which passes, and within which budget."""

import numpy as np
import pytest

from restudy.families.dense.snapshots import affordable_count, pack_snapshots, snapshot_passes


@pytest.mark.parametrize(("passes", "count"), [(20_000, 20), (20_000, 2), (7, 20), (1, 5)])
def test_snapshots_start_at_zero_end_with_the_last_pass_and_are_few(passes, count):
    found = snapshot_passes(passes, count)
    assert found[0] == 0 and found[-1] == passes
    assert found == sorted(set(found)) and len(found) <= count


@pytest.mark.parametrize("passes", [20_000, 100_000, 777])
@pytest.mark.parametrize("count", [20, 50, 100])
def test_snapshots_lie_about_evenly_on_a_logarithmic_scale(passes, count):
    found = np.array(snapshot_passes(passes, count)[1:], float)
    ratios = found[1:] / found[:-1]
    even = passes ** (1 / (count - 1))
    # On that scale no step is more than twice as wide as an even one, but for whole numbers.
    assert (found[1:] - found[:-1] <= np.maximum((even**2 - 1) * found[:-1], 0) + 1).all()
    assert (ratios[found[1:] > 20] > 1.02).all()
    assert len(found) + 1 >= min(count, passes // 2)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 20, 100])
def test_a_longer_training_has_no_snapshot_that_a_shorter_one_lacks(count):
    shorter = range(1, 3000, 7)
    found = {passes: set(snapshot_passes(passes, count)) for passes in (*shorter, 20_000, 40_000)}
    for longer in (2, 50, 2999, 20_000, 40_000):
        wanted = found.get(longer) or set(snapshot_passes(longer, count))
        for passes in shorter:
            if passes < longer:
                earlier = {each for each in wanted if each <= passes}
                assert earlier <= found[passes], (passes, longer)


def test_a_single_snapshot_is_the_last_and_none_is_none():
    assert snapshot_passes(100, 1) == [100]
    assert snapshot_passes(100, 0) == []


def test_budget_caps_the_number_of_snapshots():
    weights = [np.zeros((20, 50, 50)), np.zeros((20, 2, 51))]  # 0.41632 MB
    assert affordable_count(weights, 20, 8) == 19
    assert affordable_count(weights, 10, 8) == 10
    assert affordable_count(weights, 20, 0.4) == 0


def test_packed_snapshots_hold_every_layer_of_every_pass():
    snapshots = {
        0: [np.zeros((3, 4, 5)), np.zeros((3, 2, 5))],
        9: [np.ones((3, 4, 5)), np.ones((3, 2, 5))],
    }
    packed = pack_snapshots(snapshots, range(3))
    assert packed["passes"].tolist() == [0, 9] and packed["seeds"].tolist() == [0, 1, 2]
    assert packed["layer1"].shape == (2, 3, 4, 5) and packed["layer2"].shape == (2, 3, 2, 5)
    assert (packed["layer1"][1] == 1).all()
    assert set(pack_snapshots({}, range(3))) == {"passes", "seeds"}
