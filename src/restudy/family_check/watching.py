"""What is watched while somebody else's code is loaded and trains, with the line that did it.

Nothing of Python or of a library is replaced for it: a run tells what is asked of it, Python's
audit events tell what is opened and started, and global random states are compared. Nothing is
imported but NumPy, since it also watches in a family's own Python, from 3.10 on.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import math
import os
import pickle
import random
import resource
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

IMPORTING = "<frozen importlib"  # how the files of frames of an import begin
# Files of the project's that read settings and seeds on their own account.
OF_THE_JOB = (
    *("families/running.py", "families/budgets.py", "families/worker.py"),
    *("data/tables.py", "family_check/"),
)
PACKAGE = str(Path(__file__).resolve().parents[1]) + os.sep
STARTS = ("subprocess.Popen", "os.fork", "os.posix_spawn")
FULL = 624  # place in a Mersenne Twister's numbers after it is seeded, before any is drawn
SHARED = random.random.__self__  # whose numbers the functions of Python's random are
UNSEEDED = 87654321  # TensorFlow's seed of an operation with a seed, where no global one is set
MAX_EVENTS, MAX_SECONDS, MAX_BYTES = 20_000, 30.0, 5_000_000  # of a trace, and of one value in it

PYTHON, NUMPY = "Python's random", "NumPy's random"
VALUES, CALLS = "values", "calls"  # what is traced

Line = tuple[str, int]  # file and line


class Own:
    """The code that is checked.

    Parameters
    ----------
    prefixes : sequence of str
        Its files, or folders with the separator at their end.
    """

    def __init__(self, prefixes: Sequence[str]):
        self.prefixes = tuple(prefixes)

    def has(self, frame: types.FrameType) -> bool:
        """Return whether a frame is of this code."""
        return frame.f_code.co_filename.startswith(self.prefixes)

    def line(self, frame: types.FrameType | None = None) -> Line | None:
        """Return its innermost line from a frame on; None if there is none but through an import.

        What a library does while it is imported is not the doing of who imports it.
        """
        frame = frame or inspect.currentframe()
        while frame is not None and not self.has(frame):
            if frame.f_code.co_filename.startswith(IMPORTING):
                return None
            frame = frame.f_back
        return (frame.f_code.co_filename, frame.f_lineno) if frame else None

    def line_of_error(self, error: BaseException) -> Line | None:
        """Return its innermost line on the way to an error, or to what caused that."""
        cause = error.__cause__ or error
        if isinstance(cause, SyntaxError) and cause.filename and cause.lineno:
            return cause.filename, cause.lineno
        found, trace = None, cause.__traceback__
        while trace is not None:
            if self.has(trace.tb_frame):
                found = trace.tb_frame.f_code.co_filename, trace.tb_lineno
            trace = trace.tb_next
        return found


class Events:
    """Files written, variables set, processes started: the first line of each.

    Parameters
    ----------
    own : Own
        Whose lines count.
    """

    def __init__(self, own: Own):
        self.own = own
        self.written: dict[str, Line] = {}
        self.variables: dict[str, Line] = {}
        self.process_started_at: Line | None = None
        self.moved: Line | None = None
        sys.addaudithook(self._take)  # which Python never takes away again

    def _take(self, event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes and isinstance(path, str | bytes) and (line := self.own.line()):
                self.written.setdefault(str(Path(os.fsdecode(path)).absolute()), line)
        elif event in ("os.putenv", "os.unsetenv"):
            if line := self.own.line():
                self.variables.setdefault(os.fsdecode(arguments[0]), line)
        elif event in STARTS:
            self.process_started_at = self.process_started_at or self.own.line()
        elif event == "os.chdir":
            self.moved = self.moved or self.own.line()


class NotedStream:
    """A stream of text that notes which line wrote into it first."""

    def __init__(self, stream: Any, own: Own):
        self.stream, self.own = stream, own
        self.line: Line | None = None

    def write(self, text: str) -> int:
        """Write, and note who does."""
        self.line = self.line or self.own.line()
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class WatchedSettings(dict):
    """Settings that note which of their keys are read by anything but the job itself."""

    def __init__(self, settings: Mapping[str, Any], read: set[str], place: str = ""):
        super().__init__(
            {
                key: WatchedSettings(value, read, f"{place}{key}.")
                if isinstance(value, Mapping)
                else value
                for key, value in settings.items()
            }
        )
        self.read, self.place = read, place

    def _note(self, *keys: Any) -> None:
        caller = inspect.currentframe().f_back.f_back
        if not _is_of_the_job(caller):
            self.read.update(f"{self.place}{key}" for key in keys)

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting, if there is one of this name."""
        self._note(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        # Without it, `dict` and `**` would copy past `__getitem__`.
        return super().__iter__()

    def keys(self) -> Any:
        """Return the names."""
        return super().keys()

    def items(self) -> Any:
        """Return names and values."""
        self._note(*super().keys())
        return super().items()

    def values(self) -> Any:
        """Return the values."""
        self._note(*super().keys())
        return super().values()

    def __reduce__(self) -> tuple:
        return dict, (dict(super().items()),)


class Watched:
    """What a `Run` of any sort becomes that notes what ``train`` asks of it, and from which line.

    Parameters
    ----------
    own : Own
        Whose lines count.
    unit : str
        What a run is recorded at: "pass", for one; empty of a family without a history.
    has_several : bool
        Whether it trains all seeds of a cell.
    given
        What the run itself takes.
    """

    def __init__(self, own: Own, unit: str, has_several: bool, *given: Any):
        self.own, self.unit, self.has_several = own, unit, has_several
        self.asks_seed = False
        self.checkpointed_at: Line | None = None
        # Kind of fault -> what, and the line.
        self.faults: list[tuple[str, Line | None]] = []
        super().__init__(*given)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds to train."""
        caller = inspect.currentframe().f_back
        if caller.f_code.co_name == "seed":  # the property of that name
            caller = caller.f_back
        self.asks_seed = self.asks_seed or not _is_of_the_job(caller)
        return self._seeds

    @seeds.setter
    def seeds(self, seeds: Sequence[int]) -> None:
        self._seeds = tuple(seeds)

    def generator(self, *given: Any, **more: Any) -> np.random.Generator:
        """Return a generator; see `Run.generator`."""
        self.asks_seed = True
        return super().generator(*given, **more)

    def record(self, step: int | None = None, seed: int | None = None, **measures: float) -> None:
        """Record measures; see `Run.record`."""
        super().record(step, seed, **measures)
        for name, value in measures.items():
            if not math.isfinite(value):
                when = "" if step is None else f" at {self.unit} {step}"
                self._fault(f"{name} is {float(value)}{when}, and the run is not told to diverge")

    def diverge(self, step: int, what: str, seed: int | None = None) -> None:
        """Take back what is said of numbers that are not finite; see `Run.diverge`."""
        super().diverge(step, what, seed)
        self.faults = [each for each in self.faults if "told to diverge" not in each[0]]

    def save(self, artefact: str, content: Any) -> None:
        """Save an artefact; see `Run.save`."""
        if hasattr(content, "columns"):
            if (self.has_several or artefact == "runs.csv") and "seed" not in content.columns:
                self._fault(f"{artefact} has no column seed")
        elif isinstance(content, Mapping):
            for name, value in content.items():
                if np.asarray(value).dtype == object:
                    self._fault(f"{artefact}: {name!r} holds Python objects, not numbers or text")
        super().save(artefact, content)

    def checkpoint(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint; see `Run.checkpoint`."""
        self.checkpointed_at = self.checkpointed_at or self.own.line()
        super().checkpoint(step, state)

    def _fault(self, what: str) -> None:
        self.faults.append((what, self.own.line()))


class Trace:
    """Of each line that runs, what there is after it: values of variables, or random states.

    Parameters
    ----------
    own : Own
        Whose lines are followed.
    what : {"", "values", "calls"}
        Nothing; the values of variables; or the global random states, with the calls that start
        threads or use Python's random.
    """

    def __init__(self, own: Own, what: str):
        self.own, self.what = own, what
        self.events: list[tuple[Line, dict[str, str]]] = []
        self.pythons_random: Line | None = None
        self.thread_started_at: Line | None = None
        self.is_whole = True
        self._line: Line | None = None
        self._end = time.monotonic() + MAX_SECONDS

    def start(self) -> None:
        """Begin to follow this thread."""
        if self.what:
            sys.settrace(self._enter)
        if self.what == CALLS:
            sys.setprofile(self._take_call)

    def stop(self) -> None:
        """Follow no longer."""
        sys.settrace(None)
        sys.setprofile(None)

    def _take_call(self, frame: types.FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code is threading.Thread.start.__code__:
            self.thread_started_at = self.thread_started_at or self.own.line(frame)
        # Many a library draws from Python's random while it is imported: states alone don't tell.
        is_shared = event == "c_call" and getattr(argument, "__self__", None) is SHARED
        if is_shared and argument.__name__ != "getstate":
            self.pythons_random = self.pythons_random or self.own.line(frame)

    def _enter(self, frame: types.FrameType, event: str, argument: Any) -> Callable | None:
        return self._follow if self.own.has(frame) else None

    def _follow(self, frame: types.FrameType, event: str, argument: Any) -> Callable | None:
        if event not in ("line", "return"):
            return self._follow
        if len(self.events) >= MAX_EVENTS or time.monotonic() > self._end:
            self.is_whole = False
            self.stop()
            return None
        if self._line:
            digests = _states if self.what == CALLS else _values
            self.events.append((self._line, digests(frame)))
        back = frame.f_back
        if event == "line":
            self._line = frame.f_code.co_filename, frame.f_lineno
        elif back is not None and self.own.has(back):
            self._line = back.f_code.co_filename, back.f_lineno
        else:
            self._line = None
        return self._follow


class Watch:
    """All that is watched in the process that loads or trains; it begins at once.

    Parameters
    ----------
    own : Own
        Whose lines count.
    trace : {"", "values", "calls"}
        See `Trace`.
    """

    def __init__(self, own: Own, trace: str):
        self.own, self.events, self.trace = own, Events(own), Trace(own, trace)
        self.threads = threading.enumerate()
        self.trace.start()
        begin_random_states()
        self.states = {name: state.digest for name, state in random_states().items()}

    @contextlib.contextmanager
    def training(self, run: Any, freeze: bool, note_reads: bool) -> Iterator[dict[str, Any]]:
        """Watch a run being trained; yield what will have been found, as JSON values.

        Parameters
        ----------
        run : Watched
            To train.
        freeze : bool
            Whether what it is trained on can't be written to.
        note_reads : bool
            Whether its settings note what is read.
        """
        found: dict[str, Any] = {"began": time.time()}
        read: set[str] = set()
        if note_reads:
            run.settings = WatchedSettings(run.settings, read)
        arrays = arrays_of(run.data_by_seed)
        for array in arrays.values() if freeze else ():
            array.flags.writeable = False
        before = {name: array_digest(array) for name, array in arrays.items()}
        variables, folder = dict(os.environ), Path.cwd()
        try:
            yield found
        finally:
            found |= {
                "train_seconds": time.time() - found["began"],
                "random": {
                    name: state
                    for name, state in random_states().items()
                    if state.digest != self.states.get(name, "")
                },
                "changed": [
                    name for name, each in arrays.items() if array_digest(each) != before[name]
                ],
                "variables": {
                    name: self.events.variables.get(name)
                    for name in {**variables, **os.environ}
                    if variables.get(name) != os.environ.get(name)
                },
                "moved": self.events.moved if Path.cwd() != folder else None,
                "written": self.events.written,
                "faults": run.faults,
                "asks_seed": run.asks_seed,
                "checkpointed_at": run.checkpointed_at,
                "read": sorted(read),
            }

    def threads_alive(self) -> list[str]:
        """Return the names of Python's threads that have been started since."""
        return [each.name for each in threading.enumerate() if each not in self.threads]

    def end(self) -> dict[str, Any]:
        """Watch no longer; return what was found of the process, as JSON values."""
        self.trace.stop()
        return {
            "states": self.states,
            "trace": self.trace.events,
            "trace_is_whole": self.trace.is_whole,
            "pythons_random": self.trace.pythons_random,
            "megabytes": peak_megabytes(),
            "threads": self.threads_alive(),
            "thread_started_at": self.trace.thread_started_at,
            "process_started_at": self.events.process_started_at,
        }


def describe_error(error: BaseException) -> str:
    """Return the type of an error and its words, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def peak_megabytes() -> float:
    """Return the largest resident memory of this process, in megabytes (of 10⁶ bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # where it counts bytes


class RandomState(NamedTuple):
    """A global random state.

    Attributes
    ----------
    digest : str
        Of the state; empty of one that nothing has touched.
    is_fresh : bool
        Whether it was seeded, and no number drawn since.
    """

    digest: str
    is_fresh: bool


def begin_random_states() -> None:
    """Seed the global random states as a new process does, but so that a single draw shows."""
    random.seed()
    np.random.seed(int.from_bytes(os.urandom(4), "little"))  # noqa: NPY002


def random_states() -> dict[str, RandomState]:
    """Return the global random states of this process, by name."""
    own = random.getstate()
    python = RandomState(_digest(repr(own).encode()), own[1][-1] == FULL)
    return {PYTHON: python, **_library_states()}


def _library_states() -> dict[str, RandomState]:
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    digest = _digest(state["key"].tobytes() + repr(state["pos"]).encode())
    found = {NUMPY: RandomState(digest, state["pos"] == FULL)}
    for library, state_of in (("torch", _torch_state), ("tensorflow", _tensorflow_state)):
        if library in sys.modules:
            with contextlib.suppress(AttributeError):  # while it is being imported
                found |= state_of(sys.modules[library])
    return found


def _torch_state(torch: Any) -> dict[str, RandomState]:
    state = torch.get_rng_state()
    untouched = torch.Generator().manual_seed(torch.initial_seed()).get_state()
    digest = "" if torch.equal(state, untouched) else _digest(state.numpy().tobytes())
    return {"PyTorch's generator": RandomState(digest, False)}


def _tensorflow_state(tensorflow: Any) -> dict[str, RandomState]:
    seed = tensorflow.compat.v1.get_seed(1)[0]
    return {"TensorFlow's seed": RandomState("" if seed == UNSEEDED else str(seed), True)}


def arrays_of(data_by_seed: Mapping[int, Any]) -> dict[str, np.ndarray]:
    """Return the arrays that the runs of a job are trained on, by names for messages."""
    first_seeds: dict[int, int] = {}
    for seed, data in data_by_seed.items():
        first_seeds.setdefault(id(data), seed)
    return {
        f"{name} of seed {seed}" if len(first_seeds) > 1 else name: array
        for seed in first_seeds.values()
        for name, array in _arrays_of_draw(data_by_seed[seed]).items()
    }


def _arrays_of_draw(data: Any) -> dict[str, np.ndarray]:
    if not isinstance(data, Mapping):  # images
        return {name: each for name, each in vars(data).items() if isinstance(each, np.ndarray)}
    return {
        f"{part} {what}": array
        for part, arrays in data.items()
        for what, array in zip(("points", "classes"), arrays, strict=True)
    }


def array_digest(array: np.ndarray) -> str:
    """Return a digest of an array's values."""
    return _digest(np.ascontiguousarray(array).tobytes())


def _is_of_the_job(frame: types.FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith(tuple(PACKAGE + each for each in OF_THE_JOB))


def _values(frame: types.FrameType) -> dict[str, str]:
    """Return digests of the variables of a frame, by name."""
    found = {name: _value_digest(value) for name, value in frame.f_locals.items()}
    return {name: digest for name, digest in found.items() if digest}


def _states(frame: types.FrameType) -> dict[str, str]:
    """Return digests of the global random states of libraries."""
    return {name: state.digest for name, state in _library_states().items()}


def _value_digest(value: Any) -> str:
    """Return a digest of a variable's value; empty of what has none, and of texts and paths.

    Every trial has folders of its own.
    """
    if type(value).__module__.startswith("restudy.") or isinstance(
        value, types.ModuleType | types.FunctionType | type | str | Path
    ):
        return ""
    try:
        content = io.BytesIO()
        _ArrayPickler(content).dump(value)
    except Exception:
        return ""  # what can't be stored is told by what becomes of it
    return _digest(content.getvalue()) if content.tell() <= MAX_BYTES else ""


class _ArrayPickler(pickle.Pickler):
    """Stores tensors of any library as arrays: their own form may have random names in it."""

    def reducer_override(self, value: Any) -> Any:
        """Return how a tensor is stored; what is none is stored as ever."""
        if isinstance(value, np.ndarray | np.generic) or not hasattr(type(value), "__array__"):
            return NotImplemented
        detached = value.detach() if hasattr(value, "detach") else value
        return np.array, (np.asarray(detached),)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
