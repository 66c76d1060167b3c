"""Files that are written as a whole or not at all; and what is said where a disk takes none.

A file gets its name when it is complete: whoever reads it finds the old content or the new one,
never a part. Where writing fails, what was written so far is removed.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from restudy.errors import UserError

PART = ".part"  # what names of files end with while they are written
# What a system says of a disk: in words, and what to do.
FAULTS = {
    errno.ENOSPC: ("the disk is full", "Free some space"),
    errno.EDQUOT: ("the disk quota is used up", "Free some space or have the quota raised"),
    errno.EFBIG: ("files may not become as large here", "Have the limit on file sizes raised"),
    errno.EIO: ("the disk reports an error (input/output error)", "Check the disk"),
    errno.EROFS: (
        "the file system is read-only",
        "Make it writable, or call with --directory and a folder of your own",
    ),
    errno.EACCES: (
        "you may not write there",
        "Get the permission, or call with --directory and a folder of your own",
    ),
}
# Those that a text can be trusted to tell of: permission is also needed to read, or to start.
OF_DISKS = tuple(number for number in FAULTS if number != errno.EACCES)
AGAIN = "then call again: what is finished stays"
NUMBERS = re.compile(r"\b[Ee]rrno[ =:]+(\d+)")


class DiskError(UserError, OSError):
    """A file can't be written; the message names it, and says why and what to do."""


def describe_fault(place: str | Path, number: int) -> str:
    """Return a line on what keeps a file from being written.

    Parameters
    ----------
    place : str or Path
        The file, or the folder where it is not known.
    number : int
        Of the error, one of `FAULTS`.
    """
    what, to_do = FAULTS[number]
    return f"{place} can't be written: {what}. {to_do}, {AGAIN}."


def fault_number(error: BaseException) -> int | None:
    """Return the number, one of `FAULTS`, of an error that tells of a disk; None of any other.

    Libraries in C have errors of their own, with the system's number or words in their text.
    """
    number = getattr(error, "errno", None)
    if number in FAULTS:
        return number
    return None if isinstance(number, int) else fault_in(str(error))


def fault_in(text: str) -> int | None:
    """Return the number of a disk's fault that a text tells of, if it does."""
    numbers = {int(each) for each in NUMBERS.findall(text)}
    return next((n for n in OF_DISKS if n in numbers or os.strerror(n) in text), None)


def disk_error(error: BaseException, place: str | Path) -> DiskError | None:
    """Return the error to raise in place of one that tells of a disk; None in place of others.

    A missing permission is left as it is: it need not be one to write.

    Parameters
    ----------
    error : exception
        Of a library or the system.
    place : str or Path
        What is written, where the error does not name the file.
    """
    number = fault_number(error)
    if number not in OF_DISKS:
        return None
    return _of_number(getattr(error, "filename", None) or place, number)


def _of_number(place: str | Path, number: int) -> DiskError:
    error = DiskError(describe_fault(place, number))
    error.errno = number
    return error


@contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn what a disk does not allow in the block into one line that names the file.

    Raises
    ------
    DiskError
        If the disk is full, read-only or broken.
    """
    try:
        yield
    except DiskError:
        raise
    except Exception as error:
        number = fault_number(error)
        if number is None:
            raise
        raise _of_number(path, number) from None


@contextmanager
def whole_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file that appears, in place of what there was, when the block has ended well.

    Parameters
    ----------
    path : path
        Its folder exists.

    Yields
    ------
    binary file
        To write into.

    Raises
    ------
    DiskError
        If the disk does not take it; nothing of it stays.
    """
    path = Path(path)
    part = path.with_name(path.name + PART)
    with writing(path):
        try:
            with part.open("wb") as file:
                yield file
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
