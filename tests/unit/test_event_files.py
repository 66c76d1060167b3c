"""Event files of every writer and in every state: read as far as they go, and a word about it."""

import os
import re

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary
from tensorboard.util.tensor_util import make_ndarray

from restudy.analysis.event_files import LogError, iterate_events, read_log, read_run

PYTORCH = ROOT / "tests/data/pytorch_log"


def write_events(path, events):
    """Write events with TensorFlow's own record writer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for event in events:
            writer.write(event.SerializeToString())


def number(tag, step, value, wall=1.0):
    """An event of the old kind with one number."""
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    return Event(step=step, wall_time=wall, summary=summary)


def start_of(version="brain.Event:2"):
    return Event(wall_time=5.0, file_version=version)


def by_tensorboard(folder):
    """Tag -> (steps, times, arrays), as TensorBoard's own accumulator has them."""
    accumulator = EventAccumulator(str(folder), {"tensors": 0}).Reload()
    return {
        tag: [
            (event.step, event.wall_time, make_ndarray(event.tensor_proto))
            for event in accumulator.Tensors(tag)
        ]
        for tag in accumulator.Tags()["tensors"]
    }


def assert_same_as_tensorboard(folder):
    """Compare steps, times and values of all scalars, histograms and images; return how many."""
    expected, run, count = by_tensorboard(folder), read_run(folder), 0
    for tag, series in {**run.scalars, **run.histograms, **run.images}.items():
        steps, walls, arrays = zip(*expected[tag], strict=True)
        assert series.step.tolist() == list(steps) and series.wall.tolist() == list(walls)
        count += len(steps)
        if tag in run.scalars:
            np.testing.assert_array_equal(series.value, [array.item() for array in arrays])
        elif tag in run.histograms:
            assert series.buckets.tolist() == [len(array) for array in arrays]
            np.testing.assert_array_equal(series.rows, np.concatenate(arrays))
        else:
            assert series.pictures == [list(array[2:]) for array in arrays]
            assert [series.width, series.height] == [int(side) for side in arrays[0][:2]]
    return count


def test_all_runs_below_a_directory_are_found(tmp_path):
    for place in ("", "a/b", "a/b/c", "a/other"):
        write_events(tmp_path / place / "events.out.tfevents.1", [start_of(), number("x", 0, 1)])
    (tmp_path / "a/empty").mkdir()
    (tmp_path / "a/profiled").mkdir()
    (tmp_path / "a/profiled/events.out.tfevents.1.profile-empty").touch()
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "a/b")
    names = [".", "a/b", "a/b/c", "a/other", "link", "link/c"]
    assert [run.name for run in read_log(tmp_path)] == names


def test_tensors_of_any_type_of_number_are_scalars(tmp_path):
    types = (tf.float16, tf.float32, tf.float64, tf.int8, tf.uint8, tf.int32, tf.int64)
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for kind in types:
            metadata = tf.compat.v1.SummaryMetadata()
            metadata.plugin_data.plugin_name = "scalars"
            for step, value in ((1, 3), (2, 0), (4, 101)):
                tf.summary.write(kind.name, tf.constant(value, kind), step, metadata)
        tf.summary.scalar("nan", float("nan"), 0)
        tf.summary.scalar("infinite", float("-inf"), 0)
    run = read_run(tmp_path)
    for kind in types:
        assert run.scalars[kind.name].value.tolist() == [3, 0, 101], kind
    assert np.isnan(run.scalars["nan"].value[0]) and run.scalars["infinite"].value[0] == -np.inf
    assert assert_same_as_tensorboard(tmp_path) == 3 * len(types) + 2


def test_histograms_and_images_of_tensorflow_are_read_bit_by_bit(tmp_path):
    random = np.random.default_rng(0)
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        for step in range(4):
            tf.summary.histogram("double", random.normal(size=500), step)
            tf.summary.histogram("single", random.normal(size=500).astype(np.float32), step)
            tf.summary.histogram("same", np.full(9, 2.5), step)
            tf.summary.histogram("nothing", np.zeros(0), step)
            tf.summary.image("two", random.uniform(size=(2, 4, 6, 3)), step, description="Noise.")
    assert assert_same_as_tensorboard(tmp_path) == 20
    run = read_run(tmp_path)
    assert run.descriptions == {"two": "Noise."}
    assert (run.images["two"].width, run.images["two"].height) == (6, 4)


def test_files_written_by_pytorch_are_read_as_tensorboard_reads_them():
    runs = {run.name: run for run in read_log(PYTORCH)}
    assert list(runs) == [
        *("plain", "plain/both_cosine", "plain/both_sine"),
        *("search", "search/trial_1", "search/trial_2"),
    ]
    counts = {name: assert_same_as_tensorboard(PYTORCH / name) for name in runs}
    assert counts["plain"] == 21 + 2 * 3 + 3
    assert runs["plain"].graph
    assert [note for note in runs["plain"].notes if "text" in note] == [
        "Run plain: 1 value of another kind (text) not shown."
    ]
    session = runs["search/trial_2"].hparams["session_start_info"]
    assert session.hparams["rate"].number_value == 0.01
    assert session.hparams["kind"].string_value == "adam"


def test_histograms_of_the_old_kind_lose_empty_ends(tmp_path):
    limit = [-1e308, -1.0, 0.0, 0.1, 1e308]
    message = HistogramProto(min=-0.7, max=3.3, num=6, bucket_limit=limit, bucket=[0, 0, 4, 0, 2])
    empty = HistogramProto(min=0, max=0, bucket_limit=limit, bucket=[0] * 5)
    events = [
        Event(step=step, summary=Summary(value=[Summary.Value(tag="h", histo=histogram)]))
        for step, histogram in enumerate((message, empty, message))
    ]
    write_events(tmp_path / "events.out.tfevents.1", [start_of(), *events])
    series = read_run(tmp_path).histograms["h"]
    assert series.buckets.tolist() == [3, 0, 3]
    expected = np.float32([[-0.7, 0, 4], [0, 0.1, 0], [0.1, 3.3, 2]])
    np.testing.assert_array_equal(series.rows[:3], expected)
    assert assert_same_as_tensorboard(tmp_path) == 3


def test_several_files_of_a_run_are_one_series_in_the_order_of_their_names(tmp_path):
    for name, steps in (("2", (3, 4)), ("1", (0, 1)), ("3", (4, 5))):
        events = [start_of(), *(number("x", step, step / 3) for step in steps)]
        write_events(tmp_path / f"events.out.tfevents.{name}", events)
    assert read_run(tmp_path).scalars["x"].step.tolist() == [0, 1, 3, 4, 4, 5]
    assert assert_same_as_tensorboard(tmp_path) == 6


def test_restart_that_is_logged_drops_what_it_writes_again(tmp_path):
    restart = Event(step=2, session_log=SessionLog(status=SessionLog.START))
    first = Event(step=0, session_log=SessionLog(status=SessionLog.START))
    events = [start_of(), first, *(number("x", step, 1) for step in range(5))]
    write_events(tmp_path / "events.out.tfevents.1", [*events, number("y", 1, 1)])
    write_events(tmp_path / "events.out.tfevents.2", [start_of(), restart, number("x", 2, 9)])
    run = read_run(tmp_path)
    assert run.scalars["x"].step.tolist() == [0, 1, 2]
    assert run.scalars["x"].value.tolist() == [1, 1, 9]
    assert assert_same_as_tensorboard(tmp_path) == 4
    assert "3 values from before a restart left out" in run.notes[0]


def test_steps_that_go_back_without_a_restart_stay_and_are_noted(tmp_path):
    events = [start_of(), *(number("x", step, step) for step in (0, 1, 2, 1, 2, 3))]
    write_events(tmp_path / "events.out.tfevents.1", events)
    run = read_run(tmp_path)
    assert run.scalars["x"].step.tolist() == [0, 1, 2, 1, 2, 3]
    assert assert_same_as_tensorboard(tmp_path) == 6
    (note,) = run.notes
    assert "2 values in 1 tag, such as x, stand before others of the same or an earlier" in note


def test_files_of_the_oldest_version_lose_steps_that_are_written_again(tmp_path):
    events = [number(tag, step, step) for step in (0, 5, 9) for tag in "xy"]
    write_events(tmp_path / "events.out.tfevents.1", [*events, number("x", 5, 1)])
    run = read_run(tmp_path)
    assert run.scalars["x"].step.tolist() == [0, 5] and len(run.scalars["y"].step) == 3
    assert assert_same_as_tensorboard(tmp_path) == 5


def test_later_values_without_metadata_belong_to_their_tag(tmp_path):
    first = Summary.Value(tag="x")
    first.tensor.ParseFromString(tf.make_tensor_proto(1.5).SerializeToString())
    first.metadata.plugin_data.plugin_name = "scalars"
    first.metadata.display_name = "The loss"
    later = Summary.Value(tag="x")
    later.tensor.ParseFromString(tf.make_tensor_proto(2.5).SerializeToString())
    events = [Event(step=i, summary=Summary(value=[v])) for i, v in enumerate((first, later))]
    write_events(tmp_path / "events.out.tfevents.1", [start_of(), *events])
    run = read_run(tmp_path)
    assert run.scalars["x"].value.tolist() == [1.5, 2.5] and run.labels == {"x": "The loss"}
    assert assert_same_as_tensorboard(tmp_path) == 2


def whole(folder):
    """An event file of 20 numbers, and its content."""
    path = folder / "events.out.tfevents.1"
    write_events(path, [start_of(), *(number("x", step, step) for step in range(20))])
    return path, path.read_bytes()


@pytest.mark.parametrize("cut", [1, 4, 5, 12, 17, 25, 30])
def test_file_that_is_cut_off_is_read_up_to_there(tmp_path, cut):
    path, content = whole(tmp_path)
    path.write_bytes(content[:-cut])
    run = read_run(tmp_path)
    length = len(content[:-cut])
    kept = 20 - 1 - (cut > 16 + len(number("x", 19, 19).SerializeToString()))
    assert run.scalars["x"].step.tolist() == list(range(kept))
    (fault,) = run.faults
    assert fault.startswith(f"{path}: cut off or still growing event file")
    assert f"; {kept + 1} records of it can be read" in fault and f"{length:,} bytes" in fault
    assert assert_same_as_tensorboard(tmp_path) == kept


def test_growing_file_is_read_anew_with_what_came_since(tmp_path):
    path, content = whole(tmp_path)
    lengths = []
    for size in range(0, len(content) + 1, 7):
        path.write_bytes(content[:size])
        scalars = read_run(tmp_path).scalars
        lengths.append(len(scalars["x"].step) if scalars else 0)
    path.write_bytes(content)
    run = read_run(tmp_path)
    assert lengths == sorted(lengths) and set(lengths) >= {0, 7, 19}
    assert len(run.scalars["x"].step) == 20 and run.faults == []


def test_damaged_record_ends_the_file_and_not_the_run(tmp_path):
    path, content = whole(tmp_path)
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    write_events(tmp_path / "events.out.tfevents.2", [start_of(), number("x", 77, 7)])
    run = read_run(tmp_path)
    steps = run.scalars["x"].step.tolist()
    assert steps[-1] == 77 and steps[:-1] == list(range(len(steps) - 1)) and 5 < len(steps) < 15
    assert re.fullmatch(
        rf"{path}: damaged event file; {len(steps)} records of it can be read, "
        r"the last [\d,]+ of its [\d,]+ bytes are not",
        *run.faults,
    )


def test_every_flipped_bit_is_noticed(tmp_path):
    path, content = whole(tmp_path)
    for place in range(0, len(content), 3):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        run = read_run(tmp_path)
        values = run.scalars["x"].value.tolist() if run.scalars else []
        assert len(run.faults) == 1 and values == list(range(len(values))) != list(range(20))


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "empty event file"),
        (b"step,value\n0,1.5\n", "no event file"),
        (bytes(4096), "no event file"),
        (b"\x1f\x8b" + bytes(range(256)), "no event file"),
        (b"\xff" * 30, "no event file"),
    ],
)
def test_empty_and_foreign_files_are_noted(tmp_path, content, words):
    path = tmp_path / "events.out.tfevents.0"
    path.write_bytes(content)
    write_events(tmp_path / "events.out.tfevents.1", [start_of(), number("x", 0, 1)])
    run = read_run(tmp_path)
    assert run.faults == [fault for fault in run.faults if f"{path}: {words}" in fault] != []
    assert run.scalars["x"].value.tolist() == [1]


def test_records_that_are_no_events_are_damage(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfevents.1")) as writer:
        writer.write(number("x", 0, 1).SerializeToString())
        writer.write(b"a record, but no event")
    run = read_run(tmp_path)
    assert run.scalars["x"].value.tolist() == [1] and "damaged" in run.faults[0]


def test_values_that_make_no_sense_are_counted_and_skipped(tmp_path):
    values = []
    for tag, plugin, tensor in (
        ("text", "scalars", tf.make_tensor_proto("words")),
        ("many", "scalars", tf.make_tensor_proto([1.0, 2.0])),
        ("flat", "histograms", tf.make_tensor_proto([1.0, 2.0])),
        ("bare", "images", tf.make_tensor_proto(["3"])),
        ("mesh", "mesh", tf.make_tensor_proto([1.0])),
    ):
        value = Summary.Value(tag=tag)
        value.metadata.plugin_data.plugin_name = plugin
        value.tensor.ParseFromString(tensor.SerializeToString())
        values.append(value)
    event = Event(step=1, summary=Summary(value=values))
    write_events(tmp_path / "a.tfevents.1", [start_of(), event, event, number("good", 1, 2)])
    run = read_run(tmp_path)
    assert list(run.scalars) == ["good"] and not run.histograms and not run.images
    for words in ("2 values of text", "of many", "of flat", "of bare", "2 values of another kind"):
        assert sum(words in note for note in run.notes) == 1, words


def test_directory_that_is_missing_or_without_event_files_is_refused_by_name(tmp_path):
    with pytest.raises(LogError, match="nowhere: no such directory"):
        read_log(tmp_path / "nowhere")
    with pytest.raises(LogError, match=f"{tmp_path.name}: no TensorBoard event file"):
        read_log(tmp_path)


def test_events_come_one_by_one(tmp_path):
    path, _ = whole(tmp_path)
    assert [event.step for event in iterate_events(path)][1:] == list(range(20))


def test_times_that_are_none_are_told_and_not_drawn(tmp_path):
    walls = [float("nan"), 5.0, float("inf"), 7.0, -1e300]
    events = [number("x", step, 1, wall) for step, wall in enumerate(walls)]
    write_events(tmp_path / "events.out.tfevents.1", events)
    run = read_run(tmp_path)
    assert run.start == 5.0 and run.scalars["x"].wall.tolist() == [5, 5, 5, 7, 7]
    assert run.notes == [
        "Run .: 3 values without a time that a clock can show; they have that of the value before."
    ]


@pytest.mark.parametrize(
    ("limits", "counts"),
    [([0, np.inf], [1, 2]), ([0, 1], [np.nan, 1]), ([0, 1], [-1, 1]), ([2, 1, 0], [1, 1, 1])],
)
def test_histograms_that_cannot_be_drawn_are_told(tmp_path, limits, counts):
    odd = HistogramProto(min=-1, max=limits[-1], bucket_limit=limits, bucket=counts)
    fine = HistogramProto(min=-1, max=1, bucket_limit=[0, 1], bucket=[1, 1])
    values = [Summary.Value(tag="h", histo=each) for each in (odd, fine)]
    events = [Event(step=n, summary=Summary(value=[each])) for n, each in enumerate(values)]
    write_events(tmp_path / "events.out.tfevents.1", events)
    run = read_run(tmp_path)
    assert run.histograms["h"].step.tolist() == [1]
    assert run.notes == ["Run .: 1 value of h can't be read."]


def test_one_value_that_stands_for_too_many_is_told(tmp_path):
    tensor = tf.make_tensor_proto(1.0, shape=[1]).SerializeToString()
    event = Event(step=0)
    value = event.summary.value.add(tag="x")
    value.metadata.plugin_data.plugin_name = "histograms"
    value.tensor.MergeFromString(tensor)
    value.tensor.tensor_shape.dim[0].size = 10**12
    write_events(tmp_path / "events.out.tfevents.1", [event])
    assert read_run(tmp_path).notes == ["Run .: 1 value of x can't be read."]


def test_records_that_are_no_events_are_left_out_and_the_rest_is_read(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfevents.1")) as writer:
        writer.write(number("x", 0, 1).SerializeToString())
        writer.write(b"a record, but no event")
        writer.write(number("x", 1, 2).SerializeToString())
    run = read_run(tmp_path)
    assert run.scalars["x"].value.tolist() == [1, 2]
    assert run.faults[0].endswith("1 of its 3 records is no event and left out")


def test_links_to_nothing_and_pipes_are_told(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/events.out.tfevents.1").symlink_to("nowhere")
    os.mkfifo(tmp_path / "a/events.out.tfevents.2")
    write_events(tmp_path / "b/events.out.tfevents.1", [number("x", 0, 1)])
    broken, fine = read_log(tmp_path)
    assert (broken.name, fine.name) == ("a", "b") and not fine.faults
    assert [fault.partition(": ")[2] for fault in broken.faults] == [
        "no file, or a link to nothing; nothing is read of it"
    ] * 2


def test_a_file_in_place_of_the_log_directory_is_told(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    write_events(path, [number("x", 0, 1)])
    with pytest.raises(LogError, match="no directory; name the one with the event files"):
        read_log(path)


def test_graph_without_operations_is_told(tmp_path):
    write_events(tmp_path / "events.out.tfevents.1", [Event(graph_def=b"")])
    run = read_run(tmp_path)
    assert run.graph is None and "a graph without any operation" in run.notes[0]
