"""The study on a real Slurm: the same bytes as on one machine, whatever befalls its jobs.

Every job loads Snakemake twice, and that of a CNN TensorFlow too. So what befalls dense cells does
so before they train, and a CNN is ended but twice, once by another job and once by a command.
"""

import json
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from restudy.analysis.events import SPEED, read_scalars

CNN = (
    "results/conv/dataset~mnist/protocol~tiny/activation~relu/initializer~xavier_uniform"
    "/optimizer~adam/seed~0"
)
DENSE = (
    "results/dense/dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1"
    "/initializer~fan_in_normal/optimizer~gd"
)
# Which are one job of Slurm, of this name.
GROUPED = (DENSE, DENSE.replace("optimizer~gd", "optimizer~gd+learning_rate=0.001"))
GROUP = "dense_train_dense"
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

    def jobs(self, name: str = "") -> list[dict[str, str]]:
        """Slurm's jobs (whose comment ends with a name), the oldest first."""
        columns = ("id", "state", "node", "memory", "limit", "comment", "folder")
        lines = self.cluster.call(
            *("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%N|%m|%l|%k|%Z")
        ).splitlines()
        jobs = [dict(zip(columns, line.split("|"), strict=True)) for line in lines]
        jobs = [job for job in jobs if job["folder"] == str(self.folder)]
        return [job for job in jobs if job["comment"].endswith(name)]

    def checkpoints(self) -> set[str]:
        """What the CNN cell's jobs have written on their way."""
        folder = self.folder / CNN.replace("results/", "results/checkpoints/", 1)
        return {path.name for path in folder.glob("*.checkpoint")}

    def starts(self) -> set[str]:
        """How often the group's jobs have started, which is seconds before a cell of it trains."""
        logs = (self.folder / "results/logs/slurm" / f"group_{GROUP}").glob("*.log")
        return {
            f"{log.stem}, {start}"
            for log in logs
            for start in range(log.read_text().count("Building DAG of jobs"))
        }

    def as_soon_as(self, *turns: tuple) -> None:
        """Do several things to jobs, each as soon as there is more of something than at the last.

        Of each name of jobs there are a function that returns what there is, and the things that
        are done in turn. The job is frozen before, so that it can't end sooner than what is done
        to it takes effect.
        """
        waiting = {name: (found, list(actions)) for name, found, *actions in turns}
        seen = {name: set() for name in waiting}

        def all_done() -> bool:
            for name, (found, actions) in [*waiting.items()]:
                if found() - seen[name]:
                    job = self.jobs(name)[-1]
                    self.cluster.freeze(job["id"])
                    seen[name] |= found()
                    actions.pop(0)(job)
                    if not actions:
                        del waiting[name]
            return not waiting

        self.cluster.wait_until(all_done, f"signs of {[*waiting]}", self.process)

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
    # A job that Slurm ends is followed by another one; one that it puts back into the queue starts
    # again. What is gathered of cells is made where the call is, as in any run.
    targets = [f"{cell}/runs.csv" for cell in (CNN, *GROUPED)]
    memory = "(600, 150, 600)[attempt - 1]"
    run = call(tmp_path / "study", "--", *targets, dense_memory=memory)
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

    names = "_".join(part.partition("~")[2] for part in CNN.split("/")[2:])
    run.as_soon_as(
        (names, run.checkpoints, preempt, cancel),
        (GROUP, run.starts, lose_its_node, end_its_time),
    )
    (lost,) = nodes
    code = run.end()
    cluster.start_node(lost)

    assert code == 0, run.log.read_text()
    folders = tuple(f"{cell}/" for cell in (CNN, *GROUPED))
    there = results_of(smoke.folder).items()
    assert results_of(run.folder) == {n: c for n, c in there if n.startswith(folders)}
    assert scalars_of(run.folder, CNN) == scalars_of(smoke.folder, CNN) != []
    (*_, last) = re.findall(r"resumed after (\d+) of 20 steps", log_of(run, CNN))
    assert int(last) >= 10  # at the second loss, two checkpoints had been written
    assert weights_of(run.folder, CNN) == weights_of(smoke.folder, CNN)

    jobs, of_cnn, dense = run.jobs(), run.jobs(names), run.jobs(GROUP)
    assert [job["state"] for job in of_cnn] == ["CANCELLED", "COMPLETED"]
    assert [job["memory"] for job in of_cnn] == ["2000M", "4000M"]
    assert [job["limit"] for job in of_cnn] == ["1:00:00", "2:00:00"]
    # The third is of 600 MB again, which is enough.
    assert [job["state"] for job in dense] == ["TIMEOUT", "FAILED", "COMPLETED"]
    assert [job["memory"] for job in dense] == ["600M", "150M", "600M"]
    assert [job["limit"] for job in dense] == ["0:00", "40:00", "1:00:00"]
    assert dense[0]["node"] != lost
    # Each that was put back into the queue was still the same job. Two dense cells are one, too.
    assert len(jobs) == len(of_cnn) + len(dense)
    logs = {log.stem: log.read_text() for log in (run.folder / "results/logs/slurm").rglob("*.log")}
    assert logs.keys() == {job["id"] for job in jobs}
    assert "DUE TO PREEMPTION" in logs[of_cnn[0]["id"]]


def test_single_cell_that_failed_or_lost_its_caller_is_run_again(cluster, smoke, call, tmp_path):
    folder, target = tmp_path / "cell", f"{DENSE}/runs.csv"
    failed = call(folder, "--retries", "0", "--", target, dense_memory="150")
    assert failed.end() == 1
    (log,) = (folder / "results/logs/slurm").rglob("*.log")
    assert "Exceeded job memory limit" in log.read_text()

    killed = call(folder, "--", target)
    cluster.wait_until(lambda: len(killed.jobs()) == 2, "a job", killed.process)
    job = killed.jobs()[-1]["id"]
    cluster.wait_until(lambda: f"{job}, 0" in killed.starts(), "its start", killed.process)
    cluster.freeze(job)  # or it would end before the next call looks
    killed.process.kill()
    killed.end()
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
    # Half of the cells, among them those that went on in the smoke run.
    study = {"vary": {"optimizer": ["adam"]}, "halving": {"keep": 0.67}}
    choice = ("--config", f"dense={json.dumps({'studies': {'optimizers': study}})}")
    table = "results/tables/dense_halving.csv"
    run = call(tmp_path / "halving", *choice, "--", table)
    assert run.end() == 0, run.log.read_text()
    found, known = (pd.read_csv(folder / table, dtype=str) for folder in (run.folder, smoke.folder))
    known = known[known["optimizer"] == "adam"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.drop(columns="rank"), known.drop(columns="rank"))
    assert found["rank"].tolist() == ["3", "2", "1", "2", "1"]
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
