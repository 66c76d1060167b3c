"""JAX: one training step compiled, its arrays given back to it; Adam written out.

A scan over steps takes many times as long: XLA runs convolutions in a loop by slow kernels.
"""

import os

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

if CASE.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp


def halve(signal):
    """Max-pooling, 2 x 2, as maxima of pairs: their gradient is cheaper than a window's."""
    rows = jnp.maximum(signal[:, ::2], signal[:, 1::2])
    return jnp.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def logits_of(parameters, images, drop=lambda activation: activation):
    """Return (n, 10)."""
    signal = images[..., None].astype(jnp.float32) / 255
    for layer in ("conv1", "conv2"):
        weights, bias = parameters[f"{layer}/weights"], parameters[f"{layer}/bias"]
        convolved = jax.lax.conv_general_dilated(
            signal, weights, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        signal = halve(jax.nn.relu(convolved + bias))
    flat = signal.reshape(len(signal), -1)
    hidden = jax.nn.relu(flat @ parameters["fc1/weights"] + parameters["fc1/bias"])
    return drop(hidden) @ parameters["fc2/weights"] + parameters["fc2/bias"]


def cross_entropy(logits, labels):
    """Return the mean over the examples."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1).mean()


def prepare():
    """A loop in Python over compiled steps."""
    images, labels = (jnp.asarray(array) for array in examples())
    labels, order = labels.astype(jnp.int32), batches()
    key = jax.random.key(0)

    def step(state, images, labels, rows):
        parameters, first, second, number = state

        def loss(parameters):
            def drop(activation):
                kept = jax.random.bernoulli(
                    jax.random.fold_in(key, number), CASE.keep, activation.shape
                )
                return jnp.where(kept, activation / CASE.keep, 0)

            return cross_entropy(logits_of(parameters, images[rows], drop), labels[rows])

        gradient = jax.grad(loss)(parameters)
        number += 1
        first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradient)
        second = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradient)
        rate = LEARNING_RATE * jnp.sqrt(1 - BETA_2**number) / (1 - BETA_1**number)
        parameters = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + EPSILON), parameters, first, second
        )
        return parameters, first, second, number

    compiled = jax.jit(step, donate_argnums=0)
    parameters = jax.tree.map(jnp.asarray, initial_parameters())
    zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
    state = [(parameters, *zeros, jnp.int32(0))]

    def train():
        for rows in order:
            state[0] = compiled(state[0], images, labels, rows)
        jax.block_until_ready(state[0])

    return train, lambda: float(
        cross_entropy(logits_of(state[0][0], images[:PROBE]), labels[:PROBE])
    )


run(prepare)
