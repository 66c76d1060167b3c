"""Whether a run was still learning when it ended, and when it reached a level: from its history."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from restudy.families.contract import Family

FALL = "final_fall"  # column of a table of runs
STILL_FALLING = 0.01  # a loss whose relative fall is more than that has not settled


def relative_fall(time: np.ndarray, loss: np.ndarray) -> float:
    r"""Return how much a loss falls at the end of a training, relative to what is left of it.

    With the slope :math:`b` of the least-squares line through the records of the last fifth,
    :math:`t \ge \tfrac45 T`, the last of which is :math:`L(T)`:

    .. math:: -b\,\frac{T}{10} \Big/ L(T)

    Parameters
    ----------
    time : ndarray, shape (n,)
        Passes or steps of the records, in order; T is the last at which there is a loss.
    loss : ndarray, shape (n,)
        NaN where it is not measured.

    Returns
    -------
    float
        The fall in a tenth of the training, as a share of the last loss; negative if it rises. NaN
        of fewer than two records in the last fifth, or if the last loss is not positive.
    """
    known = np.isfinite(loss)
    time, loss = time[known].astype(float), loss[known]
    late = 5 * time >= 4 * time[-1:]
    if late.sum() < 2 or not loss[-1] > 0:
        return np.nan
    from_mean = time[late] - time[late].mean()
    slope = from_mean @ loss[late] / (from_mean @ from_mean)
    return float(-slope * time[-1] / 10 / loss[-1])


def with_falls(
    family: Family, runs: pd.DataFrame, histories: Iterable[pd.DataFrame]
) -> pd.DataFrame:
    """Return a table of runs with the `relative_fall` of each one's loss, column ``final_fall``.

    Parameters
    ----------
    family : Family
        Of which loss: its ``converges_by``. Without one, the table stays as it is.
    runs : DataFrame
        A row per run.
    histories : iterable of DataFrame
        A row per run and record, each run's in one of the tables. They are taken one at a time, so
        that a grid's fit into memory.
    """
    if not family.converges_by:
        return runs
    keys = list(family.keys)
    time, loss = family.time.name, family.converges_by
    rows = [
        (*run, relative_fall(records[time].to_numpy(), records[loss].to_numpy(float)))
        for history in histories
        for run, records in history.groupby(keys, sort=False)
    ]
    if not rows:
        return runs.assign(**{FALL: np.nan})
    return runs.merge(pd.DataFrame(rows, columns=[*keys, FALL]), on=keys, how="left")
