import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

import restudy
from restudy.analysis.events import read_histograms, read_scalars


@pytest.fixture
def folder(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(0, 40, 2):  # more points than TensorBoard keeps by default
            tf.summary.scalar("loss/train", 1 / (step + 1), step)
        tf.summary.scalar("a", 0.5, 3)
        tf.summary.histogram("weights", [0.0, 0.1, 0.9, 1.0], 7, buckets=2)
        tf.summary.histogram("weights", [2.0, 2.0, 2.0], 1, buckets=2)
    return tmp_path


def test_scalars_are_complete_and_sorted(folder):
    table = read_scalars(folder)
    assert list(table.columns) == ["tag", "step", "value"]
    assert table["tag"].tolist() == ["a"] + 20 * ["loss/train"]
    assert table["step"].tolist() == [3, *range(0, 40, 2)]
    np.testing.assert_allclose(table["value"][1:], 1 / (np.arange(0, 40, 2) + 1), rtol=1e-6)


def test_histograms_have_a_row_per_bucket(folder):
    table = read_histograms(folder)
    assert list(table.columns) == ["tag", "step", "left", "right", "count"]
    assert table.values.tolist() == [
        ["weights", 1, 2.0, 2.0, 0.0],
        ["weights", 1, 2.0, 2.0, 3.0],
        ["weights", 7, 0.0, 0.5, 2.0],
        ["weights", 7, 0.5, 1.0, 2.0],
    ]


@pytest.mark.parametrize("damage", [lambda content: content[:-5], lambda content: content + b"x"])
def test_damaged_file_is_refused_by_name(folder, damage):
    (path,) = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{path.name}: cut off"):
        read_scalars(folder)


def test_same_is_read_as_by_tensorboard(folder):
    accumulator = EventAccumulator(str(folder), {"tensors": 0}).Reload()
    expected = [
        (tag, event.step, tensor_util.make_ndarray(event.tensor_proto).item())
        for tag in ("a", "loss/train")
        for event in accumulator.Tensors(tag)
    ]
    assert list(read_scalars(folder).itertuples(index=False, name=None)) == expected


def test_kind_that_was_not_written_gives_an_empty_table(tmp_path):
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        tf.summary.scalar("loss", 1.0, 0)
    assert list(read_histograms(tmp_path).columns) == ["tag", "step", "left", "right", "count"]
    assert len(read_histograms(tmp_path)) == 0


@pytest.mark.parametrize("read", [read_scalars, read_histograms])
@pytest.mark.parametrize("name", ["empty", "missing"])
def test_folder_without_event_files_is_refused_by_name(tmp_path, read, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=f"{name}: no TensorBoard event file"):
        read(tmp_path / name)


def test_reading_does_not_import_tensorflow(folder):
    code = (
        "import sys; from restudy.analysis.events import read_scalars; "
        f"assert len(read_scalars({str(folder)!r})) == 21; "
        "assert 'tensorflow' not in sys.modules"
    )
    source = Path(restudy.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(source)})
