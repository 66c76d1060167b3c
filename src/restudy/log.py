"""One log per job: progress lines, everything that libraries print, and why a job stopped.

Only scripts start logs; library functions take a plain ``log(line)`` callable.
"""

import contextlib
import io
import os
import re
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from restudy.disk import disk_error
from restudy.errors import UserError

ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def without_escapes(text: str) -> str:
    """Return text without the escape codes that colour it in a terminal."""
    return ESCAPES.sub("", text)


def start_log(path: str) -> Callable[[str], None]:
    """Send everything that this process prints to a file, and return a function that adds a line.

    Parameters
    ----------
    path : str
        Log file; overwritten.

    Returns
    -------
    callable
        Writes one line with the time of day and flushes it, so that a reader who follows the file
        sees progress as it happens.
    """
    terminal = os.dup(sys.stderr.fileno())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    descriptor = _open_log(path)
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)
    output = let_prints_be_lost()

    def log(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)

    def log_exception(kind, error, trace) -> None:
        reason = ""
        if issubclass(kind, UserError):
            if error.__cause__ is not None:  # code of the user's, who wants to see where
                traceback.print_exception(error.__cause__)
            reason = f"stopped: {error}"
        elif fault := disk_error(error, Path.cwd()):
            reason = f"stopped: {fault}"
        elif issubclass(kind, MemoryError):
            reason = f"stopped: not enough memory ({error or 'Python got no more'})"
        log(reason or "failed:")
        if not reason:
            traceback.print_exception(kind, error, trace)
        if output.has_lost:  # else nobody would know why
            reason = reason or f"failed: {kind.__name__}: {error}"
            with contextlib.suppress(OSError):
                os.write(terminal, f"{reason}\n".encode(errors="replace"))

    sys.excepthook = log_exception
    return log


def _open_log(path: str) -> int:
    """Return a descriptor to write a log to: of nothing, where its file can't be opened."""
    kind = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    try:
        return os.open(path, kind, 0o644)
    except OSError as error:
        print(f"warning: no log in {path} ({error.strerror})", file=sys.stderr)
        return os.open(os.devnull, os.O_RDONLY)  # what is written is lost, and known to be


class LossyFile(io.RawIOBase):
    """Writes to a descriptor whatever it takes: a log on a full disk must stop no training.

    Attributes
    ----------
    has_lost : bool
        Whether it did not take something.
    """

    def __init__(self, descriptor: int):
        self.descriptor, self.has_lost = descriptor, False

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self.descriptor

    def write(self, content) -> int:
        """Write, and call it written whether or not it is."""
        view = memoryview(content)
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except OSError:
            self.has_lost = True
        return len(content)


def let_prints_be_lost() -> LossyFile:
    """Let no print of this process fail; return the file that standard output goes to."""
    files = LossyFile(1), LossyFile(2)
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            io.BufferedWriter(file), "utf-8", errors="backslashreplace", line_buffering=True
        )
        for file in files
    )
    return files[0]


class Progress:
    """Progress lines: at the beginning, every few seconds, and at the end.

    Parameters
    ----------
    log : callable
        Takes a line.
    total : int
        Number of passes, or of whatever is counted.
    unit : str
        What is counted, in the plural: "passes".
    seconds : float
        Shortest time between two lines.
    """

    def __init__(self, log: Callable[[str], None], total: int, unit: str, seconds: float = 5.0):
        self.log = log
        self.total = total
        self.unit = unit
        self.seconds = seconds
        self.last_line = -float("inf")
        self.first: tuple[int, float] | None = None

    def __call__(self, done: int, loss: float) -> None:
        """Report how many are done, and the loss at this point.

        The clock starts at the first call, and what was done by then does not count towards the
        speed, since a job may resume in the middle.
        """
        now = time.perf_counter()
        if self.first is None:
            self.first = done, now
        done_before, started = self.first
        elapsed = now - started
        if done < self.total and elapsed - self.last_line < self.seconds:
            return
        self.last_line = elapsed
        line = f"{done:,} of {self.total:,} {self.unit}  loss {loss:.6g}"
        if done > done_before and elapsed:
            speed = (done - done_before) / elapsed
            left = (self.total - done) / speed
            line += f"  {speed:,.0f} {self.unit}/s  {duration(left)} left"
        self.log(line)


def duration(seconds: float) -> str:
    """Return a time in words: "7 s", "4 min 09 s", "23 min", "3 h 05 min"."""
    if seconds < 600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def counted(number: int, word: str) -> str:
    """Return how many there are of something: "1 job", "1,200 jobs"."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")
