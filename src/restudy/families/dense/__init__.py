"""Dense networks written by hand in NumPy: all replicates of a cell train together, stacked."""

from restudy.families.dense.network import DenseNetwork
from restudy.families.dense.optimizers import (
    adagrad,
    adam,
    adamw,
    gradient_descent,
    momentum,
    nesterov,
    rmsprop,
)

__all__ = [
    "DenseNetwork",
    "adagrad",
    "adam",
    "adamw",
    "gradient_descent",
    "momentum",
    "nesterov",
    "rmsprop",
]
