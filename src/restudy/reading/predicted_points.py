"""What the networks of a family's jobs predict of the points that are held out."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from restudy.analysis.shapes import stack_runs
from restudy.data.tables import by_folder, load_points, read_table, with_cell
from restudy.families.contract import Family, draw_of
from restudy.families.predicting import predict_classes
from restudy.plan.paths import data_folder


class PredictedRun(NamedTuple):
    """What one run that finished predicts.

    Attributes
    ----------
    seed : int
        Of the run.
    points : ndarray, (N, D)
        The held-out points of its draw.
    label, predicted : ndarray, (N,)
        Their classes, and those that it gives them.
    """

    seed: int
    points: np.ndarray
    label: np.ndarray
    predicted: np.ndarray


def predicted_runs(
    family: Family, jobs: Iterable[Mapping[str, Any]], inputs: Any
) -> Iterator[tuple[Mapping[str, Any], list[PredictedRun]]]:
    """Iterate over jobs, each with what its runs predict.

    Parameters
    ----------
    family : Family
        It has ``predict``, and leaves weights.
    jobs : iterable of mapping
        ``folder``, ``cell`` and ``settings`` of each.
    inputs
        Paths of the jobs' tables of ``runs`` and of their ``weights``, and of the tables of
        ``points``.
    """
    tables, stored = by_folder(inputs.runs), by_folder(inputs.weights)
    points = {
        folder: [parts["heldout"] for parts in load_points(path)]
        for folder, path in by_folder(inputs.points).items()
    }
    for job in jobs:
        draws = points[data_folder(job["cell"]["dataset"])]
        runs = read_table(tables[job["folder"]])
        finished = runs["diverged_at"].isna().to_numpy()
        seeds, found = runs["seed"].to_numpy(), {}
        if finished.any():
            with np.load(stored[job["folder"]]) as arrays:
                stacked = stack_runs(family, arrays)
        # Each run on the points of its own draw.
        for draw, (x, label) in enumerate(draws):
            own = finished & (draw_of(seeds, len(draws)) == draw)
            if own.any():
                weights = {name: values[own] for name, values in stacked.items()}
                labels = predict_classes(family, job["settings"], weights, x)
                for seed, each in zip(seeds[own].tolist(), labels, strict=True):
                    found[seed] = PredictedRun(seed, x, label, np.asarray(each))
        yield job, [found[seed] for seed in seeds[finished].tolist()]


def as_predictions(job: Mapping[str, Any], runs: list[PredictedRun]) -> pd.DataFrame:
    """Return a row per run and point: the axes, seed, label and predicted class."""
    count = len(runs[0].label) if runs else 0
    table = {
        "seed": np.repeat([run.seed for run in runs], count),
        "label": np.concatenate([run.label for run in runs] or [[]]),
        "predicted": np.concatenate([run.predicted for run in runs] or [[]]),
    }
    return with_cell(pd.DataFrame(table), job["cell"])
