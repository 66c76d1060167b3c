"""The four files of a set of images: their names, and what is known before images are read.

Plain Python, because configurations are checked with it: of a user's own files, only headers and
labels are read.
"""

import math
import os
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from restudy.data.compression import (
    DAMAGE,
    LARGEST_CONTENT,
    decompress,
    measure_content,
    open_decompressed,
)
from restudy.errors import DatasetError, cut
from restudy.user_files import is_folder, is_there

PUBLISHED_NAMES = {  # our name -> the published one
    "train-images.idx": "train-images-idx3-ubyte",
    "train-labels.idx": "train-labels-idx1-ubyte",
    "test-images.idx": "t10k-images-idx3-ubyte",
    "test-labels.idx": "t10k-labels-idx1-ubyte",
}
DIMENSIONS = {"images": 3, "labels": 1}
SMALLEST_SIDE, LARGEST_SIDE = 8, 64  # pixels
# Other names under which the four files are handed on: of EMNIST with a word before, of archives
# with a point for a dash.
OTHER_NAMES = re.compile(
    r"(?i)(?:.*[-_])?(?P<part>train|t10k|test)-(?P<what>images|labels)"
    r"(?:[-.]idx[13](?:-ubyte)?|\.idx)?(?:\.gz)?"
)
DEEPEST, MOST_SEEN, MAX_LISTED = 3, 10_000, 8  # folders; entries of them; names in a message

Shapes = Mapping[str, tuple[int, ...]]
Files = Mapping[str, Path]


@dataclass(frozen=True)
class ImageCounts:
    """Number of images, their size, and their number of classes.

    Attributes
    ----------
    train, test : int
        Images in the training file, from which validation is taken, and in the test file.
    height, width : int
        Pixels of every image.
    classes : int
        The largest training label plus one.
    """

    train: int
    test: int
    height: int
    width: int
    classes: int


@dataclass(frozen=True)
class PublishedSet:
    """A set of images whose files are known byte by byte.

    Attributes
    ----------
    title : str
        Its name in messages.
    sha256 : mapping
        Our name of each file -> the digest of its uncompressed bytes.
    counts : ImageCounts
        What is in them.
    """

    title: str
    sha256: Mapping[str, str]
    counts: ImageCounts


PUBLISHED_SETS = {
    "mnist": PublishedSet(
        "MNIST",
        # Of the files whose MD5s, uncompressed, are those published with the data set.
        {
            "train-images.idx": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels.idx": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "test-images.idx": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "test-labels.idx": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        ImageCounts(train=60_000, test=10_000, height=28, width=28, classes=10),
    ),
    "fashion_mnist": PublishedSet(
        "Fashion-MNIST",
        # Of the files whose MD5s, compressed, are those in its authors' README.
        {
            "train-images.idx": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels.idx": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "test-images.idx": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "test-labels.idx": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        ImageCounts(train=60_000, test=10_000, height=28, width=28, classes=10),
    ),
}


class ImageFilesError(DatasetError):
    """Files of images that cannot be used; the key at fault is ``path``."""

    def __init__(self, faults: Sequence[str]):
        super().__init__([("path", fault) for fault in faults])


def find_image_files(folder: str | Path) -> dict[str, Path]:
    """Find the four files in a folder, under their published names or ours, plain or gzip.

    Parameters
    ----------
    folder : path
        Where to look. If several files match, the first is taken: the published name before
        ours, and each without ``.gz`` before the one with it. What is not there may have a name
        of `OTHER_NAMES`, or lie in a folder below, if there is only one such file.

    Returns
    -------
    dict
        Our name of each file -> its path.

    Raises
    ------
    ImageFilesError
        If the folder or a file is missing, or several may be meant.
    """
    if not is_folder(folder):
        fault = "not a folder" if is_there(folder) else "no such folder"
        where = "" if Path(folder).is_absolute() else f" below {Path.cwd()}"
        raise ImageFilesError(
            [f"got {str(folder)!r}, {fault}{where}; allowed: a folder with four IDX files"]
        )
    files = {}
    for name, published in PUBLISHED_NAMES.items():
        names = _usual_names(name, published)
        found = next((each for each in names if (Path(folder) / each).is_file()), None)
        if found is not None:
            files[name] = Path(folder) / found
    if len(files) < len(PUBLISHED_NAMES):
        _refuse(_add_others(Path(folder), files))
    return {name: files[name] for name in PUBLISHED_NAMES}


def _usual_names(name: str, published: str) -> list[str]:
    return [published, f"{published}.gz", name, f"{name}.gz"]


def _add_others(folder: Path, files: dict[str, Path]) -> Iterator[str]:
    """Add the files that have another name, or lie below; yield a line for each that is missing."""
    seen = _list_below(folder)
    others: dict[str, list[Path]] = {}
    for path in seen:
        if match := OTHER_NAMES.fullmatch(path.name):
            part = "train" if match["part"].lower() == "train" else "test"
            others.setdefault(f"{part}-{match['what'].lower()}.idx", []).append(path)
    for name, published in PUBLISHED_NAMES.items():
        if name in files:
            continue
        # Archives have files twice: again in a folder below, and plain and compressed.
        highest = [p for p in others.get(name, []) if len(p.parts) == len(others[name][0].parts)]
        found = {re.sub(r"(?i)\.gz$", "", str(path)): path for path in highest}
        if len(found) == 1:
            files[name] = min(highest, key=lambda path: len(path.name))
        elif found:
            paths = sorted(str(path.relative_to(folder)) for path in found.values())
            yield (
                f"{folder}: has several files for {published}: {_listed(paths)}; allowed: one; "
                "name the folder that has the four"
            )
        else:
            rest = [path for path in seen if path not in files.values()]
            there = _listed(sorted(str(path.relative_to(folder)) for path in rest))
            if not seen:
                there = "no file"
            yield (
                f"{folder}: has no {published}; allowed: "
                f"{', '.join(_usual_names(name, published))}"
                + (f"; found: {there}" if there else "")
            )


def _list_below(folder: Path) -> list[Path]:
    """Return the files in a folder and in those below, those that lie highest first."""
    found, seen = [], 0
    for place, folders, names in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            each for each in folders if not each.startswith(".") and depth < DEEPEST
        )
        found += [Path(place, name) for name in sorted(names)]
        seen += len(folders) + len(names)
        if seen > MOST_SEEN:
            break
    files = (path for path in found if path.is_file())
    return sorted(files, key=lambda path: len(path.parts))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_LISTED:,} more" if len(names) > MAX_LISTED else ""
    return ", ".join(map(cut, names[:MAX_LISTED])) + more


def inspect_image_files(folder: str | Path) -> ImageCounts:
    """Return what is in a user's own four files, or refuse what the network cannot learn from.

    Parameters
    ----------
    folder : path
        See `find_image_files`.

    Returns
    -------
    ImageCounts

    Raises
    ------
    ImageFilesError
        If a file is missing, is not IDX of the right kind, is truncated, or does not match the
        others; with one line for each fault.
    """
    files = find_image_files(folder)
    shapes, faults = {}, []
    for name, file in files.items():
        try:
            shapes[name] = _read_shape(file, DIMENSIONS[_what(name)])
        except ImageFilesError as error:
            faults += [text for _, text in error.faults]
    _refuse(faults)
    _refuse([*_size_faults(files, shapes), *_count_faults(files, shapes)])
    labels = {
        part: _read_labels(files[f"{part}-labels.idx"], *shapes[f"{part}-labels.idx"])
        for part in ("train", "test")
    }
    _refuse(_class_faults(files, labels))
    count, height, width = shapes["train-images.idx"]
    return ImageCounts(
        train=count,
        test=shapes["test-images.idx"][0],
        height=height,
        width=width,
        classes=max(labels["train"]) + 1,
    )


def is_allowed_size(height: int, width: int) -> bool:
    """Return whether the network takes images of this size, in pixels."""
    return all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (height, width))


def _refuse(faults) -> None:
    found = list(faults)
    if found:
        raise ImageFilesError(found)


def _what(name: str) -> str:
    """Return what a file of this name holds: ``images`` or ``labels``."""
    return name.removesuffix(".idx").partition("-")[2]


def _read_shape(file: Path, dimensions: int) -> tuple[int, ...]:
    """Return the shape of the array in an IDX file, after checking the file's size against it."""
    magic = bytes([0, 0, 0x08, dimensions])  # 0x08: unsigned bytes
    header_size = 4 + 4 * dimensions
    try:
        with open_decompressed(file) as stream:
            header = stream.read(header_size)
        if header[:4] != magic:
            raise ImageFilesError(
                [
                    f"{file}: begins with {header[:4].hex(' ') or 'nothing'}; allowed: "
                    f"{magic.hex(' ')}, an IDX file of unsigned bytes, {_AXES[dimensions]}"
                ]
            )
        if len(header) < header_size:
            raise ImageFilesError(
                [
                    f"{file}: is truncated after {len(header)} bytes; allowed: at least "
                    f"{header_size}, the header of an IDX file, {_AXES[dimensions]}"
                ]
            )
        shape = struct.unpack(f">{dimensions}I", header[4:])
        expected = header_size + math.prod(shape)
        if expected > LARGEST_CONTENT:
            raise ImageFilesError(
                [f"{file}: has {expected:,} bytes, unpacked; allowed: at most {LARGEST_CONTENT:,}"]
            )
        found = measure_content(file, expected)
    except DAMAGE as error:
        raise ImageFilesError([f"{file}: damaged gzip data ({error}); {_COMPLETE}"]) from None
    except OSError as error:
        raise ImageFilesError(
            [f"{file}: it cannot be read ({error.strerror}); allowed: a readable file"]
        ) from None
    if found != expected:
        fault = "is truncated: it has" if found < expected else "is too long: it has"
        raise ImageFilesError(
            [f"{file}: {fault} {found} bytes; allowed: {expected}, as its header says"]
        )
    return shape


_COMPLETE = "allowed: a complete gzip file, or an uncompressed one"
_AXES = {3: "images x rows x columns", 1: "one label per image"}


def _read_labels(file: Path, count: int) -> bytes:
    try:
        return decompress(file.read_bytes(), str(file), count + 8)[8:]
    except ValueError as error:
        raise ImageFilesError([f"{error}; {_COMPLETE}"]) from None


def _size_faults(files: Files, shapes: Shapes) -> Iterator[str]:
    train, test = shapes["train-images.idx"], shapes["test-images.idx"]
    if not is_allowed_size(*train[1:]):
        yield (
            f"{files['train-images.idx']}: has images of {_size(train)} pixels (height x width); "
            f"allowed: {SMALLEST_SIDE}x{SMALLEST_SIDE} to {LARGEST_SIDE}x{LARGEST_SIDE}"
        )
    if test[1:] != train[1:]:
        yield (
            f"{files['test-images.idx']}: has images of {_size(test)} pixels (height x width); "
            f"allowed: {_size(train)}, as in {files['train-images.idx'].name}"
        )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[2]}"


def _count_faults(files: Files, shapes: Shapes) -> Iterator[str]:
    # One of the training images is for validation.
    for part, least in (("train", 2), ("test", 1)):
        images, labels = f"{part}-images.idx", f"{part}-labels.idx"
        (count, *_), (label_count,) = shapes[images], shapes[labels]
        if label_count != count:
            yield (
                f"{files[labels]}: has {label_count} labels; allowed: {count}, as many as there "
                f"are images in {files[images].name}"
            )
        elif count < least:
            yield f"{files[images]}: has {count} images; allowed: at least {least}"


def _class_faults(files: Files, labels: Mapping[str, bytes]) -> Iterator[str]:
    train, test = (files[f"{part}-labels.idx"] for part in ("train", "test"))
    largest = max(labels["train"])
    if len(set(labels["train"])) == 1:
        yield f"{train}: has only the class {largest}; allowed: two or more, counted from 0"
        return
    beyond = [label for label in labels["test"] if label > largest]
    if beyond:
        more = f" ({len(beyond) - 1:,} more like it)" if len(beyond) > 1 else ""
        yield (
            f"{test}: has the label {beyond[0]}{more}; allowed: 0 to {largest}, the classes of "
            f"{train.name}"
        )
