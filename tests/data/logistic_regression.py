"""Logistic regression by stochastic gradient descent: a family that trains in passes.

It records a history, makes checkpoints, goes on from them and from a smaller budget, and predicts
from the weights that it keeps.
"""

import numpy as np

from restudy.families.contract import Artefact, Axis, Family, Measure, Time, count

BATCHES = 6  # in each pass


def probability(weights, points):
    """Return the probability of class 1 for each point."""
    return 1 / (1 + np.exp(-points @ weights[:-1] - weights[-1]))


def train(run):
    """Take the points in another order in each pass; the weights are all that a pass hands on."""
    protocol, (x, label) = run.settings["protocol"], run.data["train"]
    done, state = run.restored() or (0, {"weights": np.zeros(x.shape[1] + 1)})
    weights = np.array(state["weights"])
    for number in range(done, protocol["passes"] + 1):
        if number > done:
            order = run.generator("order", number).permutation(len(x))
            for batch in np.array_split(order, BATCHES):
                error = probability(weights, x[batch]) - label[batch]
                gradient = np.append(error @ x[batch], error.sum()) / len(batch)
                weights -= run.cell["learning_rate"] * gradient
        if number % protocol["record_interval"] == 0 or number == protocol["passes"]:
            measure(run, number, weights)
        if number and number % protocol["checkpoint_interval"] == 0:
            run.checkpoint(number, {"weights": weights})
    run.checkpoint(protocol["passes"], {"weights": weights})
    run.save("weights.npz", {"weights": weights})


def measure(run, number, weights):
    """Record the accuracy on each part of the points."""
    for part, (points, classes) in run.data.items():
        right = (probability(weights, points) > 0.5) == classes
        run.record(number, **{f"{part}_accuracy": right.mean()})


def predict(settings, weights, points):
    """Return the class that each of several runs predicts for each point, (R, N)."""
    return np.array([probability(each, points) > 0.5 for each in weights["weights"]], int)


def why_anew(settings):
    """Return why training can't go on to more passes: no pass depends on their number."""
    return ""


FAMILY = Family(
    name="logistic",
    title="Logistic regression",
    description="Logistic regression by stochastic gradient descent.",
    takes="points",
    axes=(Axis("learning_rate", "Learning rate", "Size of a step.", "number", above=0),),
    protocol=(
        count("passes", "Passes over the training points."),
        count("record_interval", "Passes between two records.", 10),
        count("checkpoint_interval", "Passes between two checkpoints.", 100),
    ),
    measures=tuple(
        Measure(
            f"{part}_accuracy",
            f"{part.capitalize()} accuracy",
            f"Share of the {part} points classified correctly.",
            better="higher",
            recorded="record_interval",
        )
        for part in ("train", "validation", "heldout")
    ),
    ranked_by=("heldout_accuracy",),
    chosen_by="validation_accuracy",
    artefacts=(
        Artefact("runs.csv", "A row: the run."),
        Artefact("history.parquet", "A row per recorded pass."),
        Artefact("weights.npz", "The weights, the bias at their end."),
    ),
    train="train",
    time=Time("pass", "passes", "Training passes", "passes", "point"),
    starts_anew="why_anew",
    predict="predict",
)
