import keras
import numpy as np
import pytest
import tensorflow as tf

from restudy.families.conv.activations import ACTIVATIONS, elu, maxout
from restudy.families.conv.family import FAMILY
from restudy.families.conv.initializers import truncated_normal, xavier_uniform
from restudy.families.conv.network import compute_losses, compute_signals, draw_parameters
from restudy.families.conv.shapes import layer_names, list_layers, parameter_shapes

STUDY = {
    setting.name: setting.default
    for setting in FAMILY.settings
    if setting.name in ("channels", "kernel", "units")
}


class Maxout(keras.layers.Layer):
    """The largest of so many net inputs, each the same number of columns apart."""

    def __init__(self, pieces):
        super().__init__()
        self.pieces = pieces

    def call(self, inputs):
        shape = (*inputs.shape[1:-1], self.pieces, inputs.shape[-1] // self.pieces)
        return keras.ops.max(keras.ops.reshape(inputs, (-1, *shape)), axis=-2)


KERAS_ACTIVATIONS = {
    "identity": keras.activations.linear,
    "softplus": keras.activations.softplus,
    "silu": keras.activations.silu,
    "maxout": Maxout(2),
    "relu": keras.activations.relu,
    "tanh": keras.activations.tanh,
    "sigmoid": keras.activations.sigmoid,
    "leaky_relu": lambda z: keras.activations.leaky_relu(z, negative_slope=0.01),
    "elu": keras.activations.elu,
    "gelu": lambda z: keras.activations.gelu(z, approximate=False),
}


def build_keras_model(activation, sizes=STUDY, image_shape=(28, 28), classes=10, pieces=1):
    layers = keras.layers
    images = signal = keras.Input((*image_shape, 1))
    for channels in sizes["channels"]:
        signal = layers.Conv2D(channels * pieces, sizes["kernel"], padding="same")(signal)
        signal = layers.MaxPooling2D(padding="same")(layers.Lambda(activation)(signal))
    signal = layers.Dense(sizes["units"] * pieces)(layers.Flatten()(signal))
    return keras.Model(images, layers.Dense(classes)(layers.Lambda(activation)(signal)))


def start(seed=0, draw=None, sizes=STUDY, **shape):
    shapes = parameter_shapes(list_layers(sizes, **shape))
    pieces = shape.get("pieces", 1)
    return draw_parameters(shapes, draw or truncated_normal(), seed, pieces=pieces)


def draw_examples(count):
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (count, 28, 28), np.uint8)
    return images, random.integers(0, 10, count).astype(np.int32)


def test_parameter_count_is_that_of_the_study():
    # 5·5·1·32 + 32 + 5·5·32·64 + 64 + 3136·1024 + 1024 + 1024·10 + 10
    parameters = start()
    assert sum(int(tf.size(value)) for value in parameters.values()) == 3_274_634
    assert {name: tuple(value.shape) for name, value in parameters.items()} == {
        "conv1/weights": (5, 5, 1, 32),
        "conv1/bias": (32,),
        "conv2/weights": (5, 5, 32, 64),
        "conv2/bias": (64,),
        "fc1/weights": (3136, 1024),
        "fc1/bias": (1024,),
        "fc2/weights": (1024, 10),
        "fc2/bias": (10,),
    }


def test_every_activation_has_a_reference():
    assert set(ACTIVATIONS) == set(KERAS_ACTIVATIONS)


def draw_examples_of(shape, classes, count=6):
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (count, *shape), np.uint8)
    return images, random.integers(0, classes, count).astype(np.int32)


def sizes_of(channels, kernel, units):
    return {"channels": channels, "kernel": kernel, "units": units}


@pytest.mark.parametrize(
    ("kind", "sizes", "image_shape", "classes"),
    [
        *((kind, STUDY, (28, 28), 10) for kind in KERAS_ACTIVATIONS),
        ("relu", STUDY, (13, 18), 3),
        ("tanh", sizes_of([6], 4, 20), (28, 28), 10),
        ("maxout", sizes_of([5], 1, 3), (9, 8), 4),
        ("tanh", sizes_of([4, 6, 5], 3, 30), (17, 28), 10),
        ("maxout", sizes_of([3, 4, 5, 6], 2, 12), (64, 50), 5),
        ("sigmoid", sizes_of([8, 4, 2, 3], 7, 10), (8, 8), 2),  # pooled down to one pixel
        ("relu", sizes_of([4, 3], 15, 16), (8, 11), 3),  # a kernel larger than the images
    ],
)
def test_loss_and_gradients_equal_those_of_keras_layers(kind, sizes, image_shape, classes):
    images, labels = draw_examples_of(image_shape, classes)
    activation = ACTIVATIONS[kind]()
    shape = {
        "sizes": sizes,
        "image_shape": image_shape,
        "classes": classes,
        "pieces": activation.pieces,
    }
    parameters = start(3, xavier_uniform(), **shape)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        logits = compute_signals(parameters, images, activation.function)["fc2/net_input"]
        loss = tf.reduce_mean(compute_losses(logits, labels))
    gradients = tape.gradient(loss, parameters)

    model = build_keras_model(KERAS_ACTIVATIONS[kind], **shape)
    model.set_weights([value.numpy() for value in parameters.values()])
    with tf.GradientTape() as tape:
        expected_logits = model(images[..., np.newaxis].astype(np.float32) / 255)
        expected_loss = tf.reduce_mean(
            keras.losses.sparse_categorical_crossentropy(labels, expected_logits, from_logits=True)
        )
    expected = tape.gradient(expected_loss, model.trainable_variables)

    scale = np.abs(expected_logits).max()
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-5, atol=1e-5 * scale)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for (name, gradient), reference in zip(gradients.items(), expected, strict=True):
        scale = np.abs(reference).max()
        assert scale > 0, name
        np.testing.assert_allclose(gradient, reference, atol=1e-5 * scale, err_msg=name)


def test_parameters_of_activations_are_used():
    net_input = tf.constant([[-2.0, -0.5, 0.0, 3.0]])
    np.testing.assert_allclose(
        elu(alpha=2.5).function(net_input), keras.activations.elu(net_input, alpha=2.5), rtol=1e-6
    )
    np.testing.assert_allclose(
        ACTIVATIONS["leaky_relu"](slope=0.3).function(net_input),
        keras.activations.leaky_relu(net_input, negative_slope=0.3),
        rtol=1e-6,
    )
    assert maxout(4).function(net_input).numpy().tolist() == [[3.0]]


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_steepest_slope_is_that_of_the_derivative(kind):
    activation = ACTIVATIONS[kind]()
    net_input = tf.random.stateless_uniform((400, 2 * activation.pieces), [1, 2], -8.0, 8.0)
    with tf.GradientTape() as tape:
        tape.watch(net_input)
        value = activation.function(net_input)
    steepest = float(tf.reduce_max(tf.abs(tape.gradient(value, net_input))))
    assert steepest == pytest.approx(activation.steepest, rel=2e-3)


def test_each_piece_is_drawn_for_itself_and_the_first_like_a_plain_unit():
    plain, pieces = start(), start(pieces=3)
    for layer, units in (("conv1", 32), ("conv2", 64), ("fc1", 1024)):
        first, second, third = np.split(pieces[f"{layer}/weights"].numpy(), 3, axis=-1)
        assert first.shape[-1] == units
        np.testing.assert_array_equal(first, plain[f"{layer}/weights"])
        assert (first != second).any()
        assert (second != third).any()
    np.testing.assert_array_equal(pieces["fc2/weights"], plain["fc2/weights"])


def test_bias_may_be_a_whole_number():
    # YAML reads `initial_bias: 0` as an integer.
    shapes = parameter_shapes(list_layers(STUDY))
    parameters = draw_parameters(shapes, truncated_normal(), 0, bias=2)
    assert all(array.dtype == tf.float32 for array in parameters.values())
    np.testing.assert_array_equal(parameters["fc1/bias"], np.full(1024, 2.0))


def test_signals_have_the_shapes_of_the_study():
    images, _ = draw_examples(3)
    signals = compute_signals(start(), images, tf.nn.relu)
    assert {name: tuple(signal.shape) for name, signal in signals.items()} == {
        "conv1/net_input": (3, 28, 28, 32),
        "conv1/activation": (3, 28, 28, 32),
        "conv1/pooled": (3, 14, 14, 32),
        "conv2/net_input": (3, 14, 14, 64),
        "conv2/activation": (3, 14, 14, 64),
        "conv2/pooled": (3, 7, 7, 64),
        "fc1/net_input": (3, 1024),
        "fc1/activation": (3, 1024),
        "fc2/net_input": (3, 10),
    }


@pytest.mark.parametrize("channels", [[4], [2, 3, 4], [3, 2, 2, 1]])
def test_layers_are_named_alike_by_settings_parameters_and_signals(channels):
    sizes = sizes_of(channels, 3, 5)
    names = layer_names({"protocol": sizes})
    assert names == [*(f"conv{n + 1}" for n in range(len(channels))), "fc1", "fc2"]
    parameters = start(sizes=sizes)
    assert [*parameters] == [f"{name}/{part}" for name in names for part in ("weights", "bias")]
    signals = compute_signals(parameters, draw_examples(2)[0], tf.nn.relu)
    assert list(dict.fromkeys(name.partition("/")[0] for name in signals)) == names
    # One net input at each place of each map is what costs are counted by.
    for layer in list_layers(sizes):
        assert tf.size(signals[f"{layer.name}/net_input"]) == 2 * layer.places * layer.weights[-1]


def test_dropout_acts_on_the_first_dense_layer_only():
    images, _ = draw_examples(2)
    parameters = start()
    signals = compute_signals(parameters, images, tf.nn.relu, drop=tf.zeros_like)
    plain = compute_signals(parameters, images, tf.nn.relu)
    np.testing.assert_array_equal(signals["fc1/activation"], plain["fc1/activation"])
    np.testing.assert_allclose(signals["fc2/net_input"], 0.1, rtol=1e-6)  # the bias alone


def test_loss_is_finite_for_huge_logits():
    losses = compute_losses(tf.constant([[1e30, -1e30], [0.0, 0.0]]), tf.constant([0, 1]))
    np.testing.assert_allclose(losses, [0.0, np.log(2)], rtol=1e-6)
