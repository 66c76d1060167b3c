"""Files of which the n-th call to the disk fails, for tests."""

import io
import os
from contextlib import contextmanager
from pathlib import Path


class FailingCalls:
    """Counts what is asked of the disk, and lets one call and all after it fail.

    Parameters
    ----------
    at : int
        The call that fails first, from 1; 0 lets none fail.
    number : int
        Of the system's error.
    """

    def __init__(self, at: int, number: int):
        self.at, self.number, self.count = at, number, 0

    def __call__(self) -> None:
        """Count a call, and fail if it is due."""
        self.count += 1
        if self.at and self.count >= self.at:
            raise OSError(self.number, os.strerror(self.number))


class _File(io.FileIO):
    def __init__(self, path: Path, mode: str, calls: FailingCalls):
        calls()
        super().__init__(path, mode)
        self.calls = calls

    def write(self, content) -> int:
        self.calls()
        return super().write(content)


@contextmanager
def failing(monkeypatch, at: int, number: int):
    """Let files that are opened by `Path.open` for writing, and renamed by `Path.replace`, fail."""
    calls = FailingCalls(at, number)
    opened, replaced = Path.open, Path.replace

    def open_file(path, mode="r", *given, **named):
        if "w" not in mode or "b" not in mode:
            return opened(path, mode, *given, **named)
        return io.BufferedWriter(_File(path, mode, calls))

    def replace(path, target):
        calls()
        return replaced(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", open_file)
        patched.setattr(Path, "replace", replace)
        yield calls
