"""Checkpoints of a training: complete or absent, and ignored if damaged or of another training.

A file has the SHA-256 of its content, then the content: arrays in NumPy's ``.npz`` format. It is
written under a temporary name and renamed, so that a killed job leaves the old checkpoints and no
partial new one. If a disk loses part of a file nevertheless, the digest shows it.
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

KEPT = 2  # number of newest checkpoints that are kept
UNFINISHED = ".unfinished"
DIGEST_SIZE = hashlib.sha256().digest_size


@dataclass
class Checkpoint:
    """Everything that a training needs to resume.

    Attributes
    ----------
    step : int
        Number of passes or updates made.
    arrays : dict of str to ndarray
        Weights, the optimizer's slots, and so on.
    tables : dict of str to list of dict
        Rows recorded up to this step; their values are JSON values.
    files : dict of str to bytes
        Files that grow during training, as they are at this step.
    """

    step: int
    arrays: dict[str, np.ndarray]
    tables: dict[str, list[dict]]
    files: dict[str, bytes]


def write_checkpoint(folder: Path, identity: str, checkpoint: Checkpoint) -> None:
    """Add a checkpoint to a folder, and remove all but the `KEPT` newest.

    Parameters
    ----------
    folder : Path
        Created if missing.
    identity : str
        What the training computes; see `find_checkpoint`.
    checkpoint : Checkpoint
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
    """Return the newest complete checkpoint of this training in a folder, if any.

    Newer ones that are damaged or of another training are removed: they are useless, and would
    count among the newest that are kept.

    Parameters
    ----------
    folder : Path
        Need not exist.
    identity : str
        Digest of what the training computes: settings, seed, data and code. Resumed from a
        checkpoint of anything else, it would end with other numbers.
    log : callable
        Takes a line for each checkpoint that is removed, with the reason.
    """
    for path in list_checkpoints(folder):
        try:
            about, checkpoint = read_checkpoint(path)
        except (OSError, ValueError) as error:
            log(f"warning: {path} is damaged ({error}): ignored and removed")
        else:
            if about["identity"] == identity:
                return checkpoint
            log(f"{path} is of other settings, data, code or libraries: ignored and removed")
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
    """Return identity and step of a checkpoint as it states them, and its content.

    Raises
    ------
    ValueError
        If its content was changed, or is in another format.
    OSError
        If it cannot be read.
    """
    content = path.read_bytes()
    found, content = content[:DIGEST_SIZE], memoryview(content)[DIGEST_SIZE:]
    if hashlib.sha256(content).digest() != found:
        raise ValueError("its content does not match its digest")
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
