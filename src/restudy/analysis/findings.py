"""What the run's tables say, in plain sentences with the run's own figures.

Descriptive only: means with their standard deviations, rankings and gaps. It makes no claim of
significance.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from restudy.analysis.summaries import rows_of
from restudy.data.class_names import class_names
from restudy.study.grid import AXES, cell_path, compared_axes, unique_cells
from restudy.study.labels import COUNTED, LABELS, label_of

# What cells are compared by. The CNN's training loss is that of one minibatch, too little to rank.
COMPARED = {
    "dense": ("train_loss", "heldout_accuracy"),
    "conv": ("test_loss", "test_accuracy"),
}
WORDS = {
    "train_loss": "training loss",
    "train_accuracy": "training accuracy",
    "heldout_accuracy": "held-out accuracy",
    "first_layer_gradient": "final gradient norm of the first layer",
    "saturated_points": "final share of saturated (unit, point) pairs",
    "saturated_images": "final share of saturated (unit, image) pairs",
    "dead": "final share of dead units",
    "test_loss": "test loss",
    "test_accuracy": "test accuracy",
}


def state_findings(model: str, runs: pd.DataFrame, studies: Mapping[str, Mapping]) -> dict:
    """Sentences for every study of a model and every cell.

    Parameters
    ----------
    model : {"dense", "conv"}
        Which measures there are.
    runs : DataFrame
        A row per run.
    studies : mapping
        Study name -> its ``question``, its ``cells``, the axes it ``vary``-s and whether its cells
        are ``pictured`` one by one (they are, unless it says otherwise).

    Returns
    -------
    dict
        ``studies``: name -> question, and loss, accuracy and gap, lists of sentences, one for
        each protocol where the study varies it and another axis, and best, for each of them the
        level with the lowest loss and the one with the highest accuracy; ``cells``: path of each
        cell that is pictured -> sentence; ``runs``, ``cells_trained``, ``diverged``: counts.
    """
    sentences = {}
    for name, study in studies.items():
        own = rows_of(runs, study["cells"])
        loss, accuracy = COMPARED[model]
        sentences[name] = {
            "question": study["question"],
            "loss": _ranking(own, study, loss, lowest=True),
            "accuracy": _ranking(own, study, accuracy, lowest=False),
            "gap": _gaps(own, study) if model == "dense" else [],
            "best": _best(own, study, loss, accuracy),
        }
    axes = list(AXES[model])
    pictured = unique_cells(
        cell for study in studies.values() if study.get("pictured", True) for cell in study["cells"]
    )
    shown = rows_of(runs, pictured) if pictured else runs.iloc[:0]
    return {
        "studies": sentences,
        "cells": {
            cell_path(dict(zip(axes, values, strict=True))): _cell_sentence(model, group)
            for values, group in shown.groupby(axes, sort=False)
        },
        "runs": len(runs),
        "cells_trained": len(runs.groupby(axes)),
        "diverged": int(runs["diverged_at"].count()),
    }


def describe_layers(model: str, runs: pd.DataFrame, layers: pd.DataFrame, studies: Mapping) -> dict:
    """Sentences on gradient norms and inactive units at the end of training, for every study.

    Parameters
    ----------
    model : {"dense", "conv"}
        Which axes, layers and measure of time there are.
    runs, layers : DataFrame
        A row per run; a row per run, recorded pass or step, and layer.
    studies : mapping
        As in `state_findings`.

    Returns
    -------
    dict
        Study name -> ``gradients`` and ``units``, lists of sentences.
    """
    keys = [*AXES[model], "seed"]
    time, first_layer, saturated = {
        "dense": ("pass", 1, "saturated_points"),
        "conv": ("step", "conv1", "saturated_images"),
    }[model]
    last = layers[layers[time] == layers.groupby(keys)[time].transform("max")]
    first = last[last["layer"] == first_layer].set_index(keys)["grad_norm"]
    hidden = last.groupby(keys)[["saturated_share", "dead_share"]].mean()
    places = pd.MultiIndex.from_frame(runs[keys])
    runs = runs.assign(
        first_layer_gradient=first.reindex(places).to_numpy(),
        **{saturated: hidden["saturated_share"].reindex(places).to_numpy()},
        dead=hidden["dead_share"].reindex(places).to_numpy(),
    )
    sentences = {}
    for name, study in studies.items():
        own = rows_of(runs, study["cells"])
        sentences[name] = {
            "gradients": _ranking(own, study, "first_layer_gradient", lowest=False),
            "units": [
                sentence
                for measure in (saturated, "dead")
                for sentence in _ranking(own, study, measure, lowest=False)
            ],
        }
    return sentences


def describe_judgements(
    runs: pd.DataFrame, classes: pd.DataFrame, pairs: pd.DataFrame, kinds: Mapping[str, str]
) -> dict[str, str]:
    """For every run of the CNN how many test images it judged wrongly, and which.

    Parameters
    ----------
    runs, classes, pairs : DataFrame
        A row per run; of each that finished a row per class, and one per pair of classes, as
        `restudy.analysis.predictions` counts them.
    kinds : mapping
        Data set -> its kind, which may name its classes.

    Returns
    -------
    dict
        Path of the run, below the model's folder -> sentences.
    """
    keys = [*AXES["conv"], "seed"]
    by_class, by_pair = dict(list(classes.groupby(keys))), dict(list(pairs.groupby(keys)))
    sentences = {}
    for values in runs[keys].itertuples(index=False, name=None):
        path = cell_path(dict(zip(keys, values, strict=True)))
        if values not in by_class:
            sentences[path] = "The run diverged, so it judged no image."
            continue
        kind = kinds[values[keys.index("dataset")]]
        sentences[path] = _judgement_sentence(by_class[values], by_pair[values], kind)
    return sentences


def describe_classes(classes: pd.DataFrame, kinds: Mapping[str, str]) -> str:
    """Which class of each data set is judged best and worst on average over all runs.

    Parameters
    ----------
    classes, kinds
        As in `describe_judgements`.
    """
    sentences = []
    for dataset, rows in classes.groupby("dataset", sort=False):
        names = class_names(kinds[dataset], int(rows["label"].max()) + 1)
        means = rows.groupby("label")["accuracy"].mean().dropna().sort_values(kind="stable")
        count = len(rows.groupby([*AXES["conv"], "seed"]))
        over = f"over {count} runs" if count > 1 else "in the only run"
        sentences.append(
            f"Of {label_of(dataset)}, class {names[means.index[0]]} is judged worst {over} "
            f"(mean accuracy {means.iloc[0]:.4f}) and class {names[means.index[-1]]} best "
            f"({means.iloc[-1]:.4f})."
        )
    return " ".join(sentences) or "No run finished, so no image was judged."


def describe_claims(claims: pd.DataFrame) -> str:
    """How many claims are reproduced, contradicted and undecided, and which are contradicted.

    Parameters
    ----------
    claims : DataFrame
        A row per claim and protocol: claim, protocol, verdict.
    """
    counts = claims["verdict"].value_counts()
    parts = [f"{count} {verdict}" for verdict, count in counts.items()]
    text = f"{claims['claim'].nunique()} claims got {len(claims)} verdicts: {', '.join(parts)}."
    wrong = claims[claims["verdict"] == "contradicted"]
    if wrong.empty:
        return text
    names = [f"{row.claim} ({label_of(row.protocol)})" for row in wrong.itertuples()]
    return f"{text} Contradicted: {', '.join(names)}."


def describe_gradients(table: pd.DataFrame, agreement: float = 1e-6) -> str:
    """Where the gradient of each arithmetic differs from central differences of the loss.

    Parameters
    ----------
    table : DataFrame
        activation, arithmetic, layer, parameter and relative_error.
    agreement : float
        Relative error up to which the two are taken to agree.
    """
    sentences = []
    for arithmetic, rows in table.groupby("arithmetic", sort=False):
        worst = rows.loc[rows["relative_error"].idxmax()]
        wrong = rows[rows["relative_error"] > agreement]
        text = (
            f"{_capital(arithmetic)}: the largest relative error is {worst['relative_error']:.1e}"
        )
        if wrong.empty:
            sentences.append(f"{text}, so the gradient is right everywhere.")
            continue
        place = f"{worst['parameter']} of layer {worst['layer']}"
        faulty = list(dict.fromkeys(wrong["activation"]))
        right = [name for name in dict.fromkeys(rows["activation"]) if name not in faulty]
        text += f" ({label_of(worst['activation'])}, {place}); the gradient is wrong with "
        text += ", ".join(map(label_of, faulty))
        right = ", ".join(map(label_of, right))
        sentences.append(text + (f", and right with {right}." if right else "."))
    return " ".join(sentences)


def describe_first_layer(scalars: pd.DataFrame) -> str:
    """How mean and standard deviation of the CNN's first-layer weights and bias moved.

    Parameters
    ----------
    scalars : DataFrame
        tag, step, value, as `restudy.analysis.events.read_scalars` gives them.
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


def _judgement_sentence(classes: pd.DataFrame, pairs: pd.DataFrame, kind: str) -> str:
    """How many images one run judged wrongly, its worst class and its most frequent confusion."""
    names = class_names(kind, int(classes["label"].max()) + 1)
    images, wrong = classes["images"].sum(), (classes["images"] - classes["correct"]).sum()
    text = f"{wrong:,} of {images:,} test images are judged wrongly (error {wrong / images:.4f})."
    if not wrong:
        return text
    worst = classes.loc[classes["accuracy"].idxmin()]
    confused = pairs[pairs["label"] != pairs["predicted"]]
    most = confused.loc[confused["count"].idxmax()]
    return (
        f"{text} Worst is class {names[worst['label']]}, with accuracy {worst['accuracy']:.4f} "
        f"over {worst['images']:,} images; most often, {names[most['label']]} is taken for "
        f"{names[most['predicted']]} ({most['count']:,} images)."
    )


def _by_protocol(runs: pd.DataFrame, study: Mapping):
    """Groups that are compared among themselves, with the words for what each has in common."""
    if "protocol" not in study["vary"] or compared_axes(study) == ["protocol"]:
        yield "", runs
        return
    for protocol, group in runs.groupby("protocol", sort=False):
        yield _words("protocol", protocol), group


def _words(axis: str, value) -> str:
    """A value on an axis in words; names that are the user's own need the axis' name too."""
    words = label_of(value, axis)
    known = axis in COUNTED or str(value) in LABELS
    return words if known else f"{label_of(axis).lower()} {words}"


def _levels(runs: pd.DataFrame, axes: list[str], values: pd.Series) -> pd.DataFrame:
    """Name, runs, finished runs, mean and deviation for each combination of the axes' values."""
    rows = []
    number, levels = runs[axes].groupby(axes, sort=False).ngroup(), runs[axes].drop_duplicates()
    finished = runs["diverged_at"].isna().to_numpy()
    order = np.argsort(number.to_numpy(), kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=len(levels)))[:-1]
    for level, places in zip(
        levels.itertuples(index=False, name=None), np.split(order, ends), strict=True
    ):
        own = values.to_numpy(float)[places[finished[places]]]
        known = own[~np.isnan(own)]
        names = (_words(axis, value) for axis, value in zip(axes, level, strict=True))
        rows.append(
            {
                "name": ", ".join(names),
                "n": len(places),
                "finished": len(own),
                "mean": known.mean() if known.size else np.nan,
                "deviation": known.std(ddof=1) if known.size > 1 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _ranking(runs: pd.DataFrame, study: Mapping, measure: str, lowest: bool) -> list[str]:
    """Which level has the lowest and the highest mean, and which has none."""
    best, worst = ("lowest", "highest") if lowest else ("highest", "lowest")
    sentences = []
    for common, group in _by_protocol(runs, study):
        levels = _levels(group, compared_axes(study), group[measure])
        ranked = levels[levels["finished"] > 0].sort_values("mean", ascending=lowest)
        if ranked.empty:
            text = "every run diverged"
        elif len(ranked) == 1:
            text = f"mean {WORDS[measure]} with {_level(ranked.iloc[0])}"
        elif f"{ranked['mean'].iloc[0]:.4f}" == f"{ranked['mean'].iloc[-1]:.4f}":
            text = f"mean {WORDS[measure]} is {ranked['mean'].iloc[0]:.4f} at all of them"
        else:
            text = (
                f"mean {WORDS[measure]} is {best} with {_level(ranked.iloc[0])} "
                f"and {worst} with {_level(ranked.iloc[-1])}"
            )
        lost = levels[levels["finished"] == 0]["name"].tolist()
        if lost and not ranked.empty:
            text += f"; every run diverged with {' and with '.join(lost)}"
        sentences.append(_sentence(common, text))
    return sentences


def _best(runs: pd.DataFrame, study: Mapping, loss: str, accuracy: str) -> list[dict]:
    """For each group the level with the lowest mean loss and that with the highest accuracy."""
    rows = []
    for common, group in _by_protocol(runs, study):
        row = {"common": _capital(common)}
        for kind, measure, lowest in (("loss", loss, True), ("accuracy", accuracy, False)):
            levels = _levels(group, compared_axes(study), group[measure])
            ranked = levels[levels["finished"] > 0].sort_values("mean", ascending=lowest)
            row[kind] = {"level": "", "figure": "every run diverged"}
            if not ranked.empty:
                first = ranked.iloc[0]
                figure = _figure(first["mean"], first["deviation"])
                row[kind] = {"level": first["name"], "figure": figure}
        rows.append(row)
    return rows


def _gaps(runs: pd.DataFrame, study: Mapping) -> list[str]:
    """Held-out minus training loss: what was learned that does not carry over."""
    sentences = []
    for common, group in _by_protocol(runs, study):
        gap = group["heldout_loss"] - group["train_loss"]
        levels = _levels(group, compared_axes(study), gap)
        levels = levels[levels["finished"] > 0].sort_values("mean")
        if levels.empty:
            continue
        worst = levels.iloc[-1]
        if worst["mean"] <= 0:
            text = "mean held-out loss is above mean training loss nowhere"
        else:
            text = f"held-out loss exceeds training loss most with {_level(worst)}"
        sentences.append(_sentence(common, text))
    return sentences


def _cell_sentence(model: str, runs: pd.DataFrame) -> str:
    finished = runs[runs["diverged_at"].isna()]
    if finished.empty:
        return f"All {len(runs)} runs diverged."
    loss, accuracy = COMPARED[model]
    parts = [
        f"{WORDS[measure]} {_figure(finished[measure].mean(), finished[measure].std())}"
        for measure in dict.fromkeys(("train_accuracy", accuracy, loss))
    ]
    return _capital(f"{', '.join(parts)} ({_seeds(len(finished), len(runs))}).")


def _level(row) -> str:
    seeds = _seeds(row["finished"], row["n"])
    return f"{row['name']} ({_figure(row['mean'], row['deviation'])}, {seeds})"


def _seeds(finished: int, runs: int) -> str:
    if finished < runs:
        return f"{finished} of {runs} seeds, the others diverged"
    return f"{runs} seeds" if runs > 1 else "one seed"


def _figure(mean: float, deviation: float) -> str:
    return f"{mean:.4f}" + ("" if pd.isna(deviation) else f" ± {deviation:.4f}")


def _sentence(common: str, text: str) -> str:
    return _capital(f"with {common}: {text}." if common else f"{text}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
