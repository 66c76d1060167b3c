"""A family's own Python: which it is, what is installed there, and training in it.

A family trains in an environment of its own if its facts name one (``environment``, which conda
makes) or the configuration names a Python of it (``python``). The job runs as any other, prepares
settings and data, and starts that Python as a child with `restudy.families.worker`, which asks it
for whatever a `Run` offers. The child ends when the job ends, in whatever way, and writes no result
but the files for which it asks `Run.place`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from restudy.errors import UserError
from restudy.families import worker
from restudy.families.contract import IMAGES, Family, Run
from restudy.provenance.environment import file_digest

OLDEST = (3, 10)
NEEDED = (
    f"the path of a Python {OLDEST[0]}.{OLDEST[1]} or later that has NumPy, such as "
    "ENVIRONMENT/bin/python; to make one: python3 -m venv ENVIRONMENT && "
    "ENVIRONMENT/bin/pip install numpy, and what the family imports"
)
# Which versions of these are there has no say in what is computed.
INSTALLERS = frozenset(("pip", "setuptools", "wheel", "uv", "conda"))
LONGEST_ANSWER = 60  # seconds: an environment may lie on a slow disk
LAST_SECONDS = 10  # for a child that has trained to end


class OwnPythonError(UserError):
    """A family's own Python can't be used; the message names it, and says what is needed."""


class TrainingError(UserError):
    """Training in a family's own Python failed; the message names the place, and the log has it."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that a family trains in.

    Attributes
    ----------
    path : str
        Where it is, which changes nothing.
    python : str
        Its version.
    packages : mapping of str to str
        Name -> version of each package that is installed there.
    """

    path: str
    python: str
    packages: Mapping[str, str]

    @property
    def facts(self) -> dict[str, Any]:
        """What results may depend on, as JSON values."""
        return {"python": self.python, "packages": dict(self.packages)}


def interpreter_of(family: Family) -> Interpreter | None:
    """Return the Python that a job of a family trains in; None if it is the job's own.

    Without one in the configuration, it is that of the conda environment which is active.

    Raises
    ------
    OwnPythonError
        If it is missing, too old, or has no NumPy.
    """
    if family.python:
        return find_interpreter(family.python, f"python.{family.name}")
    if not family.environment:
        return None
    prefix = os.environ.get("CONDA_PREFIX")
    if not prefix:
        raise not_deployed(family)
    return find_interpreter(f"{prefix}/bin/python", f"{family.file}: environment")


def not_deployed(family: Family) -> OwnPythonError:
    """Return the error of a family whose environment has not been made."""
    return OwnPythonError(
        f"{family.file}: environment: {family.environment} is for conda, which this call does not "
        "use; call snakemake with --sdm conda, or name a Python that has what the family imports "
        f"in the configuration: python: {{{family.name}: ENVIRONMENT/bin/python}}"
    )


def installed_for(family: Family) -> dict[str, str]:
    """Return what decides, before anything runs, on what is installed where a family trains.

    Returns
    -------
    dict
        Of a Python that the configuration names: its version and its packages'. Of an environment
        that conda makes: the digest of the file that defines it.
    """
    if family.python:
        found = find_interpreter(family.python, f"python.{family.name}")
        own = {"Python": found.python, **found.packages}
    else:
        own = {family.environment: file_digest(environment_file(family))}
    return {f"{name} ({family.name})": version for name, version in own.items()}


def environment_file(family: Family) -> Path:
    """Return the file that defines a family's environment for conda."""
    return Path(family.file).absolute().parent / family.environment


@cache
def find_interpreter(path: str, place: str) -> Interpreter:
    """Return a Python with what is installed there.

    Parameters
    ----------
    path : str
        Of its program.
    place : str
        The key that names it, for messages.

    Raises
    ------
    OwnPythonError
        If it is missing, too old, or has no NumPy.
    """

    def fault(found: str) -> OwnPythonError:
        return OwnPythonError(f"{place}: got {path!r}, {found}; allowed: {NEEDED}")

    if Path(path).is_dir():
        raise fault("a folder")
    try:
        # Apart from variables and packages of the user's, which belong to no environment.
        done = subprocess.run(
            [path, "-I", worker.__file__],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST_ANSWER,
            check=False,
        )
    except FileNotFoundError:
        raise fault("which does not exist") from None
    except OSError as error:
        raise fault(f"which can't be started ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise fault(f"which gave no answer within {LONGEST_ANSWER} s") from None
    try:
        found = json.loads(done.stdout.splitlines()[-1])
        version, packages, has_numpy = (found[key] for key in ("python", "packages", "has_numpy"))
    except (IndexError, KeyError, TypeError, ValueError):
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["nothing"]
        raise fault(f"which is no such Python: it said {said[0][:200]!r}") from None
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST:
        raise fault(f"which is Python {version}")
    if not has_numpy:
        raise fault(f"a Python {version} without NumPy")
    kept = {name: each for name, each in packages.items() if name.lower() not in INSTALLERS}
    return Interpreter(path, version, kept)


# ---- Training ----------------------------------------------------------------------------------


def train_in(interpreter: Interpreter, run: Any, watcher: Sequence[str] = ()) -> None:
    """Train a run in another Python.

    Parameters
    ----------
    interpreter : Interpreter
        Which.
    run : JobRun
        What is asked for is asked of it.
    watcher : (str, str), optional
        A module and a file of what watches there, see `restudy.families.worker`.

    Raises
    ------
    TrainingError
        If the family's function fails, or its Python ends before it.
    UserError
        As the run raises it where the function asks for what its facts don't state.
    """
    ours, its = socket.socketpair()
    reading, writing = os.pipe()
    # In a process group of its own, so that what it starts can be ended with it.
    child = subprocess.Popen(
        [interpreter.path, "-I", worker.__file__, str(its.fileno()), str(reading), *watcher],
        stdin=subprocess.DEVNULL,
        pass_fds=(its.fileno(), reading),
        process_group=0,
    )
    try:
        its.close()
        os.close(reading)
        with ours, ours.makefile("rwb") as stream:
            try:
                _hold_conversation(run, stream)
            except (EOFError, ConnectionError):
                raise TrainingError(_untimely(run.family, child.wait())) from None
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LAST_SECONDS)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        os.close(writing)


def _hold_conversation(run: Any, stream: Any) -> None:
    """Say what to train, and answer what the other Python asks for until it has ended."""
    family = run.family
    job = {
        "file": str(Path(family.file).absolute()),
        "name": family.file,
        "train": family.train,
        "takes": family.takes,
        "settings": run.settings,
        "seeds": run.seeds,
        "threads": run.threads,
        "scratch": str(run.scratch),
        "identity": run.identity,
        "tables": [artefact.name for artefact in family.artefacts if artefact.is_table],
    }
    packed, arrays = pack_data(family.takes, run.data_by_seed)
    worker.send(stream, {**job, "data": packed}, arrays)
    refusal = None
    while True:
        asked, arrays = worker.receive(stream)
        call = asked.pop("call")
        if call == "ended":
            return
        if call == "failed":
            raise refusal if asked["refused"] else TrainingError(asked["text"])
        try:
            value, arrays = _answer(run, call, asked, arrays)
        except Exception as error:
            refusal = error
            worker.send(stream, {"refused": str(error)}, {})
        else:
            worker.send(stream, {"value": value}, arrays)


def _answer(run: Run, call: str, asked: dict[str, Any], arrays: Mapping[str, Any]) -> tuple:
    """Do what is asked of a run; return a JSON value, and arrays by name."""
    match call:
        case "record":
            run.record(asked["step"], asked["seed"], **asked["measures"])
        case "diverge":
            run.diverge(asked["step"], asked["what"], asked["seed"])
        case "save":
            run.save(asked["artefact"], arrays)
        case "place":
            return str(run.place(asked["artefact"])), {}
        case "note":
            run.note(**asked["facts"])
        case "checkpoint":
            run.checkpoint(asked["step"], arrays)
        case "restored":
            return run.restored() or (None, {})
        case "log":
            run.log(asked["line"])
    return None, {}


def pack_data(
    takes: str, data_by_seed: Mapping[int, Any]
) -> tuple[list[tuple[int, int]], dict[str, Any]]:
    """Return the data of a run, for `restudy.families.worker` to unpack.

    Returns
    -------
    places : list of (seed, place)
        Which of the data each seed has: those that it shares with others are there once.
    arrays : dict
        Arrays by name, which begins with the place.
    """
    different = list({id(data): data for data in data_by_seed.values()}.values())
    places = [
        (seed, next(n for n, each in enumerate(different) if each is data))
        for seed, data in data_by_seed.items()
    ]
    arrays = {
        f"{place}/{name}": array
        for place, data in enumerate(different)
        for name, array in _named_arrays(takes, data).items()
    }
    return places, arrays


def _named_arrays(takes: str, data: Any) -> dict[str, Any]:
    if takes == IMAGES:
        named = {each.name: getattr(data, each.name) for each in fields(data)}
        return {**named, "classes": data.classes}
    return {
        f"{part}/{name}": array
        for part, pair in data.items()
        for name, array in zip(("x", "label"), pair, strict=True)
    }


def _untimely(family: Family, code: int) -> str:
    """Return the message on a Python that has ended before training had."""
    if code >= 0:
        how = f"ended with exit code {code}"
    else:
        how = f"was ended by {signal.Signals(-code).name}"
        if code == -signal.SIGKILL:
            how += " (the system does that to what takes more memory than there is)"
    return f"{family.file}: its Python {how} before training had ended"
