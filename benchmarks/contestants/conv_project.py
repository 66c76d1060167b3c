"""All that the convolutional benchmark takes from this project: `train_conv`, and what it is made
of.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

import numpy as np

from restudy.data.images import ImageSplit
from restudy.families.conv.activations import relu
from restudy.families.conv.optimizers import build_optimizer
from restudy.families.conv.training import (
    ConvResult,
    average,
    compile_evaluation,
    compile_training,
    configure_tensorflow,
    create_state,
    train_conv,
)

OPTIMIZER = {"kind": "adam", "learning_rate": 1e-4, "epsilon": 1e-8}


def split(images: np.ndarray, labels: np.ndarray, heldout: int) -> ImageSplit:
    """Return a split whose validation and test examples are the first training examples."""
    few = (images[:heldout], labels[:heldout])
    return ImageSplit(images, labels, *few, *few)


def train(
    data: ImageSplit, threads: int, batch_size: int, steps: int, monitor_interval: int
) -> ConvResult:
    """Train as the pipeline does; without an interval, monitor at the start and the end alone."""
    settings = {
        "cell": {},
        "activation": {"kind": "relu"},
        "initializer": {"kind": "truncated_normal"},
        "optimizer": OPTIMIZER,
        "protocol": {
            "steps": steps,
            "batch_size": batch_size,
            "channels": [32, 64],
            "kernel": 5,
            "units": 1024,
            "dropout_keep": 0.5,
            "initial_bias": 0.1,
            "monitor_interval": monitor_interval or steps,
            "evaluate_interval": steps,
            "checkpoint_interval": steps,
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        return train_conv(
            settings,
            data,
            seed=0,
            events_folder=Path(folder) / "events",
            checkpoints_folder=Path(folder) / "checkpoints",
            identity="",
            threads=threads,
            log=lambda line: None,
            progress=lambda step, loss: None,
        )


def seconds_per_step(
    data: ImageSplit, threads: int, batch_size: int, steps: int, monitor_interval: int
) -> float:
    """Return the time of a step, its share of the monitoring included, by the run's own clock.

    Monitoring happens at the start too: that is one time more than there are intervals, and not
    counted.
    """
    clock = train(data, threads, batch_size, steps, monitor_interval).seconds
    intervals = steps // monitor_interval if monitor_interval else 0
    return (clock["training"] + clock["monitoring"] * intervals / (intervals + 1)) / steps


def prepare_check(
    images: np.ndarray,
    labels: np.ndarray,
    batches: np.ndarray,
    parameters: dict[str, np.ndarray],
    probe: int,
    threads: int,
):
    """Return (train, loss) as `conv_common.run` wants them: given weights, no dropout."""
    configure_tensorflow(threads)
    rule, activate = build_optimizer(OPTIMIZER), relu().function
    weights, slots = create_state(parameters, rule)
    protocol = {"dropout_keep": 1.0, "batch_size": batches.shape[1]}
    _, train_chunk = compile_training(
        weights, slots, activate, rule, split(images, labels, 0), protocol, seed=0
    )
    evaluate, done = compile_evaluation(weights, activate), [0]

    def train():
        done[0] += len(train_chunk(done[0], batches).numpy())

    probed = labels[:probe]
    return train, lambda: average("probe", *evaluate(images[:probe], probed)[:2], probed)[
        "probe_loss"
    ]


def evaluation_seconds(
    images: np.ndarray, labels: np.ndarray, parameters: dict[str, np.ndarray]
) -> float:
    """Return the time of loss and accuracy of all images, on one thread, once compiled."""
    configure_tensorflow(1)
    weights, _ = create_state(parameters, build_optimizer(OPTIMIZER))
    evaluate = compile_evaluation(weights, relu().function)
    evaluate(images, labels)
    start = time.perf_counter()
    evaluate(images, labels)
    return time.perf_counter() - start
