"""What all tests share: the project's folder, and one run of its smallest configuration."""

import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from forked_snakemake import run_snakemake, stop_servers
from small_run import options, prepare
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = (
    ".git",
    ".venv",
    "node_modules",
    ".snakemake",
    "results",
    "__pycache__",
    ".pytest_cache",
    ".ruff_cache",
)
IN_CI = os.environ.get("CI", "").lower() == "true"
# Training jobs of the smoke run, by family.
SMOKE_JOBS = {"dense": 11, "conv": 4}
PROMOTED_JOBS = 2  # more of its dense training, of cells that go on in a study with halving
CHROMIUM = "/usr/bin/chromium"
FASHION_MNIST = "/usr/share/datasets/fashion-mnist"


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadFileScheduling:
    """With `pytest -n`: one worker has all tests of a file."""
    return LoadFileScheduling(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than there are cores: tests also wait, for Slurm, servers and browsers."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return usable + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first, so that no worker ends alone.

    First the file that makes the smoke run. Others that take it come when it is there.
    """

    def place(item: pytest.Item) -> int:
        file = item.nodeid.partition("::")[0]
        order = (
            file == "tests/workflow/test_smoke_run.py",
            file.startswith("tests/workflow/") and takes("small_run", item.nodeid),
            file.startswith("tests/workflow/") and not takes("smoke", item.nodeid),
            takes("smoke", item.nodeid),
            True,
        )
        return order.index(True)

    items.sort(key=place)


def pytest_unconfigure() -> None:
    stop_servers()


@functools.cache
def takes(fixture: str, nodeid: str) -> bool:
    """Whether some test of this test's file takes a fixture: text is all that a scheduler has."""
    text = (ROOT / nodeid.partition("::")[0]).read_text(encoding="utf-8")
    return bool(re.search(rf"\bdef \w+\([^)]*\b{fixture}\b", text))


@dataclass
class Project:
    """A copy of the project in a folder of its own, with the commands of its users."""

    folder: Path
    made_in: Path | None = None  # where it ran, if that is another folder

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run snakemake in the folder, as a user would in the activated environment."""
        return run_snakemake(arguments, self.folder, environment())

    def python(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Python in the folder, the library at hand."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**environment(), "PYTHONPATH": "src"},
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
        for target in ("all", "everything"):
            counts.pop(target, None)
        return counts


def environment() -> dict[str, str]:
    """This process's environment with the interpreter's own folder first on the path.

    Modules of a copy of the project are compiled once, as everywhere, and not by each of its jobs.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {**os.environ, "PATH": path}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def printed_by(program: str) -> str:
    """What a program prints, in a Python of its own with the library at hand."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment(), "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def copy_project(folder: Path) -> Project:
    """The project's own files, without results, caches or history, in another folder."""
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*SKIPPED))
    return Project(folder)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, worker_id) -> Callable[[str, Callable[[Path], None]], Path]:
    """Function that returns a folder of a name, which another function fills.

    That happens once; every worker of `pytest -n` has a copy of its own.
    """

    def made(name: str, fill: Callable[[Path], None]) -> Path:
        alone = worker_id == "master"
        own = tmp_path_factory.getbasetemp()
        folder = (own if alone else own.parent) / "made" / name
        folder.parent.mkdir(exist_ok=True)
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = folder.with_suffix(".done")
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder if alone else shutil.copytree(folder, own / name, symlinks=True)

    return made


@pytest.fixture(scope="session")
def smoke(made_once) -> Project:
    """A copy of the project in which the smoke configuration and its report were made."""

    def fill(folder: Path) -> None:
        project = copy_project(folder / "project")
        for arguments in (["--cores", "2"], ["--report", "report.html"]):
            done = project.snakemake(*arguments, "--configfile", "config/smoke.yaml")
            assert done.returncode == 0, done.stdout + done.stderr
        (folder / "made_in").write_text(str(project.folder))

    folder = made_once("smoke", fill)
    made_in, own = Path((folder / "made_in").read_text()), folder / "project"
    return Project(own, made_in=made_in if made_in != own else None)


@pytest.fixture(scope="session")
def small_run(made_once) -> tuple[Path, Path]:
    """A copy of the project, and a folder in which it has run the study of tests/small_run.py."""

    def fill(folder: Path) -> None:
        project, work = copy_project(folder / "project").folder, prepare(folder / "work")
        done = run_snakemake(("--cores", "2", *options(project, work)), project, environment())
        assert done.returncode == 0, done.stdout + done.stderr

    folder = made_once("small", fill)
    return folder / "project", folder / "work"


def default_sources(kind: str) -> list[dict]:
    """Where the configuration takes a published set of images from, if a user doesn't say."""
    from restudy.data.kinds import dataset_kind

    settings = dataset_kind(kind).settings
    return next(setting.default for setting in settings if setting.name == "sources")


@pytest.fixture(scope="session")
def mnist_folder(tmp_path_factory) -> Path:
    """Folder with the real MNIST, fetched from the configuration's own sources."""
    from restudy.data.images import fetch_images

    folder = tmp_path_factory.mktemp("mnist")
    fetch_images(folder, {"kind": "mnist", "sources": default_sources("mnist")}, print)
    return folder


@pytest.fixture(scope="session")
def fashion_mnist_folder(tmp_path_factory) -> Path:
    """Folder with the real Fashion-MNIST, taken from where Debian's package puts it."""
    from restudy.data.images import fetch_images

    need_debian_file(f"{FASHION_MNIST}/train-images-idx3-ubyte.gz", "dataset-fashion-mnist")
    source = default_sources("fashion_mnist")[0]
    assert source == {"kind": "folder", "path": FASHION_MNIST}
    folder = tmp_path_factory.mktemp("fashion_mnist")
    fetch_images(folder, {"kind": "fashion_mnist", "sources": [source]}, print)
    return folder


def need_file(path: str | Path, reason: str) -> None:
    """Skip the test with the given reason if a file is missing; under CI fail it."""
    if not Path(path).exists():
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)


def need_debian_file(path: str, package: str) -> None:
    """Skip the test if a file of a Debian package is missing; under CI fail it."""
    need_file(path, f"no {path}; on Debian: apt install {package}")


def bound_by_permissions() -> list[str]:
    """What leads a command so that permissions of files hold for it, even if root calls it."""
    if os.geteuid():
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Debian's Chromium; without it the test is skipped, and under CI it fails."""
    need_debian_file(CHROMIUM, "chromium")
    return CHROMIUM
