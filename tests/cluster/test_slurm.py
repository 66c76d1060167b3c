"""The study on a real Slurm: the same bytes as on one machine, whatever befalls its jobs."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from restudy.analysis.events import SPEED, read_scalars

CONV = "results/conv/dataset~mnist/protocol~tiny/activation~{}/initializer~xavier_uniform"
# What befalls the jobs of each, in this order. A job that Slurm ends is followed by another one;
# one that it puts back into the queue starts again.
ENDED = f"{CONV.format('relu')}/optimizer~adam/seed~0"  # cancelled, then out of time
REQUEUED = f"{CONV.format('tanh')}/optimizer~gd/seed~0"  # preempted, then on a lost node
DENSE = (
    "results/dense/dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1"
    "/initializer~fan_in_normal/optimizer~gd"
)
CNN = (ENDED, REQUEUED)
GROUPED = (DENSE, DENSE.replace("optimizer~gd", "optimizer~gd+learning_rate=0.001"))
PROFILE_MEMORY = "mem_mb: 600 * attempt"
NOT_COMPARED = "provenance.json"  # it holds times


class Run:
    """A call of Snakemake on the cluster, in a folder of its own, with its own profile."""

    def __init__(self, cluster, project, folder: Path, dense_memory: str, *arguments: str):
        self.cluster, self.folder = cluster, folder
        profile = folder.with_suffix(".profile") / "config.yaml"
        profile.parent.mkdir(exist_ok=True)
        text = (project.folder / "profiles/slurm/config.yaml").read_text()
        assert PROFILE_MEMORY in text
        profile.write_text(text.replace(PROFILE_MEMORY, f"mem_mb: {dense_memory}"))
        self.log = folder.with_suffix(".log")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *("snakemake", "--workflow-profile", str(profile.parent)),
                    *("--configfile", "config/smoke.yaml", "--directory", str(folder)),
                    *("--slurm-init-seconds-before-status-checks", "1", *arguments),
                ],
                cwd=project.folder,
                env=cluster.environment,
                stdout=log,
                stderr=log,
            )

    def jobs(self, cell: str = "") -> list[dict[str, str]]:
        """Slurm's jobs (of a cell), the oldest first."""
        columns = ("id", "state", "node", "memory", "limit", "comment", "folder")
        names = "_".join(part.partition("~")[2] for part in cell.split("/")[2:])
        lines = self.cluster.call(
            *("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%N|%m|%l|%k|%Z")
        ).splitlines()
        jobs = [dict(zip(columns, line.split("|"), strict=True)) for line in lines]
        jobs = [job for job in jobs if job["folder"] == str(self.folder)]
        return [job for job in jobs if job["comment"].endswith(names)]

    def at_checkpoints(self, actions: dict) -> None:
        """Do several things in turn, each as soon as a CNN cell's job has written a checkpoint.

        The job is frozen before, so that it can't end sooner than what is done to it takes effect.
        """
        waiting = {cell: list(those) for cell, those in actions.items()}
        seen = {cell: set() for cell in actions}

        def checkpoints(cell: str) -> set[str]:
            folder = self.folder / cell.replace("results/", "results/checkpoints/", 1)
            return {path.name for path in folder.glob("*.checkpoint")}

        def all_done() -> bool:
            for cell in [each for each in waiting if checkpoints(each) - seen[each]]:
                job = self.jobs(cell)[-1]
                self.cluster.freeze(job["id"])
                seen[cell] |= checkpoints(cell)
                waiting[cell].pop(0)(job)
                if not waiting[cell]:
                    del waiting[cell]
            return not waiting

        self.cluster.wait_until(all_done, f"checkpoints of each of {[*actions]}", self.process)

    def end(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(timeout=1800)


@pytest.fixture
def call(cluster, smoke):
    """Function that calls Snakemake; the call ends with the test at the latest."""
    runs = []

    def start(folder: Path, *arguments: str, dense_memory: str = "600 * attempt") -> Run:
        runs.append(Run(cluster, smoke, folder, dense_memory, *arguments))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.end()


def results_of(folder: Path) -> dict[str, bytes]:
    """Content of every file that has to be the same wherever it was made, by its path."""
    found = {}
    for part in ("dense", "conv"):
        for path in (folder / "results" / part).rglob("*"):
            name = str(path.relative_to(folder))
            if path.is_file() and path.name != NOT_COMPARED and "/events/" not in name:
                found[name] = path.read_bytes()
    return found


def scalars_of(folder: Path, cell: str) -> list[tuple]:
    """All that a cell's event files hold in numbers, but for the speed."""
    scalars = read_scalars(folder / cell / "events")
    return list(scalars[~scalars["tag"].str.startswith(SPEED)].itertuples(index=False))


def log_of(run: Run, cell: str) -> str:
    """Log of a cell's training."""
    return Path(
        f"{run.folder / cell.replace('results/', 'results/logs/train_', 1)}.log"
    ).read_text()


def weights_of(folder: Path, cell: str) -> str:
    """Digest of a cell's final weights."""
    return json.loads((folder / cell / "provenance.json").read_text())["weights_sha256"]


def test_cells_of_the_smoke_study_end_whole_though_jobs_are_lost(cluster, smoke, call, tmp_path):
    # Each in its own way. What is gathered of them is made where the call is, as in any run.
    targets = [f"{cell}/runs.csv" for cell in (*CNN, *GROUPED)]
    run = call(tmp_path / "study", "--", *targets, dense_memory="150 * attempt ** 2")
    nodes = []

    def lose_its_node(job: dict[str, str]) -> None:
        nodes.append(job["node"])
        cluster.lose_node(job["node"])

    def cancel(job: dict[str, str]) -> None:
        cluster.call("scancel", job["id"])

    def preempt(job: dict[str, str]) -> None:
        where = ["--partition=urgent", f"--nodelist={job['node']}", "--output=/dev/null"]
        cluster.call("sbatch", *where, "--wrap=true")

    def end_its_time(job: dict[str, str]) -> None:
        cluster.call("scontrol", "update", f"JobId={job['id']}", "TimeLimit=0")

    run.at_checkpoints(
        {
            ENDED: (cancel, end_its_time),
            REQUEUED: (preempt, lose_its_node),
        }
    )
    (lost,) = nodes
    code = run.end()
    cluster.start_node(lost)

    assert code == 0, run.log.read_text()
    there = results_of(smoke.folder)
    wanted = {
        n: c
        for n, c in there.items()
        if n.startswith(tuple(f"{cell}/" for cell in (*CNN, *GROUPED)))
    }
    assert results_of(run.folder) == wanted
    for cell in CNN:
        assert scalars_of(run.folder, cell) == scalars_of(smoke.folder, cell) != []
        (*_, last) = re.findall(r"resumed after (\d+) of 20 steps", log_of(run, cell))
        assert int(last) >= 10  # at the second loss, two checkpoints had been written
        assert weights_of(run.folder, cell) == weights_of(smoke.folder, cell)

    jobs = run.jobs()
    dense = [job for job in jobs if job["comment"].startswith("rule_dense_")]
    assert [job["state"] for job in dense] == ["FAILED", "COMPLETED"]
    assert [job["memory"] for job in dense] == ["150M", "600M"]
    ended = run.jobs(ENDED)
    assert [job["state"] for job in ended] == ["CANCELLED", "TIMEOUT", "COMPLETED"]
    assert [job["memory"] for job in ended] == ["2000M", "4000M", "6000M"]
    assert [job["limit"] for job in ended] == ["1:00:00", "0:00", "3:00:00"]
    (requeued,) = run.jobs(REQUEUED)
    assert requeued["state"] == "COMPLETED" and requeued["node"] != lost
    (log,) = (run.folder / "results/logs/slurm").rglob(f"{requeued['id']}.log")
    assert "DUE TO PREEMPTION" in log.read_text()
    # Two CNN cells, one of them thrice; two dense cells are one job, which ran twice.
    assert len(jobs) == 6
    logs = (run.folder / "results/logs/slurm").rglob("*.log")
    assert {log.stem for log in logs} == {job["id"] for job in jobs}


def test_single_cell_that_failed_or_lost_its_caller_is_run_again(cluster, smoke, call, tmp_path):
    folder, target = tmp_path / "cell", f"{DENSE}/runs.csv"
    failed = call(folder, "--retries", "0", "--", target, dense_memory="150")
    assert failed.end() == 1
    (log,) = (folder / "results/logs/slurm").rglob("*.log")
    assert "Exceeded job memory limit" in log.read_text()

    killed = call(folder, "--", target)
    cluster.wait_until(lambda: len(killed.jobs()) == 2, "a job", killed.process)
    killed.process.kill()
    killed.end()
    job = killed.jobs()[-1]["id"]
    hindered = call(folder, "--", target)
    assert hindered.end() == 1
    assert f"still compute: Slurm job {job}." in hindered.log.read_text()
    cluster.call("scancel", job)
    cluster.wait_until(lambda: killed.jobs()[-1]["state"] == "CANCELLED", "an end")

    again = call(folder, "--", target)
    assert again.end() == 0, again.log.read_text()
    made = results_of(folder)
    assert made == {n: c for n, c in results_of(smoke.folder).items() if n.startswith(f"{DENSE}/")}
    assert again.jobs()[-1]["limit"] == "10:00"


def test_halving_goes_from_rung_to_rung(cluster, smoke, call, tmp_path):
    table = "results/tables/dense_halving.csv"
    run = call(tmp_path / "halving", "--", table)
    assert run.end() == 0, run.log.read_text()
    assert (run.folder / table).read_bytes() == (smoke.folder / table).read_bytes()
    slots = "results/dense/halving/optimizers/rung~2"
    made, known = (
        {
            str(path.relative_to(folder / slots)): path.read_bytes()
            for path in (folder / slots).rglob("*")
            if path.is_file() and path.name != NOT_COMPARED
        }
        for folder in (run.folder, smoke.folder)
    )
    assert made == known != {}
    # The cells of a rung are one job of Slurm; who goes on is found out where the call is.
    assert [job["state"] for job in run.jobs()] == ["COMPLETED"] * 2
    log = (run.folder / "results/logs/train_dense/halving/optimizers/rung~2/slot~1.log").read_text()
    assert "goes on from 500 of 700 passes" in log
