"""Tables of what the event files of one run hold; a run's files must be whole for that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from restudy.analysis.event_files import EventFileError, Run, read_run

# Tags that are about the machine, not about the network: in no two runs alike.
SPEED = "speed/"


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
    EventFileError
        If an event file is damaged, or was cut off by a kill.
    """
    parts = [
        (np.repeat(tag, len(series.step)), series.step, series.value)
        for tag, series in read_whole_run(folder).scalars.items()
    ]
    return make_table(parts, {"tag": str, "step": np.int64, "value": np.float64})


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
    EventFileError
        If an event file is damaged, or was cut off by a kill.
    """
    parts = [
        (np.repeat(tag, len(series.rows)), np.repeat(series.step, series.buckets), *series.rows.T)
        for tag, series in read_whole_run(folder).histograms.items()
    ]
    types = {"tag": str, "step": np.int64, "left": float, "right": float, "count": float}
    return make_table(parts, types)


def read_whole_run(folder: str | Path) -> Run:
    """Return the event files of a folder as a run, or raise an error if they are not whole."""
    run = read_run(folder)
    if run.faults:
        raise EventFileError(run.faults[0])
    return run


def make_table(parts: Sequence[Sequence[np.ndarray]], types: dict[str, type]) -> pd.DataFrame:
    """Return the columns of several series as one table of such types, by tag and step."""
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] or [[]] * len(types)
    table = pd.DataFrame(dict(zip(types, columns, strict=True))).astype(types)
    return table.sort_values(["tag", "step"], kind="stable", ignore_index=True)
