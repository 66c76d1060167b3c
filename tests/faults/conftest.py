"""What tests of faults share: how much is tried, and where it is told how that ended."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faults_form import FIGURES
from small_disk import SmallDisk
from whole_runs import call, write_study


@pytest.fixture
def small_disk(tmp_path_factory) -> Iterator[SmallDisk]:
    """A file system of its own; skipped where none may be mounted."""
    folder = tmp_path_factory.mktemp("disk")
    try:
        disk = SmallDisk(folder)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no file system may be mounted here: it takes root's rights")
    yield disk
    disk.unmount()


@pytest.fixture(scope="session")
def tally() -> Callable[..., None]:
    """Function that notes how often something was tried, and how often nothing was lost.

    The long form keeps the notes; the short one does not.
    """

    def note(what: str, tried: int, survived: int) -> None:
        if FIGURES:
            with Path(FIGURES).open("a", encoding="utf-8") as file:
                file.write(json.dumps({"what": what, "tried": tried, "survived": survived}) + "\n")

    return note


@pytest.fixture(scope="session")
def made_study(made_once) -> Path:
    """A folder in which the study of `whole_runs` has run without disturbance."""

    def fill(folder: Path) -> None:
        code, told = call(write_study(folder / "work"))
        assert code == 0, told

    return made_once("faults", fill) / "work"


@pytest.fixture
def whole_study(made_study, tmp_path) -> Path:
    """A copy of that folder, to be disturbed."""
    return shutil.copytree(made_study, tmp_path / "whole")
