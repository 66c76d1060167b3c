"""A file system in memory with as much room left as a test wants."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096  # bytes: what such a file system takes room in


class SmallDisk:
    """A mounted file system; `full` fills it but for some pages.

    Parameters
    ----------
    folder : Path
        Where it is mounted; it exists.
    megabytes : int
        How large it is.
    """

    def __init__(self, folder: Path, megabytes: int = 64):
        self.folder = folder
        options = f"size={megabytes}m,mode=755"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            check=True,
            capture_output=True,
        )

    @contextmanager
    def full(self, but_for: int) -> Iterator[None]:
        """Leave only so many pages free, within the block."""
        room = os.statvfs(self.folder)
        ballast = self.folder / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, (room.f_bavail - but_for) * room.f_bsize)
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nothing be written, within the block."""
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.folder)], check=True)

    def pages(self) -> int:
        """Return how many pages are taken."""
        room = os.statvfs(self.folder)
        return room.f_blocks - room.f_bavail

    def unmount(self) -> None:
        """Remove it with all that is in it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
