import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from conv_noise import ADAM, DATA, PROTOCOL, SIDE, make_settings
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from restudy.analysis.events import read_histograms, read_scalars
from restudy.data.images import ImageSplit, load_images
from restudy.families.calibration import measure_calibration
from restudy.families.checkpoints import Checkpoint
from restudy.families.conv import training
from restudy.families.conv.activations import Activation
from restudy.families.conv.family import FAMILY
from restudy.families.conv.initializers import truncated_normal, xavier_uniform
from restudy.families.conv.network import compute_losses, compute_signals, draw_parameters
from restudy.families.conv.optimizers import build_optimizer
from restudy.families.conv.randomness import draw_batches
from restudy.families.conv.shapes import list_layers, parameter_shapes
from restudy.families.conv.summaries import SATURATED, arrange_buckets, summarize_tensor
from restudy.families.conv.training import (
    MEASURES,
    average,
    compile_evaluation,
    compile_training,
    create_state,
    digest_weights,
    plan_chunk,
    train_conv,
)
from restudy.families.dense import layers as dense_layers

LAYERS = ("conv1", "conv2", "fc1", "fc2")
SHAPES = parameter_shapes(list_layers(PROTOCOL, (SIDE, SIDE)))
MONITORED = [  # the 16 tensors of the study
    *(
        f"{layer}/{kind}"
        for layer in ("conv1", "conv2", "fc1", "fc2")
        for kind in ("weights", "bias")
    ),
    *(
        f"{layer}/{kind}"
        for layer in ("conv1", "conv2", "fc1")
        for kind in ("net_input", "activation")
    ),
    *("conv1/pooled", "conv2/pooled"),
]


def start():
    return draw_parameters(SHAPES, truncated_normal(), 0)


def train(
    folder,
    seed=0,
    data=DATA,
    log=print,
    progress=lambda step, loss: None,
    identity="this",
    **settings,
):
    return train_conv(
        make_settings(**settings),
        data,
        seed,
        folder,
        folder.parent / f"{folder.name}-checkpoints",
        identity,
        1,
        log,
        progress,
    )


def update_once(folder, seed=0, **settings):
    """Weights after one update, without all that a run does around it."""
    run = training.Training(make_settings(**settings), DATA, seed, folder / "checkpoints", "this")
    run.train(1)
    return {name: variable.numpy() for name, variable in run.weights.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run") / "events"


@pytest.fixture(scope="module")
def told():
    """What the run tells of its progress."""
    return []


@pytest.fixture(scope="module")
def result(folder, told, one_thread):
    return train(folder, progress=lambda step, loss: told.append((step, loss)))


@pytest.fixture(scope="module")
def accumulator(folder, result):
    return EventAccumulator(str(folder), {"tensors": 0}).Reload()


def test_same_seed_gives_the_same_weights_whatever_the_chunks(tmp_path, result):
    again = train(tmp_path, monitor_interval=2, evaluate_interval=8)
    assert again.weights_sha256 == result.weights_sha256
    assert again.final == result.final


STILL = {"kind": "gradient_descent", "learning_rate": 0.0}


@pytest.fixture(scope="module")
def still(tmp_path_factory, one_thread):
    """Weights of another seed and another initial bias, which stay what they are at the start."""
    folder = tmp_path_factory.mktemp("still")
    return train(folder, seed=1, optimizer=STILL, steps=1, initial_bias=-0.5).weights


def test_initial_values_depend_on_the_seed(still):
    # Those of seed 0 are seen in test_first_adam_update_moves_weights_by_the_learning_rate.
    for layer in LAYERS:
        one = start()[f"{layer}/weights"].numpy()
        assert (one != still[f"{layer}/weights"]).mean() > 0.9, layer


def test_order_of_the_data_depends_on_the_seed(tmp_path):
    # All else is equal: no weight is drawn, and no unit dropped.
    settings = {"initializer": "zeros", "dropout_keep": 1}
    one, other = (update_once(tmp_path, seed, **settings) for seed in (0, 1))
    assert (one["fc2/bias"] != other["fc2/bias"]).any()


def test_dropout_depends_on_the_seed(tmp_path, monkeypatch):
    # All else is equal: no weight is drawn, and the order is that of seed 0.
    monkeypatch.setattr(
        "restudy.families.conv.training.draw_batches", lambda seed, *rest: draw_batches(0, *rest)
    )
    one, other = (update_once(tmp_path, seed, initializer="zeros") for seed in (0, 1))
    assert (one["fc2/weights"] != other["fc2/weights"]).any()


def test_digest_is_of_the_weights_themselves(result):
    weights = {name: array.copy() for name, array in result.weights.items()}
    assert digest_weights(weights) == result.weights_sha256
    weights["fc2/bias"][3] += 1e-6
    assert digest_weights(weights) != result.weights_sha256


def test_digest_is_of_names_and_shapes_too():
    values = np.arange(6.0)
    arrays = ({"a": values}, {"b": values}, {"a": values.reshape(2, 3)}, {"a": values[:0]})
    assert len(set(map(digest_weights, arrays))) == 4
    assert digest_weights({"b": values, "a": values}) == digest_weights({"a": values, "b": values})


def test_history_has_a_row_for_each_monitored_or_evaluated_step(result):
    assert [row["step"] for row in result.history] == [0, 3, 5, 6, 8]
    for row in result.history:
        assert set(row) == {"step", *MEASURES}
        assert math.isnan(row["train_loss"]) == (row["step"] == 5), row
        assert math.isnan(row["test_loss"]) == (row["step"] not in (5, 8)), row
    assert result.final == result.history[-1]
    assert result.diverged_at is None
    assert result.diverged_by is None
    assert tuple(measure.name for measure in FAMILY.recorded_measures) == MEASURES


def test_measures_are_those_of_the_returned_weights_without_dropout(result):
    batch = draw_batches(0, 8, 1, 10, 64)[0]
    parts = {
        "train": (DATA.train_images[batch], DATA.train_labels[batch]),
        "validation": (DATA.validation_images, DATA.validation_labels),
        "test": (DATA.test_images, DATA.test_labels),
    }
    for part, (images, labels) in parts.items():
        logits = compute_signals(result.weights, images, tf.nn.relu)["fc2/net_input"].numpy()
        logits = logits.astype(np.float64)
        chosen = logits[np.arange(len(labels)), labels]
        losses = (
            np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1) - chosen
        )
        assert result.final[f"{part}_loss"] == pytest.approx(losses.mean(), rel=1e-5)
        assert result.final[f"{part}_accuracy"] == pytest.approx(
            (logits.argmax(1) == labels).mean()
        )


def test_training_learns_the_training_examples(tmp_path):
    result = train(tmp_path, steps=60, monitor_interval=60, evaluate_interval=60)
    assert result.final["validation_accuracy"] > 0.8
    assert result.final["train_loss"] < result.history[0]["train_loss"] / 4


def test_evaluation_in_batches_equals_evaluation_at_once(result, monkeypatch):
    monkeypatch.setattr("restudy.families.conv.training.EVALUATION_BATCH", 7)
    evaluate = compile_evaluation(result.weights, tf.nn.relu)
    batch = draw_batches(0, 8, 1, 10, 64)[0]
    parts = {
        "train": (DATA.train_images[batch], DATA.train_labels[batch]),
        "validation": (DATA.validation_images, DATA.validation_labels),
        "test": (DATA.test_images, DATA.test_labels),
    }
    final = {}
    for part, (images, labels) in parts.items():
        losses, predicted, _ = evaluate(images, labels)
        final |= average(part, losses, predicted, labels)
    for name in MEASURES:
        assert final[name] == pytest.approx(result.final[name], rel=1e-6)
    np.testing.assert_allclose(losses, result.predictions["loss"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(predicted, result.predictions["predicted"])


def compile_step(settings, keep, activate=tf.nn.relu):
    rule = build_optimizer(settings)
    weights, slots = create_state(start(), rule)
    protocol = PROTOCOL | {"dropout_keep": keep}
    step, _ = compile_training(weights, slots, activate, rule, DATA, protocol, seed=0)
    return step


def test_dropout_depends_on_the_step_alone():
    step = compile_step(STILL, keep=0.5)
    batch = tf.constant(draw_batches(0, 0, 1, 10, 64)[0])
    losses = [float(step(tf.constant(number), batch)) for number in (0, 1, 0)]
    assert losses[0] == losses[2] != losses[1]


def test_without_dropout_the_loss_is_that_of_the_network():
    step = compile_step(STILL, keep=1)
    batch = tf.constant(draw_batches(0, 0, 1, 10, 64)[0])
    losses = [float(step(tf.constant(number), batch)) for number in (0, 1)]
    assert losses[0] == losses[1]


def test_divergence_is_a_result_with_the_exact_step(tmp_path):
    settings = {"kind": "gradient_descent", "learning_rate": 1e7}
    step = compile_step(settings, keep=0.5)
    batches = draw_batches(0, 0, 8, 10, 64)
    losses = [float(step(tf.constant(i), tf.constant(batch))) for i, batch in enumerate(batches)]
    expected = int(np.argmin(np.isfinite(losses)))
    assert 0 < expected < 8

    lines = []
    result = train(tmp_path, optimizer=settings, log=lines.append, monitor_interval=8)
    assert result.diverged_at == expected
    assert result.diverged_by == "the training loss"
    assert lines[-1] == (f"training ends: the training loss is not finite after {expected} updates")
    assert all(len(values) == 0 for values in result.predictions.values())
    assert all(math.isnan(result.final[name]) for name in MEASURES)
    assert all(map(math.isnan, result.calibration.values()))
    assert [row["step"] for row in result.history] == [0]
    assert np.isfinite(read_scalars(tmp_path)["value"]).all()


def test_after_a_divergence_no_earlier_prediction_is_left(tmp_path, monkeypatch):
    original = training.check_finite

    def fail_late(what, values, step):
        original(what, math.nan if step >= 6 else values, step)

    monkeypatch.setattr(training, "check_finite", fail_late)
    result = train(tmp_path)
    assert result.diverged_at >= 6
    assert not math.isnan(result.history[-1]["test_loss"])  # it was evaluated after 5 steps
    assert all(len(values) == 0 for values in result.predictions.values())
    assert all(math.isnan(result.final[name]) for name in MEASURES)


def test_weights_that_are_not_finite_are_seen_behind_a_finite_loss(tmp_path, monkeypatch):
    # Whether TensorFlow's ReLU turns NaN into 0 depends on the processor; this one does.
    def relu(net_input):
        return tf.where(net_input > 0, net_input, 0.0)

    monkeypatch.setattr(training, "make_activation", lambda settings: Activation(relu))
    settings = {"kind": "gradient_descent", "learning_rate": 1e20}
    step = compile_step(settings, keep=0.5, activate=relu)
    batches = draw_batches(0, 0, 8, 10, 64)
    losses = [float(step(tf.constant(i), tf.constant(batch))) for i, batch in enumerate(batches)]
    assert np.isfinite(losses).all()  # else this test would show nothing

    result = train(tmp_path, optimizer=settings)
    assert result.diverged_at == 3  # the first monitored step
    assert result.diverged_by.startswith("conv1/")
    assert np.isfinite(read_scalars(tmp_path)["value"]).all()


def test_divergence_in_the_last_update_is_seen(tmp_path):
    settings = {"kind": "gradient_descent", "learning_rate": 1e38}
    result = train(tmp_path, optimizer=settings, steps=1, dropout_keep=1)
    assert result.diverged_at == 1


@pytest.mark.parametrize("part", ["validation", "test"])
def test_loss_that_is_not_finite_on_held_out_images_alone_is_a_divergence(
    tmp_path, monkeypatch, part
):
    # Black images pass through any weights; white ones overflow after the second layer.
    black, labels = np.zeros_like(DATA.train_images), DATA.train_labels
    mixed = black.copy()
    mixed[-1] = 255  # not in the probe batch
    parts = {name: (mixed if name == part else black) for name in ("train", "validation", "test")}
    data = ImageSplit(*(array for images in parts.values() for array in (images, labels)))
    monkeypatch.setattr(
        "restudy.families.conv.training.make_initializer", lambda settings: truncated_normal(1e15)
    )
    lines = []
    result = train(
        tmp_path,
        data=data,
        log=lines.append,
        initial_bias=0,
        optimizer={"kind": "gradient_descent", "learning_rate": 1e-3},
        evaluate_interval=2,
    )
    assert result.diverged_at == 2
    assert result.diverged_by == f"the {part} loss"
    assert lines[-1] == f"training ends: the {part} loss is not finite after 2 updates"
    assert [row["step"] for row in result.history] == [0]
    assert np.isfinite(read_scalars(tmp_path)["value"]).all()


def test_first_adam_update_moves_weights_by_the_learning_rate(tmp_path):
    # m / √v is ±1 after the first update, wherever the gradient is large beside ε.
    weights = update_once(tmp_path)
    first = start()
    for name, array in weights.items():
        assert np.abs(array - first[name].numpy()).max() == pytest.approx(1e-3, rel=1e-3), name


def test_events_of_an_earlier_run_are_not_mixed_with_new_ones(folder, result):
    with pytest.raises(FileExistsError, match="earlier run"):
        train(folder)


def test_checkpoint_that_cannot_be_written_costs_a_warning_alone(tmp_path, result):
    # As on a read-only or full disk; a superuser may write everywhere, but not below a file.
    (tmp_path / "events-checkpoints").write_text("no folder")
    lines = []
    again = train(tmp_path / "events", log=lines.append)
    assert again.weights_sha256 == result.weights_sha256
    (line,) = (line for line in lines if line.startswith("warning: "))
    assert line.startswith("warning: no checkpoint after 4 steps")


def test_progress_is_reported_at_the_start_and_at_the_end(result, told):
    assert told[0] == (0, pytest.approx(result.history[0]["train_loss"]))
    assert told[-1][0] == 8
    assert all(math.isfinite(loss) for _, loss in told)


@pytest.mark.parametrize(
    ("step", "seconds_per_step", "expected"),
    [
        (0, math.inf, 10),
        (10, 0.04, 90),
        (100, 0.04, 100),
        (100, 0.5, 10),
        (5450, 0.04, 50),
        (7, 1e3, 1),
        (695, 0.04, 5),
        (900, 0.001, 70),
    ],
)
def test_chunks_end_where_something_is_due_or_a_line_is(step, seconds_per_step, expected):
    protocol = {
        "steps": 5500,
        "monitor_interval": 100,
        "evaluate_interval": 1100,
        "checkpoint_interval": 970,
    }
    assert plan_chunk(step, protocol, seconds_per_step) == expected


# What happens in the layers, and what is predicted of the test images


def numpy_slope(kind, net_input):
    return {"tanh": 1 - np.tanh(net_input) ** 2, "relu": (net_input > 0).astype(float)}[kind]


@pytest.mark.parametrize("kind", ["tanh", "relu"])
def test_inactive_shares_are_those_of_the_net_inputs(tmp_path, kind):
    # Large weights saturate; the shares are recomputed from the final net inputs in NumPy.
    result = train(tmp_path, activation=kind, optimizer=ADAM | {"learning_rate": 0.05})
    function = {"tanh": tf.math.tanh, "relu": tf.nn.relu}[kind]
    signals = compute_signals(result.weights, DATA.validation_images[:10], function)
    rows = {row["layer"]: row for row in result.layers if row["step"] == 8}
    assert list(rows) == list(LAYERS)
    for layer in LAYERS[:-1]:
        net_input = signals[f"{layer}/net_input"].numpy().astype(np.float64)
        flat = np.abs(numpy_slope(kind, net_input)) < 0.05
        assert rows[layer]["saturated_share"] == pytest.approx(flat.mean(), abs=1e-5)
        dead = flat.all(axis=tuple(range(net_input.ndim - 1))).mean()
        assert rows[layer]["dead_share"] == pytest.approx(dead, abs=1e-6)
    assert math.isnan(rows["fc2"]["dead_share"])
    assert 0.05 < rows["conv2"]["saturated_share"] < 1


def test_threshold_is_that_of_the_dense_networks():
    assert SATURATED == dense_layers.SATURATED


def test_gradient_norms_are_those_of_finite_differences(folder, result):
    # Along its own direction, the loss falls by the norm of the gradient.
    images, labels = DATA.validation_images[:10], DATA.validation_labels[:10]

    def loss(weights):
        logits = compute_signals(weights, images, tf.nn.relu)["fc2/net_input"]
        return tf.reduce_mean(compute_losses(logits, labels.astype(np.int32)))

    weights = {name: tf.constant(array) for name, array in result.weights.items()}
    rows = {row["layer"]: row["grad_norm"] for row in result.layers if row["step"] == 8}
    for layer in LAYERS:
        names = [f"{layer}/weights", f"{layer}/bias"]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            value = loss(weights)
        gradients = tape.gradient(value, weights)
        step = 1e-3 / rows[layer]
        moved = [
            weights | {name: weights[name] + sign * step * gradients[name] for name in names}
            for sign in (1, -1)
        ]
        slope = float(loss(moved[0]) - loss(moved[1])) / (2 * step)
        assert math.sqrt(slope) == pytest.approx(rows[layer], rel=0.02), layer


def test_layers_are_recorded_with_the_monitored_steps(folder, result):
    assert [row["step"] for row in result.layers] == [s for s in (0, 3, 6, 8) for _ in LAYERS]
    scalars = read_scalars(folder).set_index(["tag", "step"])["value"]
    for row in result.layers:
        for name in ("grad_norm", "saturated_share", "dead_share"):
            if not math.isnan(row[name]):
                assert scalars[f"{row['layer']}/{name}", row["step"]] == row[name]


def test_predictions_are_of_each_test_image(result):
    logits = compute_signals(result.weights, DATA.test_images, tf.nn.relu)["fc2/net_input"]
    expected = keras.losses.sparse_categorical_crossentropy(
        DATA.test_labels.astype(int), logits, from_logits=True
    )
    np.testing.assert_allclose(result.predictions["loss"], expected, rtol=1e-5, atol=1e-6)
    assert result.predictions["predicted"].tolist() == logits.numpy().argmax(1).tolist()
    correct = result.predictions["predicted"] == DATA.test_labels
    assert correct.mean() == result.final["test_accuracy"]
    probability = tf.nn.softmax(logits).numpy()
    expected = measure_calibration("test", probability, DATA.test_labels)
    assert result.calibration == pytest.approx(expected, rel=1e-4)


def test_maxout_trains(tmp_path):
    result = train(tmp_path, activation="maxout", steps=20, monitor_interval=20)
    assert result.weights["conv1/weights"].shape == (5, 5, 1, 64)
    assert result.final["train_loss"] < result.history[0]["train_loss"] / 4


def test_each_piece_of_maxout_starts_as_a_kernel_of_its_own(tmp_path):
    settings = {"optimizer": STILL, "initializer": "xavier_uniform"}
    weights = update_once(tmp_path, activation="maxout", **settings)
    plain = draw_parameters(SHAPES, xavier_uniform(), 0)
    for layer in LAYERS[:-1]:
        first, second = np.split(weights[f"{layer}/weights"], 2, axis=-1)
        np.testing.assert_array_equal(first, plain[f"{layer}/weights"])
        assert (first != second).mean() > 0.9, layer


def test_network_fits_the_images_and_the_classes_of_the_data(tmp_path):
    random = np.random.default_rng(0)
    parts = []
    for count in (20, 10, 10):
        parts.append(random.integers(0, 256, (count, 9, 17), np.uint8))
        parts.append((np.arange(count) % 3).astype(np.uint8))
    weights = train(tmp_path, data=ImageSplit(*parts), steps=1).weights
    assert weights["fc1/weights"].shape == (3 * 5 * 64, 1024)
    assert weights["fc2/weights"].shape == (1024, 3)


def test_initial_bias_is_a_setting(still):
    assert all(set(still[f"{layer}/bias"].tolist()) == {-0.5} for layer in LAYERS)


# What TensorBoard finds


def test_throughput_is_that_since_it_was_last_logged_or_the_checkpoint(tmp_path):
    run = training.Training(make_settings(), DATA, 0, tmp_path / "checkpoints", "this")

    def log(step, seconds):
        run.step, run.clock.seconds["training"] = step, seconds
        run.log_throughput()

    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        log(0, 0.0)
        log(3, 1.5)
        log(8, 2.0)
        arrays = {name: variable.numpy() for name, variable in run.variables().items()}
        run.clock = training.Clock()  # as in another process
        names = ("history", "layers", "scalars", "histograms")
        tables = {"at": [{"step": 40}], **{name: [] for name in names}}
        run.restore(Checkpoint(40, arrays, tables, {}))
        log(42, 0.1)
    table = read_scalars(tmp_path)
    assert table["step"].tolist() == [3, 8, 42]
    # Batches are of 10.
    np.testing.assert_allclose(table["value"], [30 / 1.5, 50 / 0.5, 20 / 0.1], rtol=1e-6)


def test_every_monitored_tensor_has_histograms_and_statistics(folder, result):
    histograms, scalars = read_histograms(folder), read_scalars(folder)
    assert len(MONITORED) == 16
    assert set(histograms["tag"]) == set(MONITORED)
    statistics = [f"{tag}/{name}" for tag in MONITORED for name in ("min", "max", "mean", "std")]
    assert set(statistics) <= set(scalars["tag"])
    for table in (histograms, scalars[scalars["tag"].isin(statistics)]):
        for tag, rows in table.groupby("tag"):
            assert sorted(set(rows["step"])) == [0, 3, 6, 8], tag


def test_scalars_hold_the_history(folder, result):
    table = read_scalars(folder)
    for name in MEASURES:
        part, quantity = name.split("_")
        rows = table[table["tag"] == f"{quantity}/{part}"]
        known = [row for row in result.history if not math.isnan(row[name])]
        assert rows["step"].tolist() == [row["step"] for row in known]
        np.testing.assert_allclose(rows["value"], [row[name] for row in known], rtol=1e-6)
    for part in ("validation", "test"):
        error = table[table["tag"] == f"error/{part}"]["value"].to_numpy()
        accuracy = table[table["tag"] == f"accuracy/{part}"]["value"].to_numpy()
        np.testing.assert_allclose(error, 1 - accuracy, atol=1e-6)


def test_last_statistics_are_those_of_the_returned_weights(folder, result):
    table = read_scalars(folder)
    last = table[table["step"] == 8].set_index("tag")["value"]
    for name, array in result.weights.items():
        for statistic in ("min", "max", "mean", "std"):
            expected = getattr(array.astype(np.float64), statistic)()
            assert last[f"{name}/{statistic}"] == pytest.approx(expected, rel=1e-4, abs=1e-7)


def test_last_histograms_count_the_returned_weights(folder, result):
    table = read_histograms(folder)
    for name, array in result.weights.items():
        rows = table[(table["tag"] == name) & (table["step"] == 8)]
        expected, edges = np.histogram(array, bins=30)
        np.testing.assert_allclose(rows["left"], edges[:-1], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(rows["right"], edges[1:], rtol=1e-5, atol=1e-7)
        assert rows["count"].sum() == array.size
        # A value on an edge may fall on either side of it in single precision.
        np.testing.assert_allclose(rows["count"], expected, atol=1 + 1e-5 * array.size)


def test_signals_are_of_the_first_validation_images(folder, result):
    signals = compute_signals(start(), DATA.validation_images[:10], tf.nn.relu)
    table = read_scalars(folder)
    first = table[table["step"] == 0].set_index("tag")["value"]
    for name in MONITORED[8:]:
        assert first[f"{name}/max"] == pytest.approx(float(tf.reduce_max(signals[name])), rel=1e-5)


def test_plugins_are_those_tensorboard_expects(accumulator):
    plugins = {
        tag: accumulator.SummaryMetadata(tag).plugin_data.plugin_name
        for tag in accumulator.Tags()["tensors"]
    }
    assert set(plugins.values()) == {"scalars", "histograms", "images", "hparams"}
    pictures = {tag for tag, plugin in plugins.items() if plugin == "images"}
    assert pictures == {"conv1/filters", "test/confusion", "test/worst_judged"}
    assert {tag for tag, plugin in plugins.items() if plugin == "histograms"} == set(MONITORED)


def test_graph_is_there_with_readable_scopes(accumulator):
    assert accumulator.Tags()["graph"]
    nodes = accumulator.Graph().node
    scopes = {node.name.split("/")[0] for node in nodes}
    assert {"input", "conv1", "conv2", "fc1", "dropout", "fc2", "loss", "optimizer"} <= scopes
    kinds = [node.op for node in nodes]
    assert kinds.count("Conv2D") == 2
    assert kinds.count("ResourceApplyAdam") == 8


def test_graph_states_the_shapes_of_tensors(accumulator):
    nodes = {node.name: node for node in accumulator.Graph().node}
    shapes = {
        name: [side.size for side in nodes[name].attr["_output_shapes"].list.shape[0].dim]
        for name in nodes
        if nodes[name].op in ("Conv2D", "MaxPool")
    }
    assert sorted(shape[1:] for shape in shapes.values()) == [
        [3, 3, 64],
        [6, 6, 32],
        [6, 6, 64],
        [12, 12, 32],
    ]


def test_constant_tensor_counts_in_the_last_bucket():
    (low, high, mean, deviation), counts = summarize_tensor(tf.fill([12], 0.1))
    rows = arrange_buckets(float(low), float(high), counts.numpy())
    assert low == high == np.float32(0.1)
    assert float(mean) == pytest.approx(0.1)
    assert float(deviation) == pytest.approx(0, abs=1e-7)
    assert rows.shape == (30, 3)
    assert rows[:, 2].tolist() == 29 * [0.0] + [12.0]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_tensor_that_is_not_finite_shows_in_its_statistics(value):
    statistics, counts = summarize_tensor(tf.constant([1.0, value, 2.0]))
    assert not np.isfinite(statistics).all()
    assert counts.numpy().tolist() == 30 * [0]


def test_fifty_steps_on_real_mnist_recognize_most_digits(tmp_path, mnist_folder):
    data = load_images(mnist_folder, validation_examples=500, test_examples=500)
    result = train(
        tmp_path,
        data=data,
        steps=50,
        batch_size=20,
        monitor_interval=50,
        evaluate_interval=50,
        checkpoint_interval=50,
    )
    assert result.final["test_accuracy"] > 0.7
