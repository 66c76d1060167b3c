"""Load and run code in files of the user's: whatever it does is told in a line with the place.

It may fail, print, end the process, hang or leave threads behind; none of it may end in a traceback
through our code, or in a process that never ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import inspect
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType, ModuleType

from restudy.disk import disk_error
from restudy.errors import UserError

LOADING_SECONDS = 60  # enough for the slowest libraries on a busy disk
LOADING, TRAINING = "while it was loaded", "while it trained"
LAST_THREADS = 2.0  # seconds that threads get to end by themselves


class OwnFileError(UserError):
    """A file of the user's that can't be used; the message names it, and the line where it can."""


class _TooLongError(BaseException):
    """Loading took too long: not an Exception, which code in a loop may well catch."""


def load_file(
    path: Path, seconds: float = LOADING_SECONDS, tell: Callable[[str], None] | None = None
) -> ModuleType:
    """Return a Python file as a module, loaded once.

    Parameters
    ----------
    path : Path
        The file.
    seconds : float
        How long it may take.
    tell : callable, optional
        Takes a line if the file prints; by default, the line goes to the standard error.

    Raises
    ------
    OwnFileError
        If there is no such file, or loading it fails, ends the process, takes too long or leaves a
        thread running.
    """
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # such as a path that is too long
        is_file = False
    if not is_file:
        raise OwnFileError(f"{path}: no such Python file")
    name = f"restudy_file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise OwnFileError(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    output = _Output(path)
    try:
        with (
            told(path, LOADING),
            _limit(path, seconds),
            contextlib.redirect_stdout(output),
        ):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    if output.first:
        (tell or _warn)(
            f"{output.first} while it is loaded, on every call; what it prints is left out"
        )
    return module


@contextlib.contextmanager
def told(path: str | Path, when: str, raises: tuple[type[BaseException], ...] = ()) -> Iterator:
    """Turn what code of the user's file raises in the block into one line that names the place.

    Parameters
    ----------
    path : path
        The file.
    when : str
        As the message ends: "while it was loaded".
    raises : tuple of exception types
        What is let through as it is, besides errors that are told in a line already.

    Raises
    ------
    OwnFileError
        Also if the code ends the process, or leaves a thread that would keep it from ending.
    """
    before = set(threading.enumerate())
    try:
        yield
    except (UserError, KeyboardInterrupt, GeneratorExit, *raises):
        raise
    except _TooLongError as error:
        raise OwnFileError(str(error)) from None
    except SystemExit as error:
        place = _raised_at(path, error)
        raise OwnFileError(f"{place}: ends the process (sys.exit) {when}") from error
    except BaseException as error:
        if fault := disk_error(error, f"{_raised_at(path, error)}: a file"):
            raise fault from None
        words = " ".join(f"{type(error).__name__}: {error}".split())
        if isinstance(error, ModuleNotFoundError) and when == LOADING:
            when += "; import in the function that trains what only training needs"
        raise OwnFileError(f"{_raised_at(path, error)}: {words} ({when})") from error
    finally:
        left = threads_left(before)
        if left:
            _end_without(left)
    if left:
        raise OwnFileError(f"{path}: {leaving(left, when)}")


def _end_without(threads: list[threading.Thread]) -> None:
    """Let this process, which failed, end with its main thread, whatever these threads do."""

    def end() -> None:
        threading.main_thread().join()
        if any(thread.is_alive() for thread in threads):
            os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def _raised_at(path: str | Path, error: BaseException) -> str:
    """Return ``file:line`` of the innermost place in the user's file that an error went through."""
    if isinstance(error, SyntaxError) and _same(error.filename or "", path):
        return f"{path}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if _same(frame.filename, path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _place_in(path: str | Path, frame: FrameType | None) -> str:
    """Return ``file:line`` of the innermost frame in the user's file, if there is one."""
    while frame is not None:
        if _same(frame.f_code.co_filename, path):
            return f"{path}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _same(name: str, path: str | Path) -> bool:
    return Path(name).absolute() == Path(path).absolute()


def leaving(threads: Iterable[threading.Thread], when: str) -> str:
    """Return the words on threads that keep a process from ending."""
    names = ", ".join(each.name for each in threads)
    return (
        f"leaves {names} running ({when}), for which the process would wait; end such threads, or "
        "make them daemons"
    )


def threads_left(before: set[threading.Thread]) -> list[threading.Thread]:
    """Return new threads that Python would wait for at its end, after they had time to end."""
    new = [each for each in threading.enumerate() if each not in before and not each.daemon]
    for thread in new:
        thread.join(LAST_THREADS / len(new))
    return [each for each in new if each.is_alive()]


@contextlib.contextmanager
def _limit(path: Path, seconds: float) -> Iterator:
    """Interrupt the block after some time; in other threads than the main one, which can't, never.

    The message names the line of the user's file at which it was.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        place = _place_in(path, frame) or path
        raise _TooLongError(f"{place}: was not loaded within {seconds:g} seconds")

    handler = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


def _warn(line: str) -> None:
    print(line, file=sys.stderr)


class _Output(io.TextIOBase):
    """What a file prints, which would mix with what the caller prints: only noted."""

    def __init__(self, path: Path):
        self.path, self.first = path, ""

    def write(self, text: str) -> int:
        """Note the first text, and the line that prints it."""
        if text.strip() and not self.first:
            place = _place_in(self.path, inspect.currentframe()) or self.path
            self.first = f"{place}: prints {ascii(text.strip())[:60]}"
        return len(text)
