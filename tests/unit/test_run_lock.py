"""Who runs in a folder, where the file system or the rights do not let one tell."""

import errno
import fcntl
from pathlib import Path

import pytest

from restudy.operation import run_lock
from restudy.operation.run_lock import Places, acquire_run_lock, who_runs

PLACES = Places(Path("kept/owner.json"), Path("kept/locks"), Path("kept/scripts"))


@pytest.fixture(autouse=True)
def no_lock_is_held(monkeypatch):
    monkeypatch.setattr(run_lock, "_open_locks", [])
    yield
    for file in run_lock._open_locks:
        file.close()


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_stops_neither_runs_nor_looks(tmp_path, monkeypatch, code):
    def flock(file, operation):
        raise OSError(code, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    for _ in range(2):
        assert acquire_run_lock(tmp_path, PLACES) is False
        assert who_runs(tmp_path, PLACES) == ""


def test_one_that_has_them_tells_who_runs(tmp_path):
    assert who_runs(tmp_path, PLACES) == ""
    acquire_run_lock(tmp_path, PLACES)
    assert "Another run works in this folder: process" in who_runs(tmp_path, PLACES)
