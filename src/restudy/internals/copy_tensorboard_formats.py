"""Copy the descriptions of the messages in event files from TensorBoard.

    python -m restudy.internals.copy_tensorboard_formats

Run it in the project's folder, with ``src`` on PYTHONPATH, when the lock has a new TensorBoard. A
test compares the copy with what this would write.
"""

import base64
import zlib
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from tensorboard.compat.proto import event_pb2, meta_graph_pb2
from tensorboard.plugins.hparams import plugin_data_pb2

COPY = Path(__file__).with_name("tensorboard_formats.py")
TEXT = '''\
"""Descriptions of the messages in event files, so that reading them takes protobuf alone.

Copied from TensorBoard by ``python -m restudy.internals.copy_tensorboard_formats``; Copyright The
TensorFlow Authors, Apache License 2.0.
"""

import base64
import zlib


def descriptor_set() -> bytes:
    """Return a serialised FileDescriptorSet, in which each file stands behind those it imports."""
    return zlib.decompress(base64.b64decode(CONTENT))


CONTENT = """
{content}
"""
'''
WIDTH = 96


def copied() -> bytes:
    """Return the descriptions as a serialised FileDescriptorSet."""
    found: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for each in file.dependencies:
            add(each)
        found.setdefault(file.name, file)

    for module in (event_pb2, meta_graph_pb2, plugin_data_pb2):
        add(module.DESCRIPTOR)
    files = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(files.file.add())
    return files.SerializeToString(deterministic=True)


def main() -> None:
    """Write the module that has the copy."""
    text = base64.b64encode(zlib.compress(copied(), 9)).decode()
    lines = [text[start : start + WIDTH] for start in range(0, len(text), WIDTH)]
    COPY.write_text(TEXT.format(content="\n".join(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
