"""The network in JAX: its loss, and gradient descent as one compiled scan."""

import os

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
from common import L2, LEARNING_RATE, Case, initial_weights, points


def build(case: Case):
    """Starting parameters, stacked over replicates; a scan over all passes; the loss."""
    jax.config.update("jax_enable_x64", case.precision == "float64")
    x, label = points(case.precision)
    x, target = jnp.asarray(x), jnp.eye(2, dtype=case.precision)[label]

    def loss(parameters):
        signal = x
        for w, b in parameters[:-1]:
            signal = jnp.tanh(signal @ w + b)
        w, b = parameters[-1]
        cross_entropy = -(jax.nn.log_softmax(signal @ w + b) * target).sum(axis=1).mean()
        return cross_entropy + L2 / 2 * sum((w**2).sum() for w, _ in parameters)

    def one_pass(parameters, _):
        gradient = jax.grad(loss)(parameters)
        moved = jax.tree.map(lambda p, g: p - LEARNING_RATE * g, parameters, gradient)
        return moved, None

    def all_passes(parameters):
        return jax.lax.scan(one_pass, parameters, length=case.passes)[0]

    drawn = [initial_weights(case, seed) for seed in range(case.replicates)]
    parameters = [
        [(jnp.asarray(w), jnp.zeros(w.shape[1], case.precision)) for w in weights]
        for weights in drawn
    ]
    return parameters, all_passes, loss


def prepare_one_by_one(case: Case):
    """A compiled scan, called for one replicate after another."""
    models, all_passes, loss = build(case)
    compiled = jax.jit(all_passes)

    def train():
        for index, model in enumerate(models):
            models[index] = jax.block_until_ready(compiled(model))

    return train, lambda: [float(loss(model)) for model in models]


def prepare_vmapped(case: Case):
    """One compiled scan over stacked replicates."""
    models, all_passes, loss = build(case)
    stacked = [jax.tree.map(lambda *leaves: jnp.stack(leaves), *models)]
    compiled = jax.jit(jax.vmap(all_passes))

    def train():
        stacked[0] = jax.block_until_ready(compiled(stacked[0]))

    return train, lambda: [float(value) for value in jax.vmap(loss)(stacked[0])]
