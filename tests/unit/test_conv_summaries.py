"""What TensorBoard shows of the network's inside: shares against closed forms, and pictures."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit, ndtr
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from restudy.families.conv.activations import make_activation
from restudy.families.conv.summaries import inactive_shares, write_pictures


def gelu_slope(z):
    return ndtr(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


SLOPES = {  # settings of the activation -> its derivative, in closed form
    ("sigmoid",): lambda z: expit(z) * (1 - expit(z)),
    ("silu",): lambda z: expit(z) + z * expit(z) * (1 - expit(z)),
    ("gelu",): gelu_slope,
    ("softplus",): expit,
    ("leaky_relu", ("slope", 0.2)): lambda z: np.where(z > 0, 1, 0.2),
    ("elu", ("alpha", 2.5)): lambda z: np.where(z > 0, 1, 2.5 * np.exp(z)),
}


@pytest.mark.parametrize("case", SLOPES, ids=lambda case: case[0])
def test_inactive_is_what_passes_on_less_than_a_twentieth_of_the_steepest_slope(case):
    kind, *parameters = case
    activation = make_activation({"kind": kind, **dict(parameters)})
    steepest = np.abs(SLOPES[case](np.linspace(-10, 10, 200_001))).max()
    # Images, height, width, maps; of the maps the first two lie where a slope is small, if any is.
    net_input = np.random.default_rng(0).uniform(-10, 10, (5, 6, 7, 4)).astype(np.float32)
    net_input[..., 0] = -9 - net_input[..., 0] / 100
    net_input[..., 1] = 9 + net_input[..., 1] / 100
    flat = np.abs(SLOPES[case](net_input.astype(float))) < 0.05 * steepest
    saturated, dead = inactive_shares(tf.constant(net_input), activation, "conv1")
    assert float(saturated) == pytest.approx(flat.mean(), abs=1e-6)
    assert float(dead) == pytest.approx(flat.all(axis=(0, 1, 2)).mean())


# Pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """What was shown, and function tag -> the picture of it, one value for each of its pixels."""
    random = np.random.default_rng(0)
    filters = random.normal(size=(5, 5, 1, 6)).astype(np.float32)
    count, classes = 25, 3
    images = np.zeros((count, 5, 5), np.uint8)
    images.reshape(count, 25)[np.arange(count), np.arange(count)] = 200  # tells which it is
    shown = {
        "filters": filters,
        "losses": random.permutation(count).astype(np.float32),
        "labels": np.repeat([0, 1, 2], [16, 5, 4]),
        # Of class 0, nine are right, and seven taken for class 2; of class 2, one for class 1.
        "predicted": np.repeat([0, 2, 1, 1, 2], [9, 7, 5, 1, 3]),
    }
    folder = tmp_path_factory.mktemp("pictures")
    with tf.summary.create_file_writer(str(folder)).as_default():
        write_pictures(
            filters,
            images,
            shown["labels"],
            shown["losses"],
            shown["predicted"],
            classes,
            step=8,
        )
    accumulator = EventAccumulator(str(folder), {"tensors": 0}).Reload()

    def read(tag):
        (event,) = accumulator.Tensors(tag)
        _, _, content = event.tensor_proto.string_val
        sheet = tf.io.decode_png(content).numpy()[..., 0].astype(float)
        return sheet, event.step

    return shown, read


def tiles(sheet, side, columns):
    """The pictures of a sheet, row by row: squares of so many pixels, 8 × 8 each, and a frame."""
    size = 8 * side + 4
    rows = len(sheet) // size
    assert sheet.shape == (rows * size, columns * size)
    cut = sheet.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)
    return cut[:, 2:-2, 2:-2][:, 4::8, 4::8]


def test_filters_are_shown_in_their_order_from_black_to_white(pictures):
    shown, read = pictures
    sheet, step = read("conv1/filters")
    assert step == 8
    for number, tile in enumerate(tiles(sheet, 5, 3)[:6]):
        values = shown["filters"][:, :, 0, number]
        expected = 255 * (values - values.min()) / (values.max() - values.min())
        np.testing.assert_allclose(tile, expected, atol=1)


def test_images_that_are_most_wrong_are_shown_with_the_worst_first(pictures):
    shown, read = pictures
    found = [int(tile.argmax()) for tile in tiles(read("test/worst_judged")[0], 5, 5)]
    assert found == np.argsort(-shown["losses"])[:20].tolist()


def test_confusion_has_a_row_for_each_true_class(pictures):
    _, read = pictures
    (matrix,) = tiles(read("test/confusion")[0], 3, 1)
    expected = 255 * np.sqrt([[9, 0, 7], [0, 5, 0], [0, 1, 3]]) / 3
    np.testing.assert_allclose(matrix, expected, atol=1)
