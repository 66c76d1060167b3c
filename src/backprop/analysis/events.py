"""Read TensorBoard event files into tables; needs TensorBoard only, never TensorFlow."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

# TensorBoard looks for this module, which only its build without TensorFlow has; where it is found,
# event files are read without TensorFlow, whose import would take seconds in every reading job.
sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))

KEEP_ALL = {"tensors": 0}  # TensorFlow 2 stores scalars and histograms as tensors


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
    """
    accumulator = open_events(folder)
    rows = [
        (tag, event.step, make_ndarray(event.tensor_proto).item())
        for tag in find_tags(accumulator, "scalars")
        for event in accumulator.Tensors(tag)
    ]
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
    """
    accumulator = open_events(folder)
    rows = [
        (tag, event.step, *bucket)
        for tag in find_tags(accumulator, "histograms")
        for event in accumulator.Tensors(tag)
        for bucket in make_ndarray(event.tensor_proto).tolist()
    ]
    types = {"tag": str, "step": np.int64, "left": float, "right": float, "count": float}
    return make_table(rows, types)


def open_events(folder: str | Path) -> EventAccumulator:
    """Load all event files of a folder; raise FileNotFoundError if there is none."""
    if not any(Path(folder).glob("*tfevents*")):
        raise FileNotFoundError(f"{folder}: no TensorBoard event file (*tfevents*) there")
    return EventAccumulator(str(folder), size_guidance=KEEP_ALL).Reload()


def find_tags(accumulator: EventAccumulator, plugin: str) -> list[str]:
    """Return the tags that belong to a TensorBoard plugin, or none if it wrote nothing."""
    tags = accumulator.Tags()["tensors"]
    return [
        tag for tag in tags if accumulator.SummaryMetadata(tag).plugin_data.plugin_name == plugin
    ]


def make_table(rows: list[tuple], types: dict[str, type]) -> pd.DataFrame:
    """Return the rows as a table with the given column types, sorted by tag and step."""
    table = pd.DataFrame(rows, columns=list(types)).astype(types)
    return table.sort_values(["tag", "step"], kind="stable", ignore_index=True)
