"""The convolutional network of the study: its parameters, its forward step and its loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from restudy.families.conv.initializers import Initializer
from restudy.families.conv.randomness import INITIAL_VALUES, make_key
from restudy.internals.lean_tensorflow import tf

Tensors = Mapping[str, tf.Tensor]
Function = Callable[[tf.Tensor], tf.Tensor]


def draw_parameters(
    shapes: Mapping[str, tuple[int, ...]],
    draw: Initializer,
    seed: int,
    bias: float = 0.1,
    pieces: int = 1,
) -> dict[str, tf.Tensor]:
    """Return the initial parameters: weights drawn, every bias the same constant.

    Parameters
    ----------
    shapes
        By name, see `restudy.families.conv.shapes`.
    draw
        Distribution of the weights.
    seed
        Each layer's weights, and each piece of them, are drawn from a key of their own, made from
        this seed.
    bias
        The constant.
    pieces
        Net inputs of a unit; each piece of a layer is drawn as a kernel of its own.
    """

    def draw_weights(name, shape, place):
        *inputs, outputs = shape
        count = 1 if name.startswith("fc2") else pieces
        keys = [make_key(seed, INITIAL_VALUES, place + len(shapes) * k) for k in range(count)]
        return tf.concat([draw((*inputs, outputs // count), key) for key in keys], axis=-1)

    return {
        name: draw_weights(name, shape, place)
        if name.endswith("weights")
        else tf.fill(shape, float(bias))
        for place, (name, shape) in enumerate(shapes.items())
    }


def compute_signals(
    parameters: Tensors, images: tf.Tensor, activate: Function, drop: Function = tf.identity
) -> dict[str, tf.Tensor]:
    """Run the network and return every signal in it, by name.

    The comments have the shapes of the study's network, for n images of 28 × 28 pixels in 10
    classes.

    Parameters
    ----------
    parameters
        Weights and bias of every layer, by name; they determine how many convolutions there are.
    images
        uint8 (n, height, width).
    activate
        The activation function of the convolutions and the first dense layer.
    drop
        What dropout does to the first dense layer's activation; by default nothing.

    Returns
    -------
    dict
        Each convolution with ``/net_input``, ``/activation`` and ``/pooled``, ``fc1`` with
        ``/net_input`` and ``/activation``, and ``fc2/net_input``: the logits.
    """
    signals = {}
    *convolutions, _, _ = layers_of(parameters)
    with tf.name_scope("input"):
        signal = tf.cast(images[..., tf.newaxis], tf.float32) / 255.0  # (n, 28, 28, 1)

    # conv1: (n, 28, 28, 32) pooled to (n, 14, 14, 32); conv2: (n, 14, 14, 64) to (n, 7, 7, 64)
    for layer in convolutions:
        with tf.name_scope(layer):
            weights, bias = parameters[f"{layer}/weights"], parameters[f"{layer}/bias"]
            convolved = tf.nn.conv2d(signal, weights, strides=1, padding="SAME")
            net_input = tf.nn.bias_add(convolved, bias)
            activation = activate(net_input)
            signal = tf.nn.max_pool2d(activation, ksize=2, strides=2, padding="SAME")
        signals[f"{layer}/net_input"] = net_input
        signals[f"{layer}/activation"] = activation
        signals[f"{layer}/pooled"] = signal

    with tf.name_scope("fc1"):
        weights = parameters["fc1/weights"]
        flat = tf.reshape(signal, (-1, weights.shape[0]))  # (n, 3136)
        net_input = tf.linalg.matmul(flat, weights) + parameters["fc1/bias"]
        signals["fc1/net_input"] = net_input  # (n, 1024)
        signals["fc1/activation"] = activate(net_input)
    with tf.name_scope("dropout"):
        kept = drop(signals["fc1/activation"])
    with tf.name_scope("fc2"):
        logits = tf.linalg.matmul(kept, parameters["fc2/weights"]) + parameters["fc2/bias"]
        signals["fc2/net_input"] = logits  # (n, 10)
    return signals


def layers_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the layers that names such as ``conv1/weights`` begin with, each once, in order."""
    return tuple(dict.fromkeys(name.partition("/")[0] for name in names))


def compute_losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of softmax(logits) for each example, (n,), in nats."""
    with tf.name_scope("loss"):
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
