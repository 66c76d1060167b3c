"""Words for axes, measures, values and cells: the one place, free of any plotting library."""

from collections.abc import Mapping
from typing import Any

LABELS = {
    "activation": "Activation",
    "hidden_size": "Hidden units",
    "depth": "Hidden layers",
    "initializer": "Initial values",
    "optimizer": "Optimizer",
    "protocol": "Protocol",
    "dataset": "Data set",
    "seed": "Seed",
    "pass": "Training passes",
    "passes": "Training passes",
    "step": "Training steps",
    "steps": "Training steps",
    "train_loss": "Training loss",
    "train_accuracy": "Training accuracy",
    "heldout_loss": "Held-out loss",
    "heldout_accuracy": "Held-out accuracy",
    "validation_loss": "Validation loss",
    "validation_accuracy": "Validation accuracy",
    "test_loss": "Test loss",
    "test_accuracy": "Test accuracy",
    "reported_loss": "Loss as the source reports it",
    "grad_norm": "Gradient norm",
    "diverged_at": "Diverged at",
    "diverged_by": "Diverged by",
    "saturated_share": "Saturated share",
    "dead_share": "Dead share",
    "relative_error": "Relative error",
    "gradient_norm": "Norm by differences",
    "train": "training",
    "heldout": "held-out",
    "validation": "validation",
    "test": "test",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "fan_in_normal": "fan-in normal",
    "truncated_normal": "truncated normal",
    "xavier_uniform": "Xavier uniform",
    "xavier_normal": "Xavier normal",
    "he_normal": "He normal",
    "he_uniform": "He uniform",
    "lecun_normal": "LeCun normal",
    "orthogonal": "orthogonal",
    "elu": "ELU",
    "softplus": "softplus",
    "silu": "SiLU",
    "gelu": "GELU",
    "maxout": "maxout",
    "full": "full budget",
    "short": "short budget",
    "gd": "gradient descent",
    "gradient_descent": "gradient descent",
    "momentum": "momentum",
    "nesterov": "Nesterov momentum",
    "adam": "Adam",
    "adamw": "AdamW",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "published": "published arithmetic",
    "corrected": "corrected arithmetic",
    "moons": "two moons",
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "conv1": "First convolution",
    "conv2": "Second convolution",
    "fc1": "First dense layer",
    "fc2": "Output layer",
    "loss": "Loss (nats)",
    "accuracy": "Accuracy (share of correct answers)",
}
COUNTED = {"hidden_size": ("unit", "units"), "depth": ("hidden layer", "hidden layers")}


def label_of(name: Any, axis: str | None = None) -> str:
    """Return the wording for an axis, a measure or a value.

    Parameters
    ----------
    name : Any
        The name or number as the tables write it.
    axis : str, optional
        The axis that a value stands on: it turns ``label_of(3, "hidden_size")`` into ``3 units``.
    """
    if axis in COUNTED:
        singular, plural = COUNTED[axis]
        return f"{int(name):,} {singular if int(name) == 1 else plural}"
    return LABELS.get(str(name), str(name).replace("_", " "))


def cell_title(cell: Mapping[str, Any]) -> str:
    """Return a cell in words, in the order of its axes, without the data set."""
    return ", ".join(label_of(value, axis) for axis, value in cell.items() if axis != "dataset")
