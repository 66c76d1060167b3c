"""What networks are made of, by kind: activation functions, initializers, optimizers, schedules.

A record describes a kind in words: its name, parameters, ranges and defaults. The families' own
modules have the arithmetic under the same names; tests check that the two agree.
"""

from dataclasses import dataclass

from restudy.families.contract import Axis, Bundle, Kind, Setting, count


@dataclass(frozen=True)
class ActivationKind(Kind):
    """An activation function: its description, and the forms in which it exists.

    Attributes
    ----------
    tensorflow : bool
        Whether the convolutional network offers it.
    javascript : str
        For the page that runs networks in the browser: a JavaScript function of the settings,
        which returns ``value`` (z) -> f(z), ``slope`` (z, a) -> f'(z) given a = f(z) and, unless
        it is 1, ``steepest``, the largest |f'|. Without it, the page shows pictures that were
        computed beforehand.
    """

    tensorflow: bool = True
    javascript: str = ""


def _share(name: str, description: str, default: float) -> Setting:
    return Setting(name, description, default=default, minimum=0, below=1)


ACTIVATIONS = (
    ActivationKind(
        "identity",
        description="f(z) = z.",
        javascript="() => ({ value: (z) => z, slope: () => 1 })",
    ),
    ActivationKind(
        "tanh",
        label="tanh",
        description="f(z) = tanh(z).",
        javascript="() => ({ value: Math.tanh, slope: (z, a) => 1 - a * a })",
    ),
    ActivationKind(
        "sigmoid",
        label="sigmoid",
        description="f(z) = 1 / (1 + exp(-z)).",
        javascript="""() => ({
  value: (z) => 1 / (1 + Math.exp(-z)),
  slope: (z, a) => a * (1 - a),
  steepest: 0.25,
})""",
    ),
    ActivationKind(
        "relu",
        label="ReLU",
        description="f(z) = max(0, z).",
        javascript="() => ({ value: (z) => Math.max(z, 0), slope: (z, a) => (a > 0 ? 1 : 0) })",
    ),
    ActivationKind(
        "leaky_relu",
        label="leaky ReLU",
        description="f(z) = z where z > 0, else slope · z.",
        settings=(Setting("slope", "Slope below zero.", default=0.01, above=0, below=1),),
        javascript="""(of) => ({
  value: (z) => Math.max(z, of.slope * z),
  slope: (z, a) => (a > 0 ? 1 : of.slope),
})""",
    ),
    ActivationKind(
        "elu",
        label="ELU",
        description="f(z) = z where z > 0, else alpha (exp(z) - 1).",
        settings=(
            Setting(
                "alpha", "Minus the limit for large negative net inputs.", default=1.0, above=0
            ),
        ),
        javascript="""(of) => ({
  value: (z) => (z > 0 ? z : of.alpha * Math.expm1(z)),
  slope: (z, a) => (a > 0 ? 1 : a + of.alpha),
  steepest: Math.max(1, of.alpha),
})""",
    ),
    ActivationKind(
        "softplus",
        label="softplus",
        description="f(z) = log(1 + exp(z)).",
        javascript="""() => ({
  value: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
  slope: (z, a) => -Math.expm1(-a),
})""",
    ),
    ActivationKind(
        "silu",
        label="SiLU",
        description="f(z) = z σ(z), σ the sigmoid.",
        javascript="""() => {
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  return {
    value: (z) => z * sigmoid(z),
    slope: (z, a) => sigmoid(z) + a * (1 - sigmoid(z)),
    steepest: 1.0998,
  };
}""",
    ),
    ActivationKind(
        "gelu",
        label="GELU",
        description="f(z) = z Φ(z), Φ the normal distribution function.",
        # Φ from series and continued fraction of the error function; no term is negative.
        javascript="""() => {
  const share = (z) => {
    const x = Math.abs(z) / Math.SQRT2;
    let tail;
    if (x < 2.5) {
      let [term, sum] = [x, x];
      for (let n = 1; term > sum * 1e-17; n++) sum += term *= (2 * x * x) / (2 * n + 1);
      tail = 0.5 - (sum * Math.exp(-x * x)) / Math.sqrt(Math.PI);
    } else {
      let fraction = x;
      for (let n = 60; n >= 1; n--) fraction = x + n / 2 / fraction;
      tail = Math.exp(-x * x) / fraction / Math.sqrt(Math.PI) / 2;
    }
    return z < 0 ? tail : 1 - tail;
  };
  return {
    value: (z) => z * share(z),
    slope: (z) => share(z) + (z * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI),
    steepest: 1.1289,
  };
}""",
    ),
    ActivationKind(
        "maxout",
        label="maxout",
        description="f(z₁ … z_k) = max zᵢ: each unit has k net inputs.",
        settings=(
            Setting(
                "pieces",
                "Net inputs of one unit; the largest is its activation.",
                "integer",
                2,
                minimum=2,
                maximum=100,
            ),
        ),
        # The page itself takes the largest piece of a unit.
        javascript="(of) => ({ pieces: of.pieces })",
    ),
)

INITIALIZERS = (
    Kind("fan_in_normal", "fan-in normal", "normal, of variance 1 / fan_in"),
    Kind("xavier_uniform", "Xavier uniform", "uniform within ±√(6 / (fan_in + fan_out))"),
    Kind("xavier_normal", "Xavier normal", "normal, of variance 2 / (fan_in + fan_out)"),
    Kind("he_uniform", "He uniform", "uniform within ±√(6 / fan_in)"),
    Kind("he_normal", "He normal", "normal, of variance 2 / fan_in"),
    Kind(
        "lecun_normal",
        "LeCun normal",
        "normal, truncated at two standard deviations, of variance 1 / fan_in",
    ),
    Kind(
        "orthogonal",
        "orthogonal",
        "orthonormal vectors, times the gain",
        (Setting("gain", "Factor of the orthonormal vectors.", default=1.0, above=0),),
    ),
    Kind(
        "truncated_normal",
        "truncated normal",
        "normal, truncated at two standard deviations",
        (
            Setting(
                "scale",
                "Standard deviation before truncation; values beyond two of them are drawn again.",
                default=0.1,
                above=0,
            ),
        ),
    ),
    Kind(
        "uniform",
        description="uniform within ±limit",
        settings=(
            # Its square, the variance, has to be a number too.
            Setting("limit", "Largest absolute value.", default=0.05, above=0, maximum=1e150),
        ),
    ),
    Kind("zeros", description="all zero"),
)

_MOMENTUM = _share("momentum", "Share of the last step that is kept.", 0.9)
_EPSILON = Setting(
    "epsilon", "Added to the denominator, against division by zero.", default=1e-7, above=0
)
_BETAS = (
    _share("beta_1", "Decay of the mean gradient.", 0.9),
    _share("beta_2", "Decay of the mean squared gradient.", 0.999),
    _EPSILON,
)
OPTIMIZERS = (
    Kind("gradient_descent", "gradient descent", "plain steps against the gradient"),
    Kind("momentum", "momentum", "steps that keep a share of the last one", (_MOMENTUM,)),
    Kind(
        "nesterov", "Nesterov momentum", "momentum, with the gradient one step ahead", (_MOMENTUM,)
    ),
    Kind(
        "adagrad",
        "Adagrad",
        "steps divided by the root of the sum of squared gradients",
        (
            Setting(
                "initial_accumulator",
                "Starting value of the sum of squared gradients.",
                default=0.1,
                minimum=0,
            ),
            _EPSILON,
        ),
    ),
    Kind(
        "rmsprop",
        "RMSprop",
        "steps divided by the root of the mean squared gradient",
        (_share("rho", "Decay of the mean squared gradient.", 0.9), _EPSILON),
    ),
    Kind("adam", "Adam", "mean gradient over the root of the mean squared gradient", _BETAS),
    Kind(
        "adamw",
        "AdamW",
        "Adam with decoupled weight decay",
        (
            *_BETAS,
            Setting(
                "weight_decay",
                "Share of every parameter, times the learning rate, that each update subtracts.",
                default=0.004,
                minimum=0,
            ),
        ),
    ),
)

WARM_UP = Setting(
    "warm_up",
    "Number of first passes, over which the learning rate rises to its value in equal steps.",
    "integer",
    0,
    minimum=0,
    maximum=1_000_000_000,
)


@dataclass(frozen=True)
class ScheduleKind(Kind):
    """A kind of schedule of the learning rate.

    Attributes
    ----------
    until_end : bool
        Whether the factor of a pass depends on how many there are.
    """

    until_end: bool = False


SCHEDULES = (
    ScheduleKind("constant", description="always 1", settings=(WARM_UP,)),
    ScheduleKind(
        "step",
        description="multiplied by `factor` after every `interval` passes",
        settings=(
            WARM_UP,
            count("interval", "Passes between two steps.", 1000),
            Setting(
                "factor",
                "Factor by which each step multiplies the learning rate.",
                default=0.5,
                above=0,
                maximum=1,
            ),
        ),
    ),
    ScheduleKind(
        "cosine",
        until_end=True,
        description="from 1 to `final` along half a cosine",
        settings=(
            WARM_UP,
            Setting(
                "final",
                "Share of the learning rate that is left at the end.",
                default=0.0,
                minimum=0,
                maximum=1,
            ),
        ),
    ),
)


def activation_axis(
    family: str, layers: str, kinds: tuple[ActivationKind, ...] = ACTIVATIONS
) -> Axis:
    """Return the axis of activation functions.

    Parameters
    ----------
    family : str
        Its name in the configuration.
    layers : str
        The layers that have one, in words.
    kinds : tuple of ActivationKind
        Those that the family has.
    """
    bundle = Bundle(
        "activations",
        "Named activation functions with parameters of their own, besides the plain kinds.",
        "An activation function with its parameters.",
        kinds,
        plain=True,
    )
    return Axis(
        "activation",
        "Activation",
        f"Activation function of {layers}, a kind or a name under {family}.activations.",
        bundle=bundle,
        column="Activation function of the hidden layers.",
    )


def initializer_axis(family: str, biases: str) -> Axis:
    """Return the axis of initializers of a family; ``biases`` says where biases start."""
    bundle = Bundle(
        "initializers",
        "Named initializers with parameters of their own, besides the plain kinds.",
        "A distribution of initial weights with its parameters.",
        INITIALIZERS,
        plain=True,
    )
    return Axis(
        "initializer",
        "Initializer",
        f"Distribution of the initial weights, a kind or a name under {family}.initializers; "
        f"biases start at {biases}.",
        bundle=bundle,
        column="Distribution of the initial weights.",
    )


def optimizer_axis(family: str) -> Axis:
    """Return the axis of optimizers of a family."""
    bundle = Bundle(
        "optimizers",
        "Named optimizers, each an update rule with its hyperparameters.",
        "An update rule with its hyperparameters.",
        OPTIMIZERS,
        (Setting("learning_rate", "Step size.", required=True, above=0),),
    )
    return Axis(
        "optimizer",
        "Optimizer",
        f"A name under {family}.optimizers.",
        bundle=bundle,
        column="Optimizer, a name from the configuration.",
    )
