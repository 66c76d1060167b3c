"""What event files hold: TensorBoard's messages, and words and numbers of its HParams plugin.

The formats are stable, since old files have to be read; that the classes are where they are is not
promised. TensorFlow has the same ones, and takes seconds to load.
"""

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef
from tensorboard.compat.proto.types_pb2 import DataType
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

__all__ = [
    "HPARAMS_TAG",
    "TIME_FIELDS",
    "DataType",
    "Event",
    "GraphDef",
    "HParamsPluginData",
    "MetaGraphDef",
    "SessionLog",
    "make_ndarray",
    "status_name",
]

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
