"""What a person is told of a run: how far it is, what failed, how it ended."""

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from restudy.operation.run_log import DONE, FAILED, INTERRUPTED, Ending, Forecast, RunLog, notify

FINDINGS = {
    "families": {"a": {"runs": 1200, "diverged": 0}, "b": {"runs": 3, "diverged": 2}},
    "claims": "2 claims got 3 verdicts.",
}


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, is_terminal):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self):
        return self.now


def make_log(folder, is_terminal=False):
    clock = Clock()
    return RunLog(Stream(is_terminal), folder, clock), clock


def test_the_time_left_follows_from_prices_and_the_pace_of_what_has_ended():
    forecast = Forecast({1: 10.0, 2: 10.0, 3: 10.0, 4: 100.0}, cores=2)
    assert forecast.left({}) is None, "nothing tells how fast this machine is"
    forecast.end(1, 20.0)
    # Half as fast as where prices were measured: 20 and 20 and 200 seconds, on two cores.
    assert forecast.left({}) == pytest.approx(200.0), "the longest takes its time"
    assert forecast.left({4: 190.0}) == pytest.approx((20 + 20 + 10) / 2)
    assert forecast.left({4: 900.0}) == pytest.approx((20 + 20 + 1) / 2), "late, and not done"
    for job in (2, 3, 4):
        forecast.end(job, 1.0)
    assert forecast.left({}) == 0.0
    assert Forecast({1: 1.0, 2: 1.0}, None).left({}) is None
    forecast.end(99, 5.0)  # no training job


def test_elsewhere_than_on_a_terminal_a_line_is_added_now_and_then(tmp_path):
    log, clock = make_log(tmp_path)
    log.begin({"train_a": 3, "plot": 1}, ["train_a"])
    for number in range(3):
        log.start(number, "train_a", f"Train a: {number}", True)
    log.expect({0: 100.0, 1: 100.0, 2: 100.0}, 1)
    for number in range(3):
        clock.now += 20
        log.end(number)
        log.progress(number + 1, 4)
    log.start(3, "plot", "Draw it", False)
    log.progress(4, 4)
    assert log.stream.getvalue().splitlines() == [
        "4 jobs, of which 3 train.",
        "1 of 4 jobs (25%) · about 2 s left · Train a: 1; Train a: 2",
        "3 of 4 jobs (75%)",
        "4 of 4 jobs (100%) · Draw it",
    ]


def test_on_a_terminal_one_line_is_written_over_and_erased_for_what_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    log, _ = make_log(tmp_path, is_terminal=True)
    log.start(0, "train_a", "Train a network of a long name", True)
    log.start(1, "train_a", "Train b", True)
    log.start(2, "train_a", "Train c", True)
    log.progress(1, 1000)
    log.say("something")
    written = log.stream.getvalue()
    assert "\n" not in written.removesuffix("\n").partition("something")[0]
    lines = written.split("\r\x1b[K")
    assert max(map(len, lines[:-1])) <= 29 and lines[-1] == "something\n"
    assert log.status().endswith("Train a network of a long name; Train b and 1 more")


def test_a_job_that_failed_is_told_of_with_the_end_of_its_log(tmp_path):
    log, _ = make_log(tmp_path)
    lines = [f"\x1b[31mline {number}\x1b[0m" for number in range(40)]
    (tmp_path / "a.log").write_text("\n".join([*lines, ""]))
    log.start(7, "train_a", "Train a: 7", True)
    log.fail(7, "train_a", ["a.log", "none.log"])
    said = log.stream.getvalue()
    assert said.startswith("Failed: Train a: 7 (rule train_a)\nThe end of a.log:\n    line 25\n")
    assert "line 39\nThe end of none.log:\n    (there is no such file" in said
    assert "\x1b" not in said and not log.running


def test_an_end_says_how_long_what_came_out_and_what_may_come_next(tmp_path):
    page = tmp_path / "a b.html"
    options = ["--directory", "my folder", "--configfile", "c.yaml"]
    ending = Ending(DONE, 3700.0, 1234, 0, FINDINGS, options, 4, [page])
    assert ending.lines[:4] == [
        "Done in 1 h 02 min: 1,234 jobs.",
        "2 claims got 3 verdicts.",
        "1,203 training runs, of which 2 diverged.",
        f"To look at: {page.as_uri()}",
    ]
    calls = [shlex.split(line.partition(": ")[2]) for line in ending.lines[4:]]
    assert calls[0] == ["snakemake", *options, "--report", "report.html"]
    assert calls[1] == ["snakemake", "--cores", "4", *options, "--", "certificate"]
    assert Ending(DONE, 3.0, 1, 0, {}, [], 4).lines == ["Done in 3 s: 1 job."]
    (line,) = Ending(INTERRUPTED, 3.0, 1, 1, {}, options, 4).lines
    assert line.startswith("Interrupted after 3 s; call again to go on: snakemake --cores 4 ")
    (line,) = Ending(INTERRUPTED, 3.0, 1, 1, {}, ["--workflow-profile", "slurm"], None).lines
    assert line.endswith("call again to go on: snakemake --workflow-profile slurm")
    (line,) = Ending(FAILED, 3.0, 5, 2, {}, [], 1).lines
    assert line.startswith("2 jobs failed after 3 s, 5 ended well, and what they made stays.")
    assert line.endswith("call again: snakemake --cores 1")


def test_the_command_of_the_user_finds_the_outcome_among_its_variables(tmp_path):
    ending = Ending(DONE, 3.2, 1, 0, FINDINGS, [], 4)
    code = "import json, os; json.dump(dict(os.environ), open('told.json', 'w'))"
    assert notify(shlex.join([sys.executable, "-c", code]), ending, tmp_path) == ""
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["RESTUDY_OUTCOME"] == "done" and told["RESTUDY_SECONDS"] == "3"
    assert told["RESTUDY_SUMMARY"].splitlines() == ending.lines
    assert Path(told["RESTUDY_FOLDER"]) == tmp_path and "PATH" in told
    assert re.search("exit code 3", notify("exit 3", ending, tmp_path))
