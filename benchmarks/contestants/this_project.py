"""This project's stacked NumPy networks, through the interface that its users have."""

import sys
from pathlib import Path

from common import L2, LEARNING_RATE, Case, points, run

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
from restudy.families.dense import DenseNetwork, gradient_descent


def prepare(case: Case):
    """One network of all replicates; measured at the start and the end alone."""
    x, label = points(case.precision)
    network = DenseNetwork(
        case.sizes, "tanh", seeds=range(case.replicates), l2=L2, precision=case.precision
    )
    result = []

    def train():
        optimizer = gradient_descent(LEARNING_RATE)
        result[:] = [network.fit(x, label, optimizer, case.passes, record_interval=case.passes)]

    return train, lambda: result[0].runs["train_loss"].tolist()


run(prepare)
