"""Keras' own layers, compile and fit, on TensorFlow."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["KERAS_BACKEND"] = "tensorflow"

from conv_common import (
    BETA_1,
    BETA_2,
    CASE,
    EPSILON,
    LEARNING_RATE,
    PROBE,
    batches,
    examples,
    initial_parameters,
    run,
)

import keras  # isort: skip
import tensorflow as tf  # isort: skip

tf.config.threading.set_intra_op_parallelism_threads(CASE.threads)
tf.config.threading.set_inter_op_parallelism_threads(CASE.threads)


def prepare():
    """An epoch is one training of the case; fit shuffles and gathers, but for the check."""
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((28, 28, 1), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1024, activation="relu"),
            layers.Dropout(1 - CASE.keep),
            layers.Dense(10),
        ]
    )
    network.set_weights(list(initial_parameters().values()))
    network.compile(
        keras.optimizers.Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    images, labels = examples()
    images, order = images[..., None], batches().ravel()
    x, y = images[order], labels[order]

    def train():
        network.fit(x, y, batch_size=CASE.batch_size, shuffle=not CASE.check, verbose=0)

    return train, lambda: network.evaluate(images[:PROBE], labels[:PROBE], verbose=0)


run(prepare)
