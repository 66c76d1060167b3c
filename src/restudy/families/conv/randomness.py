"""One key for every random draw, so that a run depends on its seed and on nothing else."""

from __future__ import annotations

import numpy as np

from restudy.internals.lean_tensorflow import tf

INITIAL_VALUES, DATA_ORDER, DROPOUT = range(3)  # what a draw is for


def make_key(seed: int, purpose: int, index: int | tf.Tensor) -> tf.Tensor:
    """Return the int64 (2,) key of one stateless draw.

    Parameters
    ----------
    seed
        The run's seed.
    purpose
        One of this module's constants: draws for different purposes are independent.
    index
        Which draw of that purpose: the place of the layer, or the step.
    """
    return tf.random.experimental.stateless_fold_in(
        tf.constant([seed, purpose], tf.int64), index, alg="philox"
    )


def draw_batches(
    seed: int, first_step: int, steps: int, batch_size: int, examples: int
) -> np.ndarray:
    """Return which examples each of some consecutive steps trains on.

    The examples are walked through in a new random order every epoch; a batch that reaches the
    end of an epoch is filled up from the next one. Any step's batch can be had without those
    before it, which is what makes resuming exact.

    Parameters
    ----------
    seed
        The run's seed.
    first_step
        The first step wanted, counted from 0.
    steps
        How many steps.
    batch_size, examples
        Size of a batch, and of the training set.

    Returns
    -------
    ndarray of int32, shape (steps, batch_size)
    """
    start, end = first_step * batch_size, (first_step + steps) * batch_size
    epochs = range(start // examples, -(-end // examples))
    order = np.concatenate(
        [np.random.default_rng([seed, DATA_ORDER, epoch]).permutation(examples) for epoch in epochs]
    )
    skipped = start - epochs.start * examples
    return order[skipped : skipped + end - start].reshape(steps, batch_size).astype(np.int32)
