"""What the run's tables say, in plain sentences with the run's own figures.

Descriptive only: means with their standard deviations, rankings and gaps. It makes no claim of
significance.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from backprop.analysis.tables import rows_of
from backprop.study.grid import AXES, cell_path

HELD_OUT = {"dense": "heldout", "conv": "test"}


def state_findings(model: str, runs: pd.DataFrame, studies: Mapping[str, Mapping]) -> dict:
    """Sentences for every study of a model and every cell.

    Parameters
    ----------
    model : {"dense", "conv"}
        Which measures there are.
    runs : DataFrame
        A row per run.
    studies : mapping
        Study name -> its ``cells`` and the axes it ``vary``-s.

    Returns
    -------
    dict
        ``studies``: name -> {loss, accuracy, gap}, lists of sentences, one for each protocol
        where the study varies it; ``cells``: path -> sentence; ``runs``, ``cells_trained``,
        ``diverged``: counts.
    """
    sentences = {}
    for name, study in studies.items():
        own = rows_of(runs, study["cells"])
        sentences[name] = {
            "loss": _ranking(own, study, "train_loss", "training loss", lowest=True),
            "accuracy": _ranking(
                own, study, f"{HELD_OUT[model]}_accuracy", _held_out(model), lowest=False
            ),
            "gap": _gaps(model, own, study),
        }
    axes = list(AXES[model])
    return {
        "studies": sentences,
        "cells": {
            cell_path(dict(zip(axes, values, strict=True))): _cell_sentence(model, group)
            for values, group in runs.groupby(axes, sort=False)
        },
        "runs": len(runs),
        "cells_trained": len(runs.groupby(axes)),
        "diverged": int(runs["diverged_at"].count()),
    }


def describe_first_layer(scalars: pd.DataFrame) -> str:
    """How mean and standard deviation of the CNN's first-layer weights and bias moved.

    Parameters
    ----------
    scalars : DataFrame
        tag, step, value, as `backprop.analysis.events.read_scalars` gives them.
    """
    parts = []
    for tensor in ("weights", "bias"):
        moves = []
        for statistic, words in (("mean", "mean"), ("std", "standard deviation")):
            values = scalars[scalars["tag"] == f"conv1/{tensor}/{statistic}"].sort_values("step")
            if values.empty:
                return "The event files hold no statistics of the first layer."
            first, last = values["value"].iloc[0], values["value"].iloc[-1]
            moves.append(f"the {words} went from {first:.5f} to {last:.5f}")
        parts.append(f"of the {tensor}, {' and '.join(moves)}")
    steps = int(scalars["step"].max())
    return f"Over {steps:,} steps: {'; '.join(parts)}."


def _held_out(model: str) -> str:
    return "held-out accuracy" if model == "dense" else "test accuracy"


def _by_protocol(runs: pd.DataFrame, varied: Sequence[str]):
    """Groups that are compared among themselves: arithmetic apart, if the study varies it."""
    if "protocol" not in varied:
        yield "", runs
        return
    for protocol, group in runs.groupby("protocol", sort=False):
        yield f"With protocol {protocol}: ", group


def _levels(runs: pd.DataFrame, varied: Sequence[str], measure: str) -> pd.DataFrame:
    """Mean, standard deviation and count of a measure for each combination of varied values."""
    inner = [axis for axis in varied if axis != "protocol"] or ["protocol"]
    finite = runs[runs["diverged_at"].isna()]
    table = finite.groupby(inner, sort=False)[measure].agg(["mean", "std", "count"]).reset_index()
    table["name"] = [
        ", ".join(
            f"{axis.replace('_', ' ')} {value}" for axis, value in zip(inner, row, strict=True)
        )
        for row in table[inner].itertuples(index=False)
    ]
    return table


def _ranking(runs, study, measure, words, lowest) -> list[str]:
    sentences = []
    for prefix, group in _by_protocol(runs, study["vary"]):
        levels = _levels(group, study["vary"], measure).sort_values("mean", ascending=lowest)
        if levels.empty:
            sentences.append(f"{prefix}every run diverged.")
            continue
        text = f"mean {words} is {'lowest' if lowest else 'highest'} with {_level(levels.iloc[0])}"
        if len(levels) > 1:
            text += f" and {'highest' if lowest else 'lowest'} with {_level(levels.iloc[-1])}"
        else:
            text = f"mean {words} with {_level(levels.iloc[0])}"
        sentences.append(_capital(f"{prefix}{text}."))
    return sentences


def _gaps(model, runs, study) -> list[str]:
    """Held-out minus training loss: what was learned that does not carry over."""
    held_out = HELD_OUT[model]
    runs = runs.assign(gap=runs[f"{held_out}_loss"] - runs["train_loss"])
    sentences = []
    for prefix, group in _by_protocol(runs, study["vary"]):
        levels = _levels(group, study["vary"], "gap").sort_values("mean")
        if levels.empty:
            continue
        worst = levels.iloc[-1]
        text = (
            f"{'held-out' if model == 'dense' else 'test'} loss minus training loss is "
            f"{'largest ' if len(levels) > 1 else ''}with {_level(worst)}"
        )
        sentences.append(_capital(f"{prefix}{text}."))
    return sentences


def _cell_sentence(model: str, runs: pd.DataFrame) -> str:
    finite = runs[runs["diverged_at"].isna()]
    if finite.empty:
        return f"All {len(runs)} runs diverged."
    parts = []
    for measure, words in (
        ("train_accuracy", "training accuracy"),
        (f"{HELD_OUT[model]}_accuracy", _held_out(model)),
        ("train_loss", "training loss"),
    ):
        parts.append(f"{words} {_number(finite[measure].mean())}{_spread(finite[measure].std())}")
    lost = f"; {len(runs) - len(finite)} of {len(runs)} diverged" if len(finite) < len(runs) else ""
    seeds = f"over {len(finite)} seeds" if len(finite) > 1 else "with a single seed"
    return _capital(f"{', '.join(parts)} ({seeds}{lost}).")


def _level(row) -> str:
    seeds = f"{row['count']} seeds" if row["count"] > 1 else "one seed"
    return f"{row['name']} ({_number(row['mean'])}{_spread(row['std'])}, {seeds})"


def _number(value: float) -> str:
    return f"{value:.4f}"


def _spread(deviation: float) -> str:
    return "" if pd.isna(deviation) else f" ± {deviation:.4f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
