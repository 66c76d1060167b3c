"""What TensorBoard's plugins want to find in event files, and TensorFlow has no function for.

It goes to the default summary writer.
"""

from collections.abc import Iterable, Mapping

from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
from tensorboard.plugins.histogram.metadata import create_summary_metadata
from tensorboard.plugins.hparams import api as hparams
from tensorboard.plugins.hparams import summary as hparams_summary
from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS

from restudy.internals.lean_tensorflow import tf


def histogram_metadata() -> SummaryMetadata:
    """Return what makes a tensor of rows (left edge, right edge, count) a histogram."""
    return create_summary_metadata(display_name=None, description=None)


def write_session(
    hyperparameters: Mapping[str, float | str], metrics: Iterable[str], trial: str
) -> None:
    """Write what is trained, for the HParams page.

    Parameters
    ----------
    hyperparameters
        Name to value.
    metrics
        Tags of the scalars to compare.
    trial
        Runs with the same name here are seeds of one trial.
    """
    hparams.hparams_config(
        hparams=[hparams.HParam(name) for name in hyperparameters],
        metrics=[hparams.Metric(tag) for tag in metrics],
    )
    hparams.hparams(dict(hyperparameters), trial_id=trial)


def write_session_end(succeeded: bool) -> None:
    """Write how the training ended, for the HParams page."""
    status = STATUS_SUCCESS if succeeded else STATUS_FAILURE
    end = hparams_summary.session_end_pb(status)
    tf.summary.experimental.write_raw_pb(end.SerializeToString(), step=0)
