"""A small CNN training that tests share: small images of noise, settings with tiny budgets."""

import numpy as np

from restudy.data.images import ImageSplit

CELL = {
    "dataset": "noise",
    "protocol": "tiny",
    "activation": "relu",
    "initializer": "truncated_normal",
    "optimizer": "adam",
}
ADAM = {"kind": "adam", "learning_rate": 1e-3}
PROTOCOL = {
    "steps": 8,
    "batch_size": 10,
    "channels": [32, 64],
    "kernel": 5,
    "units": 1024,
    "dropout_keep": 0.5,
    "initial_bias": 0.1,
    "monitor_interval": 3,
    "evaluate_interval": 5,
    "checkpoint_interval": 4,
}
SIDE = 12  # pixels, of which each pooling takes half


def make_part(seed, count):
    """Images of noise, with a bright row whose height tells the label."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 10, count).astype(np.uint8)
    images = random.integers(0, 100, (count, SIDE, SIDE), np.uint8)
    images[np.arange(count), 1 + labels] = 255
    return images, labels


DATA = ImageSplit(*make_part(0, 64), *make_part(1, 30), *make_part(2, 40))


def make_settings(optimizer=ADAM, activation="relu", initializer="truncated_normal", **protocol):
    """Settings of a cell, in the form in which a job gets them."""
    return {
        "cell": CELL | {"activation": activation, "initializer": initializer},
        "dataset": {"kind": "idx"},
        "activation": {"kind": activation},
        "initializer": {"kind": initializer},
        "optimizer": optimizer,
        "protocol": PROTOCOL | protocol,
    }
