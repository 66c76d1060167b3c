"""Event files with anything in any field: a page and notes, never an error of ours."""

import random
import warnings

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message

from restudy.analysis.event_files import LATEST, read_log
from restudy.internals.tensorboard_reading import Event, GraphDef, HParamsPluginData
from restudy.views.tensorboard_page import make_page

NAN, INF = float("nan"), float("inf")
FLOATS = [0.0, 1.0, -1.0, NAN, INF, -INF, 1e308, -1e308, 5e-324, 1.7e9, 1e300]
INTEGERS = [0, 1, -1, 2, 3, 127, 300, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 10**12]
TEXTS = ["", "a", "loss", "x//y/", "\0", "\n", "</script>", "é" * 50, "_hparams_/experiment", ".."]
TEXTS += ["__proto__", "constructor", "hasOwnProperty", "a" * 3000, "_hparams_/session_start_info"]
BYTES = [b"", b"\0", b"abc", b"\xff" * 10, b"4", b"-1", b"9" * 20, b"\x89PNG\r\n\x1a\n", b"1.5"]
BYTES += [b"\0" * 24, b"\x7f\xf8" * 12]
SCALARS = {
    Field.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    Field.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    Field.CPPTYPE_UINT32: (0, 2**32 - 1),
    Field.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def draw(random: random.Random, field: Field):
    """A value that a field can have."""
    kind = field.cpp_type
    if kind in SCALARS:
        low, high = SCALARS[kind]
        return max(low, min(high, random.choice(INTEGERS)))
    if kind in (Field.CPPTYPE_DOUBLE, Field.CPPTYPE_FLOAT):
        return random.choice(FLOATS)
    if kind == Field.CPPTYPE_BOOL:
        return random.random() < 0.5
    if kind == Field.CPPTYPE_ENUM:
        return random.choice([each.number for each in field.enum_type.values])
    return random.choice(BYTES if field.type == Field.TYPE_BYTES else TEXTS)


def fill(random: random.Random, message: Message, share: float, depth: int = 0) -> Message:
    """The message, with a share of its fields filled in."""
    for field in message.DESCRIPTOR.fields:
        if random.random() > share or depth > 4:
            continue
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            key, value = (inner.fields_by_name[name] for name in ("key", "value"))
            entries = getattr(message, field.name)
            if value.message_type is not None:
                fill(random, entries[draw(random, key)], share, depth + 1)
            else:
                entries[draw(random, key)] = draw(random, value)
        elif field.is_repeated:
            for _ in range(random.choice([0, 1, 2, 3, 6])):
                if inner is not None:
                    fill(random, getattr(message, field.name).add(), share, depth + 1)
                else:
                    getattr(message, field.name).append(draw(random, field))
        elif inner is not None:
            fill(random, getattr(message, field.name), share, depth + 1)
        else:
            setattr(message, field.name, draw(random, field))
    return message


def draw_event(random: random.Random):
    """An event that a foreign or faulty program might write."""
    event = Event(step=random.choice(INTEGERS), wall_time=random.choice(FLOATS))
    sort = random.random()
    if sort < 0.1:
        return fill(random, event, 0.4)
    if sort < 0.25:
        event.graph_def = random.choice(
            [fill(random, GraphDef(), 0.6).SerializeToString(), random.choice(BYTES)]
        )
        return event
    value = event.summary.value.add(tag=random.choice(TEXTS))
    if sort < 0.5:
        fill(random, value, 0.5)
    elif sort < 0.6:
        value.tag = random.choice(["_hparams_/session_start_info", "_hparams_/experiment"])
        value.metadata.plugin_data.plugin_name = "hparams"
        content = fill(random, HParamsPluginData(), 0.7).SerializeToString()
        value.metadata.plugin_data.content = random.choice([content, random.choice(BYTES)])
    elif sort < 0.7:
        fill(random, value.histo, 0.9)
    else:
        value.metadata.plugin_data.plugin_name = random.choice(["scalars", "histograms", "images"])
        fill(random, value.tensor, 0.5)
        value.tensor.dtype = random.randrange(25)
    return event


@pytest.mark.parametrize("seed", range(60))
def test_anything_in_any_field_gives_a_page(tmp_path, seed):
    drawn = random.Random(seed)
    for number in range(2):
        folder = tmp_path / drawn.choice(["one", "one/two", "é"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"events.out.tfevents.{number}"
        with tf.io.TFRecordWriter(str(path)) as writer:
            writer.write(Event(wall_time=1.0, file_version="brain.Event:2").SerializeToString())
            for _ in range(8):
                writer.write(draw_event(drawn).SerializeToString())
        if drawn.random() < 0.2:
            content = bytearray(path.read_bytes())
            content[drawn.randrange(len(content))] ^= 1 << drawn.randrange(8)
            path.write_bytes(content[: drawn.randrange(1, len(content) + 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runs = read_log(tmp_path)
        for points in (0, 5):
            assert len(make_page(runs, "any", "logs", points=points)) > 1000
    for run in runs:
        for series in (*run.scalars.values(), *run.histograms.values(), *run.images.values()):
            assert (np.abs(series.wall) <= LATEST).all()
        assert all(np.isfinite(series.rows).all() for series in run.histograms.values())
        assert all(series.width > 0 < series.height for series in run.images.values())
        assert all(len(note) < 1000 for note in [*run.notes, *run.faults])
