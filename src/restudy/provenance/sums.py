"""What jobs have written is what others read: digests of results, noted and checked.

Snakemake sees that a file is there and how old it is. A file that was cut by a full disk, copied in
part or edited looks alike to it, and a table cut at the end of a line is a table of fewer seeds. So
every job notes the digests of what it wrote, and the next one compares what it reads: a training
job in its ``provenance.json``, another one below ``results/records/sums``. What has no note, of an
older run or in a container that keeps none, is read as it is.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from restudy.errors import UserError
from restudy.internals.snakemake_folders import TIMESTAMP
from restudy.provenance.environment import file_digest
from restudy.small_files import read_json, write_text

RESULTS, SUMS = "results/", "results/records/sums/"
# Results that other jobs read, apart from those of training jobs.
READ_AGAIN = ("results/tables/", "results/data/")
RECORD, FILES = "provenance.json", "files"  # of a training job: the file, and its entry
MAX_NAMED = 5
DIGITS = 64  # of a sha256


class DamagedResultError(UserError):
    """A result is not what its job wrote; the message names it, and says what to do."""


def byte_digest(path: str | Path) -> str:
    """Return the sha256 of a file or, of a folder, of its files' names and bytes."""
    path = Path(path)
    if not path.is_dir():
        return file_digest(path)
    files = sorted(each for each in path.rglob("*") if each.is_file() and each.name != TIMESTAMP)
    lines = [f"{each.relative_to(path).as_posix()} {file_digest(each)}" for each in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def note_sums(outputs: Iterable[str]) -> None:
    """Note the digests of those outputs of a job that others read."""
    for path in outputs:
        note = sum_path(path)
        if note and Path(path).is_file():
            note.parent.mkdir(parents=True, exist_ok=True)
            write_text(note, byte_digest(path) + "\n")


def forget_sums(outputs: Iterable[str]) -> None:
    """Remove what is noted of those outputs, which are about to be written."""
    for note in filter(None, map(sum_path, outputs)):
        with suppress(OSError):
            note.unlink(missing_ok=True)


def sum_path(path: str) -> Path | None:
    """Return where the digest of a result is noted; None of one whose digest is not."""
    kept = path.startswith(READ_AGAIN)
    return Path(f"{SUMS}{path.removeprefix(RESULTS)}.sha256") if kept else None


def check_sums(inputs: Iterable[str]) -> None:
    """Refuse to read a result that is not what its job wrote.

    Raises
    ------
    DamagedResultError
        Where a digest is noted, and is another one.
    """
    damaged = list(_damaged(inputs))
    if damaged:
        more = len(damaged) - MAX_NAMED
        named = "\n".join(f"  {path}" for path in damaged[:MAX_NAMED])
        raise DamagedResultError(
            "not what was written there by the job that made it, but cut, altered or copied in "
            f"part:\n{named}" + (f"\n  and {more} more" if more > 0 else "") + "\n"
            "Delete what is named here and call again: it is made anew, and only that."
        )


def _damaged(inputs: Iterable[str]) -> Iterator[str]:
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    # Copies of what is in a bucket may be newer than a note of this machine's.
    for path in dict.fromkeys(inputs):
        if path.startswith(RESULTS):
            by_folder[Path(path).parent].append(Path(path))
    for folder, paths in by_folder.items():
        recorded = read_json(folder / RECORD, FILES)
        for path in paths:
            known = recorded.get(path.name) or _noted(path)
            if known and path.exists() and byte_digest(path) != known:
                yield str(path)


def _noted(path: Path) -> str:
    note = sum_path(str(path))
    try:
        text = note.read_text(encoding="utf-8").strip() if note else ""
    except (OSError, ValueError):
        return ""
    return text if len(text) == DIGITS else ""  # of one that was cut nothing follows
