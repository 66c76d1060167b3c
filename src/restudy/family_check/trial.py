"""Load or train a family once, in a process of its own, and tell what happened.

    python trial.py REQUEST.json

It runs what a training job runs. What it tells is a JSON file, written at every stage, so that
something is known of a process that hangs or is killed too. `restudy.family_check.trials` starts
it.
"""

import faulthandler
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # As for a job: no module of this folder is one that a family could mean.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import psutil

from restudy.errors import UserError
from restudy.families import checkpoints, running
from restudy.families.contract import Family
from restudy.families.own_files import OwnFileError
from restudy.families.plugins import FAMILY_KEY
from restudy.families.registry import FAMILIES, load_plugins, resolve
from restudy.family_check.watching import (
    Events,
    NotedStream,
    Own,
    Trace,
    WatchedRun,
    WatchedSettings,
    array_digest,
    arrays_of,
    begin_random_states,
    random_states,
    threads_alive,
)

LOADING, TRAINING, ENDED = "loading", "training", "ended"  # stages
PRINTS = re.compile(r"(.*):([0-9]+): prints ")  # what is told of a file that prints


class Trial:
    """One process: what is asked of it, and what it tells.

    Parameters
    ----------
    request : mapping
        See `restudy.family_check.trials.Trials`.
    """

    def __init__(self, request: Mapping[str, Any]):
        self.request = request
        self.own = Own(request["own"])
        self.told: dict[str, Any] = {"checkpoints": []}

    def tell(self, **facts: Any) -> None:
        """Write all that is known by now."""
        self.told |= facts
        path = Path(self.request["told"])
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.told), encoding="utf-8")
        unfinished.replace(path)

    def main(self) -> None:
        """Do what is asked."""
        mode, limits = self.request["mode"], self.request["limits"]
        with Path(self.request["stack"]).open("w") as stack:
            faulthandler.enable(stack)
            self.tell(stage=LOADING)
            faulthandler.dump_traceback_later(limits["load"], exit=True, file=stack)
            self.events = Events(self.own)
            self.trace = Trace(self.own, self.request["trace"])
            self.trace.start()
            begin_random_states()
            self.states = {name: state.digest for name, state in random_states().items()}
            family = self.load()
            if family and mode != "load":
                faulthandler.dump_traceback_later(limits["train"], exit=True, file=stack)
                self.tell(stage=TRAINING)
                {"train": self.train, "predict": self.predict}[mode](family)
            self.trace.stop()
            faulthandler.cancel_dump_traceback_later()
            self.tell(
                stage=ENDED,
                states=self.states,
                trace=self.trace.events,
                trace_is_whole=self.trace.is_whole,
                pythons_random=self.trace.pythons_random,
                megabytes=peak_megabytes(),
                processes=[each.name() for each in psutil.Process().children()],
                threads=threads_alive(),
                thread_started_at=self.trace.thread_started_at,
                process_started_at=self.events.process_started_at,
            )
            # A thread that lives on would keep this process from ending.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)

    def load(self) -> Family | None:
        """Return the family; None if it can't be loaded, which is told."""
        streams = sys.stdout, sys.stderr
        size = os.fstat(1).st_size
        noted = [NotedStream(stream, self.own) for stream in streams]
        sys.stdout, sys.stderr = noted
        started, prints = time.perf_counter(), []
        try:
            path = self.request["file"]
            load_plugins({FAMILY_KEY: [path] if path else []}, tell=prints.append)
            name = self.request["family"]
            (family,) = (
                each
                for each in FAMILIES.values()
                if (each.file == path if path else each.name == name)
            )
        except BaseException as error:
            self.tell(error=self.describe(error))
            return None
        finally:
            sys.stdout, sys.stderr = streams
            for stream in streams:
                stream.flush()
        lines = [stream.line for stream in noted if stream.line]
        lines += [[found[1], int(found[2])] for found in map(PRINTS.match, prints) if found]
        self.tell(
            load_seconds=time.perf_counter() - started,
            printed=bool(lines) or os.fstat(1).st_size > size,
            printed_at=lines[:1],
            threads_of_load=threads_alive(),
        )
        return family

    def train(self, family: Family) -> None:
        """Train as a job does, and tell of it."""
        request = self.request
        running.write_checkpoint = checkpoints.write_checkpoint = self.noting_checkpoints()
        settings, read = request["settings"], set()
        if request["note_reads"]:
            settings = WatchedSettings(settings, read)
        data = running.load_data(
            family, request["data"], request["settings"]["dataset"], request["seeds"]
        )
        arrays = arrays_of(data)
        for array in arrays.values() if request["freeze"] else ():
            array.flags.writeable = False
        before = {name: array_digest(array) for name, array in arrays.items()}
        job, variables, folder = Path(request["job"]), dict(os.environ), Path.cwd()
        run = WatchedRun(
            self.own,
            family,
            settings,
            data,
            request["seeds"],
            {artefact.name: job / artefact.name for artefact in family.artefacts},
            request["scratch"],
            request["identity"],
            request["threads"],
            lambda line: print(line, flush=True),
            request["kept_megabytes"],
        )
        begun = time.time()
        self.tell(seconds_before=begun - request["started"])
        try:
            running.train(run)
        except BaseException as error:
            self.tell(error=self.describe(error))
        after = random_states()
        self.tell(
            train_seconds=time.time() - begun,
            random={
                name: state
                for name, state in after.items()
                if state.digest != self.states.get(name, "")
            },
            changed=[name for name, each in arrays.items() if array_digest(each) != before[name]],
            variables={
                name: self.events.variables.get(name)
                for name in {**variables, **os.environ}
                if variables.get(name) != os.environ.get(name)
            },
            moved=self.events.moved if Path.cwd() != folder else None,
            written=self.events.written,
            faults=run.faults,
            asks_seed=run.asks_seed,
            checkpointed_at=run.checkpointed_at,
            continued_from=run.notes.get("continued_from"),
            read=sorted(read),
        )

    def predict(self, family: Family) -> None:
        """Predict as the jobs do that ask how straight a boundary is, and tell what came of it."""
        import numpy as np

        from restudy.analysis.shapes import stack_runs  # which loads SciPy

        request = self.request
        seeds = request["seeds"]
        loaded = running.load_data(family, request["data"], request["settings"]["dataset"], seeds)
        data = loaded[seeds[0]]
        points = data["heldout"][0]
        with np.load(Path(request["job"]) / "weights.npz") as arrays:
            weights = stack_runs(family, arrays)
        try:
            found = resolve(family, family.predict)(request["settings"], weights, points)
            found = np.asarray(found)
        except BaseException as error:
            self.tell(error=self.describe(error))
            return
        classes = np.unique(data["train"][1])
        self.tell(
            shape=list(found.shape),
            expected_shape=[len(next(iter(weights.values()))), len(points)],
            kind=found.dtype.kind,
            type=str(found.dtype),
            classes=classes.tolist(),
            unknown=found[~np.isin(found, classes)].ravel()[:3].tolist(),
        )

    def noting_checkpoints(self):
        """Return what writes checkpoints, notes their steps, and kills this process if asked to."""
        write = checkpoints.write_checkpoint

        def noted(folder, identity, checkpoint, ended=False) -> None:
            write(folder, identity, checkpoint, ended)
            if not ended:
                steps = [*self.told["checkpoints"], checkpoint.step]
                self.tell(checkpoints=steps)
                if len(steps) == self.request["kill_after"]:
                    os.kill(os.getpid(), signal.SIGKILL)

        return noted

    def describe(self, error: BaseException) -> dict[str, Any]:
        """Return an error as JSON values: its words, and the innermost line of the family's own."""
        if isinstance(error, OwnFileError) and error.__cause__:
            error = error.__cause__
        text = " ".join(str(error).split())
        if not isinstance(error, UserError):
            text = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return {"text": text, "line": self.own.line_of_error(error)}


def peak_megabytes() -> float:
    """Return the largest resident memory of this process, in megabytes (of 10⁶ bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    Trial(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).main()
