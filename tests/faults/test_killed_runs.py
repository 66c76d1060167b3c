"""A run that is killed, stopped, dated back or unlocked loses nothing that was finished."""

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from faults_form import LONG
from whole_runs import (
    OPTIONS,
    SMOKE,
    TARGETS,
    call,
    differing,
    finished_jobs,
    kill,
    leftovers,
    start,
    trained,
    wait_for,
    write_study,
)

CORES = 2
JOBS_OF_TABLES = 15  # about
SMOKE_KILLS, STUDY_KILLS = (20, 10) if LONG else (2, 2)


def living_jobs(work: Path) -> Iterator[psutil.Process]:
    """Yield the processes of jobs of runs in a folder."""
    place = str((work / ".snakemake/scripts").resolve())
    for each in psutil.process_iter(["cmdline"]):
        if any(word.startswith(place) for word in each.info["cmdline"] or []):
            yield each


def disturb(work: Path, options, kills: int, jobs: int, note, targets=()) -> None:
    """Kill a run at so many moments that are drawn, then let it come to its end.

    Every second time only Snakemake itself is killed: the next call is refused as long as the jobs
    live that it had started.
    """
    draw = random.Random(0)
    for number, moment in enumerate(sorted(draw.uniform(0, 0.95) for _ in range(kills))):
        process = start(work, *targets, options=options)
        lasts = wait_for(work, round(moment * jobs), process)
        if lasts:
            time.sleep(draw.uniform(0, 1))
        before = trained(work)
        if number % 2:
            process.kill()
            process.wait()
            if any(living_jobs(work)):
                code, told = call(work, *targets, options=options)
                assert code == 0 or "jobs that it started still compute: process" in told, told
            while any(living_jobs(work)):
                time.sleep(0.1)
            process.communicate()
        else:
            kill(process)
        after = trained(work)
        # What a job was about to write again, since it had been running at the last kill.
        assert sum(after.get(path) != when for path, when in before.items()) <= CORES
        note("kills of Snakemake alone" if number % 2 else "kills of a run with its jobs")
    before = trained(work)
    code, told = call(work, *targets, options=options)
    assert code == 0, told
    after = trained(work)
    kept = sum(after[path] == when for path, when in before.items())
    assert kept >= len(before) - CORES, "more was trained again than had been running"
    assert leftovers(work) == []


def test_what_was_finished_survives_kills_of_all_sorts_of_families(whole_study, tmp_path, tally):
    work = write_study(tmp_path / "work")

    def note(what):
        tally(f"{what}: own family, sample, halving", 1, 1)

    jobs = finished_jobs(whole_study) if LONG else JOBS_OF_TABLES
    disturb(work, OPTIONS, STUDY_KILLS, jobs, note, TARGETS)
    assert differing(work, whole_study) == []


def test_what_was_finished_survives_kills_of_the_smoke_run(smoke, tmp_path, tally):
    disturb(
        tmp_path,
        SMOKE,
        SMOKE_KILLS,
        finished_jobs(smoke.folder),
        lambda what: tally(f"{what}: the smoke run", 1, 1),
    )
    assert differing(tmp_path, smoke.folder) == []


def wait_for_job(work: Path, process: subprocess.Popen) -> psutil.Process:
    """Return a process of a job, once there is one."""
    while process.poll() is None:
        if found := next(living_jobs(work), None):
            return found
        time.sleep(0.01)
    pytest.fail(f"the run ended before it had a job: {process.communicate()[0]}")


def wait_for_training(work: Path, process: subprocess.Popen) -> psutil.Process:
    """Return the process of the job that trains, once there is one."""
    before = time.time()
    while not any(
        path.stat().st_mtime > before
        for path in (work / "results/logs").glob("train_conv/**/*.log")
    ):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    return wait_for_job(work, process)


def test_terminated_stopped_and_unlocked(smoke, tmp_path, tally):
    target = next((smoke.folder / "results/conv").rglob("runs.csv")).relative_to(smoke.folder)
    process = start(tmp_path, "--", str(target), options=SMOKE)
    # While it runs, nobody gets its folder, nor takes its lock away.
    job = wait_for_training(tmp_path, process)
    code, told = call(tmp_path, "--unlock", options=SMOKE)
    assert code == 1 and "Another run works in this folder: process" in told, told
    assert len(told.splitlines()) < 5 and list((tmp_path / ".snakemake/locks").iterdir())
    tally("--unlock during a run", 1, 1)
    # A job that is terminated fails, and the run says so; its outputs are gone.
    job.terminate()
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 1 and "Failed: Train convolutional network" in told, told
    assert not (tmp_path / target).exists() and leftovers(tmp_path) == []
    tally("jobs that are terminated", 1, 1)
    # A run that is stopped goes on as if nothing had been.
    process = start(tmp_path, "--", str(target), options=SMOKE)
    wait_for_training(tmp_path, process)
    for _ in range(3):
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(0.3)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert (tmp_path / target).read_bytes() == (smoke.folder / target).read_bytes()
    tally("runs that are stopped and continued", 1, 1)


@pytest.mark.parametrize("years", [-1, 1])
def test_dates_decide_nothing(whole_study, years, tally):
    """As after the clock was set back, or forth: what is there is older or newer than the rest."""
    draw = random.Random(years)
    for path in sorted((whole_study / "results").rglob("*")):
        if path.is_file() and draw.random() < 0.5:
            when = time.time() + years * draw.uniform(0, 3e7)
            os.utime(path, (when, when))
    code, told = call(whole_study, "--dry-run")
    assert code == 0 and re.search(r"Nothing to be done", told), told
    tally("clocks that are set wrong", 1, 1)
