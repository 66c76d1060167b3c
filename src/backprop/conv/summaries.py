"""What TensorBoard is told while the network trains: statistics, histograms and the graph.

Every tag is ``<layer>/<tensor>`` for the histograms and ``<layer>/<tensor>/<statistic>`` for the
scalars. TensorFlow's own histogram summary takes a second for the largest tensor; here buckets
are counted inside one compiled function and written in the same format.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorboard.plugins.histogram.metadata import create_summary_metadata

from backprop.conv.network import Function, compute_signals

STATISTICS = ("min", "max", "mean", "std")
BUCKETS = 30
MONITORED_SIGNALS = (
    "conv1/net_input",
    "conv1/activation",
    "conv1/pooled",
    "conv2/net_input",
    "conv2/activation",
    "conv2/pooled",
    "fc1/net_input",
    "fc1/activation",
)

Summary = tuple[np.ndarray, np.ndarray]  # statistics float32 (4,), counts int32 (30,)


def compile_inspection(
    parameters: Mapping[str, tf.Variable], probe: np.ndarray, activate: Function
) -> Callable[[], dict[str, Summary]]:
    """Return a function that summarizes the 8 parameters, and 8 signals on fixed images.

    Parameters
    ----------
    parameters
        The network's variables, read anew at each call.
    probe
        uint8 (n, 28, 28); dropout is off.
    activate
        The activation function.

    Returns
    -------
    callable
        Takes nothing; returns tag -> (statistics, counts); see `summarize_tensor`.
    """
    images = tf.constant(probe)

    @tf.function(input_signature=[], autograph=False)
    def inspect():
        signals = compute_signals(parameters, images, activate)
        tensors = {tag: variable.read_value() for tag, variable in parameters.items()}
        tensors |= {tag: signals[tag] for tag in MONITORED_SIGNALS}
        return {tag: summarize_tensor(tensor) for tag, tensor in tensors.items()}

    return lambda: tf.nest.map_structure(lambda tensor: tensor.numpy(), inspect())


def summarize_tensor(tensor: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return min, max, mean and standard deviation, (4,), and counts in equal buckets, (30,).

    Where a statistic is not finite, nothing is counted.
    """
    low, high = tf.reduce_min(tensor), tf.reduce_max(tensor)
    mean, deviation = tf.reduce_mean(tensor), tf.math.reduce_std(tensor)
    statistics = tf.stack([low, high, mean, deviation])
    # The kernel refuses NaN, and an empty range: a constant tensor just has all in one bucket.
    bounds = tf.where(high > low, [low, high], [0.0, 1.0])
    counts = tf.cond(
        tf.reduce_all(tf.math.is_finite(statistics)),
        lambda: tf.histogram_fixed_width(tensor, bounds, BUCKETS),
        lambda: tf.zeros(BUCKETS, tf.int32),
    )
    return statistics, counts


def arrange_buckets(low: float, high: float, counts: np.ndarray) -> np.ndarray:
    """Return the rows (left, right, count), (30, 3), that TensorBoard's histogram plugin reads.

    Where all values are equal, TensorBoard's own convention holds: every bucket has
    left = right = the value, and the last one counts them all.
    """
    if low == high:
        counts = np.append(np.zeros(BUCKETS - 1), counts.sum())
    edges = np.linspace(low, high, BUCKETS + 1, dtype=np.float64)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def write_inspection(summaries: Mapping[str, Summary], step: int) -> None:
    """Write the summaries, all of them finite, to the default summary writer."""
    for tag, (statistics, counts) in summaries.items():
        for name, value in zip(STATISTICS, statistics, strict=True):
            tf.summary.scalar(f"{tag}/{name}", value, step)
        write_histogram(tag, arrange_buckets(*statistics[:2], counts), step)


def write_histogram(tag: str, buckets: np.ndarray, step: int) -> None:
    """Write rows (left, right, count) as a histogram, to the default summary writer."""
    metadata = create_summary_metadata(display_name=None, description=None)
    tf.summary.write(tag, tf.constant(buckets, tf.float64), step, metadata)


def write_measures(measures: Mapping[str, float], step: int) -> None:
    """Write loss, accuracy and error of a part of the data, to the default summary writer.

    Parameters
    ----------
    measures
        A row of the history: ``test_loss`` becomes ``loss/test``, ``test_accuracy`` becomes
        ``accuracy/test`` and ``error/test``, and so on; there is no ``error/train``. What is NaN
        was not measured and is left out.
    step
        Number of updates made.
    """
    for name, value in measures.items():
        part, _, quantity = name.partition("_")
        if not quantity or math.isnan(value):
            continue
        tf.summary.scalar(f"{quantity}/{part}", value, step)
        if quantity == "accuracy" and part != "train":
            tf.summary.scalar(f"error/{part}", 1.0 - value, step)


def open_writer(folder: Path) -> tf.summary.SummaryWriter:
    """Open a writer for a folder that has no event file yet, so that no two runs mix.

    Raises
    ------
    FileExistsError
        If there is one.
    """
    if any(folder.glob("*tfevents*")):
        raise FileExistsError(f"{folder}: holds event files of an earlier run")
    return tf.summary.create_file_writer(str(folder))


def write_graph(step_function: tf.types.experimental.ConcreteFunction) -> None:
    """Write the operation graph of a traced function, to the default summary writer."""
    tf.summary.graph(step_function.graph.as_graph_def())
