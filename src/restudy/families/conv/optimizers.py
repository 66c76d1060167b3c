"""Update rules by kind, each one fused TensorFlow kernel that changes a variable in place.

A factory takes the hyperparameters and returns an `Optimizer`. Keras' optimizers compute the same
with one small operation after another, each of which walks through all parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from restudy.families.lookup import make_kind
from restudy.internals.lean_tensorflow import tf

Slots = Mapping[str, tf.Variable]


class Optimizer(NamedTuple):
    """Hold an update rule with its hyperparameters bound.

    Attributes
    ----------
    slots : dict
        Name to initial value of each array, as large as the variable, that it keeps.
    update : callable ``(variable, slots, gradient, iteration)``
        Changes the variable and its slots in place. ``iteration`` is an int scalar tensor that
        counts updates from 1.
    """

    slots: dict[str, float]
    update: Callable[[tf.Variable, Slots, tf.Tensor, tf.Tensor], None]


def gradient_descent(learning_rate: float) -> Optimizer:
    """θ ← θ - η g."""

    def update(variable, slots, gradient, iteration):
        tf.raw_ops.ResourceApplyGradientDescent(
            var=variable.handle, alpha=learning_rate, delta=gradient
        )

    return Optimizer({}, update)


def momentum(learning_rate: float, momentum: float = 0.9) -> Optimizer:
    """v ← μ v - η g; θ ← θ + v (Polyak 1964, in the form of Sutskever et al. 2013)."""
    return accelerate(learning_rate, momentum, look_ahead=False)


def nesterov(learning_rate: float, momentum: float = 0.9) -> Optimizer:
    """v ← μ v - η g; θ ← θ + μ v - η g (Sutskever et al. 2013, at the look-ahead point)."""
    return accelerate(learning_rate, momentum, look_ahead=True)


def accelerate(learning_rate: float, momentum: float, look_ahead: bool) -> Optimizer:
    """Build either form of momentum."""

    def update(variable, slots, gradient, iteration):
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=slots["velocity"].handle,
            lr=learning_rate,
            grad=gradient,
            momentum=momentum,
            use_nesterov=look_ahead,
        )

    return Optimizer({"velocity": 0.0}, update)


def adagrad(
    learning_rate: float, initial_accumulator: float = 0.1, epsilon: float = 1e-7
) -> Optimizer:
    """s ← s + g²; θ ← θ - η g / (√s + ε) (Duchi et al. 2011). Keras has √(s + ε)."""

    def update(variable, slots, gradient, iteration):
        tf.raw_ops.ResourceApplyAdagradV2(
            var=variable.handle,
            accum=slots["squares"].handle,
            lr=learning_rate,
            epsilon=epsilon,
            grad=gradient,
        )

    return Optimizer({"squares": initial_accumulator}, update)


def rmsprop(learning_rate: float, rho: float = 0.9, epsilon: float = 1e-7) -> Optimizer:
    """s ← ρ s + (1 - ρ) g²; θ ← θ - η g / √(s + ε) (Tieleman and Hinton 2012)."""

    def update(variable, slots, gradient, iteration):
        tf.raw_ops.ResourceApplyRMSProp(
            var=variable.handle,
            ms=slots["squares"].handle,
            mom=slots["velocity"].handle,
            lr=learning_rate,
            rho=rho,
            momentum=0.0,
            epsilon=epsilon,
            grad=gradient,
        )

    return Optimizer({"squares": 0.0, "velocity": 0.0}, update)


def adam(
    learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> Optimizer:
    """Adam (Kingma and Ba 2015), with ε beside the uncorrected second moment.

    m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; θ ← θ - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) m / (√v + ε):
    the form before section 2.1 of the paper, which TensorFlow has had since 2015, and Keras too.
    """

    def update(variable, slots, gradient, iteration):
        iteration = tf.cast(iteration, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=slots["first_moment"].handle,
            v=slots["second_moment"].handle,
            beta1_power=tf.pow(beta_1, iteration),
            beta2_power=tf.pow(beta_2, iteration),
            lr=learning_rate,
            beta1=beta_1,
            beta2=beta_2,
            epsilon=epsilon,
            grad=gradient,
        )

    return Optimizer({"first_moment": 0.0, "second_moment": 0.0}, update)


def adamw(
    learning_rate: float,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    weight_decay: float = 0.004,
) -> Optimizer:
    """θ ← θ - η λ θ, then Adam's step (Loshchilov and Hutter 2019, algorithm 2).

    The decay λ takes every parameter, biases too.
    """
    step = adam(learning_rate, beta_1, beta_2, epsilon)

    def update(variable, slots, gradient, iteration):
        variable.assign_sub(learning_rate * weight_decay * variable)
        step.update(variable, slots, gradient, iteration)

    return Optimizer(step.slots, update)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}


def build_optimizer(settings: Mapping) -> Optimizer:
    """Build the optimizer that ``{kind: ..., learning_rate: ..., ...}`` describes.

    Raises
    ------
    ValueError
        If the kind is none of `OPTIMIZERS`.
    TypeError
        If a hyperparameter is not one of that kind's.
    """
    # The kernels take the type of each number from how it is written: 1 is no float32.
    numbers = {key: float(value) for key, value in settings.items() if key != "kind"}
    return make_kind("optimizer", OPTIMIZERS, {**settings, **numbers})
