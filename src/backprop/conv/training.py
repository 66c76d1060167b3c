"""Train the convolutional network: one cell, one seed, from nothing to its final measures.

Every random draw is keyed by the seed, its purpose and the step, and all that changes during
training is a `TrainingState`; so a run is the same whatever the chunks it is computed in.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from backprop.conv.activations import ACTIVATIONS
from backprop.conv.network import (
    Function,
    compute_losses,
    compute_signals,
    count_correct,
    draw_parameters,
)
from backprop.conv.optimizers import Optimizer, build_optimizer
from backprop.conv.randomness import DROPOUT, draw_batches, make_key
from backprop.conv.summaries import (
    compile_inspection,
    open_writer,
    write_graph,
    write_inspection,
    write_measures,
)
from backprop.data.images import ImageSplit

MEASURES = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
)
FIRST_CHUNK = 10  # steps, before the speed is known
PROGRESS_INTERVAL = 5.0  # seconds
EVALUATION_BATCH = 250  # images; larger ones are no faster, and need more memory

Log = Callable[[str], None]
TracedFunction = tf.types.experimental.PolymorphicFunction


@dataclass
class TrainingState:
    """All that training changes: the weights, the optimizer's slots, the number of updates."""

    weights: dict[str, tf.Variable]
    slots: dict[str, dict[str, tf.Variable]]
    step: int = 0


@dataclass(frozen=True)
class ConvResult:
    """What one run leaves.

    Attributes
    ----------
    history
        A row per monitored or evaluated step: ``step`` (updates made) and the `MEASURES`, NaN
        where not measured. Training measures are of that step's batch, with dropout off.
    final
        The last row, with every measure; all NaN after a divergence.
    diverged_at
        The number of updates made when the training loss was first not finite, or None. ReLU
        turns NaN into 0, so that the loss can stay finite when the weights are not: the monitored
        tensors are therefore checked too, at the monitored steps.
    divergence
        What was not finite then, in words, or None.
    weights
        Name to float32 array, after the last update.
    weights_sha256
        Digest of names, shapes and bytes of the weights.
    steps_per_second
        Of training alone, without start-up, monitoring and evaluation.
    seconds
        Wall time of startup, training, monitoring and evaluation.
    """

    history: list[dict[str, float]]
    final: dict[str, float]
    diverged_at: int | None
    divergence: str | None
    weights: dict[str, np.ndarray]
    weights_sha256: str
    steps_per_second: float
    seconds: dict[str, float]


class DivergenceError(ArithmeticError):
    """Numbers that are not finite; `train_conv` turns it into a result."""

    def __init__(self, what: str, step: int):
        super().__init__(f"{what} is not finite after {step} updates")
        self.step = step


def configure_tensorflow(threads: int) -> None:
    """Make TensorFlow deterministic, on so many threads; call it before anything else runs.

    Raises
    ------
    RuntimeError
        If TensorFlow has already run something with another number of threads.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def train_conv(
    cell: Mapping,
    protocol: Mapping,
    optimizer: Mapping,
    data: ImageSplit,
    seed: int,
    events_folder: Path,
    threads: int,
    log: Log,
) -> ConvResult:
    """Train one cell with one seed.

    Parameters
    ----------
    cell
        ``activation`` and ``initializer`` by name; its other keys are not read.
    protocol
        ``steps``, ``batch_size``, ``dropout_keep`` (probability), ``monitor_interval`` and
        ``evaluate_interval`` (steps).
    optimizer
        ``kind`` and its hyperparameters; see `build_optimizer`.
    data
        Images and labels.
    seed
        Of initial values, order of the data, and dropout.
    events_folder
        Where TensorBoard's event file goes; must not have one yet.
    threads
        How many threads TensorFlow computes on.
    log
        Called with one line about every five seconds.

    Returns
    -------
    ConvResult

    Raises
    ------
    FileExistsError
        If there are event files of an earlier run.
    KeyError
        If a name is not in its registry, or a setting is missing.
    """
    configure_tensorflow(threads)
    writer = open_writer(Path(events_folder))
    clock = Clock()
    with clock.measure("startup"):
        activate = ACTIVATIONS[cell["activation"]]
        rule = build_optimizer(optimizer)
        state = create_state(draw_parameters(cell["initializer"], seed), rule)
        train_step, train_chunk = compile_training(
            state.weights, state.slots, activate, rule, data, protocol, seed
        )
        measure = compile_measurement(state.weights, activate)
        probe = data.validation_images[: protocol["batch_size"]]
        inspect = compile_inspection(state.weights, probe, activate)
        train_chunk.get_concrete_function()  # else the first chunk's time would include tracing

    history = []
    divergence = None

    def draw(steps):
        examples = len(data.train_labels)
        return draw_batches(seed, state.step, steps, protocol["batch_size"], examples)

    def observe():
        row = {"step": state.step} | dict.fromkeys(MEASURES, math.nan)
        if is_due(state.step, protocol["monitor_interval"], protocol["steps"]):
            with clock.measure("monitoring"):
                batch = draw(1)[0]
                row |= measure("train", data.train_images[batch], data.train_labels[batch])
                check_finite("the training loss", row["train_loss"], state.step)
                summaries = inspect()
                for tag, (statistics, _) in summaries.items():
                    check_finite(tag, statistics, state.step)
                write_inspection(summaries, state.step)
        if state.step and is_due(state.step, protocol["evaluate_interval"], protocol["steps"]):
            with clock.measure("evaluation"):
                row |= measure("validation", data.validation_images, data.validation_labels)
                row |= measure("test", data.test_images, data.test_labels)
        if not all(math.isnan(row[name]) for name in MEASURES):
            write_measures(row, state.step)
            writer.flush()
            history.append(row)

    def train(steps):
        with clock.measure("training"):
            losses = train_chunk(state.step, draw(steps)).numpy()
        state.step += len(losses)
        check_finite("the training loss", losses[-1], state.step - 1)
        return losses[-1]

    with writer.as_default():
        write_graph(train_step.get_concrete_function())
        report = start_progress(log, protocol)
        try:
            observe()
            while state.step < protocol["steps"]:
                loss = train(plan_chunk(state.step, protocol, clock.seconds["training"]))
                observe()
                report(state.step, loss)
        except DivergenceError as error:
            divergence = error
            log(f"training ends: {error}")
    writer.close()

    diverged_at = divergence.step if divergence else None
    weights = {name: variable.numpy() for name, variable in state.weights.items()}
    return ConvResult(
        history=history,
        final={"step": state.step} | dict.fromkeys(MEASURES, math.nan)
        if divergence
        else history[-1],
        diverged_at=diverged_at,
        divergence=str(divergence) if divergence else None,
        weights=weights,
        weights_sha256=digest_weights(weights),
        steps_per_second=state.step / clock.seconds["training"],
        seconds=dict(clock.seconds),
    )


def create_state(parameters: Mapping[str, tf.Tensor], optimizer: Optimizer) -> TrainingState:
    """Return the state before the first update."""
    return TrainingState(
        weights={name: tf.Variable(value, name=name) for name, value in parameters.items()},
        slots={
            name: {
                slot: tf.Variable(tf.fill(value.shape, initial), name=f"{name}/{slot}")
                for slot, initial in optimizer.slots.items()
            }
            for name, value in parameters.items()
        },
    )


def compile_training(
    weights: Mapping[str, tf.Variable],
    slots: Mapping[str, Mapping[str, tf.Variable]],
    activate: Function,
    optimizer: Optimizer,
    data: ImageSplit,
    protocol: Mapping,
    seed: int,
) -> tuple[TracedFunction, TracedFunction]:
    """Compile one training step, and the loop that makes a chunk of them.

    Returns
    -------
    train_step : function (step, batch) -> loss
        Makes the update that follows ``step`` earlier ones, on the examples ``batch``, int32
        (batch_size,); returns their mean loss before it, with dropout.
    train_chunk : function (first_step, batches) -> losses
        Makes an update for each row of ``batches``, int32 (steps, batch_size). It stops after the
        first whose loss is not finite, so there may be fewer losses than rows.
    """
    images, labels = tf.constant(data.train_images), tf.constant(data.train_labels, tf.int32)
    keep, batch_size = protocol["dropout_keep"], protocol["batch_size"]

    def train_step(step, batch):
        def drop(activation):
            return tf.nn.experimental.stateless_dropout(
                activation, 1.0 - keep, make_key(seed, DROPOUT, step), rng_alg="philox"
            )

        with tf.GradientTape() as tape:
            signals = compute_signals(weights, tf.gather(images, batch), activate, drop)
            losses = compute_losses(signals["fc2/net_input"], tf.gather(labels, batch))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        with tf.name_scope("optimizer"):
            for name, gradient in gradients.items():
                optimizer.update(weights[name], slots[name], gradient, step + 1)
        return loss

    def train_chunk(first_step, batches):
        def is_unfinished(done, loss, losses):
            return (done < tf.shape(batches)[0]) & tf.math.is_finite(loss)

        def make_step(done, loss, losses):
            loss = train_step(first_step + done, batches[done])
            return done + 1, loss, losses.write(done, loss)

        losses = tf.TensorArray(tf.float32, size=tf.shape(batches)[0], element_shape=())
        done, _, losses = tf.while_loop(
            is_unfinished, make_step, (0, tf.constant(0.0), losses), parallel_iterations=1
        )
        return losses.stack()[:done]

    step = tf.TensorSpec((), tf.int32, name="step")
    batch = tf.TensorSpec((batch_size,), tf.int32, name="batch")
    batches = tf.TensorSpec((None, batch_size), tf.int32, name="batches")
    return (
        tf.function(train_step, input_signature=[step, batch], autograph=False),
        tf.function(train_chunk, input_signature=[step, batches], autograph=False),
    )


def compile_measurement(
    weights: Mapping[str, tf.Variable], activate: Function
) -> Callable[[str, np.ndarray, np.ndarray], dict[str, float]]:
    """Return a function (part, images, labels) -> its loss and accuracy, with dropout off.

    The loss is the mean cross-entropy in nats; the keys are ``<part>_loss`` and
    ``<part>_accuracy``.
    """

    @tf.function(
        input_signature=[tf.TensorSpec((None, 28, 28), tf.uint8), tf.TensorSpec((None,), tf.int32)],
        autograph=False,
    )
    def measure_batch(images, labels):
        logits = compute_signals(weights, images, activate)["fc2/net_input"]
        return tf.reduce_sum(compute_losses(logits, labels)), count_correct(logits, labels)

    def measure(part, images, labels):
        loss, correct = 0.0, 0
        for start in range(0, len(labels), EVALUATION_BATCH):
            rows = slice(start, start + EVALUATION_BATCH)
            batch_loss, batch_correct = measure_batch(images[rows], labels[rows].astype(np.int32))
            loss += float(batch_loss)
            correct += int(batch_correct)
        return {f"{part}_loss": loss / len(labels), f"{part}_accuracy": correct / len(labels)}

    return measure


def is_due(step: int, interval: int, steps: int) -> bool:
    """Say whether what happens every so many steps, and at the end, happens after this one."""
    return step % interval == 0 or step == steps


def plan_chunk(step: int, protocol: Mapping, seconds: float) -> int:
    """Return how many steps to make before the next look: what is due next, or a progress line."""
    expected = FIRST_CHUNK if step == 0 else max(1, int(PROGRESS_INTERVAL * step / seconds))
    until_due = (
        interval - step % interval
        for interval in (protocol["monitor_interval"], protocol["evaluate_interval"])
    )
    return min(expected, protocol["steps"] - step, *until_due)


def check_finite(what: str, values: np.ndarray | float, step: int) -> None:
    """Raise DivergenceError unless all values, found after so many updates, are finite."""
    if not np.isfinite(values).all():
        raise DivergenceError(what, step)


def start_progress(log: Log, protocol: Mapping) -> Callable[[int, float], None]:
    """Return a function (step, loss) that logs a line at most every `PROGRESS_INTERVAL`."""
    start = latest = time.monotonic()
    steps, batch_size = protocol["steps"], protocol["batch_size"]
    log(f"step 0 of {steps}: training starts")

    def report(step, loss):
        nonlocal latest
        now = time.monotonic()
        if now - latest < PROGRESS_INTERVAL and step < steps:
            return
        latest = now
        speed = step / (now - start)
        log(
            f"step {step} of {steps}: loss {loss:.4f}, {speed * batch_size:.0f} examples/s, "
            f"{(steps - step) / speed:.0f} s left"
        )

    return report


class Clock:
    """Adds up wall time by activity."""

    def __init__(self):
        self.seconds: Counter[str] = Counter()

    @contextmanager
    def measure(self, activity: str) -> Iterator[None]:
        """Add the time until the block ends to an activity's."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[activity] += time.monotonic() - start


def digest_weights(weights: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of names, shapes and bytes of arrays, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].shape}".encode())
        digest.update(weights[name].tobytes())
    return digest.hexdigest()
