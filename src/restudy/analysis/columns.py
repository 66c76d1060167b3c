"""What every column of every table means: the one place that knows."""

COLUMNS = {
    "dataset": "Data set, a name from the configuration.",
    "protocol": "Protocol: the named bundle of all that is held fixed (arithmetic, budget, …).",
    "activation": "Activation function of the hidden layers.",
    "hidden_size": "Units in each hidden layer.",
    "depth": "Number of hidden layers.",
    "initializer": "Distribution of the initial weights.",
    "optimizer": "Optimizer, a name from the configuration.",
    "seed": "Seed of the initial weights (and, for the CNN, of data order and dropout).",
    "passes": "Passes over the training points done; up to the divergence where there was one.",
    "pass": "Passes over the training points done so far; with full batches, an update each.",
    "steps": "Minibatch updates done; up to the divergence where there was one.",
    "step": "Minibatch updates done so far.",
    "train_loss": (
        "Dense: mean cross-entropy on the training points plus the penalties, in nats. "
        "CNN: mean cross-entropy on the minibatch of that step, dropout off, in nats."
    ),
    "train_accuracy": "Share of training points (CNN: of that minibatch) classified correctly.",
    "heldout_loss": "The training loss's formula, penalty included, on the held-out points.",
    "heldout_accuracy": "Share of the held-out points classified correctly.",
    "validation_loss": "Mean cross-entropy on the validation images, in nats.",
    "validation_accuracy": "Share of the validation images classified correctly.",
    "test_loss": "Mean cross-entropy on the test images, in nats.",
    "test_accuracy": "Share of the test images classified correctly.",
    "reported_loss": (
        "The training loss as the published code prints it, divided by the number of points once "
        "more; empty where the arithmetic is corrected."
    ),
    "grad_norm": (
        "Euclidean norm of the gradient that training follows (in a table of layers, of the "
        "layer's part), on all training points; CNN: of the gradient of the layer's weights and "
        "bias on a fixed batch of images, dropout off."
    ),
    "diverged_at": (
        "Pass since which the loss or a weight is not finite and never was again; CNN: the update "
        "that met a loss that was not finite. Empty: never."
    ),
    "diverged_by": (
        "What was not finite: loss or weights; CNN: the training, validation or test loss or a "
        "monitored tensor. Empty where the run did not diverge."
    ),
    "layer": (
        "Layer, counted from 1; the last is the output layer. CNN: conv1, conv2, fc1 or fc2, the "
        "output layer."
    ),
    "saturated_share": (
        "Share of (unit, training point) pairs at which the activation's slope is below 5% of its "
        "steepest (of maxout, each piece counts as a unit); CNN: of (unit, image) pairs on a fixed "
        "batch, of a convolution (channel, image, position); empty for the output layer."
    ),
    "dead_share": (
        "Share of units (of a convolution: channels) for which that holds at every training point "
        "(CNN: at every image of the batch and every position); empty for the output layer."
    ),
    "image": "Test image, its place in the test set, counted from 0.",
    "label": "True class, a number from 0.",
    "predicted": "Class of the network's largest output.",
    "loss": "Cross-entropy of the image under the final weights, in nats.",
    "count": "Test images of that class that got that prediction.",
    "images": "Test images of the class.",
    "correct": "How many of them are judged correctly.",
    "accuracy": "Share of them judged correctly; empty for a class without a test image.",
    "arithmetic": "published or corrected: at which argument the activation's slope is taken.",
    "parameter": "weights or bias of the layer.",
    "gradient_norm": "Euclidean norm of the loss gradient by central differences.",
    "relative_error": (
        "Euclidean distance of the gradient by backpropagation from the one by central "
        "differences, over the larger of their norms."
    ),
    "n": "Runs of the cell.",
    "diverged": "How many of them diverged; the measures are over the others.",
    "claim": "Name of the claim, as the file of claims has it.",
    "source": "Where the claim is made.",
    "statement": "The claim in plain words.",
    "model": "Which networks the claim is about: dense or conv.",
    "study": "Study of the configuration whose cells the claim is about.",
    "verdict": "reproduced, contradicted or undecided.",
    "basis": (
        "What the verdict rests on: significance, a stated spread (a single seed), or nothing."
    ),
    "contrast": "The claim's weakest contrast (in a table of tests, the contrast) in words.",
    "measure": "What is compared.",
    "effect": "Mean of the contrast over the seeds, in the measure's own unit.",
    "ci_low": "Lower end of the effect's 95% interval.",
    "ci_high": "Upper end of the effect's 95% interval.",
    "margin": "Smallest difference that matters: the effect is tested against it.",
    "test": "Which contrast of the claim, counted from 1.",
    "form": "Form of the test, as the file of claims has it.",
    "p_above": "p-value of the effect being above its margin, uncorrected.",
    "p_below": "p-value of the effect being below its margin, uncorrected.",
    "value": "What was measured: of a tag, or of a contrast for one seed.",
    "tag": "Name of a monitored scalar.",
    "tensor": "Layer and tensor, such as conv1/weights.",
    "uniform_distance": "Kolmogorov-Smirnov distance from the best uniform distribution.",
    "normal_distance": "Kolmogorov-Smirnov distance from the best normal distribution.",
    "boundary_linearity": (
        "Share of the held-out points at which one straight line (of several classes, one between "
        "each two) predicts the network's own label."
    ),
    "p_value": "p-value of the verdict, in both directions; empty without significance.",
    "p_adjusted": "The same after Holm's correction over all verdicts of the run.",
    "further_seeds": (
        "Of an undecided claim, the seeds beyond the present ones that would decide it in 80% of "
        "all experiments, should the effect be as it looks now; empty where none would."
    ),
    "setting": (
        "What adds these seeds, behind --config; the page of claims has the whole command of this "
        "run."
    ),
    "reason": "Why a claim is undecided.",
    "expect": "The verdict that check_claims insists on; empty: any.",
    "figure": "File of the figure that shows the claim.",
    "cells": "Paths of the cells that the claim was judged from, separated by spaces.",
    "rule": "Rule of the workflow that the job belongs to.",
    "job": "Which job of the rule.",
    "wall_seconds": "Time from start to end, in seconds.",
    "cpu_seconds": "Processor time of the job, all threads together, in seconds.",
    "peak_memory_mb": "Largest resident memory, in MB; sampled, so empty for the shortest jobs.",
}
STATISTICS = {
    "mean": "mean over the seeds that did not diverge",
    "sd": "standard deviation over seeds",
    "low": "lower end of the 95% Student interval of the mean",
    "high": "upper end of the 95% Student interval of the mean",
}


def describe_columns(names) -> dict[str, str]:
    """Meaning of each of the given columns.

    Raises
    ------
    KeyError
        If a column is not described: a table may not grow one silently.
    """
    return {name: _describe(name) for name in names}


def _describe(name: str) -> str:
    if name in COLUMNS:
        return COLUMNS[name]
    measure, _, statistic = name.rpartition("_")
    return f"{COLUMNS[measure].rstrip('.')}: {STATISTICS[statistic]}."
