"""scikit-learn's MLPClassifier with plain gradient descent: one replicate after another."""

import warnings

from common import L2, LEARNING_RATE, Case, points, run
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


def prepare(case: Case):
    """Full batches, one epoch a pass; its binary output is a single logistic unit."""
    x, label = points(case.precision)
    warnings.simplefilter("ignore", ConvergenceWarning)
    models = []
    for seed in range(case.replicates):
        model = MLPClassifier(
            case.sizes[1:-1],
            activation="tanh",
            solver="sgd",
            alpha=L2 * len(label),  # it divides the penalty by the number of points
            batch_size=len(label),
            learning_rate_init=LEARNING_RATE,
            momentum=0.0,
            max_iter=case.passes,
            n_iter_no_change=case.passes + 1,
            tol=0.0,
            shuffle=False,
            warm_start=True,
            random_state=seed,
        )
        models.append(model)

    def train():
        for model in models:
            model.fit(x, label)

    return train, lambda: [float(model.loss_) for model in models]


run(prepare)
