"""Read and label tables: the smallest common ground of training jobs and analysis."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

# Names stay text, even those that look like a number (a data set called "inf"); and without its
# type a column of divergences would come back as float, 17.0.
TYPES = {
    **dict.fromkeys(("dataset", "protocol", "activation", "initializer", "optimizer"), "str"),
    "diverged_at": "Int64",
}


def read_table(path: str | Path) -> pd.DataFrame:
    """One table, CSV or Parquet, with every number exactly as it was written."""
    if str(path).endswith(".parquet"):
        return pd.read_parquet(path)
    return pd.read_csv(
        path, float_precision="round_trip", dtype=TYPES, keep_default_na=False, na_values=[""]
    )


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table, CSV or Parquet by the path's ending."""
    if str(path).endswith(".parquet"):
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)


def combine(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Rows of several tables below one another, in the order given."""
    return pd.concat([read_table(path) for path in paths], ignore_index=True)


def features_of(points: pd.DataFrame) -> np.ndarray:
    """Features of labelled points, shape (N, D): the columns x1 to xD of a table of points."""
    names = [name for name in points.columns if name not in ("part", "label")]
    if names != [f"x{number}" for number in range(1, len(names) + 1)]:
        raise ValueError(f"a table of points has the columns x1, x2 and so on; found: {names}")
    return points[names].to_numpy(float)


def parts_of(points: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Features, shape (N, D), and labels, (N,), of each part of a table of points, by its name."""
    return {
        part: (features_of(rows), rows["label"].to_numpy()) for part, rows in points.groupby("part")
    }


def read_description(path: str | Path) -> dict:
    """What a table of points describes: see `backprop.data.points.make_points`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def with_cell(frame: pd.DataFrame, cell: Mapping) -> pd.DataFrame:
    """The frame with a cell's axes as its first columns."""
    axes = pd.DataFrame({axis: [value] * len(frame) for axis, value in cell.items()})
    return pd.concat([axes, frame.reset_index(drop=True)], axis=1)
