"""The facts of the convolutional network: TensorFlow, one job per seed, exact resume."""

from restudy.families.components import (
    ACTIVATIONS,
    activation_axis,
    initializer_axis,
    optimizer_axis,
)
from restudy.families.contract import (
    IMAGES,
    LARGEST_COUNT,
    ONE,
    Artefact,
    Family,
    Measure,
    Resources,
    Setting,
    Time,
    calibration_measures,
    count,
)
from restudy.families.stopping import stop_early_setting

TENSORFLOW_ACTIVATIONS = tuple(kind for kind in ACTIVATIONS if kind.tensorflow)
MAX_CONVOLUTIONS = 4
CONVOLUTION = f"conv[1-{MAX_CONVOLUTIONS}]"  # pattern of their names
STATISTIC = "(min|max|mean|std)"


def _measured(part: str, label: str, images: str, **more) -> tuple[Measure, Measure]:
    """Return loss and accuracy on a part of the images."""
    return (
        Measure(
            f"{part}_loss",
            f"{label} loss",
            f"Mean cross-entropy on {images}, in nats.",
            "nats",
            "lower",
            **more,
        ),
        Measure(
            f"{part}_accuracy",
            f"{label} accuracy",
            f"Share of {images} classified correctly.",
            better="higher",
            **more,
        ),
    )


_EVALUATED = {"recorded": "evaluate_interval", "from_start": False}
FAMILY = Family(
    name="conv",
    title="Convolutional network",
    description="The convolutional network in TensorFlow.",
    noun="runs of the convolutional network",
    takes=IMAGES,
    axes=(
        activation_axis("conv", "the convolutions and the dense layer", TENSORFLOW_ACTIVATIONS),
        initializer_axis("conv", "the protocol's initial_bias"),
        optimizer_axis("conv"),
    ),
    protocol=(
        count("steps", "Updates, one minibatch each."),
        count("replicates", "Seeds per cell, counted from 0; one job per seed.", 1),
        count("batch_size", "Images per step.", 50),
        Setting(
            "channels",
            "Output channels of each convolution, which 2x2 max pooling follows.",
            "counts",
            [32, 64],
            minimum=1,
            maximum=LARGEST_COUNT,
            max_length=MAX_CONVOLUTIONS,
        ),
        count("kernel", "Side of every convolution's kernel, in pixels.", 5, maximum=15),
        count("units", "Units of the dense layer.", 1024),
        Setting(
            "dropout_keep",
            "Probability that a unit of the dense layer is kept in a training step.",
            default=0.5,
            minimum=1.0e-6,
            maximum=1,
        ),
        count(
            "monitor_interval",
            "Steps between two records of training loss, accuracy and all weights, biases, net "
            "inputs, activations and pooled maps.",
            100,
        ),
        Setting("initial_bias", "Initial value of all biases.", default=0.1),
        count(
            "evaluate_interval",
            "Steps between two evaluations on validation and test images.",
            1100,
        ),
        stop_early_setting("steps", ["validation_loss", "validation_accuracy"]),
        count(
            "checkpoint_interval",
            "Steps between two checkpoints, from which a killed job resumes.",
            1100,
        ),
    ),
    measures=(
        *_measured(
            "train",
            "Training",
            "the images of that step's minibatch (dropout off)",
            recorded="monitor_interval",
        ),
        *_measured("validation", "Validation", "the validation images", **_EVALUATED),
        *_measured("test", "Test", "the test images", **_EVALUATED),
        *calibration_measures(IMAGES),
    ),
    ranked_by=("test_loss", "test_accuracy"),
    converges_by="validation_loss",  # the training loss is of a minibatch
    artefacts=(
        Artefact("layers.parquet", "A row per recorded step and layer."),
        Artefact("judgements.parquet", "A row per test image: label, predicted class and loss."),
        Artefact("weights.npz", "The final weights."),
        Artefact("events", "TensorBoard's event files.", folder=True),
        Artefact("scalars.parquet", "A row per monitored scalar and step."),
        Artefact("histograms.parquet", "A row per monitored tensor, step and bucket."),
    ),
    train="restudy.families.conv.runs:train",
    seeds_per_job=ONE,
    time=Time("step", "steps", "Training steps", "steps", "image"),
    # The longest jobs. Two of one thread each train a grid sooner than one of two threads.
    resources=Resources(threads=1, mem_mb=2000, runtime=60, priority=75),
    starts_anew="restudy.families.conv.checks:why_anew",
    check="restudy.families.conv.checks:find_clashes",
    check_data="restudy.families.conv.checks:find_excess",
    cost="restudy.families.conv.cost",
    words=(
        ("conv1", "First convolution"),
        ("conv2", "Second convolution"),
        ("conv3", "Third convolution"),
        ("conv4", "Fourth convolution"),
        ("fc1", "First dense layer"),
        ("fc2", "Output layer"),
        ("full", "full budget"),
        ("short", "short budget"),
        ("gd", "gradient descent"),
    ),
    layers="restudy.families.conv.shapes:layer_names",
    initial="restudy.families.conv.initial:initial_distribution",
    tensors=rf"({CONVOLUTION}|fc1|fc2)/(weights|bias)",
    monitored=(
        rf"({CONVOLUTION}|fc1)/(weights|bias|net_input|activation)/{STATISTIC}"
        rf"|{CONVOLUTION}/pooled/{STATISTIC}|fc2/(weights|bias)/{STATISTIC}"
    ),
    monitored_interval="monitor_interval",
    end_figures=("final_accuracy",),
    own_kinds=(("activations", "in_tensorflow"),),
    notebooks=("convolutional_network",),
)
