"""Inspect the configured data sets before any of them is made.

No numeric library is loaded: a configuration is inspected on every call of Snakemake.
"""

from collections.abc import Callable, Mapping

from restudy.data.image_files import PUBLISHED_SETS, ImageCounts, inspect_image_files
from restudy.data.kinds import LARGEST_SET, dataset_kind, too_many_draws
from restudy.data.labelled_csv import read_labelled_csv
from restudy.errors import DatasetError, UserError
from restudy.families.contract import DRAWS, PointFacts, draw_count


def inspect_datasets(
    datasets: Mapping[str, Mapping], tell: Callable[[str], None] = lambda line: None
) -> dict[str, PointFacts | ImageCounts]:
    """Return what is known of every data set.

    Parameters
    ----------
    datasets : mapping
        Name -> completed entry of ``datasets``. The user's own files are read; of images, only
        headers and labels.
    tell : callable
        Takes a line for each thing that is allowed, and perhaps not meant.

    Returns
    -------
    dict
        Name -> `PointFacts` of a set of points, `ImageCounts` of one of images.

    Raises
    ------
    UserError
        If a file cannot be used; with one line for each fault, naming the key.
    """
    known, faults = {}, []
    for name, dataset in datasets.items():
        try:
            known[name] = _inspect(dataset, lambda line, key=name: tell(f"datasets.{key}: {line}"))
        except DatasetError as error:
            faults += [f"datasets.{name}.{key}: {text}" for key, text in error.faults]
    if faults:
        raise UserError("\n".join(faults))
    return known


def _inspect(dataset: Mapping, tell: Callable[[str], None]) -> PointFacts | ImageCounts:
    match dataset["kind"]:
        case "csv":
            table = read_labelled_csv(dataset)
            draws, rows = draw_count(dataset), len(table.labels)
            if draws > 1 and draws * rows > LARGEST_SET:
                text = too_many_draws(draws, rows, "rows").removeprefix(": ")
                raise DatasetError([(DRAWS, text)])
            for line in table.remarks:
                tell(line)
            return PointFacts(len(table.features), table.has_validation, rows, len(table.classes))
        case "idx":
            return inspect_image_files(dataset["path"])
        case kind if kind in PUBLISHED_SETS:
            return PUBLISHED_SETS[kind].counts
        case kind:
            return PointFacts(dataset_kind(kind).features or dataset["features"])
