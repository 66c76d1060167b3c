"""The facts of the dense networks: NumPy networks whose replicates train stacked, in one job."""

from restudy.families.components import (
    SCHEDULES,
    activation_axis,
    initializer_axis,
    optimizer_axis,
)
from restudy.families.contract import (
    ALL,
    LARGEST_COUNT,
    POINTS,
    Artefact,
    Axis,
    Family,
    Measure,
    Resources,
    Setting,
    Time,
    calibration_measures,
    count,
)
from restudy.families.stopping import stop_early_setting

QUANTITIES = ("loss", "accuracy")


def _measured(
    part: str, label: str, points: str, loss: str = "", drawn: bool = True
) -> tuple[Measure, Measure]:
    """Return loss and accuracy on a part of the points."""
    same = f"The same formula as the training loss, penalties included, on the {points}."
    more = {"recorded": "record_interval", "drawn": drawn}
    return (
        Measure(f"{part}_loss", f"{label} loss", loss or same, "nats", "lower", **more),
        Measure(
            f"{part}_accuracy",
            f"{label} accuracy",
            f"Share of the {points} classified correctly.",
            better="higher",
            **more,
        ),
    )


FAMILY = Family(
    name="dense",
    title="Dense networks",
    description="Dense networks in NumPy.",
    noun="dense cells",
    takes=POINTS,
    axes=(
        activation_axis("dense", "the hidden layers"),
        Axis(
            "hidden_size",
            "Hidden units",
            "Units in each hidden layer.",
            "whole_number",
            minimum=1,
            maximum=LARGEST_COUNT,
            counted=("unit", "units"),
        ),
        Axis(
            "depth",
            "Hidden layers",
            "Number of hidden layers.",
            "whole_number",
            minimum=1,
            maximum=LARGEST_COUNT,
            counted=("hidden layer", "hidden layers"),
        ),
        initializer_axis("dense", "zero"),
        optimizer_axis("dense"),
    ),
    protocol=(
        Setting(
            "arithmetic",
            "corrected follows the mathematics; published repeats the source's code: derivative "
            "taken at the activation, loss divided by the number of points twice, one shared "
            "initial matrix for all hidden-to-hidden layers, unguarded softmax.",
            "choice",
            required=True,
            choices=("corrected", "published"),
        ),
        count("passes", "Passes over the training points; with full batches, each is one update."),
        Setting(
            "batch_size",
            "Points per update; 0, or the number of training points, takes all of them.",
            "integer",
            0,
            minimum=0,
            maximum=1_000_000_000,
        ),
        Setting(
            "schedule",
            "How the learning rate changes from pass to pass.",
            "kind",
            {"kind": "constant", "warm_up": 0},
            kinds=SCHEDULES,
        ),
        count(
            "replicates",
            "Seeds per cell, counted from 0; all seeds of a cell train together in one job.",
            20,
        ),
        Setting(
            "l2",
            "Lambda of the penalty (lambda/2) times the sum of squared weights.",
            default=0.01,
            minimum=0,
            label="L2 penalty",
        ),
        Setting(
            "l1",
            "Lambda of the penalty lambda times the sum of absolute weights.",
            default=0,
            minimum=0,
            label="L1 penalty",
        ),
        Setting(
            "precision",
            "Floating-point type of the arithmetic.",
            "choice",
            "float64",
            choices=("float64", "float32"),
        ),
        count("record_interval", "Passes between two rows of the history.", 400),
        stop_early_setting(
            "passes", [f"{part}_{each}" for part in ("validation", "train") for each in QUANTITIES]
        ),
        Setting(
            "snapshots",
            "Largest number of times that the weights are saved, at passes about evenly spaced on "
            "a log scale.",
            "integer",
            20,
            minimum=0,
            maximum=1000,
        ),
        Setting(
            "snapshot_megabytes",
            "Upper limit for all snapshots of a cell; fewer are saved if they would not fit.",
            default=8,
            minimum=0,
        ),
    ),
    measures=(
        *_measured(
            "train",
            "Training",
            "training points",
            "Mean cross-entropy on the training points plus the penalties, in nats.",
        ),
        # Curves of fresh points are much alike: those of the held-out points are enough.
        *_measured("validation", "Validation", "validation points", drawn=False),
        *_measured("heldout", "Held-out", "held-out points"),
        *calibration_measures(POINTS),
        Measure(
            "grad_norm",
            "Gradient norm",
            "Euclidean norm of the gradient that training follows, on all training points.",
        ),
        Measure(
            "reported_loss",
            "Loss as the source reports it",
            "The training loss as the published code prints it, divided by the number of points "
            "a second time; empty if the arithmetic is corrected.",
            summarised=False,
        ),
        Measure(
            "generalisation_gap",
            "Generalisation gap",
            "Held-out minus training loss.",
            "nats",
            "lower",
            "record_interval",
            difference=("heldout_loss", "train_loss"),
        ),
        Measure(
            "boundary_linearity",
            "Boundary linearity",
            "Largest share of the held-out points at which a straight line predicts the network's "
            "own label. Of two features and two classes, the best of all lines; of more, the "
            "line of a logistic regression (of several classes, one between each two), a lower "
            "bound.",
            table="linearity",
        ),
    ),
    ranked_by=("train_loss", "heldout_accuracy"),
    artefacts=(
        Artefact("layers.parquet", "A row per run, recorded pass and layer."),
        Artefact("weights.npz", "The final weights of every run."),
        Artefact("snapshots.npz", "Weights of every run, at passes during training."),
    ),
    train="restudy.families.dense.cells:train",
    seeds_per_job=ALL,
    time=Time("pass", "passes", "Training passes", "passes", "point"),
    # Short jobs, which fill the cores that longer ones leave free.
    resources=Resources(threads=1, mem_mb=500, runtime=30, priority=50),
    starts_anew="restudy.families.dense.checks:why_anew",
    check="restudy.families.dense.checks:find_clashes",
    check_data="restudy.families.dense.checks:find_excess",
    cost="restudy.families.dense.cost",
    predict="restudy.families.dense.predictions:predict",
    browser_twin="restudy.families.dense.twin:describe_for_browser",
    snapshot_pictures="restudy.families.dense.pictures:draw_snapshots",
    gradient_choice="restudy.families.dense.checks:choose_gradient_check",
    gradient_check="restudy.families.dense.gradient_check:check",
    words=(
        ("published", "published arithmetic"),
        ("corrected", "corrected arithmetic"),
        ("gd", "gradient descent"),
    ),
    layers="restudy.families.dense.checks:layer_names",
    initial="restudy.families.dense.initial:initial_distribution",
    tensors=r"layer[1-9][0-9]*/(weights|bias)",
    own_kinds=(
        ("activations", "value"),
        ("initializers", "draw"),
        ("optimizers", "update"),
        ("schedules", "factor"),
    ),
    notebooks=("backpropagation", "dense_networks", "add_your_own_activation"),
)
