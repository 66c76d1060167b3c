"""A folder that is read from: one of this machine or, through fsspec, one at an address.

Both have the same few methods. Names are paths below the folder, with slashes; "" is the folder.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from restudy.errors import UserError


class StorageError(UserError):
    """An address that can't be read; the message names it, and says why."""


def is_address(path: str | os.PathLike) -> bool:
    """Return whether a path is an address, such as ``s3://bucket/folder``."""
    return "://" in os.fspath(path)


class LocalFolder:
    """A folder of this machine.

    Parameters
    ----------
    path : path
        Where it is; a later change of the working directory does not move it.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = str(Path(path).expanduser().absolute())

    def at(self, name: str = "") -> str:
        """Return where something in the folder is, in full."""
        return str(Path(self.path, name))

    def inside(self, name: str) -> LocalFolder:
        """Return a folder in this one."""
        return LocalFolder(self.at(name))

    def open(self, name: str) -> BinaryIO:
        """Open a file; FileNotFoundError if there is none."""
        try:
            return Path(self.path, name).open("rb")
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(*error.args) from None

    def names(self, name: str = "") -> list[str]:
        """Return the names of what is in a folder, sorted; none if there is no such folder."""
        try:
            return sorted(each.name for each in Path(self.path, name).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StorageError(f"{self.at(name)}: can't be read: {error.strerror}") from None

    def files(self, name: str = "") -> list[str]:
        """Return all files below a folder, however deep, sorted."""
        top = self.at(name)
        return sorted(
            Path(os.path.relpath(Path(folder, each), self.path)).as_posix()
            for folder, _, files in os.walk(top)
            for each in files
        )


class RemoteFolder:
    """A folder at an address that fsspec can read.

    Parameters
    ----------
    address : str
        Such as ``s3://bucket/folder``.
    options : mapping
        As the address' filesystem takes them: of S3 ``key``, ``secret``, ``endpoint_url``, …

    Raises
    ------
    StorageError
        If fsspec, or what it needs for this address, is not installed.
    """

    def __init__(self, address: str, options: Mapping[str, Any]):
        self.path = address.rstrip("/")
        try:
            import fsspec
        except ImportError:
            raise StorageError(
                f"{address}: reading an address needs the package fsspec, and one more for most "
                "kinds of address, which are not installed here; of s3://: pip install fsspec s3fs"
            ) from None
        with self._reported():
            self._files, self._root = fsspec.url_to_fs(self.path, **options)
            # Filesystems are shared in a process, and remember what they have listed.
            self._files.invalidate_cache()
        self._options = dict(options)

    def at(self, name: str = "") -> str:
        """Return where something in the folder is, in full."""
        return f"{self.path}/{name}" if name else self.path

    def inside(self, name: str) -> RemoteFolder:
        """Return a folder in this one."""
        return RemoteFolder(self.at(name), self._options)

    def open(self, name: str) -> BinaryIO:
        """Fetch a file; FileNotFoundError if there is none."""
        with self._reported():
            return io.BytesIO(self._files.cat_file(self._below(name)))

    def names(self, name: str = "") -> list[str]:
        """Return the names of what is in a folder, sorted; none if there is no such folder."""
        with self._reported():
            try:
                found = self._files.ls(self._below(name), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted({path.rstrip("/").rpartition("/")[2] for path in found})

    def files(self, name: str = "") -> list[str]:
        """Return all files below a folder, however deep, sorted."""
        with self._reported():
            found = self._files.find(self._below(name))
        return sorted(path.removeprefix(self._root).strip("/") for path in found)

    def _below(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if name else self._root

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Say in one line what a filesystem's library can't do; each has errors of its own."""
        try:
            yield
        except (FileNotFoundError, StorageError):
            raise
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            raise StorageError(
                f"{self.path}: can't be read: {type(error).__name__}: {reason}"
            ) from None
