"""What all tests share: the project's folder, and one run of its smallest configuration."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = (".git", ".venv", ".snakemake", "results", "__pycache__", ".pytest_cache", ".ruff_cache")
IN_CI = os.environ.get("CI", "").lower() == "true"
CHROMIUM = "/usr/bin/chromium"


@dataclass
class Project:
    """A copy of the project in a folder of its own, with the commands of its users."""

    folder: Path

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run snakemake in the folder, as a user would in the activated environment."""
        return subprocess.run(
            ["snakemake", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Number of jobs by rule that a dry run announces; the target rule left out."""
        done = self.snakemake("-n", "--configfile", "config/smoke.yaml", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (done.stdout + done.stderr).splitlines()
        if not any(line.startswith("Job stats") for line in lines):
            return {}
        start = next(i for i, line in enumerate(lines) if line.startswith("Job stats")) + 3
        counts = {}
        for line in lines[start:]:
            rule, _, count = line.partition(" ")
            if rule == "total" or not count:
                break
            counts[rule] = int(count)
        counts.pop("all", None)
        return counts


def environment() -> dict[str, str]:
    """This process's environment with the interpreter's own folder first on the path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def copy_project(folder: Path) -> Project:
    """The project's own files, without results, caches or history, in another folder."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*SKIPPED))
    return Project(folder)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Project:
    """A copy of the project in which the smoke configuration and its report were made."""
    project = copy_project(tmp_path_factory.mktemp("smoke") / "project")
    for arguments in (["--cores", "2"], ["--report", "report.html"]):
        done = project.snakemake(*arguments, "--configfile", "config/smoke.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture(scope="session")
def mnist_folder(tmp_path_factory) -> Path:
    """Folder with the real MNIST, fetched from the configuration's own sources."""
    from backprop.data.mnist import fetch_mnist

    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    (mnist,) = (
        branch["then"]["properties"]
        for branch in schema["$defs"]["dataset"]["allOf"]
        if branch["if"]["properties"]["kind"]["const"] == "mnist"
    )
    folder = tmp_path_factory.mktemp("mnist")
    fetch_mnist(folder, mnist["sources"]["default"], print)
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Debian's Chromium; without it the test is skipped, and under CI it fails."""
    if not Path(CHROMIUM).exists():
        reason = f"no {CHROMIUM}; on Debian: apt install chromium"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return CHROMIUM
