"""What a file of results says, as a digest of all of it and as a fingerprint that a distance can
be read from.

Two files of which one is elsewhere can't be subtracted. So every numeric artefact gets a few sums
of its numbers with fixed weights: by the differences of these sums the distance of two files can be
told without having both (Johnson and Lindenstrauss). What is not a floating-point number (names,
shapes, texts, whole numbers, the places of what is not finite) never differs by rounding, and is
digested.
"""

import hashlib
import math
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
from google.protobuf.message import DecodeError

from restudy.analysis.event_files import Run, find_event_files
from restudy.analysis.events import SPEED, read_whole_run
from restudy.data.tables import TYPES
from restudy.internals.snakemake_folders import TIMESTAMP
from restudy.internals.tensorboard_reading import TIME_FIELDS, GraphDef

SUMS = 4
BLOCK = 4096  # numbers that share a factor of their weights
ROWS = 65536  # of a table, read at a time
# Below it numbers are compared by their difference, above by their ratio.
SMALLEST = 1e-6

Part = tuple[str, np.ndarray]


def describe_file(path: str | Path) -> dict:
    """Describe an artefact for the manifest.

    Parameters
    ----------
    path
        A file, or a folder of files.

    Returns
    -------
    dict
        ``sha256`` of the bytes and their number ``bytes``. Of a folder ``content_sha256`` instead:
        of event files, which hold times, that of tags, steps and values; of other files, that of
        their names and bytes. Of a table, arrays or a folder also ``fingerprint``: see
        `Fingerprint`.

    Raises
    ------
    OSError
        If it can't be read.
    ValueError
        If it is not what its name says; `EventFileError` among them.
    """
    path = Path(path)
    if path.is_dir():
        files = find_event_files(path) or list_files(path)
        size = sum(file.stat().st_size for file in files)
        found = take_fingerprint(read_parts(path))
        return {"content_sha256": found.digest(), "bytes": size, "fingerprint": found.summary()}
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    entry = {"sha256": sha256, "bytes": path.stat().st_size}
    if path.suffix in READERS:
        entry["fingerprint"] = take_fingerprint(read_parts(path)).summary()
    return entry


def digest_of(path: str | Path) -> dict:
    """Return the digest alone of `describe_file`."""
    path = Path(path)
    if path.is_dir():
        return {"content_sha256": take_fingerprint(read_parts(path)).digest()}
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def read_parts(path: str | Path) -> Iterator[Part]:
    """Yield names and arrays of what a file or a folder holds; long ones in pieces."""
    path = Path(path)
    yield from _read_folder(path) if path.is_dir() else READERS[path.suffix](path)


def list_files(folder: Path) -> list[Path]:
    """Return the files in a folder and below it, in the order of their paths.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != TIMESTAMP)
    if not files:
        raise FileNotFoundError(f"{folder}: holds no file")
    return files


def take_fingerprint(parts: Iterator[Part]) -> "Fingerprint":
    """Return the fingerprint of all parts."""
    taken = Fingerprint()
    for name, array in parts:
        taken.add(name, array)
    return taken


class Fingerprint:
    """Digests and sums of named arrays, which may come in pieces.

    Attributes
    ----------
    count : int
        Floating-point numbers seen.
    sums : ndarray, shape (SUMS,)
        Of the numbers, each on the scale asinh(x / SMALLEST), on which a step is a ratio where
        they are large and a difference where they are small; weighted by fixed weights of either
        sign, whose size is such that the sums' mean square difference is about the sum of the
        squared differences.
    """

    def __init__(self) -> None:
        self.count = 0
        self.sums = np.zeros(SUMS)
        self._all: dict[str, Any] = defaultdict(hashlib.sha256)
        self._labels: dict[str, Any] = defaultdict(hashlib.sha256)
        self._places: dict[str, int] = defaultdict(int)
        self._shapes: dict[str, str] = {}

    def add(self, name: str, array: np.ndarray) -> None:
        """Add an array, or the next piece of one; its rows go on where the last piece ended."""
        array = np.asarray(array)
        # What a table's text and gaps are made of depends on how it was read: all is text.
        number = array.dtype.kind in "iufb"
        self._note(name, str((array.dtype.str, array.shape[1:])) if number else "text")
        content = np.ascontiguousarray(array).tobytes() if number else _text_bytes(array)
        self._all[name].update(content)
        if array.dtype.kind != "f":
            self._labels[name].update(content)
            return
        values = array.astype(np.float64, copy=False).ravel()
        start = self._places[name]
        self._places[name] += len(values)
        finite = np.isfinite(values)
        if not finite.all():
            places = np.flatnonzero(~finite)
            sorts = np.where(np.isnan(values[places]), 0, np.sign(values[places]))
            self._labels[name].update(np.stack([places + start, sorts], axis=1).tobytes())
            values = np.where(finite, values, 0)
        self.count += len(values)
        self.sums += _weighted_sums(np.arcsinh(values / SMALLEST), start, name)

    def _note(self, name: str, shape: str) -> None:
        """Put the kind and shape of a name's array into the digests, once unless it changes."""
        if self._shapes.get(name) != shape:
            self._shapes[name] = shape
            for digests in (self._all, self._labels):
                digests[name].update(shape.encode())

    def digest(self) -> str:
        """Return the sha256 of all names and numbers."""
        return _digest_of_digests(self._all, self._places)

    def summary(self) -> list:
        """Return digest of all else than floating-point numbers, count of these, and their sums."""
        labels = _digest_of_digests(self._labels, self._places)[:16]
        return [labels, self.count, *(round(float(total), 11) for total in self.sums)]


def distance(one: list, other: list) -> float:
    """Return how far apart the numbers behind two fingerprints are.

    Parameters
    ----------
    one, other
        As `Fingerprint.summary` gives them.

    Returns
    -------
    float
        An estimate, good to a factor of about two and never below a quarter if a single number
        differs, of the root of the sum of the squares of all relative differences (for numbers
        below `SMALLEST`: of differences in units of it). Infinite if anything differs that is no
        floating-point number: a name, a shape, a text, a whole number.
    """
    if one[:2] != other[:2]:
        return math.inf
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one[2:], other[2:], strict=True)) / SUMS)


def _digest_of_digests(digests: Mapping, places: Mapping[str, int]) -> str:
    whole = hashlib.sha256()
    for name in sorted(digests.keys() | places.keys()):
        own = digests[name].hexdigest() if name in digests else ""
        whole.update(f"{name}\n{places.get(name, 0)}\n{own}\n".encode())
    return whole.hexdigest()


def _text_bytes(array: np.ndarray) -> bytes:
    """Return texts, each with an end of its own; gaps are not the text "None"."""
    return "".join("\0" if value is None else f"{value}\x1f" for value in array.tolist()).encode()


def _random(numbers: np.ndarray) -> np.ndarray:
    """Return fixed pseudo-random weights of mean square 1, 0.48 to 1.44 in size.

    They are the same everywhere. NumPy's own generators may change from one version to the next:
    this is SplitMix64.
    """
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    size = 0.5 + (mixed >> np.uint64(12)).astype(np.float64) / 2**52
    return np.where(mixed & np.uint64(1), size, -size) / math.sqrt(13 / 12)


WEIGHTS = _random(np.arange(1, BLOCK * SUMS + 1)).reshape(BLOCK, SUMS)


def _weighted_sums(values: np.ndarray, start: int, name: str) -> np.ndarray:
    """Return sums of numbers from a place on in the array of a name, shape (SUMS,)."""
    first, lead = divmod(start, BLOCK)
    count = -(-(lead + len(values)) // BLOCK)
    padded = np.zeros(count * BLOCK)
    padded[lead : lead + len(values)] = values
    blocks = np.arange(first, first + count, dtype=np.uint64)[:, None] * np.uint64(SUMS)
    origin = np.uint64(zlib.crc32(name.encode()) << 31)
    factors = _random(origin + blocks + np.arange(SUMS, dtype=np.uint64))
    return ((padded.reshape(count, BLOCK) @ WEIGHTS) * factors).sum(axis=0)


def _read_csv(path: Path) -> Iterator[Part]:
    frames = pd.read_csv(
        path,
        float_precision="round_trip",
        dtype=TYPES,
        keep_default_na=False,
        na_values=[""],
        chunksize=ROWS,
    )
    for frame in frames:
        yield from _columns(frame)


def _read_parquet(path: Path) -> Iterator[Part]:
    with parquet.ParquetFile(path) as file:
        yield "columns", np.array(file.schema_arrow.names, dtype=object)
        for batch in file.iter_batches(ROWS):
            yield from _columns(batch.to_pandas())


def _columns(frame: pd.DataFrame) -> Iterator[Part]:
    """Yield columns of a table, in its order; whole numbers with gaps as text."""
    for place, name in enumerate(frame.columns):
        column = frame[name]
        if pd.api.types.is_extension_array_dtype(column.dtype):
            column = column.astype(object)
        array = column.to_numpy()
        if array.dtype.kind == "O":
            array = np.where(pd.isna(array), None, array)
        yield f"{place}:{name}", array


def _read_arrays(path: Path) -> Iterator[Part]:
    # NumPy leaves a file open that it can't read.
    with path.open("rb") as file, np.load(file) as arrays:
        for name in arrays.files:
            array = arrays[name]
            yield f"{name}{array.shape}", array


def _read_folder(folder: Path) -> Iterator[Part]:
    if find_event_files(folder):
        yield from run_parts(read_whole_run(folder))
        return
    for file in list_files(folder):
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        yield file.relative_to(folder).as_posix(), np.array([sha256], dtype=object)


def run_parts(run: Run) -> Iterator[Part]:
    """Yield what event files say, without times and speeds."""
    for tag, series in run.scalars.items():
        if not tag.startswith(SPEED):
            yield f"{tag} step", series.step
            yield tag, series.value
    for tag, series in run.histograms.items():
        yield f"{tag} step", series.step
        yield f"{tag} buckets", series.buckets
        yield tag, series.rows
    for tag, series in run.images.items():
        digests = [hashlib.sha256(b"".join(files)).hexdigest() for files in series.pictures]
        yield f"{tag} step", series.step
        yield tag, np.array(digests, dtype=object)
    messages = {f"hparams {name}": data for name, data in run.hparams.items()}
    if run.graph:
        messages["graph"] = GraphDef.FromString(run.graph)
    for name, message in messages.items():
        timeless = type(message)()
        timeless.CopyFrom(message)
        for field in TIME_FIELDS:
            if field in timeless.DESCRIPTOR.fields_by_name:
                timeless.ClearField(field)
        # The entries of a message's maps are written in no order.
        content = timeless.SerializeToString(deterministic=True)
        yield name, np.array([hashlib.sha256(content).hexdigest()], dtype=object)


READERS = {".csv": _read_csv, ".parquet": _read_parquet, ".npz": _read_arrays}
# What reading a damaged file of results may raise.
UNREADABLE = (OSError, ValueError, zipfile.BadZipFile, DecodeError)
