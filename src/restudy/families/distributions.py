"""What initializers draw weights from, as far as weights are independent of one another.

The families draw from what is stated here, and trained weights are compared with it. Loads no
library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from restudy.families.lookup import CODE

# Standard deviation of a standard normal variable truncated at ±2.
TRUNCATED_DEVIATION = 0.87962566103423978


@dataclass(frozen=True)
class Distribution:
    """A distribution around zero.

    Attributes
    ----------
    shape : {"uniform", "normal", "truncated_normal"}
        The last is truncated at two standard deviations.
    scale : float
        Largest magnitude of a uniform one, standard deviation of a normal one; of a truncated one,
        the standard deviation before truncation.
    """

    shape: str
    scale: float

    def truncated(self) -> Distribution:
        """Return the truncated normal distribution of the same variance as this normal one."""
        return Distribution("truncated_normal", self.scale / TRUNCATED_DEVIATION)


def _uniform(squared_limit: float) -> Distribution:
    return Distribution("uniform", math.sqrt(squared_limit))


def _normal(variance: float) -> Distribution:
    return Distribution("normal", math.sqrt(variance))


# Kind of initializer -> function (fan_in, fan_out, and its settings) of a matrix. The values of an
# orthogonal matrix depend on one another, and zeros are not drawn.
DISTRIBUTIONS: dict[str, Callable[..., Distribution]] = {
    "fan_in_normal": lambda fan_in, fan_out: Distribution("normal", 1.0 / math.sqrt(fan_in)),
    "xavier_uniform": lambda fan_in, fan_out: _uniform(6.0 / (fan_in + fan_out)),
    "xavier_normal": lambda fan_in, fan_out: _normal(2.0 / (fan_in + fan_out)),
    "he_uniform": lambda fan_in, fan_out: _uniform(6.0 / fan_in),
    "he_normal": lambda fan_in, fan_out: _normal(2.0 / fan_in),
    "lecun_normal": lambda fan_in, fan_out: _normal(1.0 / fan_in).truncated(),
    "truncated_normal": lambda fan_in, fan_out, scale: Distribution("truncated_normal", scale),
    "uniform": lambda fan_in, fan_out, limit: Distribution("uniform", limit),
}


def stated_distribution(initializer: Mapping) -> Callable[[int, int], Distribution] | None:
    """Return the distribution of an initializer, given fan-in and fan-out; None if none is stated.

    Parameters
    ----------
    initializer : mapping
        Its ``kind`` and settings.
    """
    stated = DISTRIBUTIONS.get(initializer["kind"])
    if stated is None:
        return None
    settings = {key: value for key, value in initializer.items() if key not in ("kind", CODE)}
    return lambda fan_in, fan_out: stated(fan_in, fan_out, **settings)
