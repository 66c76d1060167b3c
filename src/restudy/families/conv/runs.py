"""Train one run of the convolutional network and save what it leaves: one cell, one seed.

Scalars and histograms are saved as tables beside the event files that TensorBoard reads, so that
nothing of the study has to read event files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from restudy.disk import writing
from restudy.families.contract import Run
from restudy.families.conv.summaries import ACTIVITY
from restudy.families.conv.training import MEASURES, ConvResult, train_conv

SCALAR_TYPES = {"tag": "str", "step": "int64", "value": "float64"}
HISTOGRAM_TYPES = {
    "tag": "str",
    "step": "int64",
    "left": "float64",
    "right": "float64",
    "count": "float64",
}


def train(run: Run) -> None:
    """Train one run, from its last checkpoint if there is one, and save its artefacts.

    What is saved: ``runs.csv``, ``history.parquet``, ``layers.parquet``, ``judgements.parquet``,
    ``scalars.parquet`` and ``histograms.parquet``, see `tabulate`; ``weights.npz``, the final
    weights by name; and ``events``, the folder of TensorBoard's event files.
    """
    steps = run.settings["protocol"]["steps"]
    events = run.place("events")
    with writing(events):  # while it trains, it writes nothing else that it needs
        result = train_conv(
            run.settings,
            run.data,
            run.seed,
            events,
            run.scratch,
            run.identity,
            run.threads,
            run.log,
            run.progress(steps, "steps"),
            run.kept_megabytes,
        )
    run.log(
        ", ".join(f"{activity} {seconds:.1f} s" for activity, seconds in result.seconds.items())
    )
    for artefact, table in tabulate(result, steps, run.data.test_labels).items():
        table.insert(0, "seed", run.seed)
        run.save(artefact, table)
    run.save("weights.npz", result.weights)
    run.note(seed=run.seed, weights_sha256=result.weights_sha256)
    if result.continued_from is not None:
        run.note(continued_from=result.continued_from)


def tabulate(result: ConvResult, steps: int, test_labels: np.ndarray) -> dict[str, pd.DataFrame]:
    """Return the tables of a run, without its axes and seed, by their files' names.

    Parameters
    ----------
    result
        Of the run.
    steps
        That were asked for; a run that diverged or stopped early has fewer.
    test_labels
        True classes of the test images, (n,).
    """
    final = {name: value for name, value in result.final.items() if name != "step"}
    ended = ("diverged_at", "diverged_by", "stopped_at", "best_at")
    made = [at for at in (result.diverged_at, result.stopped_at, steps) if at is not None]
    row = {
        "steps": made[0],
        **final,
        **result.calibration,
        **{name: getattr(result, name) for name in ended},
    }
    predicted = len(result.predictions["loss"])  # none after a divergence
    images = {"image": np.arange(predicted), "label": test_labels[:predicted].astype(int)}
    buckets = (
        {**histogram, "left": left, "right": right, "count": count}
        for histogram in result.histograms
        for left, right, count in histogram["buckets"]
    )
    return {
        "runs.csv": pd.DataFrame([row]),
        # With columns, even if it diverges before there is a row.
        "history.parquet": pd.DataFrame(result.history, columns=["step", *MEASURES]),
        "layers.parquet": pd.DataFrame(result.layers, columns=["step", "layer", *ACTIVITY]),
        "judgements.parquet": pd.DataFrame(images | result.predictions),
        "scalars.parquet": arrange_by_tag(result.scalars, SCALAR_TYPES),
        "histograms.parquet": arrange_by_tag(buckets, HISTOGRAM_TYPES),
    }


def arrange_by_tag(rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> pd.DataFrame:
    """Return rows as a table of columns of such types, by tag and step."""
    table = pd.DataFrame(list(rows), columns=list(types)).astype(types)
    return table.sort_values(["tag", "step"], kind="stable", ignore_index=True)
