"""Start trials of a family, each in a process of its own, and keep what they tell.

Most are forked from a process that has imported NumPy and pandas, as short jobs of a run are; one
is a Python of its own, and so are those of several threads.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restudy.families.budgets import without_budget
from restudy.families.contract import Family
from restudy.family_check.source import Source
from restudy.operation.fork_server import ForkServer
from restudy.provenance.environment import PROJECT, THREAD_VARIABLES, digest
from restudy.provenance.pinning import pin_variables

TRIAL = Path(__file__).with_name("trial.py")
# Of this project's modules none changes while a check runs: only the family's are imported anew.
PRELOADED = ("numpy", "pandas", "pyarrow.parquet", "restudy.family_check.trial")
STACK, STACK_APART = "stack.txt", "stack_apart.txt"  # where a trial was, and its family's Python
GRACE = 10.0  # seconds for a process to end itself when its time is over
FRAME = re.compile(r'  File "(.+)", line (\d+) in')
SEED_OF_HASHES = {"first": "1", "forked": "2"}


@dataclass(frozen=True)
class Limits:
    """How many seconds loading, and training, may take."""

    load: float = 60.0
    train: float = 600.0


@dataclass(frozen=True)
class Told:
    """What is known of a trial.

    Attributes
    ----------
    facts : mapping
        What it told, see `restudy.family_check.trial`.
    fault : str
        Why it did not come to its end; empty if it did.
    line : (str, int) or None
        Of the family's own code, where that happened.
    folder : Path
        Has ``job``, its artefacts, and ``work``, its working directory.
    """

    facts: Mapping[str, Any]
    fault: str
    line: tuple[str, int] | None
    folder: Path

    @property
    def job(self) -> Path:
        """The folder of its artefacts."""
        return self.folder / "job"


class Trials:
    """Trials of a family.

    Parameters
    ----------
    folder : Path
        For all of their files.
    source : Source
        The family's own code.
    server : ForkServer
        Forks most of them.
    limits : Limits
        How long each may take.
    """

    def __init__(self, folder: Path, source: Source, server: ForkServer, limits: Limits):
        self.folder, self.source, self.server, self.limits = folder, source, server, limits
        self.known: dict[str, Told] = {}

    def load(self, file: str, family: str, name: str = "load", trace: str = "") -> Told:
        """Load a family: the one in a file, or a built-in one; once under each name."""
        return self._once(name, mode="load", file=file, family=family, trace=trace)

    def plan(
        self,
        family: Family,
        settings: Mapping[str, Any],
        data: Path,
        seeds: tuple[int, ...],
    ) -> None:
        """Say what all further trials train."""
        self.family, self.settings = family, settings
        self.given = {
            "file": family.file and str(Path(family.file).resolve()),
            "family": family.name,
            "data": str(data),
            "seeds": list(seeds),
            "python": family.python,
        }

    def train(self, name: str, settings: Mapping[str, Any] | None = None, **more: Any) -> Told:
        """Train, once under each name.

        Parameters
        ----------
        name : str
            Of the trial.
        settings : mapping, optional
            If they are not those of the plan.
        more
            What differs from a plain training: ``seeds``, ``threads``, ``alone`` (a Python of its
            own), ``kill_after`` (that many checkpoints), ``scratch`` (a folder that trials share),
            ``kept_megabytes``, ``trace`` (see `Trace`), ``note_reads`` and ``freeze`` (the arrays
            can't be written to).
        """
        settings = settings or self.settings
        shared = without_budget(self.family, settings) if self.family.time else settings
        seeds = more.get("seeds", self.given["seeds"])
        given = {"settings": settings, "identity": digest([shared, seeds]), **self.given}
        return self._once(name, **{**given, **more})

    def predict(self, job: Path) -> Told:
        """Predict from the weights that a trial left."""
        return self._once(
            "predict", mode="predict", settings=self.settings, job=str(job), **self.given
        )

    def _once(self, name: str, **request: Any) -> Told:
        if name not in self.known:
            self.known[name] = self._try(name, request)
        return self.known[name]

    def _try(self, name: str, request: dict[str, Any]) -> Told:
        folder = self.folder / name
        for part in ("job", "work"):
            (folder / part).mkdir(parents=True)
        request = {
            "mode": "train",
            "own": self.source.own,
            "job": str(folder / "job"),
            "scratch": str(folder / "scratch"),
            "told": str(folder / "told.json"),
            "stack": str(folder / STACK),
            "stack_apart": str(folder / STACK_APART),
            "python": "",
            "limits": {"load": self.limits.load, "train": self.limits.train},
            **{"threads": 1, "kill_after": 0, "kept_megabytes": 0},
            **{"trace": "", "note_reads": False, "freeze": False},
            "started": time.time(),
            **request,
        }
        path = folder / "request.json"
        path.write_text(json.dumps(request), encoding="utf-8")
        code, late = self._run(folder, path, request)
        facts = json.loads((folder / "told.json").read_text()) if self._has_told(folder) else {}
        return Told(facts, *self._fault(folder, facts, code, late), folder)

    def _run(self, folder: Path, path: Path, request: Mapping[str, Any]) -> tuple[int, bool]:
        """Run a process to its end, or to the end of its time; return its exit code."""
        variables = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(request["threads"]))}
        pin_variables(variables)
        streams = [os.devnull, folder / "out.txt", folder / "err.txt"]
        alone = request.get("alone") or request["threads"] > 1
        process: Any = None
        if not alone:
            process = self.server.start([TRIAL, path], variables, folder / "work", streams)
        with contextlib.ExitStack() as files:
            if process is None:
                variables["PYTHONHASHSEED"] = SEED_OF_HASHES["first"]
                process = subprocess.Popen(
                    [sys.executable, TRIAL, path],
                    cwd=folder / "work",
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=files.enter_context(streams[1].open("w")),
                    stderr=files.enter_context(streams[2].open("w")),
                )
            late = threading.Event()
            limit = sum(request["limits"].values()) + GRACE
            timer = threading.Timer(limit, lambda: (late.set(), process.kill()))
            timer.start()
            try:
                return process.wait(), late.is_set()
            except BaseException:  # such as Ctrl-C: no trial outlives the check
                process.kill()
                process.wait()
                raise
            finally:
                timer.cancel()

    def _has_told(self, folder: Path) -> bool:
        return (folder / "told.json").exists()

    def _fault(
        self, folder: Path, facts: Mapping[str, Any], code: int, late: bool
    ) -> tuple[str, tuple[str, int] | None]:
        """Return why a trial did not end, and where."""
        stacks = [folder / STACK_APART, folder / STACK]
        text = "".join(each.read_text(errors="replace") for each in stacks if each.exists())
        frames = [(file, int(line)) for file, line in FRAME.findall(text)]
        line = next((each for each in frames if each[0].startswith(self.source.own)), None)
        what = "loading" if facts.get("stage") == "loading" else "training"
        if late or "Timeout" in text:
            seconds = self.limits.load if what == "loading" else self.limits.train
            return f"{what} did not end within {seconds:g} s, and was stopped", line
        if error := facts.get("error"):
            text = self.source.show(error["text"]).removeprefix(f"{self.source.shown}: ")
            return text, tuple(error["line"]) if error["line"] else line
        if facts.get("stage") == "ended":
            return "", None
        last = [
            each for each in (folder / "err.txt").read_text(errors="replace").splitlines() if each
        ]
        died = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"{what} ended its process ({died})" + (f": {last[-1]}" if last else ""), line


def start_server() -> ForkServer:
    """Return what forks trials; stop it when the last has ended."""
    path = os.pathsep.join(filter(None, [str(PROJECT / "src"), os.environ.get("PYTHONPATH")]))
    variables = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": SEED_OF_HASHES["forked"]}
    pin_variables(variables)
    return ForkServer(PRELOADED, variables)


def copy_checkpoints(trial: Told, folder: Path) -> Path:
    """Copy the checkpoints that a trial left, if any, for others to go on from."""
    if (trial.folder / "scratch").exists():
        shutil.copytree(trial.folder / "scratch", folder)
    return folder
