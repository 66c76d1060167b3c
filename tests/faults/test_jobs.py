"""A training job whose disk is full after any number of pages, read-only, or fails at any call.

It ends with one line that names the file, and leaves nothing partial; or a checkpoint is all that
is missing, and it ends with the same bytes. The next call ends with the same bytes in any case.
"""

import errno
import shutil
import sys

import pytest
from failing_files import failing
from faults_form import chosen
from training_jobs import artefacts, family_of, leftovers, prepare

from restudy.disk import FAULTS, DiskError, describe_fault
from restudy.families.own_python import find_interpreter
from restudy.families.running import train

# Name -> how many numbers of free pages are tried in the short form, and in the long one.
TRIED = {"dense": (None, None), "softmax": (None, None), "conv": (2, 20)}


def clear_outputs(run) -> None:
    """Remove what the job has written, as Snakemake does when a job has failed."""
    for place in run.places.values():
        shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)


def goes_on(name, folder, whole) -> bool:
    """Whether the next call ends with the bytes of a run that nothing disturbed."""
    run = prepare(name, folder, lambda line: None)
    clear_outputs(run)
    train(run)
    return artefacts(run) == whole and not leftovers(run)


@pytest.mark.parametrize("name", TRIED)
def test_a_disk_may_be_full_after_any_page(name, small_disk, tally):
    before = small_disk.pages()
    run = prepare(name, small_disk.folder / "whole", lambda line: None)
    train(run)
    whole, taken = artefacts(run), small_disk.pages() - before
    shutil.rmtree(small_disk.folder / "whole")
    for pages in chosen(range(taken), *TRIED[name]):
        folder, lines = small_disk.folder / str(pages), []
        run = prepare(name, folder, lines.append)
        with small_disk.full(but_for=pages):
            try:
                train(run)
                assert artefacts(run) == whole, pages
            except DiskError as error:
                line = str(error)
                assert "the disk is full. Free some space" in line and "\n" not in line, line
                places = [*map(str, run.places.values()), str(family_of(name).file) + ":"]
                assert any(line.startswith(place) for place in places), line
        assert leftovers(run) == [], pages
        assert all(line.startswith("warning: ") for line in lines if "Errno" in line)
        assert goes_on(name, folder, whole), pages
        shutil.rmtree(folder)
        tally(f"full disks, a job of {name}", 1, 1)


@pytest.mark.parametrize("name", ["dense", "softmax"])
def test_any_call_to_the_disk_may_fail(name, tmp_path, monkeypatch, tally):
    run = prepare(name, tmp_path / "whole", lambda line: None)
    with failing(monkeypatch, 0, errno.EIO) as calls:
        train(run)
    whole = artefacts(run)
    for at in range(1, calls.count + 1):
        number = list(FAULTS)[at % len(FAULTS)]
        run = prepare(name, tmp_path / str(at), lambda line: None)
        with failing(monkeypatch, at, number), pytest.raises(DiskError) as raised:
            train(run)
        assert FAULTS[number][0] in str(raised.value)
        assert leftovers(run) == []
        assert goes_on(name, tmp_path / str(at), whole), at
        tally(f"calls to the disk that fail, a job of {name}", 1, 1)


@pytest.mark.parametrize("name", ["dense", "softmax"])
def test_a_checkpoint_costs_a_warning_and_nothing_else(name, tmp_path, monkeypatch):
    run = prepare(name, tmp_path / "whole", lambda line: None)
    train(run)
    lines = []
    run_without = prepare(name, tmp_path / "without", lines.append)
    run_without.scratch = tmp_path / "a file"
    run_without.scratch.touch()
    train(run_without)
    assert artefacts(run_without) == artefacts(run)
    assert lines and any(
        (line.startswith("warning: ") and "checkpoint" in line) or "state" in line for line in lines
    )


def test_a_file_system_may_be_read_only(small_disk, tally):
    run = prepare("dense", small_disk.folder / "job", lambda line: None)
    with small_disk.read_only(), pytest.raises(DiskError) as raised:
        train(run)
    assert str(raised.value) == describe_fault(run.places["runs.csv"], errno.EROFS)
    whole = prepare("dense", small_disk.folder / "whole", lambda line: None)
    train(whole)
    assert goes_on("dense", small_disk.folder / "job", artefacts(whole))
    tally("read-only file systems", 1, 1)


def test_a_family_in_its_own_python_is_told_of_it_in_a_line(small_disk, tally):
    interpreter = find_interpreter(sys.executable, "python.softmax")
    run = prepare("softmax", small_disk.folder / "whole", lambda line: None)
    train(run, interpreter)
    whole = artefacts(run)
    for pages in chosen(range(10), 3):
        folder = small_disk.folder / str(pages)
        run = prepare("softmax", folder, lambda line: None)
        with small_disk.full(but_for=pages):
            try:
                train(run, interpreter)
                assert artefacts(run) == whole
            except Exception as error:
                assert "the disk is full. Free some space" in str(error), str(error)
                assert len(str(error).splitlines()) == 1
        assert leftovers(run) == []
        assert goes_on("softmax", folder, whole)
        tally("full disks, a job in a Python of its own", 1, 1)
