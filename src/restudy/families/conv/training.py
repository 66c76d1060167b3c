"""Train the convolutional network: one cell, one seed, from nothing to its final measures.

Every random draw is keyed by the seed, its purpose and the step, and all that changes during
training is in a checkpoint; so a run is the same whatever the chunks it is computed in, and
whether or not it was killed on the way.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from restudy.data.images import ImageSplit
from restudy.families.calibration import measure_calibration
from restudy.families.checkpoints import (
    Checkpoint,
    find_checkpoint,
    keep_state,
    read_files,
    write_checkpoint,
)
from restudy.families.contract import IMAGES, calibration_measures
from restudy.families.conv.activations import make_activation
from restudy.families.conv.family import FAMILY
from restudy.families.conv.initializers import make_initializer
from restudy.families.conv.network import (
    Function,
    compute_losses,
    compute_signals,
    draw_parameters,
)
from restudy.families.conv.optimizers import Optimizer, build_optimizer
from restudy.families.conv.randomness import DROPOUT, draw_batches, make_key
from restudy.families.conv.shapes import list_layers, parameter_shapes
from restudy.families.conv.summaries import (
    ACTIVITY,
    Recorder,
    compile_inspection,
    open_writer,
    write_end,
    write_graph,
    write_inspection,
    write_measures,
    write_pictures,
    write_trial,
)
from restudy.families.stopping import EarlyStopping
from restudy.internals.lean_tensorflow import tf

MEASURES = (
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
)
CALIBRATION = tuple(each.name for each in calibration_measures(IMAGES))
FIRST_CHUNK = 10  # steps, before the speed is known
MAX_CHUNK = 5.0  # seconds, so that progress is reported
EVALUATION_BATCH = 250  # images; larger ones are no faster, and need more memory

Log = Callable[[str], None]
Progress = Callable[[int, float], None]
TracedFunction = tf.types.experimental.PolymorphicFunction


@dataclass(frozen=True)
class ConvResult:
    """Hold what one run leaves.

    Attributes
    ----------
    history
        A row per monitored or evaluated step: ``step`` (updates made) and the `MEASURES`, NaN
        where not measured. Training measures are of that step's batch, with dropout off.
    layers
        A row per monitored step and layer: ``step``, ``layer`` and `ACTIVITY`, on fixed images;
        see `compile_inspection`.
    final
        The last row of the history, with every measure, or the best one if the run may stop early;
        all NaN after a divergence.
    scalars
        A row per scalar that TensorBoard has, but for the speed: ``tag``, ``step`` and ``value``,
        in the order in which they were written.
    histograms
        A row per histogram that TensorBoard has: ``tag``, ``step`` and ``buckets``, rows of left
        edge, right edge and count; in the order in which they were written.
    predictions
        Of each test image under the weights that are kept: ``predicted``, its class, int (n,), and
        ``loss``, its cross-entropy in nats, float32 (n,). Empty after a divergence.
    calibration
        `CALIBRATION`, under the weights that are kept; NaN after a divergence.
    diverged_at
        The number of updates made when the training loss was first not finite, or None. On many
        processors ReLU turns NaN into 0, so that the loss can stay finite when the weights are
        not: the monitored tensors are therefore checked too, at the monitored steps; so are the
        validation and the test loss, whenever they are measured.
    diverged_by
        What was not finite then, or None.
    stopped_at
        After how many updates the run stopped early, or None.
    best_at
        After how many updates it had the weights that are kept, if it may stop early and did not
        diverge; else None.
    weights
        Name to float32 array, after the last update, or of the best row if it may stop early.
    weights_sha256
        Digest of names, shapes and bytes of the weights.
    continued_from
        After how many updates the checkpoint was made that training went on from, or None.
    seconds
        Wall time of startup, training, monitoring, evaluation and checkpoints in this process.
    """

    history: list[dict[str, float]]
    layers: list[dict[str, float | str]]
    scalars: list[dict[str, Any]]
    histograms: list[dict[str, Any]]
    final: dict[str, float]
    predictions: dict[str, np.ndarray]
    calibration: dict[str, float]
    diverged_at: int | None
    diverged_by: str | None
    stopped_at: int | None
    best_at: int | None
    weights: dict[str, np.ndarray]
    weights_sha256: str
    continued_from: int | None
    seconds: dict[str, float]


class DivergenceError(ArithmeticError):
    """Numbers that are not finite; `train_conv` turns it into a result."""

    def __init__(self, what: str, step: int):
        super().__init__(f"{what} is not finite after {step} updates")
        self.what = what
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
    settings: Mapping,
    data: ImageSplit,
    seed: int,
    events_folder: Path,
    checkpoints_folder: Path,
    identity: str,
    threads: int,
    log: Log,
    progress: Progress,
    kept_megabytes: float = 0,
) -> ConvResult:
    """Train one cell with one seed.

    Parameters
    ----------
    settings
        ``cell``: its axes, which TensorBoard shows; ``activation``, ``initializer`` and
        ``optimizer``: each its ``kind`` and parameters; ``protocol``: ``steps``, ``batch_size``,
        ``dropout_keep`` (probability), ``initial_bias``, ``monitor_interval``,
        ``evaluate_interval`` and ``checkpoint_interval`` (steps), and the sizes of the network,
        see `list_layers`; perhaps ``stop_early``, see `restudy.families.stopping`.
    data
        Images and labels.
    seed
        Of initial values, order of the data, and dropout.
    events_folder
        Where TensorBoard's event files go; must have none yet.
    checkpoints_folder
        Where checkpoints are, or will be. Training goes on from the newest that is whole, has the
        same identity and fewer steps; when the result has been saved, only what is kept for a
        larger budget is of use.
    identity
        Digest of all that decides the result but for the number of steps: settings, seed, data,
        code and libraries.
    threads
        How many threads TensorFlow computes on.
    log
        Takes a line.
    progress
        Takes the number of updates and the training loss, about every five seconds.
    kept_megabytes
        How large the last state may be to be kept for a training of more steps.

    Returns
    -------
    ConvResult

    Raises
    ------
    FileExistsError
        If there are event files of an earlier run.
    ValueError
        If a kind is unknown.
    KeyError
        If a setting is missing.
    """
    configure_tensorflow(threads)
    training = Training(settings, data, seed, Path(checkpoints_folder), identity)
    return training.run(Path(events_folder), log, progress, kept_megabytes)


class Training:
    """Train one run, step by step.

    Parameters
    ----------
    settings, data, seed, checkpoints_folder, identity
        As in `train_conv`.
    """

    def __init__(
        self,
        settings: Mapping,
        data: ImageSplit,
        seed: int,
        checkpoints_folder: Path,
        identity: str,
    ):
        self.settings, self.data, self.seed = settings, data, seed
        self.checkpoints_folder, self.identity = checkpoints_folder, identity
        self.protocol = protocol = settings["protocol"]
        self.clock = Clock()
        self.step = 0
        self.continued_from: int | None = None
        self.history: list[dict[str, float]] = []
        self.layers: list[dict[str, float | str]] = []
        self.recorder = Recorder()
        self.predictions = {"predicted": np.zeros(0, int), "loss": np.zeros(0, np.float32)}
        self.calibration = dict.fromkeys(CALIBRATION, math.nan)
        self.rule = None
        if rule := protocol.get("stop_early"):
            self.rule = EarlyStopping.of(rule, FAMILY.measure(rule["measure"]))
        # The weights and predictions of the best row, by name.
        self.best: dict[str, np.ndarray] = {}
        # Step and seconds of training when the throughput was last logged.
        self.last_logged = 0, 0.0
        with self.clock.measure("startup"):
            activation = make_activation(settings["activation"])
            rule = build_optimizer(settings["optimizer"])
            pieces = activation.pieces
            layers = list_layers(protocol, data.train_images.shape[1:], data.classes, pieces)
            draw = make_initializer(settings["initializer"])
            bias = protocol["initial_bias"]
            self.weights, self.slots = create_state(
                draw_parameters(parameter_shapes(layers), draw, seed, bias, pieces), rule
            )
            self.train_step, self.train_chunk = compile_training(
                self.weights, self.slots, activation.function, rule, data, protocol, seed
            )
            self.evaluate = compile_evaluation(self.weights, activation.function)
            size = protocol["batch_size"]
            self.inspect = compile_inspection(
                self.weights,
                data.validation_images[:size],
                data.validation_labels[:size],
                activation,
            )
            # Else the first chunk's time would include tracing.
            self.train_chunk.get_concrete_function()

    def run(
        self, events_folder: Path, log: Log, progress: Progress, kept_megabytes: float
    ) -> ConvResult:
        """Train from the newest checkpoint, or from nothing, to the end."""
        steps, divergence = self.protocol["steps"], None
        checkpoint = find_checkpoint(self.checkpoints_folder, self.identity, log, steps)
        writer = open_writer(events_folder, checkpoint.files if checkpoint else {})
        with writer.as_default():
            try:
                if checkpoint:
                    self.restore(checkpoint)
                    log(f"resumed after {self.step} of {steps} steps")
                else:
                    write_graph(self.train_step.get_concrete_function())
                    self.record(*self.what_is_due())
                progress(self.step, self.last_loss())
                while self.step < steps and not self.has_stopped():
                    chunk = plan_chunk(self.step, self.protocol, self.seconds_per_step())
                    loss = self.train(chunk)
                    self.record(*self.what_is_due())
                    progress(self.step, loss)
                    if self.step < steps and self.step % self.protocol["checkpoint_interval"] == 0:
                        writer.flush()
                        self.save(events_folder, log)
                writer.flush()
                if kept_megabytes:
                    with self.clock.measure("checkpoints"):
                        place = self.checkpoints_folder, self.identity
                        state = replace(self.checkpoint(events_folder), step=steps)
                        keep_state(*place, state, kept_megabytes, log)
                if not self.has_stopped():
                    # What happens because this step is the last, as far as it has not happened.
                    self.record(*(not due for due in self.what_is_due()))
                if self.has_stopped():
                    log(f"training stops after {self.step} steps")
                self.keep_best()
                self.write_images()
            except DivergenceError as error:
                divergence = error
                log(f"training ends: {error}")
            # Here, since a training of more steps must not find the number of these.
            write_trial(*describe_trial(self.settings))
            write_end(divergence is not None)
        writer.close()
        return self.conclude(divergence)

    def what_is_due(self) -> tuple[bool, bool]:
        """Say whether to monitor and whether to evaluate after this step, at regular intervals."""
        step, protocol = self.step, self.protocol
        return (
            step % protocol["monitor_interval"] == 0,
            step > 0 and step % protocol["evaluate_interval"] == 0,
        )

    def has_stopped(self) -> bool:
        """Say whether the run has stopped early."""
        return self.rule is not None and self.rule.stopped_at is not None

    def keep_best(self) -> None:
        """Go back to the weights of the best row, if the run may stop early."""
        if self.best:
            for name, variable in self.weights.items():
                variable.assign(self.best[name])
            self.predictions = {name: self.best[name] for name in self.predictions}
            self.calibration = {name: self.best[name] for name in self.calibration}

    def last_loss(self) -> float:
        """Return the last recorded training loss."""
        losses = [row["train_loss"] for row in self.history]
        return next(loss for loss in reversed(losses) if not math.isnan(loss))

    def seconds_per_step(self) -> float:
        """Return how long a step has taken so far, in this process; infinite before the first."""
        steps = self.clock.counts["training"]
        return self.clock.seconds["training"] / steps if steps else math.inf

    def draw(self, steps: int) -> np.ndarray:
        """Return which examples each of the next steps trains on, (steps, batch_size)."""
        examples = len(self.data.train_labels)
        return draw_batches(self.seed, self.step, steps, self.protocol["batch_size"], examples)

    def train(self, steps: int) -> float:
        """Make so many updates; return the last loss."""
        batches = self.draw(steps)
        with self.clock.measure("training", steps):
            losses = self.train_chunk(self.step, batches).numpy()
        self.step += len(losses)
        check_finite("the training loss", losses[-1], self.step - 1)
        return float(losses[-1])

    def record(self, monitor: bool, evaluate: bool) -> None:
        """Monitor, evaluate, or both, after this step; it may be done in two calls."""
        step, row = self.step, {}
        if monitor:
            with self.clock.measure("monitoring"):
                row |= self.measure_batch()
                summaries, activity = self.inspect()
                for tag, (statistics, _) in summaries.items():
                    check_finite(tag, statistics, step)
                for layer, values in activity.items():
                    check_finite(f"{layer}/{ACTIVITY[0]}", values[0], step)
                self.layers += [
                    {
                        "step": step,
                        "layer": layer,
                        **dict(zip(ACTIVITY, values.tolist(), strict=True)),
                    }
                    for layer, values in activity.items()
                ]
                write_inspection(self.recorder, summaries, activity, step)
                self.log_throughput()
        if evaluate:
            with self.clock.measure("evaluation"):
                data = self.data
                losses, predicted, _ = self.evaluate(data.validation_images, data.validation_labels)
                row |= average("validation", losses, predicted, data.validation_labels)
                losses, predicted, probability = self.evaluate(data.test_images, data.test_labels)
                row |= average("test", losses, predicted, data.test_labels)
                for part in ("validation", "test"):
                    check_finite(f"the {part} loss", row[f"{part}_loss"], step)
                self.predictions = {"predicted": predicted, "loss": losses}
                self.calibration = measure_calibration("test", probability, data.test_labels)
                if self.rule and not monitor and not self.has_row():
                    # What the run ends with may be this row, which then has all measures.
                    row |= self.measure_batch()
        if row:
            missing = dict.fromkeys(MEASURES, math.nan)
            write_measures(self.recorder, missing | row, step)
            if not self.has_row():
                self.history.append({"step": step} | missing)
            self.history[-1] |= row
            tf.summary.flush()
        if evaluate and self.rule:
            value = row[self.protocol["stop_early"]["measure"]]
            if self.rule.record(step, value):
                self.best = {name: variable.numpy() for name, variable in self.weights.items()}
                self.best |= self.predictions | self.calibration

    def has_row(self) -> bool:
        """Say whether something has been recorded after this step."""
        return bool(self.history) and self.history[-1]["step"] == self.step

    def measure_batch(self) -> dict[str, float]:
        """Return training loss and accuracy on the next step's batch, with dropout off."""
        batch = self.draw(1)[0]
        images, labels = self.data.train_images[batch], self.data.train_labels[batch]
        losses, predicted, _ = self.evaluate(images, labels)
        row = average("train", losses, predicted, labels)
        check_finite("the training loss", row["train_loss"], self.step)
        return row

    def log_throughput(self) -> None:
        """Write examples per second of training since the last call, to TensorBoard alone."""
        now = self.step, self.clock.seconds["training"]
        (step, seconds), self.last_logged = self.last_logged, now
        if now[1] > seconds:
            speed = (self.step - step) * self.protocol["batch_size"] / (now[1] - seconds)
            tf.summary.scalar("speed/examples_per_second", speed, self.step)

    def write_images(self) -> None:
        """Write what the trained network looks like to TensorBoard."""
        with self.clock.measure("monitoring"):
            write_pictures(
                self.weights["conv1/weights"].numpy(),
                self.data.test_images,
                self.data.test_labels,
                self.predictions["loss"],
                self.predictions["predicted"],
                self.data.classes,
                self.step,
            )

    def save(self, events_folder: Path, log: Log) -> None:
        """Write a checkpoint, if that is possible: the result does not depend on it."""
        with self.clock.measure("checkpoints"):
            checkpoint = self.checkpoint(events_folder)
            try:
                write_checkpoint(self.checkpoints_folder, self.identity, checkpoint)
            except OSError as error:
                log(f"warning: no checkpoint after {self.step} steps ({error})")

    def checkpoint(self, events_folder: Path) -> Checkpoint:
        """Return all that the rest of the training depends on."""
        rule = asdict(self.rule) if self.rule else {}
        return Checkpoint(
            self.step,
            {
                **{name: variable.numpy() for name, variable in self.variables().items()},
                **{f"best/{name}": array for name, array in self.best.items()},
            },
            {
                "at": [{"step": self.step}],
                "history": self.history,
                "layers": self.layers,
                "scalars": self.recorder.scalars,
                "histograms": self.recorder.histograms,
                "stopping": [rule],
            },
            read_files(events_folder),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint was written."""
        for name, variable in self.variables().items():
            variable.assign(checkpoint.arrays[name])
        tables = checkpoint.tables
        self.step = self.continued_from = tables["at"][0]["step"]
        self.last_logged = self.step, 0.0
        if self.rule:
            self.rule = replace(self.rule, **tables["stopping"][0])
        self.best = {
            name.removeprefix("best/"): array
            for name, array in checkpoint.arrays.items()
            if name.startswith("best/")
        }
        self.history, self.layers = tables["history"], tables["layers"]
        self.recorder = Recorder(tables["scalars"], tables["histograms"])

    def variables(self) -> dict[str, tf.Variable]:
        """Return all that training changes, by name."""
        slots = {
            f"{name}/{slot}": variable
            for name, own in self.slots.items()
            for slot, variable in own.items()
        }
        return self.weights | slots

    def conclude(self, divergence: DivergenceError | None) -> ConvResult:
        """Return the result of a training that has ended."""
        weights = {name: variable.numpy() for name, variable in self.weights.items()}
        final, predictions = self.history[-1] if self.history else {}, self.predictions
        calibration = self.calibration
        stopped_at = best_at = None
        if self.rule and not divergence:
            stopped_at, best_at = self.rule.stopped_at, self.rule.best_at
            final = next(row for row in self.history if row["step"] == best_at)
        if divergence:
            final = {"step": self.step} | dict.fromkeys(MEASURES, math.nan)
            predictions = {name: values[:0] for name, values in predictions.items()}
            calibration = dict.fromkeys(CALIBRATION, math.nan)
        return ConvResult(
            history=self.history,
            layers=self.layers,
            scalars=self.recorder.scalars,
            histograms=self.recorder.histograms,
            final=final,
            predictions=predictions,
            calibration={name: float(value) for name, value in calibration.items()},
            diverged_at=divergence.step if divergence else None,
            diverged_by=divergence.what if divergence else None,
            stopped_at=stopped_at,
            best_at=best_at,
            weights=weights,
            weights_sha256=digest_weights(weights),
            continued_from=self.continued_from,
            seconds=dict(self.clock.seconds),
        )


def describe_trial(settings: Mapping) -> tuple[dict[str, float | str], str]:
    """Return what TensorBoard's HParams page shows of a run, and the name of its trial.

    Seeds of one trial have the same settings.
    """
    shown = {
        **settings["cell"],
        **{key: value for key, value in settings["optimizer"].items() if key != "kind"},
        **{key: settings["protocol"][key] for key in ("steps", "batch_size", "dropout_keep")},
    }
    text = json.dumps(settings, sort_keys=True)
    return shown, hashlib.sha256(text.encode()).hexdigest()


def create_state(
    parameters: Mapping[str, tf.Tensor], optimizer: Optimizer
) -> tuple[dict[str, tf.Variable], dict[str, dict[str, tf.Variable]]]:
    """Return weights and the optimizer's slots, by weight and slot, before the first update."""
    weights = {name: tf.Variable(value, name=name) for name, value in parameters.items()}
    slots = {
        name: {
            slot: tf.Variable(tf.fill(value.shape, initial), name=f"{name}/{slot}")
            for slot, initial in optimizer.slots.items()
        }
        for name, value in parameters.items()
    }
    return weights, slots


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


def compile_evaluation(
    weights: Mapping[str, tf.Variable], activate: Function
) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return a function (images, labels) -> losses, predicted, probability, with dropout off.

    Of each image: its cross-entropy in nats, float32 (n,), its most likely class, int (n,), and the
    probability of each class, float32 (n, C).
    """

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, None), tf.uint8),
            tf.TensorSpec((None,), tf.int32),
        ],
        autograph=False,
    )
    def evaluate_batch(images, labels):
        logits = compute_signals(weights, images, activate)["fc2/net_input"]
        with tf.name_scope("accuracy"):
            return compute_losses(logits, labels), tf.argmax(logits, axis=1), tf.nn.softmax(logits)

    def evaluate(images, labels):
        batches = [
            evaluate_batch(
                images[start : start + EVALUATION_BATCH], labels[start : start + EVALUATION_BATCH]
            )
            for start in range(0, len(labels), EVALUATION_BATCH)
        ]
        return tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))

    return evaluate


def average(
    part: str, losses: np.ndarray, predicted: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Return mean loss and accuracy of images: ``<part>_loss`` and ``<part>_accuracy``."""
    return {
        f"{part}_loss": float(losses.mean(dtype=np.float64)),
        f"{part}_accuracy": float((predicted == labels).mean()),
    }


def plan_chunk(step: int, protocol: Mapping, seconds_per_step: float) -> int:
    """Return how many steps to make until something is due, or a progress line.

    ``seconds_per_step`` is infinite as long as it is not known.
    """
    known = seconds_per_step < math.inf
    expected = max(1, int(MAX_CHUNK / seconds_per_step)) if known else FIRST_CHUNK
    until_due = (
        protocol[key] - step % protocol[key]
        for key in ("monitor_interval", "evaluate_interval", "checkpoint_interval")
    )
    return min(expected, protocol["steps"] - step, *until_due)


def check_finite(what: str, values: np.ndarray | float, step: int) -> None:
    """Raise DivergenceError unless all values, found after so many updates, are finite."""
    if not np.isfinite(values).all():
        raise DivergenceError(what, step)


class Clock:
    """Add up wall time by activity, and how much was done."""

    def __init__(self):
        self.seconds: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    @contextmanager
    def measure(self, activity: str, count: int = 1) -> Iterator[None]:
        """Add the time until the block ends to an activity's, and the count to its count."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[activity] += time.monotonic() - start
            self.counts[activity] += count


def digest_weights(weights: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of names, shapes and bytes of arrays, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(f"{name} {weights[name].shape}".encode())
        digest.update(weights[name].tobytes())
    return digest.hexdigest()
