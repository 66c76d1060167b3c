"""The page that shows a TensorBoard log directory: its data, thinned where it must be small.

The page's program, ``web/src/tensorboard``, reads the blocks that are packed here:

- ``index``: runs, tags, hyperparameters, colours and notes; all but the points.
- ``scalars``: a list for every tag, in the index' order, of every run's points.
- ``histograms-<i>`` and ``images-<i>``: the same for the tag with that place in the index.
- ``graph-<i>``: the operations of a run.

Every number comes out of the page as it stands in the event files. Edges of equal buckets are
stored as the lowest and the highest, where this restores each bit::

    step = (high - low) / n
    left[k] = k * step + low
    right[k] = (k + 1) * step + low, but right[n - 1] = high

in double precision, or each operation rounded to single precision: so NumPy's and TensorFlow's
``linspace`` compute, and ``linearEdges`` in ``web/src/shared/histograms.js``.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from restudy.analysis.event_files import Histograms, Run, counted, printable
from restudy.errors import UserError
from restudy.families.contract import Family
from restudy.internals.tensorboard_reading import status_name
from restudy.small_files import write_text
from restudy.views.graphs import arrange_graph
from restudy.views.pages import render_page
from restudy.views.palette import run_color
from restudy.views.payload import pack

MIN_POINTS = 5  # points to which a series of scalars may be thinned
MIN_SHOWN = 2  # histograms or images of a series: the first and the last
SPARE = 4000  # bytes for the notes on what was thinned
COUNT_TYPES = (np.uint8, np.uint16, np.uint32, np.float32)


class PageSizeError(UserError):
    """A log directory that has too many series for a page of the asked size."""


@dataclass
class Part:
    """Blocks of one kind of data, and how they were thinned.

    Attributes
    ----------
    blocks : dict of str to str
        Name to packed data.
    cap : int
        Most points of a series; 0 where all are kept.
    series, kept, of : int
        How many series were thinned; points in the blocks, and in the event files.
    """

    blocks: dict[str, str] = field(default_factory=dict)
    cap: int = 0
    series: int = 0
    kept: int = 0
    of: int = 0

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return sum(map(len, self.blocks.values()))

    def count(self, kept: int, of: int) -> None:
        """Take note of a series."""
        self.series += kept < of
        self.kept += kept
        self.of += of


def describe_log(families: list[Family]) -> tuple[str, str]:
    """Return title and place below results/ of the log directory that families write to."""
    if len(families) > 1:
        return "TensorBoard", "."
    (family,) = families
    first, rest = family.title[:1], family.title[1:]
    # The title of a heading, in the middle of a line; an abbreviation stays as it is.
    words = family.title if rest[:1].isupper() else first.lower() + rest
    return f"TensorBoard: {words}", family.name


def write_page(runs: Sequence[Run], folder: str, output: str | Path, **options: Any) -> str:
    """Write the page of a log directory; parameters as of `make_page`.

    Returns
    -------
    str
        What was written, in words.
    """
    page = make_page(runs, folder=folder, **options)
    write_text(output, page)
    size = len(page.encode()) / 1e6
    return f"{printable(output)}: {size:.2f} MB, {counted(len(runs), 'run')}"


def make_page(
    runs: Sequence[Run],
    title: str,
    folder: str,
    points: int = 0,
    max_bytes: float = math.inf,
    full: str | None = None,
) -> str:
    """Return a log directory as a page.

    Parameters
    ----------
    runs
        As `restudy.analysis.event_files.read_log` returns them.
    title, folder : str
        Title of the page, and the log directory as its reader knows it.
    points : int
        Most points to keep of a series, at least `MIN_POINTS`; 0 keeps all.
    max_bytes : float
        Size that the page may have: series are thinned as far as it takes.
    full : str, optional
        Name of the file beside the page that has everything.

    Raises
    ------
    PageSizeError
        If even the fewest points of every scalar don't fit into `max_bytes`, or a number of
        points is below `MIN_POINTS`.
    """
    if points != 0 and points < MIN_POINTS:
        raise PageSizeError(
            f"{points} points per series: it takes {MIN_POINTS} or more, or 0 for all"
        )
    if not max_bytes > 0:
        raise PageSizeError(f"a page of {max_bytes / 1e6:g} MB: it takes more than 0")

    def render(parts: Mapping[str, Part]) -> str:
        blocks = {"index": pack(make_index(runs, title, folder, parts, full))}
        for part in parts.values():
            blocks |= part.blocks
        return render_page("tensorboard", title, blocks)

    parts = {kind: packer(runs, points) for kind, packer in PACKERS.items()}
    page = render(parts)
    size = len(page.encode())
    if size <= max_bytes:
        return page
    rest = size - sum(part.size for part in parts.values()) + SPARE
    parts = thin(runs, points, max_bytes - rest)
    page = render(parts)
    size = len(page.encode())
    if size > max_bytes:
        raise PageSizeError(
            f"the page can't be as small as {max_bytes / 1e6:.2f} MB: thinned as far as possible, "
            f"it takes {size / 1e6:.2f} MB; allow more, or take a directory with fewer runs"
        )
    return page


def thin(runs: Sequence[Run], points: int, byte_budget: float) -> dict[str, Part]:
    """Return the parts of a page such that they take at most so many bytes.

    Graphs may take a sixth, scalars then half of what is left, images a third of the rest, and
    histograms what remains; what is unused in the end goes to scalars and then to images. Of every
    series of scalars at least `MIN_POINTS` points stay, even if they take more.
    """
    packers = {kind: cache(lambda cap, kind=kind: PACKERS[kind](runs, cap)) for kind in PACKERS}

    def largest(kind: str, byte_budget: float, fewest: int) -> Part:
        """The part with the most points that fits; an empty one if none does."""
        lengths = [len(series.step) for run in runs for series in getattr(run, kind).values()]
        longest = max(lengths, default=0)
        caps = list(_caps(fewest, min(longest, points or longest)))
        fitting = bisect(caps, byte_budget, key=lambda cap: packers[kind](cap).size)
        if fitting:
            return packers[kind](caps[fitting - 1])
        return Part(series=len(lengths), of=sum(lengths))

    graphs = pack_graphs(runs, byte_budget=byte_budget / 6)
    left = byte_budget - graphs.size
    fewest = packers["scalars"](MIN_POINTS)
    scalars = largest("scalars", max(left / 2, fewest.size), MIN_POINTS)
    left -= scalars.size
    images = largest("images", left / 3, MIN_SHOWN)
    left -= images.size
    histograms = largest("histograms", left, MIN_SHOWN)
    left -= histograms.size
    scalars = largest("scalars", (before := scalars.size) + left, MIN_POINTS)
    left -= scalars.size - before
    images = largest("images", images.size + left, MIN_SHOWN)
    return {"graphs": graphs, "scalars": scalars, "images": images, "histograms": histograms}


def _caps(fewest: int, longest: int) -> Iterator[int]:
    """Numbers of points to try, each a fifth above the one before; the last is the longest."""
    cap = fewest
    while cap < longest:
        yield cap
        cap = max(cap + 1, math.ceil(cap * 1.2))
    yield max(longest, fewest)


def make_index(
    runs: Sequence[Run],
    title: str,
    folder: str,
    parts: Mapping[str, Part],
    full: str | None,
) -> dict[str, Any]:
    """Return all that the page says beside its points."""
    sessions = [run.hparams.get("session_start_info") for run in runs]
    groups = [
        (session.group_name if session else "") or run.name
        for run, session in zip(runs, sessions, strict=True)
    ]
    places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    series = [part for kind, part in parts.items() if kind != "graphs"]
    thinned = [part for part in series if part.series]
    return {
        "title": title,
        "logdir": folder,
        "notes": [*_notes_of_thinning(parts, full), *_notes_of_runs(runs)],
        "runs": [
            {
                "name": run.name,
                "group": group,
                "start": run.start,
                "hparams": _values(session) if session else None,
                "status": _status(run) if session else None,
            }
            for run, group, session in zip(runs, groups, sessions, strict=True)
        ],
        **{
            kind: [_describe_tag(runs, tag) for tag in tags_of(runs, kind)]
            if parts[kind].blocks
            else []
            for kind in ("scalars", "histograms", "images")
        },
        "graphs": [{"run": place} for place, run in enumerate(runs) if run.graph][
            : len(parts["graphs"].blocks)
        ],
        "hparams": describe_hparams(runs),
        "thinned": {
            "limit": min((part.cap for part in thinned if part.blocks), default=None),
            "series": sum(part.series for part in thinned),
            "kept": sum(part.kept for part in series),
            "of": sum(part.of for part in series),
        }
        if thinned
        else None,
        "colors": [run_color(places[group]) for group in groups],
        "full": full,
    }


def tags_of(runs: Sequence[Run], kind: str) -> list[str]:
    """Tags that some run has, sorted."""
    return sorted({tag for run in runs for tag in getattr(run, kind)})


def _describe_tag(runs: Sequence[Run], tag: str) -> dict[str, str]:
    """A tag with its label and its descriptions, each once."""
    labels = dict.fromkeys(run.labels[tag] for run in runs if tag in run.labels)
    texts = dict.fromkeys(run.descriptions[tag] for run in runs if tag in run.descriptions)
    entry = {"tag": tag, "description": "\n\n".join(texts)}
    return entry | ({"label": ", ".join(labels)} if labels else {})


def _notes_of_thinning(parts: Mapping[str, Part], full: str | None) -> list[str]:
    where = f" The file {full} beside this one has all of them." if full else ""
    how = {
        "scalars": "the first, the last, and the least and the largest of every stretch between",
        "histograms": "at even distances, with the first and the last",
        "images": "at even distances, with the first and the last",
    }
    notes = []
    for kind, part in parts.items():
        if not part.series:
            continue
        if kind == "graphs":
            notes.append(f"Graphs: of {part.of:,} runs, those of the first {part.kept:,} are here.")
        elif not part.blocks:
            notes.append(f"{kind.capitalize()}: left out, all {part.of:,} of them.{where}")
        else:
            notes.append(
                f"{kind.capitalize()}: {part.series:,} series thinned to at most {part.cap:,} "
                f"points ({how[kind]}); {part.kept:,} of {part.of:,} points are here.{where}"
            )
    return notes


def _notes_of_runs(runs: Sequence[Run]) -> list[str]:
    notes = []
    for run in runs:
        notes += [f"Run {run.name}: {fault}." for fault in run.faults]
        notes += run.notes
        every = [*run.scalars.values(), *run.histograms.values(), *run.images.values()]
        if rounded := sum(_rounded(series.step) for series in every):
            notes.append(
                f"Run {run.name}: {counted(rounded, 'step')} beyond 2^53, such as times in "
                "nanoseconds, are rounded, since a browser's numbers go no further; all values are "
                "here, and the axes of time tell them apart."
            )
    return notes


def _status(run: Run) -> str:
    end = run.hparams.get("session_end_info")
    return status_name(end.status if end else 0)


def _values(session: Any) -> dict[str, Any]:
    """Hyperparameters of a session; like TensorBoard, without those that are not finite."""
    values = {}
    for name, value in sorted(session.hparams.items()):
        kind = value.WhichOneof("kind")
        if kind in ("string_value", "bool_value"):
            values[name] = getattr(value, kind)
        elif kind == "number_value" and math.isfinite(value.number_value):
            values[name] = value.number_value
    return values


def describe_hparams(runs: Sequence[Run]) -> dict[str, Any] | None:
    """Return names and kinds of the hyperparameters, and the metrics; None without any session.

    As in TensorBoard, an experiment that the files describe says which metrics there are; without
    one, all scalars of the sessions and of the runs below them are.
    """
    sessions = {
        run.name: _values(run.hparams["session_start_info"])
        for run in runs
        if "session_start_info" in run.hparams
    }
    if not sessions:
        return None
    experiments = [run.hparams["experiment"] for run in runs if "experiment" in run.hparams]
    names = sorted({name for values in sessions.values() for name in values})
    metrics = {
        (metric.name.tag, metric.name.group): metric.display_name or metric.name.tag
        for experiment in experiments
        for metric in experiment.metric_infos
    }
    if not experiments:
        found = {
            (tag, group)
            for run in runs
            if (group := _below_session(run.name, sessions)) is not None
            for tag in run.scalars
        }
        metrics = {(tag, group): tag for tag, group in sorted(found)}
    kinds = {
        name: {type(values[name]) for values in sessions.values() if name in values}
        for name in names
    }
    # TensorBoard shows those that differ between sessions first.
    order = {
        name: (len({values.get(name) for values in sessions.values()}) == 1, name) for name in names
    }
    return {
        "names": [
            {
                "name": name,
                "kind": {frozenset({float}): "number", frozenset({bool}): "boolean"}.get(
                    frozenset(kinds[name]), "text"
                ),
            }
            for name in sorted(names, key=order.get)
        ],
        "metrics": [
            {"tag": tag, "group": group, "label": label} for (tag, group), label in metrics.items()
        ],
    }


def _below_session(name: str, sessions: Mapping[str, Any]) -> str | None:
    """Path of a run below the session that it belongs to; "" for the session itself."""
    parts = name.split("/")
    for count in range(len(parts), 0, -1):
        if "/".join(parts[:count]) in sessions:
            return "/".join(parts[count:])
    return None


class Columns:
    """Columns of a block, each stored once."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self.places: dict[tuple[str, bytes], int] = {}

    def place(self, array: np.ndarray) -> dict[str, int]:
        """Return what stands for a column: the place of it, or of an equal one."""
        key = array.dtype.name, array.tobytes()
        if key not in self.places:
            self.places[key] = len(self.arrays)
            self.arrays.append(array)
        return {"ref": self.places[key]}


def pack_scalars(runs: Sequence[Run], cap: int = 0) -> Part:
    """Return the block of all scalars."""
    part, columns = Part(cap=cap), Columns()
    tags = []
    for tag in tags_of(runs, "scalars"):
        entries = []
        for place, run in enumerate(runs):
            if series := run.scalars.get(tag):
                kept = choose_points(series.value, cap)
                part.count(len(kept), len(series.step))
                entries.append(
                    {
                        "run": place,
                        **_axes(series, kept, columns),
                        "value": exact(series.value[kept]),
                        "of": len(series.step),
                    }
                )
        tags.append(entries)
    if tags:
        part.blocks["scalars"] = pack({"columns": columns.arrays, "series": tags})
    return part


def pack_histograms(runs: Sequence[Run], cap: int = 0) -> Part:
    """Return a block for each tag with histograms."""
    part = Part(cap=cap)
    for number, tag in enumerate(tags_of(runs, "histograms")):
        columns, entries = Columns(), []
        for place, run in enumerate(runs):
            if series := run.histograms.get(tag):
                kept = choose_evenly(len(series.step), cap)
                part.count(len(kept), len(series.step))
                chosen = take_histograms(series, kept)
                entries.append(
                    {
                        "run": place,
                        **_axes(series, kept, columns),
                        "of": len(series.step),
                        "buckets": columns.place(chosen.buckets),
                        "count": _counts(chosen.rows[:, 2]),
                        "edges": encode_edges(chosen.buckets, chosen.rows),
                    }
                )
        part.blocks[f"histograms-{number}"] = pack({"columns": columns.arrays, "series": entries})
    return part


def pack_images(runs: Sequence[Run], cap: int = 0) -> Part:
    """Return a block for each tag with images."""
    part = Part(cap=cap)
    for number, tag in enumerate(tags_of(runs, "images")):
        columns, entries = Columns(), []
        for place, run in enumerate(runs):
            if series := run.images.get(tag):
                kept = choose_evenly(len(series.step), cap)
                part.count(len(kept), len(series.step))
                entries.append(
                    {
                        "run": place,
                        **_axes(series, kept, columns),
                        "of": len(series.step),
                        "width": series.width,
                        "height": series.height,
                        "pictures": [
                            [np.frombuffer(file, np.uint8) for file in series.pictures[point]]
                            for point in kept
                        ],
                    }
                )
        part.blocks[f"images-{number}"] = pack({"columns": columns.arrays, "series": entries})
    return part


def pack_graphs(runs: Sequence[Run], cap: int = 0, byte_budget: float = math.inf) -> Part:
    """Return a block for each run with a graph: of the first ones, as far as they fit."""
    graphs = [run.graph for run in runs if run.graph]
    part = Part(cap=cap, of=len(graphs))
    for number, graph in enumerate(graphs):
        block = pack({"nodes": arrange_graph(graph)})
        if part.size + len(block) > byte_budget:
            part.series = len(graphs) - number
            break
        part.blocks[f"graph-{number}"] = block
        part.kept += 1
    return part


PACKERS: dict[str, Callable[..., Part]] = {
    "graphs": pack_graphs,
    "scalars": pack_scalars,
    "images": pack_images,
    "histograms": pack_histograms,
}


def _rounded(steps: np.ndarray) -> int:
    """Return how many steps are others in float64."""
    large = steps[np.abs(steps) > 2**53].tolist()
    return sum(int(float(step)) != step for step in large)


def _axes(series: Any, kept: np.ndarray, columns: Columns) -> dict[str, Any]:
    """Step and time of the kept points; steps beyond int32 as float64."""
    step, wall = series.step[kept], series.wall[kept]
    small = np.int32 if np.all(np.abs(step) < 2**31) else np.float64
    return {"step": columns.place(step.astype(small)), "wall": columns.place(wall)}


def exact(values: np.ndarray, types: Sequence[type] = (np.float32,)) -> np.ndarray:
    """Return float64 values in the first of some types that holds each of them, bit by bit."""
    bits = np.ascontiguousarray(values).view(np.int64)
    for kind in types:
        with np.errstate(all="ignore"):
            narrow = values.astype(kind)
        # A NaN is a NaN: which one has no meaning.
        same = narrow.astype(np.float64).view(np.int64) == bits
        if np.all(same | (np.isnan(values) & np.isnan(narrow))):
            return narrow
    return np.ascontiguousarray(values)


def _counts(values: np.ndarray) -> np.ndarray:
    return exact(values, COUNT_TYPES)


def choose_points(values: np.ndarray, cap: int) -> np.ndarray:
    """Return the places of the points that stay when a series of numbers is thinned.

    First and last stay, and so does the first that is not a number. The others are cut into
    stretches of equal length, and of each the least and the largest stay.

    Parameters
    ----------
    values
        (n,).
    cap
        Most points to keep, at least `MIN_POINTS`; 0 keeps all.

    Returns
    -------
    ndarray
        Ascending places.
    """
    if not cap or len(values) <= cap:
        return np.arange(len(values))
    missing = np.isnan(values)
    kept = {0, len(values) - 1, *np.flatnonzero(missing)[:1].tolist()}
    stretches = (cap - len(kept)) // 2
    inner = np.ones(len(values), bool)
    inner[list(kept)] = False
    for stretch in np.array_split(np.flatnonzero(inner), stretches):
        numbers = stretch[~missing[stretch]]
        if len(numbers):
            kept |= {numbers[values[numbers].argmin()], numbers[values[numbers].argmax()]}
    return np.array(sorted(kept))


def choose_evenly(count: int, cap: int) -> np.ndarray:
    """Return places at even distances, the first and the last among them; 0: all."""
    if not cap or count <= cap:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, cap).round().astype(int))


def take_histograms(series: Histograms, kept: np.ndarray) -> Histograms:
    """Return the histograms at some places."""
    if len(kept) == len(series.step):
        return series
    ends = np.cumsum(series.buckets)
    rows = [series.rows[ends[i] - series.buckets[i] : ends[i]] for i in kept]
    return Histograms(
        series.step[kept], series.wall[kept], series.buckets[kept], np.concatenate(rows)
    )


def encode_edges(buckets: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """Return the edges of a series of histograms in the smallest form that restores each bit.

    Parameters
    ----------
    buckets
        (n,): number of buckets of each histogram.
    rows
        (sum of buckets, 3): left, right, count.
    """
    filled = buckets > 0
    ends = np.cumsum(buckets)[filled]
    starts = ends - buckets[filled]
    edges = np.ascontiguousarray(rows[:, :2])
    low, high = np.zeros(len(buckets)), np.zeros(len(buckets))
    low[filled], high[filled] = edges[starts, 0], edges[ends - 1, 1]
    for single in (True, False):
        ends_of = [exact(column) for column in (low, high)]
        if single and any(column.dtype != np.float32 for column in ends_of):
            continue
        if same_bits(restore_edges(buckets, low, high, single), edges):
            return {"kind": "linear", "single": single, "low": ends_of[0], "high": ends_of[1]}
    inner = np.ones(len(edges), bool)
    inner[starts] = False
    if same_bits(edges[inner, 0], edges[np.flatnonzero(inner) - 1, 1]):
        return {"kind": "joined", "edges": exact(np.insert(edges[:, 1], starts, edges[starts, 0]))}
    return {"kind": "explicit", "left": exact(edges[:, 0]), "right": exact(edges[:, 1])}


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of float64 are the same bit by bit."""
    bits = [np.ascontiguousarray(array).view(np.int64) for array in (one, other)]
    return np.array_equal(*bits)


def restore_edges(
    buckets: np.ndarray, low: np.ndarray, high: np.ndarray, single: bool
) -> np.ndarray:
    """Return left and right edges, (sum of buckets, 2), of equal buckets from `low` to `high`.

    With `single`, every operation is rounded to single precision.
    """
    kind = np.float32 if single else np.float64
    size = np.maximum(buckets, 1).astype(kind)
    ends = np.cumsum(buckets)
    place = (np.arange(ends[-1]) - np.repeat(ends - buckets, buckets)).astype(kind)
    with np.errstate(all="ignore"):
        low, high = low.astype(kind), high.astype(kind)
        step, start = (np.repeat(column, buckets) for column in ((high - low) / size, low))
        left, right = place * step + start, (place + 1) * step + start
    right[ends[buckets > 0] - 1] = high[buckets > 0]
    return np.stack([left, right], axis=1).astype(np.float64)
