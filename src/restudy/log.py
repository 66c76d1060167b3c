"""One log per job: progress lines, everything that libraries print, and why a job stopped.

Only scripts start logs; library functions take a plain ``log(line)`` callable.
"""

import os
import re
import sys
import time
import traceback
from collections.abc import Callable

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
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    os.close(descriptor)

    def log(line: str) -> None:
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)

    def log_exception(kind, error, trace) -> None:
        if issubclass(kind, UserError):
            if error.__cause__ is not None:  # code of the user's, who wants to see where
                traceback.print_exception(error.__cause__)
            log(f"stopped: {error}")
        elif issubclass(kind, MemoryError):
            log(f"stopped: not enough memory ({error or 'Python got no more'})")
        else:
            log("failed:")
            traceback.print_exception(kind, error, trace)

    sys.excepthook = log_exception
    return log


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
