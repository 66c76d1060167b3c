"""What a person is told of a run: one line that says how far it is, what failed, how it ended.

It knows nothing of Snakemake; ``workflow/internals.py`` hands over what happens. Everything else
that Snakemake says stands in its own log.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from restudy.disk import AGAIN
from restudy.log import counted, duration, without_escapes

SECONDS = 30.0  # between two lines where lines are not written over
LAST_LINES = 15  # of the log of a job that failed
MAX_NAMED = 2  # of the jobs that train now
DONE, FAILED, INTERRUPTED = "done", "failed", "interrupted"


@dataclass
class RunningJob:
    """A job that has been started.

    Attributes
    ----------
    rule, title : str
        Its rule; what it does, in words.
    trains : bool
        Whether it is one of those that take long.
    started : float
        When, in seconds.
    """

    rule: str
    title: str
    trains: bool
    started: float


class Forecast:
    """How long the rest of a run takes.

    Parameters
    ----------
    seconds : mapping
        Training job -> how long it would take where prices were measured.
    cores : int or None
        How many of them run side by side; None if that can't be known.
    """

    def __init__(self, seconds: Mapping[int, float], cores: int | None):
        self.expected, self.cores = dict(seconds), cores
        self.ended_expected = self.ended_took = 0.0

    def end(self, job: int, took: float) -> None:
        """Note that a job has ended."""
        if job in self.expected:
            self.ended_expected += self.expected.pop(job)
            self.ended_took += took

    def left(self, running: Mapping[int, float]) -> float | None:
        """Return how many seconds are left; None as long as no training job has ended.

        What ended tells how fast this machine is. Jobs share the cores, and the longest one takes
        its time however many there are.

        Parameters
        ----------
        running : mapping
            Job -> for how many seconds it has run.
        """
        if not self.expected:
            return 0.0
        if not self.ended_expected or not self.cores:
            return None
        pace = self.ended_took / self.ended_expected
        left = [
            max(seconds * pace - running.get(job, 0.0), 1.0)
            for job, seconds in self.expected.items()
        ]
        return max(sum(left) / min(self.cores, len(left)), max(left))


class RunLog:
    """Tells of a run while it lasts.

    On a terminal one line is written over and over; elsewhere a line is added now and then.

    Parameters
    ----------
    stream : file
        Where to.
    directory : Path
        The working directory, in which the logs of jobs lie.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self, stream: TextIO, directory: Path, clock: Callable[[], float] = time.monotonic
    ):
        self.stream, self.directory, self.clock = stream, directory, clock
        self.begun = clock()
        self.running: dict[int, RunningJob] = {}
        self.done = self.total = 0
        self.failures = 0
        self.forecast = Forecast({}, None)
        self._lock = threading.RLock()
        self._last, self._shown = -SECONDS, ""

    @property
    def is_terminal(self) -> bool:
        """Whether a line can be written over."""
        return self.stream.isatty() and os.environ.get("TERM") != "dumb"

    def expect(self, seconds: Mapping[int, float], cores: int | None) -> None:
        """Take what the training jobs of the run are expected to take; see `Forecast`."""
        self.forecast = Forecast(seconds, cores)

    def begin(self, counts: Mapping[str, int], training: Collection[str]) -> None:
        """Tell how many jobs there are.

        Parameters
        ----------
        counts : mapping
            Rule -> its jobs.
        training : collection of str
            The rules that train.
        """
        self.total = sum(counts.values())
        trained = sum(count for rule, count in counts.items() if rule in training)
        self.say(f"{counted(self.total, 'job')}, of which {trained:,} train.")

    def start(self, job: int, rule: str, title: str, trains: bool) -> None:
        """Note that a job has been started."""
        self.running[job] = RunningJob(rule, title, trains, self.clock())

    def end(self, job: int) -> None:
        """Note that a job has ended."""
        ended = self.running.pop(job, None)
        if ended:
            self.forecast.end(job, self.clock() - ended.started)

    def fail(self, job: int, rule: str, logs: Sequence[str]) -> None:
        """Tell of a job that failed: what it was, and the end of its log."""
        failed = self.running.pop(job, None)
        self.failures += 1
        lines = [f"Failed: {failed.title if failed else rule} (rule {rule})"]
        for log in logs:
            lines.append(f"The end of {log}:")
            lines += [f"    {line}" for line in self._last_lines(log)]
        self.say("\n".join(lines))

    def _last_lines(self, log: str) -> list[str]:
        path = self.directory / log
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ["(there is no such file: the job ended before it wrote one)"]
        lines = [each.rstrip() for each in without_escapes(text).splitlines() if each.strip()]
        if lines and AGAIN in lines[-1]:
            return lines[-1:]  # a disk's fault: all else in the log follows from it
        return lines[-LAST_LINES:] or ["(it is empty)"]

    def progress(self, done: int, total: int) -> None:
        """Tell how far the run is."""
        self.done, self.total = done, total
        self.show()

    def show(self, force: bool = False) -> None:
        """Write the line that says how far the run is, unless it has just been written."""
        with self._lock:
            now = self.clock()
            if self.is_terminal:
                width = shutil.get_terminal_size().columns - 1
                self._shown = self.status()[:width]
                self.stream.write(f"\r\x1b[K{self._shown}")
                self.stream.flush()
            elif force or now - self._last >= SECONDS or self.done == self.total:
                self._last = now
                self.stream.write(f"{self.status()}\n")
                self.stream.flush()

    def status(self) -> str:
        """Return the line that says how far the run is."""
        now = self.clock()
        share = self.done / self.total if self.total else 1.0
        parts = [f"{self.done:,} of {counted(self.total, 'job')} ({share:.0%})"]
        left = self.forecast.left(
            {job: now - each.started for job, each in self.running.items() if each.trains}
        )
        if left and self.done < self.total:
            parts.append(f"about {duration(left if left < 90 else 60 * round(left / 60))} left")
        trains = [each.title for each in self.running.values() if each.trains]
        others: dict[str, int] = defaultdict(int)
        for each in self.running.values():
            others[each.title] += not each.trains
        shown = trains[:MAX_NAMED] or [title for title, count in others.items() if count][:1]
        more = len(self.running) - len(shown)
        if shown:
            parts.append("; ".join(shown) + (f" and {more:,} more" if more > 0 else ""))
        return " · ".join(parts)

    def say(self, text: str) -> None:
        """Write lines that stay."""
        with self._lock:
            erased = "\r\x1b[K" if self._shown else ""
            self._shown = ""
            self.stream.write(f"{erased}{text}\n")
            self.stream.flush()

    @property
    def seconds(self) -> float:
        """How long the run has lasted."""
        return self.clock() - self.begun


@dataclass(frozen=True)
class Ending:
    """How a run has ended.

    Attributes
    ----------
    outcome : {"done", "failed", "interrupted"}
        In one word.
    seconds : float
        How long it took.
    jobs, failures : int
        How many have ended, and failed.
    findings : mapping
        As `restudy.analysis.findings` states them; empty if they are not those of this run.
    options : sequence of str
        Of a call that runs the same configuration, see `restudy.operation.tickets.describe_call`.
    cores : int or None
        That the run had; None of one that left them to a cluster.
    pages : sequence of Path
        What there is to look at.
    """

    outcome: str
    seconds: float
    jobs: int
    failures: int
    findings: Mapping[str, Any]
    options: Sequence[str]
    cores: int | None
    pages: Sequence[Path] = ()

    @property
    def lines(self) -> list[str]:
        """What a person is told."""
        took = duration(self.seconds)
        again = shlex.join([*self._call(), *self.options])
        if self.outcome == INTERRUPTED:
            return [f"Interrupted after {took}; call again to go on: {again}"]
        if self.outcome == FAILED:
            failed = f"{counted(self.failures, 'job')} failed" if self.failures else "It failed"
            return [
                f"{failed} after {took}, {self.jobs:,} ended well, and what they made stays. When "
                f"the cause is mended, call again: {again}"
            ]
        return [f"Done in {took}: {counted(self.jobs, 'job')}.", *self._came_out(), *self._next()]

    def _call(self) -> list[str]:
        return ["snakemake", *(["--cores", str(self.cores)] if self.cores else [])]

    def _came_out(self) -> list[str]:
        families = self.findings.get("families", {}).values()
        runs = sum(family["runs"] for family in families)
        diverged = sum(family["diverged"] for family in families)
        lines = [self.findings["claims"]] if self.findings.get("claims") else []
        if runs:
            lines.append(
                f"{counted(runs, 'training run')}, of which {diverged or 'none'} diverged."
            )
        return lines

    def _next(self) -> list[str]:
        if not self.findings:
            return []
        report = shlex.join(["snakemake", *self.options, "--report", "report.html"])
        # Behind options that take any number of values, a target needs a mark.
        target = ["--", "certificate"] if self.options else ["certificate"]
        certificate = shlex.join([*self._call(), *self.options, *target])
        return [
            *(f"To look at: {page.absolute().as_uri()}" for page in self.pages),
            f"All of it as one page: {report}",
            f"Whether a second training gives the same bytes: {certificate}",
        ]

    def variables(self, folder: Path) -> dict[str, str]:
        """Return what the command that is called at the end finds in its environment."""
        return {
            "RESTUDY_OUTCOME": self.outcome,
            "RESTUDY_SECONDS": f"{self.seconds:.0f}",
            "RESTUDY_SUMMARY": "\n".join(self.lines),
            "RESTUDY_FOLDER": str(folder),
        }


def notify(command: str, ending: Ending, folder: Path) -> str:
    """Call a command of the user's through the shell; return what is wrong with it, if anything."""
    variables = {**os.environ, **ending.variables(folder)}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=variables, stdin=subprocess.DEVNULL, check=False
    )
    return f"notify: the command ended with exit code {done.returncode}" if done.returncode else ""
