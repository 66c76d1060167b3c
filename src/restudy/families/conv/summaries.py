"""Write what TensorBoard shows of the network, while it trains and when it has.

Every tag is ``<layer>/<tensor>`` for the histograms, ``<layer>/<tensor>/<statistic>`` for their
scalars and ``<layer>/<activity>`` for what happens in a layer. TensorFlow's own histogram summary
takes a second for the largest tensor; here buckets are counted inside one compiled function and
written in the same format.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from restudy.families.checkpoints import write_files
from restudy.families.conv.activations import Activation
from restudy.families.conv.network import compute_losses, compute_signals, layers_of
from restudy.internals.lean_tensorflow import tf
from restudy.internals.tensorboard_writing import (
    histogram_metadata,
    write_session,
    write_session_end,
)

STATISTICS = ("min", "max", "mean", "std")
ACTIVITY = ("grad_norm", "saturated_share", "dead_share")
BUCKETS = 30
# Below this share of its activation's steepest slope, a unit hardly passes on any gradient; the
# dense networks draw the line in the same place.
SATURATED = 0.05
EVALUATED_TAGS = ("accuracy/test", "loss/test", "accuracy/validation", "loss/validation")
WORST = 20  # test images: those that the network is most wrong on
ENLARGED = 8  # pixels for each of a picture

Summary = tuple[np.ndarray, np.ndarray]  # statistics float32 (4,), counts int32 (30,)


def compile_inspection(
    parameters: Mapping[str, tf.Variable],
    images: np.ndarray,
    labels: np.ndarray,
    activation: Activation,
) -> Callable[[], tuple[dict[str, Summary], dict[str, np.ndarray]]]:
    """Return a function that inspects the network at work on fixed images, without dropout.

    Parameters
    ----------
    parameters
        The network's variables, read anew at each call.
    images, labels
        uint8 (n, height, width) and (n,).
    activation
        The activation function.

    Returns
    -------
    callable
        Takes nothing. Returns tag -> (statistics, counts) of all parameters and of all signals
        but the logits, see `summarize_tensor`; and layer -> `ACTIVITY`, float32 (3,): the
        Euclidean norm of the loss gradient of its weights and bias, and `inactive_shares`.
    """
    images, labels = tf.constant(images), tf.constant(labels, tf.int32)

    @tf.function(input_signature=[], autograph=False)
    def inspect():
        with tf.GradientTape() as tape:
            signals = compute_signals(parameters, images, activation.function)
            loss = tf.reduce_mean(compute_losses(signals["fc2/net_input"], labels))
        gradients = tape.gradient(loss, parameters)
        tensors = {tag: variable.read_value() for tag, variable in parameters.items()}
        tensors |= {tag: signal for tag, signal in signals.items() if tag != "fc2/net_input"}
        activity = {
            layer: tf.stack(
                [
                    tf.linalg.global_norm([gradients[f"{layer}/{p}"] for p in ("weights", "bias")]),
                    *inactive_shares(signals[f"{layer}/net_input"], activation, layer),
                ]
            )
            for layer in layers_of(parameters)
        }
        return {tag: summarize_tensor(tensor) for tag, tensor in tensors.items()}, activity

    return lambda: tf.nest.map_structure(lambda tensor: tensor.numpy(), inspect())


def inactive_shares(
    net_input: tf.Tensor, activation: Activation, layer: str
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return how much of a layer hardly passes on any gradient.

    Parameters
    ----------
    net_input
        (n, …, units).
    activation
        The activation function of the hidden layers.
    layer
        Name; the last layer has no activation that could saturate.

    Returns
    -------
    saturated
        Share of all net inputs where the slope |f'(z)| is below `SATURATED` times the
        activation's steepest; NaN for the last layer.
    dead
        Share of units (of a convolution: of its maps) for which that holds everywhere; likewise.
    """
    if layer == "fc2":
        return tf.constant(math.nan), tf.constant(math.nan)
    with tf.GradientTape() as tape:
        tape.watch(net_input)
        value = activation.function(net_input)
    slopes = tape.gradient(value, net_input)
    flat = tf.abs(slopes) < SATURATED * activation.steepest
    dead = tf.reduce_all(flat, axis=list(range(len(net_input.shape) - 1)))
    return tuple(tf.reduce_mean(tf.cast(found, tf.float32)) for found in (flat, dead))


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


class Recorder:
    """Write scalars and histograms to the default summary writer, and keep what was written.

    So tables of them need no event file read back; a checkpoint has both, the event files and the
    rows.

    Attributes
    ----------
    scalars
        A row per scalar: ``tag``, ``step`` and ``value``, rounded to single precision as in the
        event file.
    histograms
        A row per histogram: ``tag``, ``step`` and ``buckets``, rows of left edge, right edge and
        count.
    """

    def __init__(
        self,
        scalars: Iterable[dict[str, Any]] = (),
        histograms: Iterable[dict[str, Any]] = (),
    ):
        self.scalars, self.histograms = list(scalars), list(histograms)

    def write_scalar(self, tag: str, value: float, step: int) -> None:
        """Write a number."""
        tf.summary.scalar(tag, value, step)
        self.scalars.append({"tag": tag, "step": step, "value": float(np.float32(value))})

    def write_histogram(self, tag: str, buckets: np.ndarray, step: int) -> None:
        """Write rows (left, right, count), (n, 3), as a histogram."""
        values = tf.constant(buckets, tf.float64)
        tf.summary.write(tag, values, step, histogram_metadata())
        self.histograms.append({"tag": tag, "step": step, "buckets": buckets.tolist()})


def write_inspection(
    recorder: Recorder,
    summaries: Mapping[str, Summary],
    activity: Mapping[str, np.ndarray],
    step: int,
) -> None:
    """Write what `compile_inspection` found, all finite."""
    for tag, (statistics, counts) in summaries.items():
        for name, value in zip(STATISTICS, statistics, strict=True):
            recorder.write_scalar(f"{tag}/{name}", value, step)
        recorder.write_histogram(tag, arrange_buckets(*statistics[:2], counts), step)
    for layer, values in activity.items():
        for name, value in zip(ACTIVITY, values, strict=True):
            if not math.isnan(value):  # the last layer's shares
                recorder.write_scalar(f"{layer}/{name}", value, step)


def write_measures(recorder: Recorder, measures: Mapping[str, float], step: int) -> None:
    """Write loss, accuracy and error of a part of the data.

    Parameters
    ----------
    recorder
        Writes them.
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
        recorder.write_scalar(f"{quantity}/{part}", value, step)
        if quantity == "accuracy" and part != "train":
            recorder.write_scalar(f"error/{part}", 1.0 - value, step)


def open_writer(folder: Path, earlier: Mapping[str, bytes]) -> tf.summary.SummaryWriter:
    """Open a writer for a folder that has no event file yet, so that no two runs mix.

    Parameters
    ----------
    folder
        Created if missing.
    earlier
        Name to bytes of the event files up to a checkpoint: they are put there, and the writer
        adds a file of its own, in which the run goes on.

    Raises
    ------
    FileExistsError
        If there are event files.
    """
    if any(folder.glob("*tfevents*")):
        raise FileExistsError(f"{folder}: holds event files of an earlier run")
    write_files(folder, earlier)
    return tf.summary.create_file_writer(str(folder))


def write_graph(step_function: tf.types.experimental.ConcreteFunction) -> None:
    """Write the operation graph of a traced function with shapes, to the default writer."""
    tf.summary.graph(step_function.graph.as_graph_def(add_shapes=True))


def write_trial(hyperparameters: Mapping[str, float | str], trial: str) -> None:
    """Write what is trained, for TensorBoard's HParams page, to the default summary writer.

    Parameters
    ----------
    hyperparameters
        Name to value.
    trial
        Runs with the same name here are seeds of one trial.
    """
    write_session(hyperparameters, EVALUATED_TAGS, trial)


def write_end(diverged: bool) -> None:
    """Write how the training ended, for TensorBoard's HParams page, to the default writer."""
    write_session_end(succeeded=not diverged)


def write_pictures(
    filters: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
    losses: np.ndarray,
    predicted: np.ndarray,
    classes: int,
    step: int,
) -> None:
    """Write what the trained network looks like, to the default summary writer.

    Parameters
    ----------
    filters
        The first layer's weights, (kernel, kernel, 1, n): each filter between its least value,
        black, and its largest, white.
    images, labels
        uint8 (n, height, width) and (n,): the test images.
    losses, predicted
        (n,): cross-entropy in nats, and class, of each.
    classes
        Number of classes.
    step
        Number of updates made.
    """
    tf.summary.image("conv1/filters", tile(filters[:, :, 0].transpose(2, 0, 1)), step)
    worst = np.argsort(-losses, kind="stable")[:WORST]
    tf.summary.image("test/worst_judged", tile(images[worst].astype(float)), step)
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels, predicted), 1)
    # Row: true class, column: predicted. The root shows single errors beside a thousand hits.
    tf.summary.image("test/confusion", tile(np.sqrt(counts)[np.newaxis]), step)


def tile(pictures: np.ndarray) -> np.ndarray:
    """Return several pictures (n, h, w), each stretched, enlarged in one: (1, height, width, 1)."""
    low = pictures.min(axis=(1, 2), keepdims=True)
    span = pictures.max(axis=(1, 2), keepdims=True) - low
    gray = np.uint8(255 * (pictures - low) / np.where(span > 0, span, 1))
    gray = np.pad(gray.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2), [(0, 0), (2, 2), (2, 2)])
    columns = math.ceil(math.sqrt(len(gray)))
    rows = math.ceil(len(gray) / columns)
    gray = np.concatenate([gray, np.zeros((rows * columns - len(gray), *gray.shape[1:]), np.uint8)])
    height, width = gray.shape[1:]
    sheet = gray.reshape(rows, columns, height, width).swapaxes(1, 2)
    return sheet.reshape(1, rows * height, columns * width, 1)
