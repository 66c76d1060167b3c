"""Lion: an update rule that looks at signs alone (Chen et al. 2023)."""

import numpy as np

from restudy.families.contract import Setting
from restudy.families.plugins import Optimizer


def update(parameters, gradient, slots, updates, learning_rate, beta_1, beta_2):
    """θ ← θ - η sign(β₁ m + (1 - β₁) g); m ← β₂ m + (1 - β₂) g."""
    (mean,) = slots
    parameters -= learning_rate * np.sign(beta_1 * mean + (1 - beta_1) * gradient)
    mean *= beta_2
    mean += (1 - beta_2) * gradient


LION = Optimizer(
    "lion",
    "Lion",
    "steps of one size against the sign of a mean gradient",
    settings=(
        Setting("beta_1", "Share of the mean in a step.", default=0.9, minimum=0, below=1),
        Setting("beta_2", "Decay of the mean gradient.", default=0.99, minimum=0, below=1),
    ),
    update=update,
    slots=(0.0,),
)
