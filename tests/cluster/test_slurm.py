"""The study on a real Slurm: the same bytes as on one machine, whatever befalls its jobs."""

import subprocess
from pathlib import Path

CONV = "results/conv/dataset~mnist/protocol~tiny/activation~{}/initializer~xavier_uniform"
CANCELLED = f"{CONV.format('relu')}/optimizer~adam/seed~0"
ON_LOST_NODE = f"{CONV.format('tanh')}/optimizer~adam/seed~0"
DENSE = (
    "results/dense/dataset~moons/protocol~corrected/activation~tanh/hidden_size~3/depth~1"
    "/initializer~fan_in_normal/optimizer~gd"
)
# Made by a clock, or with the name of the folder that they are in.
NOT_COMPARED = ("provenance.json", "benchmarks.csv", "benchmarks.html")


class Run:
    """A call of Snakemake on the cluster, in a folder of its own."""

    def __init__(self, cluster, project, folder: Path, *arguments: str):
        self.cluster, self.folder = cluster, folder
        self.log = folder.with_suffix(".log")
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *("snakemake", "--workflow-profile", "slurm", "--directory", str(folder)),
                    *("--configfile", "config/smoke.yaml"),
                    *("--slurm-init-seconds-before-status-checks", "3", *arguments),
                ],
                cwd=project.folder,
                env=cluster.environment,
                stdout=log,
                stderr=log,
            )

    def jobs(self, cell: str = "") -> list[dict[str, str]]:
        """Slurm's jobs (of a cell), the oldest first."""
        columns = ("id", "state", "node", "memory", "limit", "comment")
        names = "_".join(part.partition("~")[2] for part in cell.split("/")[2:])
        lines = self.cluster.call(
            *("squeue", "--states=all", "--noheader", "--sort=i", "--format=%i|%T|%N|%m|%l|%k")
        ).splitlines()
        jobs = [dict(zip(columns, line.split("|"), strict=True)) for line in lines]
        return [job for job in jobs if job["comment"].endswith(f"_{names}" if cell else "")]

    def wait_for_checkpoint(self, cell: str) -> dict[str, str]:
        """Wait until a CNN job has written a checkpoint; Slurm's job that trains it."""
        folder = self.folder / cell.replace("results/", "results/checkpoints/", 1)
        self.cluster.wait_until(
            lambda: list(folder.glob("*.checkpoint")), f"a checkpoint in {folder}", self.process
        )
        return self.jobs(cell)[-1]

    def end(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(timeout=900)


def results_of(folder: Path) -> dict[str, bytes]:
    """Content of every file that has to be the same wherever it was made, by its path."""
    found = {}
    for part in ("tables", "dense", "conv"):
        for path in (folder / "results" / part).rglob("*"):
            name = str(path.relative_to(folder))
            if path.is_file() and path.name not in NOT_COMPARED and "/events/" not in name:
                found[name] = path.read_bytes()
    return found


def test_smoke_study_ends_whole_though_jobs_are_lost(cluster, smoke, tmp_path):
    too_little = "train_dense:mem_mb=150 * attempt ** 2"
    run = Run(cluster, smoke, tmp_path / "study", "--set-resources", too_little)

    cancelled = run.wait_for_checkpoint(CANCELLED)
    cluster.call("scancel", cancelled["id"])
    on_lost_node = run.wait_for_checkpoint(ON_LOST_NODE)
    cluster.lose_node(on_lost_node["node"])

    assert run.end() == 0, run.log.read_text()
    assert results_of(run.folder) == results_of(smoke.folder)
