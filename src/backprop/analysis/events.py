"""Read TensorBoard event files, as TensorFlow 2 writes them, into tables.

Only TensorBoard's own record reader is used: its `EventAccumulator` imports TensorFlow wherever
that is installed, which would cost every reading job some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.errors import DataLossError, OutOfRangeError
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.util.tensor_util import make_ndarray


def read_scalars(folder: str | Path) -> pd.DataFrame:
    """Read every scalar of the event files in a folder.

    Parameters
    ----------
    folder
        Holds at least one ``events.out.tfevents.*`` file.

    Returns
    -------
    DataFrame
        Columns tag, step, value; sorted by tag and step.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or holds no event file.
    ValueError
        If an event file is damaged, or was cut off by a kill.
    """
    rows = [(tag, step, value.item()) for tag, step, value in iterate_values(folder, "scalars")]
    return make_table(rows, {"tag": str, "step": np.int64, "value": np.float64})


def read_histograms(folder: str | Path) -> pd.DataFrame:
    """Read every histogram of the event files in a folder.

    Parameters
    ----------
    folder
        Holds at least one ``events.out.tfevents.*`` file.

    Returns
    -------
    DataFrame
        A row per bucket: tag, step, left, right, count; sorted by tag, step and bucket. Where all
        values of a tensor were equal, its buckets have left = right, and the last has them all.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or holds no event file.
    ValueError
        If an event file is damaged, or was cut off by a kill.
    """
    rows = [
        (tag, step, *bucket)
        for tag, step, value in iterate_values(folder, "histograms")
        for bucket in value.tolist()
    ]
    types = {"tag": str, "step": np.int64, "left": float, "right": float, "count": float}
    return make_table(rows, types)


def iterate_values(folder: str | Path, plugin: str) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield tag, step and value of all that a plugin of TensorBoard has in a folder."""
    paths = sorted(Path(folder).glob("*tfevents*"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no TensorBoard event file (*tfevents*) there")
    for path in paths:
        for event in iterate_events(path):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == plugin:
                    yield value.tag, event.step, make_ndarray(value.tensor)


def iterate_events(path: Path) -> Iterator[Event]:
    """Yield the events of one file; raise ValueError, naming it, at a damaged or cut-off one."""
    reader = PyRecordReader_New(str(path))
    while True:
        try:
            reader.GetNext()
        except OutOfRangeError:
            return
        except DataLossError as error:
            raise ValueError(f"{path}: damaged or cut-off event file") from error
        yield Event.FromString(reader.record())


def make_table(rows: list[tuple], types: dict[str, type]) -> pd.DataFrame:
    """Return the rows as a table with the given column types, sorted by tag and step."""
    table = pd.DataFrame(rows, columns=list(types)).astype(types)
    return table.sort_values(["tag", "step"], kind="stable", ignore_index=True)
