"""What event files hold: TensorBoard's messages, and words and numbers of its HParams plugin.

The formats are stable, since old files have to be read. Their descriptions are a copy of
TensorBoard's, which is fifty times the size of what reads them here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from restudy.internals.tensorboard_formats import descriptor_set

# Of their own, beside those that TensorFlow and TensorBoard register in the common one.
POOL = DescriptorPool()
for file in FileDescriptorSet.FromString(descriptor_set()).file:
    POOL.AddSerializedFile(file.SerializeToString())


def _message(name: str) -> Any:
    return GetMessageClass(POOL.FindMessageTypeByName(f"tensorboard.{name}"))


Event = _message("Event")
SessionLog = _message("SessionLog")
GraphDef = _message("GraphDef")
MetaGraphDef = _message("MetaGraphDef")
HParamsPluginData = _message("hparams.HParamsPluginData")
# Names of the types of tensors by their numbers.
TYPES = {each.number: each.name for each in POOL.FindEnumTypeByName("tensorboard.DataType").values}

# What the tags of HParams begin with; behind it stands which of the messages it is.
HPARAMS_TAG = "_hparams_/"
# Fields of these messages that are in no two runs alike.
TIME_FIELDS = ("start_time_secs", "end_time_secs", "time_created_secs")
STATUS = {0: "unknown", 1: "success", 2: "failure", 3: "running"}


def status_name(number: int) -> str:
    """Return how a session of HParams ended, given the number that stands for it.

    Returns
    -------
    {"unknown", "success", "failure", "running"}
    """
    return STATUS.get(number, "unknown")


def make_ndarray(tensor: Any) -> np.ndarray:
    """Return the array in a message TensorProto, as TensorFlow's function of this name does.

    Parameters
    ----------
    tensor
        Its values stand in ``tensor_content``, or in the field of their type: all of them, or one
        for all.

    Raises
    ------
    TypeError
        If they are of a type that is no array's.
    ValueError
        If they are more or fewer than its shape has, or one stands for more than a page can show.
    """
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    kind = TYPES.get(tensor.dtype, "").removeprefix("DT_")
    if kind not in ARRAYS:
        raise TypeError(f"a tensor of type {tensor.dtype} is no array")
    dtype, stored, field = ARRAYS[kind]
    if tensor.tensor_content:
        array = np.frombuffer(tensor.tensor_content, stored)
    else:
        array = np.array(getattr(tensor, f"{field}_val"), stored)
    if kind == "BFLOAT16":
        array = array.astype(np.uint32) << 16
    array = array.view(dtype)
    if len(array) != 1:
        return array.reshape(shape).copy()
    if math.prod(shape) > MOST_REPEATED:
        raise ValueError(f"one value stands for {math.prod(shape):,} of them")
    return np.full(shape, array[0], dtype)


MOST_REPEATED = 1_000_000  # values of a tensor that one stands for
# Of each type of tensor the type of its array, the type that its numbers are stored as, and their
# field. NumPy has no bfloat16: its array is one of float32, the same numbers.
ARRAYS = {
    "FLOAT": (np.float32, np.float32, "float"),
    "DOUBLE": (np.float64, np.float64, "double"),
    "HALF": (np.float16, np.uint16, "half"),
    "BFLOAT16": (np.float32, np.uint16, "half"),
    "INT8": (np.int8, np.int8, "int"),
    "INT16": (np.int16, np.int16, "int"),
    "INT32": (np.int32, np.int32, "int"),
    "INT64": (np.int64, np.int64, "int64"),
    "UINT8": (np.uint8, np.uint8, "int"),
    "UINT16": (np.uint16, np.uint16, "int"),
    "UINT32": (np.uint32, np.uint32, "uint32"),
    "UINT64": (np.uint64, np.uint64, "uint64"),
    "BOOL": (np.bool_, np.bool_, "bool"),
    "STRING": (np.object_, np.object_, "string"),
    "COMPLEX64": (np.complex64, np.float32, "scomplex"),
    "COMPLEX128": (np.complex128, np.float64, "dcomplex"),
}
