"""Read TensorBoard log directories, whoever wrote them, as far as they can be read.

What TensorFlow 2 writes (tensors) and what TensorFlow 1, PyTorch and others write (simple values,
histogram and image messages) come out alike, as `tensorboard` itself shows them: its conversion
(``data_compat``), its first metadata of a tag, its way with restarts. Damaged, cut-off, empty and
foreign files give what stands before the fault, and a note. TensorFlow is not needed.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
from google.protobuf.message import DecodeError

from restudy.errors import UserError, cut
from restudy.internals.tensorboard_reading import (
    HPARAMS_TAG,
    Event,
    GraphDef,
    HParamsPluginData,
    MetaGraphDef,
    SessionLog,
    make_ndarray,
)
from restudy.user_files import is_folder, is_there

EVENT_FILES = "*tfevents*"
LONGEST_TAG, MOST_NAMED = 200, 50  # characters of a tag in notes; tags in notes of a run
# A dummy beside a profile, which holds no summaries.
NO_SUMMARIES = ".profile-empty"
# Ways in which one number stands in the bytes of a tensor, by TensorFlow's number of its type.
NUMBERS = {
    1: struct.Struct("<f"),
    2: struct.Struct("<d"),
    3: struct.Struct("<i"),
    9: struct.Struct("<q"),
}
FLOAT64 = 2
LARGEST_RECORD = 1 << 30  # bytes: what Protocol Buffers can hold is not much more
LATEST = 8.64e12  # seconds from 1970: a browser's dates go no further, in both directions
DEEPEST = 40  # folders one below another: a system follows no more links
WIDEST = 1 << 16  # pixels of a picture
# The plugin that shows a value of the old kinds.
OLD_KINDS = {
    "simple_value": "scalars",
    "histo": "histograms",
    "image": "images",
    "audio": "audio",
}


class Scalars(NamedTuple):
    """A series of numbers: step int64, wall (seconds) and value float64, each (n,)."""

    step: np.ndarray
    wall: np.ndarray
    value: np.ndarray


class Histograms(NamedTuple):
    """A series of histograms.

    step, wall and buckets (number of buckets of each) are (n,); rows, (sum of buckets, 3), has the
    left edge, right edge and count of each bucket.
    """

    step: np.ndarray
    wall: np.ndarray
    buckets: np.ndarray
    rows: np.ndarray


class Images(NamedTuple):
    """A series of pictures: for each step a list of files (PNG, JPEG or GIF), with its size."""

    step: np.ndarray
    wall: np.ndarray
    pictures: list[list[bytes]]
    width: int
    height: int


@dataclass
class Run:
    """What the event files of one folder hold.

    Attributes
    ----------
    name : str
        Path of the folder below the log directory; "." for the directory itself.
    start : float or None
        Time of the first event, in seconds; None if there is none.
    scalars, histograms, images : dict
        Tag to series.
    labels, descriptions : dict
        Tag to the name to display, and to its description; only of tags that have one.
    graph : bytes or None
        Serialised GraphDef.
    hparams : dict
        ``experiment``, ``session_start_info`` and ``session_end_info``, as far as they are there.
    faults : list of str
        Sentences on files that are not read to their end.
    notes : list of str
        Sentences on values that are in the files, but not here.
    """

    name: str
    start: float | None = None
    scalars: dict[str, Scalars] = field(default_factory=dict)
    histograms: dict[str, Histograms] = field(default_factory=dict)
    images: dict[str, Images] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    graph: bytes | None = None
    hparams: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class LogError(UserError):
    """A log directory without anything to read."""


class EventFileError(ValueError):
    """An event file that can't be read to its end; the message names it and says why."""


def read_log(folder: str | Path, places: Iterable[str | Path] | None = None) -> list[Run]:
    """Read every run in and below a folder, sorted by name.

    Parameters
    ----------
    folder
        The log directory.
    places
        Folders in it to read, and no others.

    Raises
    ------
    LogError
        If the folder does not exist, or no event file that can be read is in it or below it.
    """
    folder = Path(folder)
    if not is_folder(folder):
        fault = "no such directory"
        if is_there(folder):
            fault = "no directory; name the one with the event files in it or below it"
        raise LogError(f"{printable(folder)}: {fault}")
    faults: dict[Path, OSError] = {}
    found = set(_folders_below(folder, faults) if places is None else map(Path, places))
    names = _names(folder, sorted({*found, *faults}))
    runs = []
    for place, name in names.items():
        if place in found:
            runs.append(read_run(place, name))
        else:
            runs.append(Run(name, faults=[_unread(place, faults[place])]))
    if not found:
        unread = "".join(f"\n{_unread(*each)}" for each in faults.items())
        raise LogError(
            f"{printable(folder)}: no TensorBoard event file ({EVENT_FILES}) in it or below it"
            f"{unread}"
        )
    return runs


def _names(folder: Path, places: Iterable[Path]) -> dict[Path, str]:
    """Return a name for the run in each place, no two alike: its path, as far as it is text."""
    names: dict[str, Path] = {}
    for place in places:
        path = name = printable(place.relative_to(folder).as_posix())
        number = 1
        while name in names:
            number += 1
            name = f"{path} ({number})"
        names[name] = place
    return {place: name for name, place in names.items()}


def _unread(place: Path, fault: OSError) -> str:
    return f"{printable(place)}: {fault.strerror}; nothing is read of it"


def printable(path: object) -> str:
    """Return a path, or what names it, as text; a byte of it that is no UTF-8 as U+FFFD."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_run(folder: str | Path, name: str = ".") -> Run:
    """Read the event files of one folder, in the order of their names.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist or holds no event file.
    """
    paths, others = find_event_files(folder), _find_odd_files(folder)
    if not paths and not others:
        raise FileNotFoundError(f"{folder}: no TensorBoard event file ({EVENT_FILES}) there")
    reader = _RunReader(name)
    for path in others:
        reader.run.faults.append(
            printable(f"{path}: no file, or a link to nothing; nothing is read of it")
        )
    for path in paths:
        try:
            for event in iterate_events(path):
                reader.take(event)
        except (EventFileError, OSError) as fault:
            reader.run.faults.append(printable(fault))
    return reader.finish()


def find_event_files(folder: str | Path) -> list[Path]:
    """Return the event files of a folder, not of those below it, in the order of reading."""
    paths = Path(folder).glob(EVENT_FILES)
    return sorted(path for path in paths if path.is_file() and path.suffix != NO_SUMMARIES)


def _find_odd_files(folder: str | Path) -> list[Path]:
    """Return what has the name of an event file, and is neither a file nor a folder."""
    paths = Path(folder).glob(EVENT_FILES)
    return sorted(path for path in paths if not path.is_file() and not path.is_dir())


def iterate_events(path: str | Path) -> Iterator[Event]:
    """Yield the events of one file.

    A record is its length (8 bytes) and their checksum (4), its content and their checksum (4).

    Raises
    ------
    EventFileError
        Where the file does not go on as an event file does: it is empty, cut off (or still
        growing), damaged, or of another kind.
    """
    path = Path(path)
    with path.open("rb", buffering=1 << 20) as file:
        size = os.fstat(file.fileno()).st_size
        position = count = foreign = 0
        while head := file.read(12):
            if len(head) == 12 and _checksum(head[:8]) != head[8:]:
                if count == 0:
                    raise EventFileError(f"{path}: no event file; nothing is read of it")
                raise EventFileError(_fault(path, "damaged", count, position, size))
            length = int.from_bytes(head[:8], "little")
            # A length beyond the end is not read at all: it may be any number.
            if length > LARGEST_RECORD:
                raise EventFileError(_fault(path, "damaged", count, position, size))
            if len(head) < 12 or position + 12 + length + 4 > size:
                size = max(size, os.fstat(file.fileno()).st_size)
                raise EventFileError(
                    _fault(path, "cut off or still growing", count, position, size)
                )
            content = file.read(length)
            if _checksum(content) != file.read(4):
                raise EventFileError(_fault(path, "damaged", count, position, size))
            try:
                event = Event.FromString(content)
            except DecodeError:
                foreign += 1
            else:
                yield event
            position += 16 + length
            count += 1
        if count == 0:
            raise EventFileError(f"{path}: empty event file")
        if foreign:
            raise EventFileError(
                f"{path}: damaged event file; {foreign:,} of its {counted(count, 'record')} "
                f"{'is no event' if foreign == 1 else 'are no events'} and left out"
            )


def counted(count: int, noun: str) -> str:
    """Return a number with what it counts: "1 value", "2,000 values"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _fault(path: Path, what: str, count: int, position: int, size: int) -> str:
    return (
        f"{path}: {what} event file; {counted(count, 'record')} of it can be read, "
        f"the last {size - position:,} of its {size:,} bytes are not"
    )


def _checksum(content: bytes) -> bytes:
    """Return the CRC-32C as event files keep it: rotated, and a constant added."""
    value = google_crc32c.value(content)
    return ((((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def _folders_below(folder: Path, faults: dict[Path, OSError]) -> Iterator[Path]:
    """Yield the folder and those below it, through links too, that hold an event file.

    As in TensorBoard, a folder to which a link leads is a run of its own beside the folder itself.
    Folders that may not be read are added to ``faults``.
    """

    def note(fault: OSError) -> None:
        faults[Path(fault.filename)] = fault

    for place, below, _ in os.walk(folder, onerror=note, followlinks=True):
        path = Path(place)
        above = [os.path.realpath(each) for each in path.parents if each.is_relative_to(folder)]
        if os.path.realpath(place) in above or len(above) > DEEPEST:
            below.clear()  # a link back to a folder above
            continue
        try:
            if find_event_files(path) or _find_odd_files(path):
                yield path
        except OSError as fault:
            faults[path] = fault


class _Series(NamedTuple):
    """Values of a tag as they are read."""

    plugin: str
    decode: Callable[[Any], Any]
    points: list[tuple[int, float, Any]]  # step, wall, what the decoder gave


class _RunReader:
    """Takes the events of a run one after another, as TensorBoard's accumulator does."""

    def __init__(self, name: str) -> None:
        self.run = Run(name)
        self.series: dict[str, _Series] = {}
        self.version = 0.0
        self.session_started = False
        self.latest_step = -1
        self.superseded = 0
        self.unreadable: Counter[str] = Counter()
        self.elsewhere: Counter[str] = Counter()  # number of values by plugin
        self.timeless = 0
        self.meta_graph: bytes | None = None

    def take(self, event: Event) -> None:
        """Add an event."""
        if self.run.start is None and _is_time(event.wall_time):
            self.run.start = event.wall_time
        what = event.WhichOneof("what")
        if what == "file_version":
            self.version = _parse_version(event.file_version)
        if self.version >= 2:
            if what == "session_log" and event.session_log.status == SessionLog.START:
                if self.session_started:
                    self._drop(list(self.series), event.step)
                self.session_started = True
        elif what == "summary" and event.step < self.latest_step:
            self._drop([value.tag for value in event.summary.value], event.step)
        if what == "summary":
            self.latest_step = event.step
            self._take_summary(event)
        elif what == "graph_def":
            self.run.graph = event.graph_def
        elif what == "meta_graph_def":
            self.meta_graph = event.meta_graph_def
        elif what == "tagged_run_metadata":
            self.elsewhere["run metadata"] += 1

    def _take_summary(self, event: Event) -> None:
        step, wall = event.step, event.wall_time
        for value in event.summary.value:
            tag = value.tag or value.node_name
            series = self.series.get(tag) or self._begin(tag, value)
            if series is None:
                continue
            try:
                series.points.append((step, wall, series.decode(value)))
            except (ValueError, TypeError, IndexError, KeyError, OverflowError):
                self.unreadable[tag] += 1

    def _begin(self, tag: str, value: Any) -> _Series | None:
        """Begin the series of a tag, or None if none is kept of it; the first metadata counts."""
        metadata = value.metadata
        plugin = OLD_KINDS.get(value.WhichOneof("value")) or metadata.plugin_data.plugin_name
        if plugin == "hparams":
            self._take_hparams(tag, metadata.plugin_data.content)
            return None
        if plugin not in DECODERS:
            self.elsewhere[plugin or "without a plugin"] += 1
            return None
        if metadata.display_name not in ("", tag):
            self.run.labels[tag] = metadata.display_name
        if metadata.summary_description:
            self.run.descriptions[tag] = metadata.summary_description
        self.series[tag] = _Series(plugin, DECODERS[plugin], [])
        return self.series[tag]

    def _take_hparams(self, tag: str, content: bytes) -> None:
        try:
            data = HParamsPluginData.FromString(content)
        except DecodeError:
            self.unreadable[tag] += 1
            return
        kind = data.WhichOneof("data")
        if kind and tag == f"{HPARAMS_TAG}{kind}":
            self.run.hparams.setdefault(kind, getattr(data, kind))

    def _drop(self, tags: list[str], step: int) -> None:
        """Drop what a restart at a step made out of date."""
        for tag in tags:
            if series := self.series.get(tag):
                before = len(series.points)
                series.points[:] = [point for point in series.points if point[0] < step]
                self.superseded += before - len(series.points)

    def finish(self) -> Run:
        """Return the run, its series as arrays."""
        run = self.run
        for tag, series in self.series.items():
            if series.points:
                steps, walls, values = zip(*series.points, strict=True)
                place = np.array(steps, np.int64), self._times(walls)
                getattr(run, series.plugin)[tag] = COLLECTORS[series.plugin](*place, values)
        if run.graph is None and self.meta_graph:
            run.graph = _graph_of(self.meta_graph)
        if run.graph is not None and not _has_operations(run.graph):
            run.graph = None
            run.notes.append(f"Run {run.name}: a graph without any operation that can be read.")
        if self.superseded:
            run.notes.append(
                f"Run {run.name}: {counted(self.superseded, 'value')} from before a restart left "
                "out, as in TensorBoard; training wrote their steps again."
            )
        again = {tag: _count_again(series.points) for tag, series in self.series.items()}
        again = {tag: count for tag, count in again.items() if count}
        if again:
            run.notes.append(
                f"Run {run.name}: {counted(sum(again.values()), 'value')} in "
                f"{counted(len(again), 'tag')}, such as {_shown(next(iter(again)))}, stand before "
                "others of the same or an earlier step, as before a restart; all are here, "
                "TensorBoard's fast loader leaves them out."
            )
        if self.timeless:
            run.notes.append(
                f"Run {run.name}: {counted(self.timeless, 'value')} without a time that a clock "
                "can show; they have that of the value before."
            )
        for tag, count in _most_named(self.unreadable.items(), "further tags"):
            run.notes.append(f"Run {run.name}: {counted(count, 'value')} of {tag} can't be read.")
        for plugin, count in _most_named(sorted(self.elsewhere.items()), "further kinds"):
            run.notes.append(
                f"Run {run.name}: {counted(count, 'value')} of another kind ({plugin}) not shown."
            )
        return run

    def _times(self, walls: tuple[float, ...]) -> np.ndarray:
        """Return the times of a series, those that are none replaced."""
        times, last = [], next(filter(_is_time, walls), self.run.start or 0.0)
        for wall in walls:
            self.timeless += not _is_time(wall)
            last = wall if _is_time(wall) else last
            times.append(last)
        return np.array(times, np.float64)


def _most_named(counts: Iterable[tuple[str, int]], rest: str) -> list[tuple[str, int]]:
    """Return names, short enough to be read, with their counts; those of too many as one."""
    counts = list(counts)
    named = [(_shown(name), count) for name, count in counts[:MOST_NAMED]]
    if others := counts[MOST_NAMED:]:
        named.append((f"{len(others):,} {rest}", sum(count for _, count in others)))
    return named


def _shown(tag: str) -> str:
    return cut(tag, LONGEST_TAG) or "an empty tag"


def _is_time(wall: float) -> bool:
    return abs(wall) <= LATEST


def _count_again(points: list[tuple[int, float, Any]]) -> int:
    """Return how many points are followed by one of the same or an earlier step."""
    steps = np.array([point[0] for point in points], np.int64)
    least_after = np.minimum.accumulate(steps[::-1])[::-1]
    return int(np.count_nonzero(steps[:-1] >= least_after[1:]))


def _parse_version(text: str) -> float:
    """Return the number of an event file's format: "brain.Event:2"."""
    try:
        return float(text.removeprefix("brain.Event:"))
    except ValueError:
        return 0.0


def _graph_of(meta_graph: bytes) -> bytes | None:
    try:
        return MetaGraphDef.FromString(meta_graph).graph_def.SerializeToString() or None
    except DecodeError:
        return None


def _has_operations(graph: bytes) -> bool:
    try:
        read = GraphDef.FromString(graph)
    except DecodeError:
        return False
    return bool(read.node or any(each.node_def for each in read.library.function))


def _decode_scalar(value: Any) -> float:
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return value.simple_value
    tensor = value.tensor
    if len(tensor.float_val) == 1:
        return tensor.float_val[0]
    content, number = tensor.tensor_content, NUMBERS.get(tensor.dtype)
    if number and len(content) == number.size:
        return float(number.unpack(content)[0])
    return float(make_ndarray(tensor).item())


def _decode_histogram(value: Any) -> bytes:
    """Return the rows (left, right, count) as the bytes of float64.

    Raises
    ------
    ValueError
        If they are no histogram that can be drawn: an edge or a count is not finite, say.
    """
    tensor = value.tensor
    if value.WhichOneof("value") == "histo":
        rows = _convert_histogram(value.histo)
    elif tensor.dtype == FLOAT64 and tensor.tensor_content:
        rows = np.frombuffer(tensor.tensor_content, "<f8").reshape(-1, 3)
    else:
        array = make_ndarray(tensor)
        if array.dtype.kind not in "biuf":
            raise ValueError(f"an array of {array.dtype} is no histogram")
        rows = array.astype(np.float64).reshape(-1, 3)
    left, right, count = rows.T
    with np.errstate(all="ignore"):
        # What is between the ends, and all that was counted, has to be a number too.
        sums = count.sum() + (right.max(initial=0) - left.min(initial=0))
    drawable = np.isfinite(rows).all() and np.isfinite(sums)
    if not drawable or (left > right).any() or (count < 0).any():
        raise ValueError("a histogram that can't be drawn")
    return rows.tobytes()


def _convert_histogram(histogram: Any) -> np.ndarray:
    """Return the rows (left, right, count) of a message of the old kind, as ``data_compat`` does.

    Empty buckets at both ends go, the outermost edges become the least and the largest value, and
    all of it is rounded to float32.
    """
    counts = np.array(histogram.bucket)
    if len(counts) > len(histogram.bucket_limit):
        raise ValueError("more buckets than limits")
    if not (counts >= 0).all():
        raise ValueError("a count that is none")
    filled = np.flatnonzero(counts > 0)
    if not len(filled):
        return np.zeros((0, 3))
    first, last = filled[0], filled[-1]
    inner = np.array(histogram.bucket_limit)[first:last]
    left, right = np.append(histogram.min, inner), np.append(inner, histogram.max)
    with np.errstate(over="ignore"):
        rows = np.stack([left, right, counts[first : last + 1]], axis=1).astype(np.float32)
    return rows.astype(np.float64)


def _decode_images(value: Any) -> tuple[int, int, list[bytes]]:
    """Return width, height and the files of the pictures of one step."""
    if value.WhichOneof("value") == "image":
        image = value.image
        return *_size(image.width, image.height), [image.encoded_image_string]
    width, height, first, *others = value.tensor.string_val
    return *_size(int(width), int(height)), [first, *others]


def _size(width: int, height: int) -> tuple[int, int]:
    if not (0 < width <= WIDEST and 0 < height <= WIDEST):
        raise ValueError(f"a picture of {width} x {height} pixels")
    return width, height


def _collect_scalars(step: np.ndarray, wall: np.ndarray, values: tuple[float, ...]) -> Scalars:
    return Scalars(step, wall, np.array(values, np.float64))


def _collect_histograms(
    step: np.ndarray, wall: np.ndarray, values: tuple[bytes, ...]
) -> Histograms:
    buckets = np.array([len(content) // 24 for content in values], np.int32)
    return Histograms(step, wall, buckets, np.frombuffer(b"".join(values), "<f8").reshape(-1, 3))


def _collect_images(step: np.ndarray, wall: np.ndarray, values: tuple[tuple, ...]) -> Images:
    return Images(step, wall, [pictures for _, _, pictures in values], *values[0][:2])


DECODERS = {
    "scalars": _decode_scalar,
    "histograms": _decode_histogram,
    "images": _decode_images,
}
COLLECTORS = {
    "scalars": _collect_scalars,
    "histograms": _collect_histograms,
    "images": _collect_images,
}
