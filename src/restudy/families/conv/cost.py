"""What a run of the convolutional network costs: time, bytes that it leaves, and memory."""

import math
from collections.abc import Mapping, Sequence

from restudy.data.image_files import PUBLISHED_SETS, ImageCounts
from restudy.families.conv.shapes import Layer, list_layers, parameter_shapes

# A guess, for a user's files.
OWN_IMAGES = PUBLISHED_SETS["mnist"].counts
# What else takes time, in multiplications: to work on a net input, and to update a parameter.
VALUE_WORK, UPDATE_WORK = 20, 50
# Bytes on disk: of the graph and the pictures in the event files, of a tensor's statistics and
# histogram at one step, of a test image's prediction.
RUN_BYTES, RECORD_BYTES, PREDICTION_BYTES = 140e3, 1650, 12.5
# Megabytes that a job takes besides its images and its network, most of them TensorFlow's.
JOB_MEGABYTES = 850
# Most copies that are in memory at the same time: of the parameters, when a checkpoint is written;
# during a step of those, and of a batch's net inputs. Evaluating takes what 100 images take then.
CHECKPOINT_COPIES, STEP_COPIES, VALUE_COPIES, EVALUATED = 9, 4, 5.5, 100


def features(settings: Mapping) -> list[float]:
    """Return the numbers that a run's time is a weighted sum of.

    Parameters
    ----------
    settings : mapping
        Those of the run's cell, see `restudy.study.config.cell_settings`.

    Returns
    -------
    list of float
        1, for the start; and the work, in multiplications, of the training steps, of evaluations
        and of recording the tensors, each time as much as a step.
    """
    protocol, dataset = settings["protocol"], settings["dataset"]
    layers = cell_layers(settings, image_counts(dataset))
    image = sum(layer.places * math.prod(layer.weights) for layer in layers)
    image += VALUE_WORK * count_net_inputs(layers)
    step = protocol["batch_size"] * image + UPDATE_WORK * count_parameters(layers)
    evaluations = protocol["steps"] / protocol["evaluate_interval"] + 1
    return [
        1.0,
        protocol["steps"] * step,
        evaluations * (dataset["validation_examples"] + count_test_images(dataset)) * image,
        count_records(protocol) * step,
    ]


def disk(settings: Mapping) -> float:
    """Return the bytes that a run leaves: its weights, predictions and what was recorded."""
    dataset = settings["dataset"]
    layers = cell_layers(settings, image_counts(dataset))
    # Weights and bias of all layers; net input, activation and pooled maps of the convolutions;
    # net input and activation of the first dense layer.
    tensors = 2 * len(layers) + 3 * (len(layers) - 2) + 2
    return (
        RUN_BYTES
        + 4 * count_parameters(layers)
        + PREDICTION_BYTES * count_test_images(dataset)
        + RECORD_BYTES * tensors * count_records(settings["protocol"])
    )


def state(settings: Mapping) -> float:
    """Return the bytes of the state that a run keeps for a larger budget, with Adam the most."""
    layers = cell_layers(settings, image_counts(settings["dataset"]))
    parameters = 4 * count_parameters(layers)
    best = parameters if settings["protocol"].get("stop_early") else 0
    # Weights and two slots; and the event files, which are most of what is left beside weights.
    return 3 * parameters + best + disk(settings) - parameters


def memory(settings: Mapping, counts: ImageCounts) -> float:
    """Return the megabytes that a job takes at most; measured with Adam, which keeps the most.

    Parameters
    ----------
    settings : mapping
        As in `features`.
    counts : ImageCounts
        Of the data set.
    """
    layers = cell_layers(settings, counts)
    parameters = count_parameters(layers)
    images = max(settings["protocol"]["batch_size"], EVALUATED)
    step = STEP_COPIES * parameters + VALUE_COPIES * images * count_net_inputs(layers)
    pixels = (counts.train + counts.test) * counts.height * counts.width
    return JOB_MEGABYTES + 1e-6 * (pixels + 4 * max(CHECKPOINT_COPIES * parameters, step))


def cell_layers(settings: Mapping, counts: ImageCounts) -> list[Layer]:
    """Return the layers of a cell's network for the images of a data set."""
    pieces = settings["activation"].get("pieces", 1)
    image_shape = counts.height, counts.width
    return list_layers(settings["protocol"], image_shape, counts.classes, pieces)


def count_parameters(layers: Sequence[Layer]) -> int:
    """Return the number of weights and biases."""
    return sum(map(math.prod, parameter_shapes(layers).values()))


def count_net_inputs(layers: Sequence[Layer]) -> int:
    """Return the number of net inputs of all layers for one image."""
    return sum(layer.places * layer.weights[-1] for layer in layers)


def count_records(protocol: Mapping) -> float:
    """Return how often the tensors are recorded."""
    return protocol["steps"] / protocol["monitor_interval"] + 1


def image_counts(dataset: Mapping) -> ImageCounts:
    """Return the counts of a data set, as far as its settings tell them."""
    published = PUBLISHED_SETS.get(dataset["kind"])
    return published.counts if published else OWN_IMAGES


def count_test_images(dataset: Mapping) -> int:
    """Return the number of test images, as far as the settings tell it."""
    return dataset["test_examples"] or image_counts(dataset).test
