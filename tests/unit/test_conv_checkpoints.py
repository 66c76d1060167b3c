import hashlib
import io
import json
import random
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from restudy.analysis.event_files import iterate_events
from restudy.analysis.events import read_histograms, read_scalars
from restudy.families import checkpoints
from restudy.families.checkpoints import (
    UNFINISHED,
    Checkpoint,
    clear_checkpoints,
    find_checkpoint,
    list_checkpoints,
    read_checkpoint,
    write_checkpoint,
)

PROGRAM = Path(__file__).parent / "conv_run.py"


def make_checkpoint(step):
    return Checkpoint(
        step,
        {
            "conv1/weights": np.arange(6.0, dtype=np.float32).reshape(2, 3) + step,
            "empty": np.ones(0),
        },
        {
            "history": [{"step": step, "train_loss": 0.1 + step, "test_loss": float("nan")}],
            "histograms": [{"tag": "conv1/weights", "buckets": [[0.1, 0.2, 3.0], [0.2, 0.3, 0.0]]}],
        },
        {"events.out.tfevents.1": b"\x00\xff" * step, "events.out.tfevents.2": b""},
    )


@pytest.fixture
def saved(tmp_path):
    for step in (5, 10, 100):
        write_checkpoint(tmp_path, "mine", make_checkpoint(step))
    return tmp_path


def test_what_was_saved_is_found_again_to_the_bit(saved):
    lines = []
    found, expected = find_checkpoint(saved, "mine", lines.append), make_checkpoint(100)
    assert (found.step, found.files) == (100, expected.files)
    assert repr(found.tables) == repr(expected.tables)
    assert list(found.arrays) == list(expected.arrays)
    for name, array in expected.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)
    assert lines == []


def test_two_newest_are_kept_and_nothing_else(saved):
    assert [path.name for path in list_checkpoints(saved)] == [
        "step-000000100.checkpoint",
        "step-000000010.checkpoint",
    ]
    assert len(list(saved.iterdir())) == 2


def test_one_that_a_job_with_another_budget_has_removed_is_not_called_damaged(saved, monkeypatch):
    found = [saved / "step-000000200.checkpoint", *list_checkpoints(saved)]
    monkeypatch.setattr(checkpoints, "list_checkpoints", lambda folder: found)
    lines = []
    assert find_checkpoint(saved, "mine", lines.append).step == 100
    assert lines == []


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
def test_damaged_one_is_ignored_with_a_warning(saved, damage):
    newest = list_checkpoints(saved)[0]
    content = bytearray(newest.read_bytes())
    content[-30] ^= 1
    changed = {"cut": content[: len(content) // 2], "flipped": content, "empty": b""}
    newest.write_bytes(changed[damage])
    lines = []
    assert find_checkpoint(saved, "mine", lines.append).step == 10
    (line,) = lines
    assert line.startswith("warning: ")
    assert newest.name in line


def test_checkpoint_of_anything_else_is_not_used_and_does_not_crowd_out_ours(saved):
    lines = []
    assert find_checkpoint(saved, "other", lines.append) is None
    assert len(lines) == 2
    assert all("other settings" in line for line in lines)
    write_checkpoint(saved, "other", make_checkpoint(3))  # earlier than those of "mine"
    assert find_checkpoint(saved, "other", print).step == 3


def test_damaged_one_does_not_crowd_out_later_ones(saved):
    for path in list_checkpoints(saved):
        path.write_bytes(b"nothing")
    assert find_checkpoint(saved, "mine", print) is None
    write_checkpoint(saved, "mine", make_checkpoint(3))
    assert find_checkpoint(saved, "mine", print).step == 3


def seal(content):
    """A file that states the right digest of whatever it holds."""
    return hashlib.sha256(content).digest() + content


def archive(**members):
    content = io.BytesIO()
    np.savez(content, **members)
    return content.getvalue()


@pytest.mark.parametrize("content", [b"", b"text", archive(a=np.ones(2))])
def test_one_in_another_format_is_passed_over_with_a_warning(saved, content):
    list_checkpoints(saved)[0].write_bytes(seal(content))
    lines = []
    assert find_checkpoint(saved, "mine", lines.append).step == 10
    assert [line.partition(":")[0] for line in lines] == ["warning"]


def test_one_that_cannot_be_read_or_removed_is_ignored_with_a_warning(saved, monkeypatch):
    newest = list_checkpoints(saved)[0]

    def refuse(path, original=Path.read_bytes, **given):
        if path == newest:
            raise PermissionError("no access")
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    lines = []
    assert find_checkpoint(saved, "mine", lines.append).step == 10
    assert all(line.startswith("warning: ") and newest.name in line for line in lines)
    assert "no access" in lines[0]


def about(**changes) -> np.ndarray:
    stated = {"identity": "mine", "step": 200, "tables": {}} | changes
    return np.frombuffer(json.dumps(stated).encode(), np.uint8)


@pytest.mark.parametrize(
    "members",
    [
        {"about": about(), "file:../escaped": np.zeros(1, np.uint8)},
        {"about": about(), "file:..": np.zeros(1, np.uint8)},
        {"about": about(), "file:": np.zeros(1, np.uint8)},
        {"about": about(step="200")},
        {"about": about(identity=None)},
        {"about": np.frombuffer(b"[1]", np.uint8)},
        {"about": np.frombuffer(b"{", np.uint8)},
        {},
    ],
)
def test_foreign_one_is_passed_over_and_never_writes_elsewhere(saved, members):
    path = saved / "step-000000200.checkpoint"
    path.write_bytes(seal(archive(**members)))
    lines = []
    assert find_checkpoint(saved, "mine", lines.append).step == 100
    assert len(lines) == 1 and "is damaged" in lines[0] and not path.exists()


def test_foreign_one_that_asks_for_any_memory_is_passed_over(saved):
    """Its header states an array that no machine holds."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        stated = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,)}"
        stated += b" " * (117 - len(stated)) + b"\n"
        header = b"\x93NUMPY\x01\x00" + len(stated).to_bytes(2, "little") + stated
        archive.writestr("array:w.npy", header)
        archive.writestr("about.npy", header)
    (saved / "step-000000200.checkpoint").write_bytes(seal(content.getvalue()))
    assert find_checkpoint(saved, "mine", lambda line: None).step == 100


def test_what_is_no_checkpoint_is_left_alone(saved):
    (saved / "step-zzz.checkpoint").mkdir()
    (saved / "step-000000200.checkpoint").symlink_to(saved / "nowhere")
    (saved / "step-last.checkpoint").write_text("mine")
    (saved / "notes.txt").write_text("mine")
    lines = []
    assert find_checkpoint(saved, "mine", lines.append).step == 100
    write_checkpoint(saved, "mine", make_checkpoint(110))
    assert [path.name for path in list_checkpoints(saved)] == [
        "step-000000110.checkpoint",
        "step-000000100.checkpoint",
    ]
    assert (saved / "step-last.checkpoint").read_text() == "mine"
    assert lines == []


def test_no_folder_means_no_checkpoint(tmp_path):
    assert find_checkpoint(tmp_path / "none", "mine", print) is None


def test_half_written_file_is_no_checkpoint_and_is_overwritten(saved):
    half = saved / f"{UNFINISHED}-step-000000110"
    half.write_bytes(b"half")
    assert find_checkpoint(saved, "mine", print).step == 100
    write_checkpoint(saved, "mine", make_checkpoint(110))
    assert read_checkpoint(list_checkpoints(saved)[0])[1].step == 110
    assert not half.exists()


def test_what_is_kept_at_the_end_is_found_by_larger_budgets_alone(saved):
    for step in (40, 60, 200):
        write_checkpoint(saved, "mine", make_checkpoint(step), ended=True)
    assert [path.name for path in list_checkpoints(saved)] == [
        "ended-000000200.checkpoint",
        "step-000000100.checkpoint",
        "ended-000000060.checkpoint",
        "step-000000010.checkpoint",
    ]
    found = {
        budget: find_checkpoint(saved, "mine", print, budget)
        for budget in (10, 11, 60, 61, 200, 201)
    }
    assert {budget: each and each.step for budget, each in found.items()} == {
        **{10: None, 11: 10, 60: 10, 61: 60},
        **{200: 100, 201: 200},
    }
    (saved / f"{UNFINISHED}-step-000000110").write_bytes(b"half")
    clear_checkpoints(saved)
    assert sorted(path.name for path in saved.iterdir()) == [
        "ended-000000060.checkpoint",
        "ended-000000200.checkpoint",
    ]
    for path in list_checkpoints(saved):
        path.unlink()
    clear_checkpoints(saved)
    assert not saved.exists()
    clear_checkpoints(saved)


# Killed and resumed


@pytest.fixture(scope="module")
def run():
    """Function that trains in a process of its own and returns the process's exit code."""
    command = [sys.executable, PROGRAM]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as program:

        def run(folder, when):
            folder.mkdir(exist_ok=True)
            print(json.dumps([str(folder), when]), file=program.stdin, flush=True)
            return int(program.stdout.readline())

        yield run


def read_log(folder):
    """Return the steps that were reported, each with its time, and the other lines."""
    lines = (folder / "log").read_text().splitlines()
    steps = [re.fullmatch(r"step (\d+) at ([\d.]+)", line) for line in lines]
    told = [(int(match[1]), float(match[2])) for match in steps if match]
    return told, [line for line, match in zip(lines, steps, strict=True) if not match]


def all_values(folder):
    """Return scalars and histograms of a run, without its speed, which no two runs share."""
    scalars = read_scalars(folder / "events")
    return scalars[~scalars["tag"].str.startswith("speed/")].reset_index(drop=True), (
        read_histograms(folder / "events")
    )


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, "never") == 0
    return folder


def test_killed_five_times_it_ends_as_if_never_interrupted(run, tmp_path, whole):
    told, _ = read_log(whole)
    lasting = told[-1][1] - told[0][1]
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    # Each call lives for up to half of a whole run, and one dies in the middle of a checkpoint.
    moments = [f"{draw.uniform(0.02, 0.5) * lasting:.3f}" for _ in range(4)]
    moments.insert(draw.randrange(5), "saving")
    print(f"seed {seed}: {moments} of {lasting:.3f} s")

    killed = [run(tmp_path, when) for when in moments]
    assert killed.count(-signal.SIGKILL) >= 3, killed  # the last may have come to its end
    assert run(tmp_path, "never") == 0

    _, said = read_log(tmp_path)
    assert any(line.startswith("resumed after ") for line in said)
    expected, found = (
        json.loads((folder / "result.json").read_text()) for folder in (whole, tmp_path)
    )
    assert found["weights"] == expected["weights"]
    assert json.dumps(found) == json.dumps(expected)  # NaN included
    tables = [pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("scalars", "histograms")]
    for ours, theirs, table in zip(all_values(tmp_path), all_values(whole), tables, strict=True):
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        pd.testing.assert_frame_equal(table, theirs, check_exact=True)
    graphs = [
        bool(event.graph_def)
        for path in sorted((tmp_path / "events").iterdir())
        for event in iterate_events(path)
    ]
    assert sum(graphs) == 1


def test_half_a_checkpoint_does_not_stop_the_next_call(run, tmp_path, whole):
    assert run(tmp_path, "saving") == -signal.SIGKILL
    saved = tmp_path / "checkpoints"
    assert list(saved.glob(f"{UNFINISHED}*"))
    (left,) = list_checkpoints(saved)
    content = left.read_bytes()
    left.write_bytes(content[: len(content) // 2])  # and the disk lost half of the other
    assert run(tmp_path, "never") == 0
    _, said = read_log(tmp_path)
    assert sum("is damaged" in line for line in said) == 1
    expected, found = ((folder / "result.json").read_text() for folder in (whole, tmp_path))
    assert found == expected
