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
from restudy.families.contract import ALL, Family
from restudy.families.own_files import OwnFileError
from restudy.families.own_python import TrainingError, interpreter_of
from restudy.families.plugins import FAMILY_KEY
from restudy.families.registry import FAMILIES, load_plugins, resolve
from restudy.families.running import JobRun
from restudy.family_check import distant
from restudy.family_check.watching import (
    NotedStream,
    Own,
    Watch,
    Watched,
    describe_error,
    peak_megabytes,
)

LOADING, TRAINING, ENDED = "loading", "training", "ended"  # stages
PRINTS = re.compile(r"(.*):([0-9]+): prints ")  # what is told of a file that prints


class WatchedRun(Watched, JobRun):
    """A job's run that is watched."""


class ListeningRun(JobRun):
    """A job's run that is trained in a family's own Python, and watched there."""

    found: dict[str, Any] | None = None

    def note(self, **facts: Any) -> None:
        """Add facts to the record of provenance, or take what was found."""
        if distant.FOUND not in facts:
            return super().note(**facts)
        children = psutil.Process().children(recursive=True)
        names = [each.name() for each in children if each.ppid() != os.getpid()]
        found = facts[distant.FOUND]
        # The job is both processes.
        megabytes = found["megabytes"] + peak_megabytes()
        self.found = found | {"processes": names, "megabytes": megabytes}


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
            is_apart = bool(self.request["python"]) and mode == "train"
            self.watch = Watch(self.own, "" if is_apart else self.request["trace"])
            family = self.load()
            if family and mode != "load":
                # Of a Python of its own, the start is loading too.
                seconds = limits["train"] + (limits["load"] if is_apart else 0)
                faulthandler.dump_traceback_later(seconds, exit=True, file=stack)
                self.tell(stage=TRAINING)
                train = self.train_apart if is_apart else self.train
                {"train": train, "predict": self.predict}[mode](family)
            found = self.watch.end()
            faulthandler.cancel_dump_traceback_later()
            if not is_apart:
                self.tell(**found, processes=[each.name() for each in psutil.Process().children()])
            self.tell(stage=ENDED)
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
            name, python = self.request["family"], self.request["python"]
            pythons = {name: python} if python else {}
            load_plugins({FAMILY_KEY: [path] if path else []}, pythons, tell=prints.append)
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
            threads_of_load=self.watch.threads_alive(),
        )
        return family

    def train(self, family: Family) -> None:
        """Train as a job does, and tell of it."""
        run = WatchedRun(self.own, *recording_facts(family), *self.arguments(family))
        request, found = self.request, {}
        try:
            with self.watch.training(run, request["freeze"], request["note_reads"]) as found:
                running.train(run)
        except BaseException as error:
            self.tell(error=self.describe(error))
        self.tell_training(run, found)

    def train_apart(self, family: Family) -> None:
        """Train as a job does whose family has a Python of its own, and tell of it."""
        unit, has_several = recording_facts(family)
        request = {**self.request, "unit": unit, "has_several": has_several}
        path = Path(self.request["stack"]).with_name("apart.json")
        path.write_text(json.dumps(request), encoding="utf-8")
        run = ListeningRun(*self.arguments(family))
        error = None
        try:
            running.train(run, interpreter_of(family), (distant.__name__, str(path)))
        except BaseException as caught:
            error = caught
        found = run.found or {}
        if error is not None:
            known = found.pop("error", None)
            told = self.describe(error)
            if known and isinstance(error, TrainingError):
                told["text"] = known["text"]
            self.tell(error=told | {"line": known["line"] if known else told["line"]})
        self.tell_training(run, found)

    def arguments(self, family: Family) -> tuple:
        """Return what a job's run takes."""
        request, job = self.request, Path(self.request["job"])
        running.write_checkpoint = checkpoints.write_checkpoint = self.noting_checkpoints()
        dataset, seeds = request["settings"]["dataset"], request["seeds"]
        return (
            family,
            request["settings"],
            running.load_data(family, request["data"], dataset, seeds),
            seeds,
            {artefact.name: job / artefact.name for artefact in family.artefacts},
            request["scratch"],
            request["identity"],
            request["threads"],
            lambda line: print(line, flush=True),
            request["kept_megabytes"],
        )

    def tell_training(self, run: JobRun, found: Mapping[str, Any]) -> None:
        """Tell what was found of a training."""
        if found:
            self.tell(seconds_before=found["began"] - self.request["started"], **found)
        self.tell(continued_from=run.notes.get("continued_from"))

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
        shape = found.shape
        if found.ndim == 3 and found.shape[-1] > classes.max() and found.dtype.kind == "f":
            # The probability of each class, see `restudy.families.predicting`.
            self.tell(largest_sum_error=float(np.abs(found.sum(axis=2) - 1).max(initial=0.0)))
            found, shape = found.argmax(axis=2), shape[:2]
        self.tell(
            shape=list(shape),
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
        text = str(error) if isinstance(error, UserError) else describe_error(error)
        return {"text": " ".join(text.split()), "line": self.own.line_of_error(error)}


def recording_facts(family: Family) -> tuple[str, bool]:
    """Return what a family's runs are recorded at, and whether a job trains several."""
    return family.time.name if family.time else "", family.seeds_per_job == ALL


if __name__ == "__main__":
    Trial(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).main()
