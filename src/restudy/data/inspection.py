"""Inspect the configured data sets before any of them is made.

No numeric library is loaded: a configuration is inspected on every call of Snakemake.
"""

from collections.abc import Callable, Mapping

from restudy.data.image_files import PUBLISHED_SETS, ImageCounts, inspect_image_files
from restudy.data.kinds import dataset_kind
from restudy.data.labelled_csv import read_labelled_csv
from restudy.errors import DatasetError, UserError


def inspect_datasets(
    datasets: Mapping[str, Mapping], tell: Callable[[str], None] = lambda line: None
) -> tuple[dict[str, int], dict[str, ImageCounts]]:
    """Return the number of features of every point set, and the counts of every set of images.

    Parameters
    ----------
    datasets : mapping
        Name -> completed entry of ``datasets``. The user's own files are read; of images, only
        headers and labels.
    tell : callable
        Takes a line for each thing that is allowed, and perhaps not meant.

    Returns
    -------
    features : dict
        Name -> number of features D, of point sets.
    images : dict
        Name -> `ImageCounts`, of sets of images.

    Raises
    ------
    UserError
        If a file cannot be used; with one line for each fault, naming the key.
    """
    features, images, faults = {}, {}, []
    for name, dataset in datasets.items():
        try:
            found = _inspect(dataset, lambda line, name=name: tell(f"datasets.{name}: {line}"))
        except DatasetError as error:
            faults += [f"datasets.{name}.{key}: {text}" for key, text in error.faults]
        else:
            (images if isinstance(found, ImageCounts) else features)[name] = found
    if faults:
        raise UserError("\n".join(faults))
    return features, images


def _inspect(dataset: Mapping, tell: Callable[[str], None]) -> int | ImageCounts:
    match dataset["kind"]:
        case "csv":
            table = read_labelled_csv(dataset)
            for line in table.remarks:
                tell(line)
            return len(table.features)
        case "idx":
            return inspect_image_files(dataset["path"])
        case kind if kind in PUBLISHED_SETS:
            return PUBLISHED_SETS[kind].counts
        case kind:
            return dataset_kind(kind).features or dataset["features"]
