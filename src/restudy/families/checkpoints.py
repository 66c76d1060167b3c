"""Checkpoints of a training: complete or absent, and ignored if damaged or of another training.

Some are made on the way, and serve a job that was killed. The last one, of a training that has
ended, serves one with a larger budget.

A file has the SHA-256 of its content, then the content: arrays in NumPy's ``.npz`` format. It is
written under a temporary name and renamed, so that a killed job leaves the old checkpoints and no
partial new one. If a disk loses part of a file nevertheless, the digest shows it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from restudy.errors import quote

KEPT = 2  # number of newest checkpoints of a sort that are kept
GOING, ENDED = "step", "ended"  # how files of checkpoints on the way begin, and of the last one
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


def write_checkpoint(
    folder: Path, identity: str, checkpoint: Checkpoint, ended: bool = False
) -> None:
    """Add a checkpoint to a folder, and remove all but the `KEPT` newest of its sort.

    Parameters
    ----------
    folder : Path
        Created if missing.
    identity : str
        What the training computes; see `find_checkpoint`.
    checkpoint : Checkpoint
        What to write.
    ended : bool
        Whether the training has ended with it.
    """
    about = {"identity": identity, "step": checkpoint.step, "tables": checkpoint.tables}
    members = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        **{f"array:{name}": array for name, array in checkpoint.arrays.items()},
        **{f"file:{name}": np.frombuffer(c, np.uint8) for name, c in checkpoint.files.items()},
    }
    content = io.BytesIO()
    np.savez(content, **members)
    name = f"{ENDED if ended else GOING}-{checkpoint.step:09d}"
    # Trainings that differ in their budgets share a folder.
    unfinished = folder / f"{UNFINISHED}-{name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.write(hashlib.sha256(content.getbuffer()).digest())
            file.write(content.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / f"{name}.checkpoint")
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    for old in list_checkpoints(folder, ENDED if ended else GOING)[KEPT:]:
        old.unlink(missing_ok=True)


def size_of(checkpoint: Checkpoint) -> float:
    """Return how large a checkpoint is about, in megabytes (of 10⁶ bytes)."""
    arrays = sum(array.nbytes for array in checkpoint.arrays.values())
    files = sum(map(len, checkpoint.files.values()))
    return 1e-6 * (arrays + files + len(json.dumps(checkpoint.tables)))


def keep_state(
    folder: Path,
    identity: str,
    checkpoint: Checkpoint,
    megabytes: float,
    log: Callable[[str], None],
) -> None:
    """Write the state that a training has ended with, unless it is too large.

    Parameters
    ----------
    folder, identity, checkpoint
        As in `write_checkpoint`.
    megabytes : float
        How large it may be; 0 if none is to be kept.
    log : callable
        Takes a line if it is too large, or can't be written.
    """
    if not megabytes:
        return
    size = size_of(checkpoint)
    if size > megabytes:
        log(
            f"its last state is not kept: {size:.1f} MB, where kept_state_megabytes is "
            f"{megabytes:g}; a larger budget would start anew"
        )
        return
    try:
        write_checkpoint(folder, identity, checkpoint, ended=True)
    except OSError as error:
        log(f"warning: its last state is not kept ({error})")


def clear_checkpoints(folder: Path) -> None:
    """Remove what was written on the way, of a training that has ended."""
    leftovers = [*list_checkpoints(folder, GOING), *folder.glob(f"{UNFINISHED}*")]
    for path in leftovers:
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # not empty, or not there
        folder.rmdir()


def find_checkpoint(
    folder: Path, identity: str, log: Callable[[str], None], budget: int | None = None
) -> Checkpoint | None:
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
    budget : int, optional
        Those of as many steps or more are of trainings with a larger budget, and left alone.
    """
    for path in list_checkpoints(folder):
        if budget is not None and int(path.stem.rpartition("-")[2]) >= budget:
            continue
        try:
            about, checkpoint = read_checkpoint(path)
        except FileNotFoundError:
            continue  # removed meanwhile, by a job with another budget
        except (OSError, ValueError) as error:
            log(f"warning: {path} is damaged ({error}): ignored and removed")
        else:
            if about["identity"] == identity:
                return checkpoint
            log(f"{path} is of other settings, data, code or libraries: ignored and removed")
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log(f"warning: {path} could not be removed ({error})")
    return None


def list_checkpoints(folder: Path, *sorts: str) -> list[Path]:
    """Return the whole checkpoints in a folder, of all sorts or of some, the newest first."""
    found = [
        path
        for sort in sorts or (GOING, ENDED)
        for path in folder.glob(f"{sort}-{'[0-9]' * 9}.checkpoint")
        if path.is_file()
    ]
    return sorted(found, key=lambda path: path.stem.rpartition("-")[2], reverse=True)


# What reading raises of bytes that are no checkpoint, or one that asks for any amount of memory.
FOREIGN = (
    *(AttributeError, EOFError, KeyError, MemoryError, NotImplementedError, OverflowError),
    *(RuntimeError, TypeError, zipfile.BadZipFile, zlib.error),
)


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
                    if rest in ("", ".", "..") or Path(rest).name != rest:
                        raise ValueError(f"it has a file for another folder, {quote(rest)}")
                    files[rest] = members[name].tobytes()
            checkpoint = Checkpoint(about["step"], arrays, about["tables"], files)
            well_formed = isinstance(about["identity"], str) and type(about["step"]) is int
    except FOREIGN as error:
        raise ValueError(f"it is in another format: {error}") from error
    if not well_formed:
        raise ValueError("it is in another format: no identity, or no step")
    return about, checkpoint


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files in a folder, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, which is created if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
