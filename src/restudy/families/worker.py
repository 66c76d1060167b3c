"""What runs in a family's own Python, which needs NumPy and none of this project's libraries.

    python -I worker.py                         prints what is installed there, as JSON
    python -I worker.py CONVERSATION LIFELINE   trains, as the job that started it says

Two more arguments, the name of a module and a file, have the module's ``watch(file)`` say what
makes the run and in which context it is trained.

The job prepares everything and writes everything. Whatever `Run` promises is asked of it over a
socket, so that records, checks, checkpoints and files are those of a family that trains within the
job. Nothing is imported here but NumPy and modules of this project that need no library. All of it
takes Python 3.10.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, BinaryIO

if __name__ == "__main__":
    # The package alone: the folder that it lies in may have another environment's libraries. Its
    # own __init__ is not run, since it may need these.
    restudy = ModuleType("restudy")
    restudy.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules["restudy"] = restudy
    sys.modules["restudy.families.worker"] = sys.modules["__main__"]

from restudy.disk import disk_error
from restudy.families.contract import IMAGES, Run
from restudy.families.own_files import TRAINING, leaving, threads_left
from restudy.log import Progress, let_prints_be_lost

LENGTH = 8  # bytes that say how long a message is
PLAIN = "biufcSUMm"  # kinds of arrays whose bytes are their values


class RefusedError(Exception):
    """The job refuses what it was asked; it knows why, and says so."""


class DistantRun(Run):
    """A run whose job is another process.

    Parameters
    ----------
    job : mapping
        ``settings``, ``seeds``, ``threads``, ``scratch``, ``identity``, and the names of the
        artefacts that are ``tables``.
    data_by_seed : mapping of int to object
        See `Run`.
    stream : file
        To the job and from it.
    """

    def __init__(self, job: Mapping[str, Any], data_by_seed: Mapping[int, Any], stream: BinaryIO):
        self.settings, self.data_by_seed = job["settings"], data_by_seed
        self.seeds, self.threads = tuple(job["seeds"]), job["threads"]
        self.scratch, self.identity = Path(job["scratch"]), job["identity"]
        self._tables, self._stream = job["tables"], stream

    def record(self, step: int | None = None, seed: int | None = None, **measures: float) -> None:
        """Record measures of a run; see `Run.record`."""
        values = {name: float(value) for name, value in measures.items()}
        self._ask("record", step=_whole(step), seed=_whole(seed), measures=values)

    def diverge(self, step: int, what: str, seed: int | None = None) -> None:
        """Say that a run diverged; see `Run.diverge`."""
        self._ask("diverge", step=_whole(step), what=what, seed=_whole(seed))

    def save(self, artefact: str, content: Any) -> None:
        """Save an artefact; see `Run.save`."""
        arrays = columns_of(content) if artefact in self._tables else content
        self._ask("save", arrays, artefact=artefact)

    def place(self, artefact: str) -> Path:
        """Return the path of an artefact; see `Run.place`."""
        return Path(self._ask("place", artefact=artefact)[0])

    def note(self, **facts: Any) -> None:
        """Add facts to the record of provenance; see `Run.note`."""
        self._ask("note", facts=facts)

    def checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Keep arrays from which training can go on; see `Run.checkpoint`."""
        self._ask("checkpoint", state, step=_whole(step))

    def restored(self) -> tuple[int, Mapping[str, Any]] | None:
        """Return step and state of the newest checkpoint, if any; see `Run.restored`."""
        step, arrays = self._ask("restored")
        return None if step is None else (step, arrays)

    def progress(self, total: int, unit: str) -> Progress:
        """Return a callable that writes progress into the log every few seconds."""
        return Progress(self.log, total, unit)

    def log(self, line: str) -> None:
        """Write a line into the job's log."""
        sys.stdout.flush()
        self._ask("log", line=str(line))

    def _ask(self, call: str, arrays: Mapping[str, Any] | None = None, **given: Any) -> tuple:
        """Have the job do something; return its answer, and the arrays that come with it."""
        try:
            send(self._stream, {"call": call, **given}, arrays or {})
            answer, arrays = receive(self._stream)
        except (EOFError, ConnectionError):
            _end()
        if "refused" in answer:
            raise RefusedError(answer["refused"])
        return answer["value"], arrays


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def columns_of(table: Any) -> dict[str, Any]:
    """Return the columns of a table, by name, as arrays of plain values.

    Parameters
    ----------
    table : mapping of str to array, DataFrame of pandas, or Table of PyArrow
        Its text columns have no gaps.
    """
    import numpy as np

    if hasattr(table, "to_pydict"):
        table = table.to_pydict()
    columns = {name: np.asarray(table[name]) for name in table}
    return {
        name: column.astype(str)
        if column.dtype == object and all(isinstance(each, str) for each in column)
        else column
        for name, column in columns.items()
    }


# ---- Messages ----------------------------------------------------------------------------------


def send(stream: BinaryIO, message: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Send a message: JSON values, and arrays by name.

    Raises
    ------
    TypeError
        If an array has objects, or anything else whose bytes are not its values.
    """
    import numpy as np

    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in PLAIN:
            raise TypeError(
                f"{name!r} is an array of {array.dtype}; allowed: numbers, truth values or text"
            )
    shapes = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    text = json.dumps({"message": message, "arrays": shapes}).encode()
    stream.write(len(text).to_bytes(LENGTH, "little") + text)
    for array in arrays.values():
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the next message, and the arrays that come with it.

    Raises
    ------
    EOFError
        If whoever had to send it has ended.
    """
    import numpy as np

    length = int.from_bytes(_read(stream, LENGTH), "little")
    whole = json.loads(_read(stream, length))
    arrays = {}
    for name, kind, shape in whole["arrays"]:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        values = np.frombuffer(_read(stream, count * dtype.itemsize), dtype, count)
        arrays[name] = values.reshape(shape)
    return whole["message"], arrays


def _read(stream: BinaryIO, size: int) -> bytearray:
    content = bytearray(size)
    view = memoryview(content)
    while view:
        count = stream.readinto(view)
        if not count:
            raise EOFError("the other process has ended")
        view = view[count:]
    return content


# ---- In the family's own Python ----------------------------------------------------------------


def describe() -> dict[str, Any]:
    """Return the version of this Python, and those of the packages that it has."""
    packages: dict[str, str] = {}
    for each in distributions():
        packages.setdefault(each.metadata["Name"], each.version)
    return {
        "python": platform.python_version(),
        "packages": dict(sorted(packages.items())),
        "has_numpy": importlib.util.find_spec("numpy") is not None,
    }


def main(conversation: int, lifeline: int, *watcher: str) -> None:
    """Train what the job says, and tell it how that ended."""
    let_prints_be_lost()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the job, and with it this process
    threading.Thread(target=_end_with_job, args=(lifeline,), daemon=True).start()
    make_run, context = DistantRun, nullcontext
    if watcher:
        module, file = watcher
        make_run, context = import_module(module).watch(file)
    with socket.socket(fileno=conversation) as connection, connection.makefile("rwb") as stream:
        try:
            job, arrays = receive(stream)
            data = unpack_data(job["takes"], job["data"], arrays)
            outcome = _train(job, make_run(job, data, stream), context)
            sys.stdout.flush()
            send(stream, outcome, {})
        except (EOFError, ConnectionError):
            _end()


def _end_with_job(lifeline: int) -> None:
    """Wait until the job has ended, in whatever way; then end."""
    os.read(lifeline, 1)
    _end()


def _end() -> None:
    """End this process and all that it has started: the job has ended."""
    os.killpg(0, signal.SIGKILL)


def unpack_data(
    takes: str, places: Iterable[tuple[int, int]], arrays: Mapping[str, Any]
) -> dict[int, Any]:
    """Return data by seed as a `Run` has them; see `restudy.families.own_python.pack_data`."""
    parts: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        place, _, inner = name.partition("/")
        parts.setdefault(int(place), {})[inner] = array
    different = {place: _data_of(takes, own) for place, own in parts.items()}
    return {seed: different[place] for seed, place in places}


def _data_of(takes: str, arrays: Mapping[str, Any]) -> Any:
    if takes == IMAGES:
        numbers = {name: array.item() for name, array in arrays.items() if not array.ndim}
        return SimpleNamespace(**{**arrays, **numbers})
    parts = dict.fromkeys(name.rpartition("/")[0] for name in arrays)
    return {part: (arrays[f"{part}/x"], arrays[f"{part}/label"]) for part in parts}


def _train(
    job: Mapping[str, Any],
    run: DistantRun,
    context: Callable[[DistantRun], AbstractContextManager],
) -> dict[str, Any]:
    file, before = job["file"], set(threading.enumerate())
    try:
        with context(run):
            getattr(_load(file), job["train"])(run)
    except RefusedError:
        return {"call": "failed", "refused": True}
    except BaseException as error:  # SystemExit too: only the end of the function is success
        traceback.print_exception(type(error), error, _within(error, file))
        steps = reversed(traceback.extract_tb(error.__traceback__))
        line = next((step.lineno for step in steps if step.filename == file), None)
        place = f"{job['name']}, line {line}" if line else job["name"]
        text = f"{place}: {type(error).__name__}" + (f": {error}" if str(error) else "")
        text = str(disk_error(error, f"{place}: a file") or text)
        return {"call": "failed", "refused": False, "text": text}
    if left := threads_left(before):
        text = f"{job['name']}: {leaving(left, TRAINING)}"
        return {"call": "failed", "refused": False, "text": text}
    return {"call": "ended"}


def _load(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("restudy_family", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _within(error: BaseException, file: str) -> Any:
    """Return the traceback of an error from where it enters a file."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != file:
        trace = trace.tb_next
    return trace or error.__traceback__


if __name__ == "__main__":
    if sys.argv[1:]:
        main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
    else:
        print(json.dumps(describe()))
