"""Weights kept on the way: at which passes, and within which budget."""

import numpy as np
import pytest

from restudy.families.dense.snapshots import affordable_count, pack_snapshots, snapshot_passes


@pytest.mark.parametrize(("passes", "count"), [(20_000, 20), (20_000, 2), (7, 20), (1, 5)])
def test_snapshots_start_at_zero_end_with_the_last_pass_and_are_few(passes, count):
    found = snapshot_passes(passes, count)
    assert found[0] == 0 and found[-1] == passes
    assert found == sorted(set(found)) and len(found) <= count


def test_snapshots_lie_evenly_on_a_logarithmic_scale():
    found = np.array(snapshot_passes(20_000, 20)[8:], float)
    # From 1 to the last pass in 18 steps; the passes are whole numbers.
    np.testing.assert_allclose(found[1:] / found[:-1], 20_000 ** (1 / 18), rtol=0.02)


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
