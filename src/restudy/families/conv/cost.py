"""What a run of the convolutional network costs: counts for its time, and the bytes it leaves."""

from collections.abc import Mapping

TEST_IMAGES = 10_000  # of a published set
RECORD_BYTES = 14_000  # of the event files, per record of the tensors
WEIGHT_BYTES = 13.1e6  # of the final weights


def features(settings: Mapping) -> list[float]:
    """Return the numbers that a run's time is a weighted sum of.

    Parameters
    ----------
    settings : mapping
        Those of the run's cell, see `restudy.study.config.cell_settings`.

    Returns
    -------
    list of float
        1, for the start; images trained on; images evaluated; and records of the tensors.
    """
    protocol, dataset = settings["protocol"], settings["dataset"]
    evaluations = protocol["steps"] / protocol["evaluate_interval"] + 1
    return [
        1.0,
        protocol["steps"] * protocol["batch_size"],
        evaluations * (dataset["validation_examples"] + count_test_images(dataset)),
        count_records(protocol),
    ]


def disk(settings: Mapping) -> float:
    """Return the bytes that a run leaves: its weights, predictions and event files."""
    predictions = 8 * count_test_images(settings["dataset"])
    return WEIGHT_BYTES + predictions + RECORD_BYTES * count_records(settings["protocol"])


def count_records(protocol: Mapping) -> float:
    """Return how often the tensors are recorded."""
    return protocol["steps"] / protocol["monitor_interval"] + 1


def count_test_images(dataset: Mapping) -> int:
    """Return the number of test images, as far as the settings tell it."""
    return dataset["test_examples"] or TEST_IMAGES
