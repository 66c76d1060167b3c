"""Checkpoints of a training: whole or not there, and refused where they are damaged or foreign.

A file is the SHA-256 of its content, then the content: arrays in NumPy's ``.npz`` format. It is
written under another name and renamed, so that a kill leaves the old ones and no half of a new
one; and should a disk lose part of it all the same, the digest tells.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KEPT = 2  # newest checkpoints
UNFINISHED = ".unfinished"
DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass
class Checkpoint:
    """Hold all that a training needs to go on.

    Attributes
    ----------
    step
        Passes or updates made.
    arrays
        Name to array, such as weights and the optimizer's slots.
    tables
        Name to rows: what was recorded up to this step; values are those of JSON.
    files
        Name to bytes: files that grow with training, as they are at this step.
    """

    step: int
    arrays: dict[str, np.ndarray]
    tables: dict[str, list[dict]]
    files: dict[str, bytes]


def write_checkpoint(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Add a checkpoint to a folder, and remove all but the `KEPT` newest.

    Parameters
    ----------
    folder
        Created if missing.
    identity
        What the training is a training of; see `find_checkpoint`.
    checkpoint
        What to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {"identity": identity, "step": checkpoint.step, "tables": checkpoint.tables}
    members = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        **{f"array:{name}": array for name, array in checkpoint.arrays.items()},
        **{f"file:{name}": np.frombuffer(c, np.uint8) for name, c in checkpoint.files.items()},
    }
    content = io.BytesIO()
    np.savez(content, **members)
    unfinished = folder / UNFINISHED
    with unfinished.open("wb") as file:
        file.write(hashlib.sha256(content.getbuffer()).digest())
        file.write(content.getbuffer())
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / f"step-{checkpoint.step:09d}.checkpoint")
    for old in list_checkpoints(folder)[KEPT:]:
        old.unlink()


def find_checkpoint(folder: Path, identity: str, log: Callable[[str], None]) -> Checkpoint | None:
    """Return the newest checkpoint of a folder that is whole and of this training, if any.

    Newer ones that are damaged or of another training are removed: nobody will use them, and what
    is kept is counted from the newest.

    Parameters
    ----------
    folder
        Need not exist.
    identity
        What the training is a training of: settings, seed, data and code. From a checkpoint of
        anything else it would end with other numbers.
    log
        Takes a line on each checkpoint that is removed, and why.
    """
    for path in list_checkpoints(folder):
        try:
            about, checkpoint = read_checkpoint(path)
        except (OSError, ValueError) as error:
            log(f"warning: {path} is damaged ({error}): passed over and removed")
        else:
            if about["identity"] == identity:
                return checkpoint
            log(f"{path} is of other settings, data, code or libraries: passed over and removed")
        try:
            path.unlink()
        except OSError as error:
            log(f"warning: {path} could not be removed ({error})")
    return None


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the finished checkpoints in a folder, the newest first."""
    found = folder.glob(f"step-{'[0-9]' * 9}.checkpoint")
    return sorted((path for path in found if path.is_file()), reverse=True)


def read_checkpoint(path: Path) -> tuple[dict, Checkpoint]:
    """Return what a checkpoint says about itself, and what is in it.

    Raises
    ------
    ValueError
        If its content is not what it was written with, or not what is written here.
    OSError
        If it cannot be read.
    """
    content = path.read_bytes()
    found, content = content[:DIGEST_SIZE], memoryview(content)[DIGEST_SIZE:]
    if hashlib.sha256(content).digest() != found:
        raise ValueError("its content does not have the digest that it states")
    try:
        with np.load(io.BytesIO(content)) as members:
            about = json.loads(members["about"].tobytes())
            arrays, files = {}, {}
            for name in members.files:
                kind, _, rest = name.partition(":")
                if kind == "array":
                    arrays[rest] = members[name]
                elif kind == "file":
                    files[rest] = members[name].tobytes()
    except (KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"it is in another format: {error}") from error
    return about, Checkpoint(about["step"], arrays, about["tables"], files)


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files in a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is created if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
