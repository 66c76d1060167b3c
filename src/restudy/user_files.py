"""Files that a user names: opened only if reading them ends, and read up to a stated size.

A pipe, a device or a file of the kernel may never end, or keep its reader waiting.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from restudy.errors import cut

KINDS = (
    (stat.S_ISDIR, "this is a folder"),
    (stat.S_ISFIFO, "this is a pipe, which can be read only once"),
    (stat.S_ISSOCK, "this is a socket"),
    (stat.S_ISCHR, "this is a device"),
    (stat.S_ISBLK, "this is a device"),
)


class UserFileError(OSError):
    """A file that isn't read; the message says in a phrase why, and does not name the file."""


def open_user_file(path: str | Path) -> BinaryIO:
    """Open a regular file to read its bytes.

    Raises
    ------
    UserFileError
        If there is none, or it is no regular file, or it can't be opened.
    """
    try:
        # Without waiting for whoever writes into a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as fault:
        raise UserFileError(_why_not(path, fault)) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise UserFileError(_kind(mode))
    return os.fdopen(descriptor, "rb")


def read_user_file(path: str | Path, largest: int) -> bytes:
    """Return the bytes of a regular file of at most so many of them.

    Raises
    ------
    UserFileError
        Also if it has more.
    """
    with open_user_file(path) as file:
        try:
            content = file.read(largest + 1)
        except OSError as fault:
            raise UserFileError(_why_not(path, fault)) from None
    if content is None:  # of the kernel, which has nothing to say for now
        raise UserFileError("it cannot be read (it has no end)")
    if len(content) > largest:
        raise UserFileError(f"it has more than {largest / 1e6:,.0f} MB, the most that is read")
    return content


def is_there(path: str | Path) -> bool:
    """Return whether there is anything at a path; nothing is at one that no system takes."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def is_folder(path: str | Path) -> bool:
    """Return whether a folder is at a path."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def _why_not(path: str | Path, fault: OSError | ValueError) -> str:
    if isinstance(fault, FileNotFoundError):
        if Path(path).is_symlink():
            return f"a link to {cut(str(Path(path).readlink()))}, where there is nothing"
        return "no such file" + ("" if Path(path).is_absolute() else f" below {Path.cwd()}")
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        mode = 0
    reason = fault.strerror if isinstance(fault, OSError) else str(fault)
    return _kind(mode) if mode and not stat.S_ISREG(mode) else f"it cannot be read ({reason})"


def _kind(mode: int) -> str:
    return next((kind for is_kind, kind in KINDS if is_kind(mode)), "this is no regular file")
