"""What is known of the configured point sets before any of them is made.

No library is loaded for it: a configuration is inspected on every call of Snakemake.
"""

from collections.abc import Mapping

from backprop.data.labelled_csv import TableError, read_labelled_csv
from backprop.errors import UserError

FEATURES = {"moons": 2, "circles": 2, "spirals": 2, "iris": 4, "digits": 64}


def count_features(datasets: Mapping[str, Mapping]) -> dict[str, int]:
    """Number of features of every data set that consists of points.

    Parameters
    ----------
    datasets : mapping
        Name -> completed entry of ``datasets``. The files of kind ``csv`` are read.

    Returns
    -------
    dict
        Name -> number of features D; data sets of images are left out.

    Raises
    ------
    UserError
        If a file cannot be used; a line for each fault of all files, which names the key.
    """
    counts, faults = {}, []
    for name, dataset in datasets.items():
        try:
            count = _features(dataset)
        except TableError as error:
            faults += [f"datasets.{name}.{key}: {text}" for key, text in error.faults]
        else:
            if count is not None:
                counts[name] = count
    if faults:
        raise UserError("\n".join(faults))
    return counts


def _features(dataset: Mapping) -> int | None:
    match dataset["kind"]:
        case "csv":
            return len(read_labelled_csv(dataset).features)
        case "blobs":
            return dataset["features"]
        case kind:
            return FEATURES.get(kind)
