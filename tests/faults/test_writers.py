"""Whatever writes a result: where the disk fails at any moment, nothing partial stays."""

import errno

import numpy as np
import pandas as pd
import pytest
from failing_files import failing

from restudy.data.idx import write_idx
from restudy.data.images import install_files
from restudy.data.tables import stack_tables, write_table
from restudy.disk import FAULTS, DiskError, describe_fault, fault_in, fault_number, whole_file
from restudy.families.checkpoints import Checkpoint, list_checkpoints, write_checkpoint
from restudy.small_files import write_json, write_text
from restudy.verification.manifest import make_manifest, write_manifest
from restudy.views.style import new_figure, save

ROWS = pd.DataFrame({"cell": ["a"] * 3000, "seed": range(3000), "loss": np.linspace(0, 1, 3000)})
ENTRY = {"sha256": "0" * 64, "bytes": 1}
GROUP = {
    "settings": "",
    "environment": {"python": "3"},
    "files": {f"f{n}": ENTRY for n in range(99)},
}


def draw(path):
    figure, panels = new_figure(panel_size=(2, 2))
    panels[0, 0].plot([0, 1], [1, 0])
    save(figure, path)


def save_arrays(path):
    with whole_file(path) as file:
        np.savez(file, a=np.arange(9000.0), b=np.zeros((30, 40)))


def stack(path):
    part = path.with_name("rows" + path.suffix)
    if not part.exists():
        write_table(ROWS, part)
    stack_tables([part, part], path)


WRITERS = {
    "table.csv": lambda path: write_table(ROWS, path),
    "table.parquet": lambda path: write_table(ROWS, path),
    "stacked.csv": stack,
    "stacked.parquet": stack,
    "arrays.npz": save_arrays,
    "images.idx": lambda path: write_idx(path, np.zeros((40, 28, 28), np.uint8)),
    "figure.svg": draw,
    "figure.png": draw,
    "figure.pdf": draw,
    "page.html": lambda path: write_text(path, "<p>é</p>" * 9000),
    "record.json": lambda path: write_json(path, {"rows": list(range(3000))}),
    "manifest.json": lambda path: write_manifest(
        path, make_manifest({f"c{n}": GROUP for n in range(9)}, GROUP, "", {})
    ),
}
KINDS = [number for number in FAULTS if number != errno.EFBIG]


@pytest.mark.parametrize("name", WRITERS)
def test_what_cannot_be_written_leaves_what_was_there(name, tmp_path, monkeypatch, tally):
    path = tmp_path / name
    WRITERS[name](path)
    whole = path.read_bytes()
    path.write_bytes(b"earlier")
    there = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    at, failed = 0, True
    while failed:
        at, failed = at + 1, False
        number = KINDS[at % len(KINDS)]
        with failing(monkeypatch, at, number) as calls:
            try:
                WRITERS[name](path)
                assert calls.count < at, "a fault went unnoticed"
            except DiskError as error:
                failed = True
                assert str(error) == describe_fault(path, number)
                assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == there
    assert at > 3 and path.read_bytes() == whole
    tally("writes of results that fail", at - 1, at - 1)


def test_a_message_is_one_line_with_the_file_the_reason_and_what_to_do():
    for number in FAULTS:
        line = describe_fault("results/a.csv", number)
        assert "\n" not in line and line.startswith("results/a.csv can't be written: ")
        assert "then call again: what is finished stays." in line
    assert "the disk is full. Free some space, then" in describe_fault("a", errno.ENOSPC)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("[Errno 28] No space left on device", errno.ENOSPC),
        ("Can't synchronously write data (file write failed: errno = 28, error", errno.ENOSPC),
        ("events.out; No space left on device", errno.ENOSPC),
        ("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space", errno.ENOSPC),
        ("[Errno 122] Disk quota exceeded", errno.EDQUOT),
        ("[Errno 2] No such file or directory", None),
        ("[Errno 13] Permission denied: it may have wanted to read", None),
        ("WinError 28", None),
    ],
)
def test_faults_are_known_by_what_libraries_say(text, number):
    assert fault_in(text) == number
    assert fault_number(RuntimeError(text)) == number
    assert fault_number(FileNotFoundError(errno.ENOENT, text)) is None


def test_other_errors_pass_as_they_are_and_leave_nothing(tmp_path):
    with pytest.raises(KeyError), whole_file(tmp_path / "a"):
        raise KeyError("a")
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "no folder/a"):
        pass
    assert not list(tmp_path.iterdir())


def test_images_are_installed_together_or_not_at_all(tmp_path, monkeypatch):
    contents = {f"{name}.idx": b"x" * 100_000 for name in "abcd"}
    folder = tmp_path / "moons"
    with failing(monkeypatch, 3, errno.ENOSPC), pytest.raises(DiskError, match=str(folder)):
        install_files(folder, contents)
    assert not list(folder.iterdir())
    install_files(folder, contents)
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == contents


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_ones_alone(
    tmp_path, monkeypatch, tally
):
    state = {"weights": np.arange(5000.0)}
    for step in (1, 2):
        write_checkpoint(tmp_path, "mine", Checkpoint(step, state, {}, {}))
    there = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    at, failed = 0, True
    while failed:
        at, failed = at + 1, False
        with failing(monkeypatch, at, KINDS[at % len(KINDS)]):
            try:
                write_checkpoint(tmp_path, "mine", Checkpoint(3, state, {}, {}))
            except OSError:
                failed = True
                assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == there
    assert at > 3 and len(list_checkpoints(tmp_path)) == 2
    tally("writes of checkpoints that fail", at - 1, at - 1)
