"""A result that is not what its job wrote is refused by whoever reads it."""

import os
from pathlib import Path

import pytest

from restudy.provenance.sums import (
    FILES,
    DamagedResultError,
    byte_digest,
    check_sums,
    note_sums,
    sum_path,
)
from restudy.small_files import write_json


def edit(path: Path, content: bytes) -> None:
    """Change a file, and leave its date as it was."""
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("results/tables/runs.csv", "results/dense/cell/runs.csv"):
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text("seed,loss\n0,0.1\n1,0.2\n")
    Path("results/dense/cell/events").mkdir()
    Path("results/dense/cell/events/one").write_bytes(b"12345")
    return tmp_path


def test_a_digest_lies_below_the_records():
    assert sum_path("results/tables/a.csv") == Path("results/records/sums/tables/a.csv.sha256")
    # A copy of what is in a bucket may be newer than what this machine noted.
    assert sum_path(".snakemake/storage/s3/ours/results/data/moons/points.csv") is None
    assert sum_path("results/figures/a.svg") is None and sum_path("own.csv") is None


@pytest.mark.parametrize("content", [b"seed,loss\n0,0.1\n", b"", b"seed,loss\n0,0.1\n1,0.3\n"])
def test_a_table_that_was_cut_or_altered_is_refused(results, content):
    table = "results/tables/runs.csv"
    check_sums([table])  # without a note it is read as it is
    note_sums([table, "results/dense/cell/runs.csv", "results/tables/none.csv"])
    check_sums([table])
    edit(Path(table), content)
    with pytest.raises(DamagedResultError, match=rf"{table}\nDelete what is named"):
        check_sums(["results/dense/cell/runs.csv", table])


def test_what_a_training_job_left_is_compared_with_its_record(results):
    cell = Path("results/dense/cell")
    names = ("runs.csv", "events")
    write_json(
        cell / "provenance.json", {FILES: {name: byte_digest(cell / name) for name in names}}
    )
    paths = [str(cell / name) for name in names]
    check_sums([*paths, str(cell / "provenance.json"), str(cell / "missing.npz")])
    edit(cell / "events/one", b"1234")
    with pytest.raises(DamagedResultError, match="cell/events"):
        check_sums(paths)
    (cell / "events/one").write_bytes(b"12345")
    (cell / "events/two").write_bytes(b"")
    with pytest.raises(DamagedResultError, match="cell/events"):
        check_sums(paths)


def test_of_many_some_are_named(results):
    paths = [f"results/tables/{number}.csv" for number in range(9)]
    for path in paths:
        Path(path).write_text("1")
    note_sums(paths)
    for path in paths:
        edit(Path(path), b"2")
    with pytest.raises(DamagedResultError, match=r"4\.csv\n  and 4 more\n"):
        check_sums(paths)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"files": {}}'])
def test_a_record_or_note_that_is_garbage_stops_nothing(results, content):
    Path("results/dense/cell/provenance.json").write_bytes(content)
    note = sum_path("results/tables/runs.csv")
    note.parent.mkdir(parents=True)
    note.write_bytes(content if content == b"" else b"\xff")
    check_sums(["results/tables/runs.csv", "results/dense/cell/runs.csv"])
