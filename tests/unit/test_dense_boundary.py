"""Decision boundaries: the network's own predictions on a grid."""

import numpy as np
import pytest
from moons import moons

from restudy.families.dense import DenseNetwork, gradient_descent
from restudy.families.dense.boundary import map_boundary


def test_boundary_is_the_networks_own_prediction():
    data = moons()
    network = DenseNetwork([2, 4, 2], seeds=range(3))
    network.fit(data.x, data.label, gradient_descent(0.5), 50)
    grid = map_boundary(network.weights, "tanh", data.x, step=0.1, margin=0.5)
    low = data.x.min(axis=0) - 0.5
    assert grid["x1"][0] == pytest.approx(low[0]) and grid["x2"][0] == pytest.approx(low[1])
    at = np.array([[grid["x1"][5], grid["x2"][3]]], float)
    probability = network.predict_proba(at)[:, 0, 1]
    assert grid["probability"][3, 5] == pytest.approx(probability[0], rel=1e-5)
    assert grid["share"][3, 5] == pytest.approx((probability > 0.5).mean())
