"""Update rules of gradient-based training, in place on one flat parameter array.

Every rule is elementwise, so one call updates all layers of all stacked replicates. A factory
takes the hyperparameters and returns an `Optimizer`: the slot arrays that it keeps between
updates, and the update itself. Its docstring states the update.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from restudy.families.arguments import Remade, check_mapping, held_against
from restudy.families.components import OPTIMIZERS as KINDS
from restudy.families.components import optimizer_axis
from restudy.families.lookup import make_kind, with_own

_stated = held_against(KINDS, *optimizer_axis("dense").bundle.settings)


class _Optimizer(NamedTuple):
    """The fields of an `Optimizer`.

    Attributes
    ----------
    slots : tuple of float
        Initial value of each array that it keeps, of the size of the parameters.
    update : callable ``(parameters, gradient, slots, updates, factor)``
        Changes ``parameters`` and ``slots`` in place; ``gradient`` is overwritten. ``updates`` is
        the number of updates including this one; ``factor``, from the schedule, multiplies the
        learning rate η.
    """

    slots: tuple[float, ...]
    update: Callable[[np.ndarray, np.ndarray, list[np.ndarray], int, float], None]


class Optimizer(Remade, _Optimizer):
    """An update rule with its hyperparameters bound."""


@_stated
def gradient_descent(learning_rate: float) -> Optimizer:
    """θ ← θ - η g."""

    def update(parameters, gradient, slots, updates, factor):
        gradient *= learning_rate * factor
        parameters -= gradient

    return Optimizer((), update)


@_stated
def momentum(learning_rate: float, momentum: float = 0.9) -> Optimizer:
    """v ← μ v - η g; θ ← θ + v (Polyak 1964, in the form of Sutskever et al. 2013)."""

    def update(parameters, gradient, slots, updates, factor):
        (velocity,) = slots
        velocity *= momentum
        gradient *= learning_rate * factor
        velocity -= gradient
        parameters += velocity

    return Optimizer((0.0,), update)


@_stated
def nesterov(learning_rate: float, momentum: float = 0.9) -> Optimizer:
    """v ← μ v - η g; θ ← θ + μ v - η g (Sutskever et al. 2013, at the look-ahead point)."""

    def update(parameters, gradient, slots, updates, factor):
        (velocity,) = slots
        velocity *= momentum
        gradient *= learning_rate * factor
        velocity -= gradient
        parameters -= gradient
        np.multiply(velocity, momentum, out=gradient)
        parameters += gradient

    return Optimizer((0.0,), update)


@_stated
def adagrad(
    learning_rate: float, initial_accumulator: float = 0.1, epsilon: float = 1e-7
) -> Optimizer:
    """s ← s + g²; θ ← θ - η g / (sqrt(s) + ε) (Duchi et al. 2011); s starts above zero."""

    def update(parameters, gradient, slots, updates, factor):
        (squares,) = slots
        squares += gradient * gradient
        gradient *= learning_rate * factor
        gradient /= np.sqrt(squares) + epsilon
        parameters -= gradient

    return Optimizer((initial_accumulator,), update)


@_stated
def rmsprop(learning_rate: float, rho: float = 0.9, epsilon: float = 1e-7) -> Optimizer:
    """s ← ρ s + (1 - ρ) g²; θ ← θ - η g / sqrt(s + ε) (Tieleman and Hinton 2012)."""

    def update(parameters, gradient, slots, updates, factor):
        (squares,) = slots
        squares *= rho
        squares += (1.0 - rho) * gradient * gradient
        gradient *= learning_rate * factor
        gradient /= np.sqrt(squares + epsilon)
        parameters -= gradient

    return Optimizer((0.0,), update)


@_stated
def adam(
    learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
) -> Optimizer:
    """Adam with bias correction folded into the step (Kingma and Ba 2015, end of section 2).

    m ← β₁ m + (1 - β₁) g; s ← β₂ s + (1 - β₂) g²;
    θ ← θ - η sqrt(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (sqrt(s) + ε).
    """

    def update(parameters, gradient, slots, updates, factor):
        mean, squares = slots
        mean *= beta_1
        mean += (1.0 - beta_1) * gradient
        squares *= beta_2
        gradient *= gradient
        gradient *= 1.0 - beta_2
        squares += gradient
        step = learning_rate * factor * np.sqrt(1.0 - beta_2**updates) / (1.0 - beta_1**updates)
        np.sqrt(squares, out=gradient)
        gradient += epsilon
        np.divide(mean, gradient, out=gradient)
        gradient *= step
        parameters -= gradient

    return Optimizer((0.0, 0.0), update)


@_stated
def adamw(
    learning_rate: float,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    weight_decay: float = 0.004,
) -> Optimizer:
    """θ ← θ - η λ θ, then Adam's step (Loshchilov and Hutter 2019, algorithm 2).

    The decay λ applies to every parameter, biases too, in addition to the penalty in the loss.
    """
    step = adam(learning_rate, beta_1, beta_2, epsilon)

    def update(parameters, gradient, slots, updates, factor):
        parameters *= 1.0 - learning_rate * factor * weight_decay
        step.update(parameters, gradient, slots, updates, factor)

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


def make_optimizer(settings: dict) -> Optimizer:
    """Return the optimizer of a named entry in the configuration.

    Numbers that YAML read as integers are converted to floats.

    Parameters
    ----------
    settings : dict
        ``kind`` and its hyperparameters.

    Raises
    ------
    ValueError
        If there is no such kind.
    TypeError
        If a hyperparameter is not one of that kind's.
    """
    check_mapping("optimizer", settings)
    if str(settings.get("kind")) in OPTIMIZERS:
        settings = {
            key: float(value) if type(value) is int else value for key, value in settings.items()
        }
    return make_kind("optimizer", with_own(OPTIMIZERS, "optimizers", _own), settings)


def _own(own: Any) -> Callable[..., Optimizer]:
    """Return the factory of one in a file of the user's."""

    def factory(learning_rate: float, **settings: Any) -> Optimizer:
        def update(parameters, gradient, slots, updates, factor):
            own.update(parameters, gradient, slots, updates, learning_rate * factor, **settings)

        return Optimizer(own.slots, update)

    return factory
