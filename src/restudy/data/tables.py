"""Read, write and label tables: what training jobs and analysis have in common."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from restudy.data.column_types import TYPES
from restudy.disk import whole_file
from restudy.families.contract import draw_of

# What a spreadsheet takes for a formula (a minus sign may also begin a number), and what `as_cell`
# makes of it.
FORMULA = re.compile(r"[=+@\t\r]|-(?![\d.])")
QUOTED_FORMULA = re.compile(rf"'+(?:{FORMULA.pattern})")
# Rows of a row group of a Parquet table: no more are held in memory.
GROUP_ROWS = 1 << 20


def read_table(
    path: str | Path, file: BinaryIO | None = None, texts: Iterable[str] = ()
) -> pd.DataFrame:
    """Read a table, CSV or Parquet, with every number exactly as it was written.

    Parameters
    ----------
    path : path
        Whose ending says which of both it is.
    file : binary file, optional
        Its content, where that is not read from the path.
    texts : iterable of str
        Columns that hold text whatever it looks like, beside those of the known families.
    """
    if str(path).endswith(".parquet"):
        return _read_parquet(path, file)
    frame = pd.read_csv(
        path if file is None else file,
        float_precision="round_trip",
        dtype=TYPES | dict.fromkeys(texts, "str"),
        keep_default_na=False,
        na_values=[""],
    )
    return _with_texts(frame, lambda text: text[1:] if QUOTED_FORMULA.match(text) else text)


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a table as CSV or Parquet, by the path's ending."""
    with whole_file(path) as file:
        if str(path).endswith(".parquet"):
            frame.to_parquet(file, index=False, engine="pyarrow")
        else:
            _with_texts(frame, as_cell).to_csv(file, index=False, mode="wb")


def as_cell(text: str) -> str:
    """Return a text such that a spreadsheet shows it, and does not calculate it.

    An apostrophe stands before what would be a formula; `read_table` takes it away again.
    """
    return f"'{text}" if FORMULA.match(text) or QUOTED_FORMULA.match(text) else text


def _read_parquet(path: str | Path, file: BinaryIO | None) -> pd.DataFrame:
    """Read a table with pyarrow, or where only readers work, with the smaller fastparquet."""
    if find_spec("pyarrow"):
        return pd.read_parquet(path if file is None else file, engine="pyarrow")
    import fastparquet

    with Path(path).open("rb") if file is None else nullcontext(file) as content:
        try:
            frame = fastparquet.ParquetFile(content).to_pandas()
        except Exception as fault:  # it has no errors of its own for most damages
            raise ValueError(f"{path}: not a whole Parquet table: {fault}") from None
    texts = [name for name in frame.columns if frame[name].dtype.kind == "O"]
    return frame.astype(dict.fromkeys(texts, "str"))


def _with_texts(frame: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    """Return a table with its texts changed; the table itself if none is."""
    changed = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_string_dtype(column) or column.dtype == object:
            texts = column.map(lambda value: change(value) if isinstance(value, str) else value)
            texts = texts.astype(column.dtype)  # that of a column without a text would be lost
            if not texts.equals(column):
                changed[name] = texts
    return frame.assign(**changed) if changed else frame


def combine(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Concatenate the rows of several tables, in the order given; see `concatenate`."""
    return concatenate([read_table(path) for path in paths])


def concatenate(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate tables of cells, which have a column draw if one of them has it.

    A table of runs has it behind the seed where there are several draws of the data set; where
    there is one, it is draw 0.
    """
    if any("draw" in table for table in tables):
        tables = [table if "draw" in table else with_draw(table, 1) for table in tables]
    return pd.concat(tables, ignore_index=True)


def with_draw(runs: pd.DataFrame, draws: int) -> pd.DataFrame:
    """Return a table of runs with the draw, of so many, that each was trained on."""
    runs = runs.copy()
    runs.insert(runs.columns.get_loc("seed") + 1, "draw", draw_of(runs["seed"], draws))
    return runs


def read_rows(paths: Iterable[str | Path], rows: Mapping[str, Any]) -> pd.DataFrame:
    """Concatenate the rows of several tables that belong to the cells of a study.

    Parameters
    ----------
    paths : iterable of path
        Tables of cells.
    rows : mapping
        ``levels``: axis -> the values to keep. ``cells``: the values of every single cell, where
        they are not all combinations of these. ``coordinates``: axis -> value -> what the study
        tells it apart by: the axis and settings such as ``optimizer.learning_rate``, which become
        columns -> their values.
    """
    frame = combine(paths)
    kept = np.ones(len(frame), dtype=bool)
    for axis, values in rows["levels"].items():
        kept &= frame[axis].isin(values).to_numpy()
    if rows["cells"]:
        cells = pd.MultiIndex.from_tuples(map(tuple, rows["cells"]), names=list(rows["levels"]))
        kept &= pd.MultiIndex.from_frame(frame[list(rows["levels"])]).isin(cells)
    return with_coordinates(frame[kept].reset_index(drop=True), rows["coordinates"])


def with_coordinates(
    frame: pd.DataFrame, coordinates: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> pd.DataFrame:
    """Return a table of cells in which settings have columns of their own, see `read_rows`."""
    columns = {
        name: frame[axis].map({value: each[name] for value, each in coordinates[axis].items()})
        for name, axis in column_names(coordinates).items()
    }
    return frame.assign(**columns)


def by_folder(paths: Iterable[str | Path]) -> dict[str, str | Path]:
    """Return files, or folders of files, by the folder that contains them, from results/ on.

    Parameters
    ----------
    paths : iterable of path
        At most one in each folder. Anything may precede ``results/``: an executor may give a job
        copies of the files.
    """
    return {from_results(PurePath(path).parent): path for path in paths}


def from_results(path: str | Path) -> str:
    """Return the part of a path from its folder ``results`` on."""
    parts = PurePath(path).parts
    first = len(parts) - 1 - parts[::-1].index("results")
    return "/".join(parts[first:])


def stack_tables(
    paths: Sequence[str | Path],
    output: str | Path,
    further: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
) -> int:
    """Write the concatenated rows of several tables, holding only few in memory.

    Parameters
    ----------
    paths : sequence of path
        Tables with the same columns, in the format of the output, in the order of their rows; each
        of a single cell, if there are ``further`` columns. Tables of runs in CSV may lack the
        column draw, see `concatenate`.
    output : path
        Gets, byte for byte, what `write_table` would write of `combine`.
    further : mapping, optional
        Axis -> value -> further column -> its value. These columns come last.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    ValueError
        If the columns of a table differ from those of the first.
    """
    stack = _stack_parquet if str(output).endswith(".parquet") else _stack_csv
    with whole_file(output) as stacked:
        return stack(paths, stacked, further or {})


def column_names(further: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the axis of each further column, see `stack_tables`, by the column's name."""
    return {
        name: axis
        for axis, by_value in further.items()
        for values in by_value.values()
        for name in values
    }


def _stack_csv(paths: Sequence[str | Path], stacked: BinaryIO, further: Mapping) -> int:
    rows, header = 0, None
    named = column_names(further)
    has_draw = any("draw" in _header(path) for path in paths)
    for path in paths:
        with Path(path).open("rb") as part:
            columns = part.readline()
            own = columns.decode().rstrip("\n").split(",")
            # Axes and seed come first, and neither their names nor values need quotes.
            lacks_draw = has_draw and "draw" not in own
            before_draw = own.index("seed") + 1 if lacks_draw else 0
            if lacks_draw:
                columns = _with_field(columns, before_draw, "draw")
            if header is None:
                header = columns
                stacked.write(_with_fields(header, list(named)))
                axes = header.decode().rstrip("\n").split(",")
                places = {name: axes.index(axis) for name, axis in named.items()}
            if columns != header:
                raise ValueError(f"{path}: its columns differ from those of {paths[0]}")
            for line in part:
                if lacks_draw:
                    line = _with_field(line, before_draw, "0")
                if named:
                    values = line.decode().split(",")
                    found = (further[named[n]][values[at]][n] for n, at in places.items())
                    line = _with_fields(line, ["" if v is None else str(v) for v in found])
                stacked.write(line)
                rows += 1
    return rows


def _header(path: str | Path) -> list[str]:
    """Return the columns of a CSV file, whose names need no quotes as far as they are used."""
    with Path(path).open("rb") as table:
        return table.readline().decode().rstrip("\n").split(",")


def _with_field(line: bytes, place: int, field: str) -> bytes:
    """Return a line of a CSV file with a field at a place before which none is quoted."""
    fields = line.split(b",", place)
    return b",".join([*fields[:place], field.encode(), *fields[place:]])


def _with_fields(line: bytes, fields: Sequence[str]) -> bytes:
    """Return a line of a CSV file with further fields, which need no quotes, at its end."""
    return b",".join([line.rstrip(b"\n"), *(field.encode() for field in fields)]) + b"\n"


def _stack_parquet(paths: Sequence[str | Path], output: BinaryIO, further: Mapping) -> int:
    import pyarrow as pa
    import pyarrow.parquet

    named = column_names(further)
    kinds = {
        name: pa.array([values[name] for values in further[axis].values()]).type
        for name, axis in named.items()
    }

    def read(path: str | Path) -> pa.Table:
        part = pa.parquet.read_table(path, partitioning=None).cast(schema)
        for name, axis in named.items():
            values = [further[axis][value][name] for value in part[axis].to_pylist()]
            part = part.append_column(name, pa.array(values, kinds[name]))
        return part.replace_schema_metadata(None) if named else part

    # The columns of a table without rows have no type.
    schemas = dict.fromkeys(pa.parquet.read_schema(path) for path in paths)
    types = pa.unify_schemas(list(schemas), promote_options="permissive")
    schema = pa.Schema.from_pandas(types.empty_table().to_pandas(), preserve_index=False)
    rows, held, waiting = 0, 0, []
    written = schema
    if named:
        written = pa.schema([*schema, *(pa.field(name, kinds[name]) for name in named)])
    with pa.parquet.ParquetWriter(output, written) as writer:
        for path in paths:
            waiting.append(read(path))
            count = len(waiting[-1])
            rows, held = rows + count, held + count
            if held >= GROUP_ROWS:
                full = held - held % GROUP_ROWS
                joined = pa.concat_tables(waiting).combine_chunks()
                writer.write_table(joined.slice(0, full), GROUP_ROWS)
                waiting, held = [joined.slice(full).combine_chunks()], held - full
        if held:
            writer.write_table(pa.concat_tables(waiting).combine_chunks())
    return rows


def features_of(points: pd.DataFrame) -> np.ndarray:
    """Return the features of labelled points, (N, D): columns x1 to xD of a table of points."""
    names = [name for name in points.columns if name not in ("part", "label")]
    if names != [f"x{number}" for number in range(1, len(names) + 1)]:
        raise ValueError(
            f"the feature columns of a table of points must be x1, x2, …; found: {names}"
        )
    return points[names].to_numpy(float)


def parts_of(points: pd.DataFrame) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the features (N, D) and labels (N,) of each part of a table of points, by name."""
    return {
        part: (features_of(rows), rows["label"].to_numpy()) for part, rows in points.groupby("part")
    }


def split_draws(points: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the points of each draw of a table of points, as tables without the column draw."""
    if "draw" not in points:
        return [points]
    return [rows.drop(columns="draw").reset_index(drop=True) for _, rows in points.groupby("draw")]


def load_points(
    path: str | Path, dataset: Mapping | None = None
) -> list[dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Return the parts of each draw of a table of points; further settings do not change them."""
    return [parts_of(points) for points in split_draws(read_table(path))]


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays in an npz file, by name."""
    with np.load(path) as arrays:
        return dict(arrays)


def read_points(path: str | Path, draw: int = 0) -> pd.DataFrame:
    """Return the points of a draw of a table of points."""
    return split_draws(read_table(path))[draw]


def read_description(path: str | Path) -> dict:
    """Read the description of a table of points; see `restudy.data.points.make_points`."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def describe_draw(description: Mapping[str, Any], draw: int) -> dict[str, Any]:
    """Return the description of a table of points, as far as it is about one draw."""
    shared = {key: value for key, value in description.items() if key != "by_draw"}
    return shared | (description["by_draw"][draw] if "by_draw" in description else {})


def with_cell(frame: pd.DataFrame, cell: Mapping) -> pd.DataFrame:
    """Return the frame with a cell's axes as its first columns."""
    # Of one row, so that types are those of the values also where no row is left.
    axes = pd.DataFrame({axis: [value] for axis, value in cell.items()})
    repeated = axes.iloc[np.zeros(len(frame), dtype=int)].reset_index(drop=True)
    return pd.concat([repeated, frame.reset_index(drop=True)], axis=1)
