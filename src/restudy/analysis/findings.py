"""What the run's tables say, in plain sentences with the run's own figures.

Means with their 95% intervals, rankings and gaps. What is best by a mean is told with those that
can't be told apart from it; what the source claims is judged elsewhere, in `restudy.claims`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from restudy.analysis.captions import in_sentence
from restudy.analysis.choice import (
    correction_words,
    in_order_of_choice,
    interval_words,
    is_share,
)
from restudy.analysis.groups import group_words
from restudy.analysis.halving import chosen_words, describe_halving
from restudy.analysis.statistics import mean_interval
from restudy.analysis.summaries import rows_of
from restudy.analysis.ties import by_unit, can_tell, tied_with
from restudy.data.class_names import class_names
from restudy.data.tables import with_coordinates
from restudy.families.contract import Family, Measure
from restudy.log import counted
from restudy.study.cell import make_cell
from restudy.study.grid import compared_axes
from restudy.study.labels import counted_axes, known_labels, label_of

MAX_NAMED = 3  # values in a sentence on what can't be told apart
LEAST_GAP = 0.0001  # as far as figures are written


class Quantity(NamedTuple):
    """What values of an axis are ranked by.

    Attributes
    ----------
    column : str
        Of the table of runs.
    words : str
        As they stand within a sentence.
    lowest_first : bool
        Whether the best is the lowest.
    is_share : bool
        Whether it lies between 0 and 1.
    """

    column: str
    words: str
    lowest_first: bool = False
    is_share: bool = False


def describe_family(
    family: Family,
    tables: Mapping[str, pd.DataFrame],
    studies: Mapping[str, Mapping],
    kinds: Mapping[str, str],
) -> dict:
    """Return all that is said of a family, from those of its tables that there are.

    Parameters
    ----------
    family : Family
        Which axes and measures there are.
    tables : mapping
        ``runs``, and as far as the family has them ``layers``, ``gradients`` (of the gradient
        check), ``halving``, ``classes`` (of predictions), ``confusion`` (where each run is told
        of), and ``scalars`` (of tensors).
    studies : mapping
        As in `state_findings`.
    kinds : mapping
        Data set -> its kind, which may name its classes.

    Returns
    -------
    dict
        What `state_findings` says, with ``layers`` added to every study; and, each where there is
        its table, ``gradient_check`` and ``classes``, texts, and ``predictions`` and
        ``first_layer``, texts by the path of the run below the family's folder.
    """
    found = state_findings(family, tables["runs"], studies)
    layers = {}
    if "layers" in tables:
        layers = describe_layers(family, tables["runs"], tables["layers"], studies)
    for name, study in found["studies"].items():
        study["layers"] = layers.get(name, {"gradients": [], "units": []})
    if "gradients" in tables:
        found["gradient_check"] = describe_gradients(tables["gradients"])
    if "halving" in tables:
        for name, study in studies.items():
            if study.get("halving"):
                own = tables["halving"][tables["halving"]["study"] == name]
                sentences = describe_halving(family, own, study)
                found["studies"][name]["halving"] = sentences
                outcome = found["studies"][name]["outcome"]
                found["studies"][name]["outcome"] = [*sentences, *outcome]
                for quantity in family.quantities:
                    found["studies"][name]["by_quantity"].setdefault(quantity, []).extend(sentences)
                _put_last_rung(family, own, study, found["studies"][name]["best"])
    if "classes" in tables:
        found["classes"] = describe_classes(family, tables["classes"], kinds)
    if "confusion" in tables:
        found["predictions"] = describe_predictions(
            family, tables["runs"], tables["classes"], tables["confusion"], kinds
        )
    if "scalars" in tables:
        found["first_layer"] = describe_first_layers(family, tables["scalars"])
    return found


def state_findings(family: Family, runs: pd.DataFrame, studies: Mapping[str, Mapping]) -> dict:
    """Return sentences for every study of a family and every cell.

    Parameters
    ----------
    family : Family
        Which axes and measures there are, and by which of them cells are ranked.
    runs : DataFrame
        A row per run.
    studies : mapping
        Study name -> its ``question``, its ``cells``, the axes it ``vary``-s, what it tells cells
        apart by where it varies settings, ``coordinates`` (see `with_coordinates`), and whether its
        cells are ``pictured`` one by one (they are, unless it says otherwise).

    Returns
    -------
    dict
        ``title`` and ``takes`` of the family; ``columns``, headings of what is best by each measure
        that is ranked, and of what is reported of the chosen; ``studies``: name -> question;
        outcome, sentences on each measure, on the choice and on the gaps, one for each protocol
        where the study varies it and another axis; by_quantity, those on losses and those on
        accuracies; and best, for each protocol what stands below the headings; ``cells``: path of
        each cell that is pictured -> sentence; ``runs``, ``cells_trained``, ``diverged``: counts.
    """
    axes = list(family.axis_names)
    pictured = [
        cell for study in studies.values() if study.get("pictured", True) for cell in study["cells"]
    ]
    return {
        "title": family.title,
        "takes": family.takes,
        "columns": [
            *(f"{_best_word(each).capitalize()} {each.words}" for each in _ranking_of(family)),
            *(f"Chosen by {each.words}" for each in _choice_of(family)),
            *(f"Its {each.words}" for each in _reported_of(family)),
        ],
        "studies": {name: _study(family, runs, study) for name, study in studies.items()},
        "cells": {
            _path(family, values): _cell_sentence(family, group)
            for values, group in rows_of(runs, pictured).groupby(axes, sort=False)
        },
        "runs": len(runs),
        "cells_trained": len(runs.groupby(axes)),
        "diverged": int(runs["diverged_at"].count()),
    }


def _own_runs(runs: pd.DataFrame, study: Mapping) -> pd.DataFrame:
    """Return the runs of a study's cells, with the settings that it varies as columns."""
    return with_coordinates(rows_of(runs, study["cells"]), study.get("coordinates", {}))


def _quantities(measures: Iterable[Measure | None]) -> list[Quantity]:
    """The measures that each run has."""
    return [
        Quantity(
            measure.name, in_sentence(measure.label), measure.better == "lower", is_share(measure)
        )
        for measure in measures
        if measure and measure.in_runs
    ]


def _ranking_of(family: Family) -> list[Quantity]:
    """Measures of which is said where they are lowest and highest: not those that are reported."""
    ranked = [family.measure(name) for name in family.ranked_by]
    told = (family.choice, *family.reported) if family.chosen_by else ()
    return _quantities(each for each in ranked if each not in told)


def _choice_of(family: Family) -> list[Quantity]:
    """The measure to choose by, if there is one that is for nothing else."""
    return _quantities([family.choice]) if family.chosen_by else []


def _reported_of(family: Family) -> list[Quantity]:
    """Measures that are said of what was chosen by another one."""
    return _quantities(family.reported) if family.chosen_by else []


def _best_word(quantity: Quantity) -> str:
    return "lowest" if quantity.lowest_first else "highest"


def describe_layers(
    family: Family, runs: pd.DataFrame, layers: pd.DataFrame, studies: Mapping
) -> dict:
    """Return sentences on gradient norms and inactive units at the end of training, by study.

    Parameters
    ----------
    family : Family
        Which axes there are, and what training advances by.
    runs, layers : DataFrame
        A row per run; a row per run, recorded pass or step, and layer, the first layer first.
    studies : mapping
        As in `state_findings`.

    Returns
    -------
    dict
        Study name -> ``gradients`` and ``units``, lists of sentences.
    """
    keys = list(family.keys)
    time = family.time.name
    last = layers[layers[time] == layers.groupby(keys)[time].transform("max")]
    first = last[last["layer"].isin(layers["layer"].head(1))].set_index(keys)["grad_norm"]
    hidden = last.groupby(keys)[["saturated_share", "dead_share"]].mean()
    places = pd.MultiIndex.from_frame(runs[keys])
    runs = runs.assign(
        first_layer_gradient=first.reindex(places).to_numpy(),
        saturated=hidden["saturated_share"].reindex(places).to_numpy(),
        dead=hidden["dead_share"].reindex(places).to_numpy(),
    )
    gradient = Quantity("first_layer_gradient", "final gradient norm of the first layer")
    saturated = Quantity(
        "saturated",
        f"final share of saturated (unit, {family.time.example}) pairs",
        is_share=True,
    )
    dead = Quantity("dead", "final share of dead units", is_share=True)
    sentences = {}
    for name, study in studies.items():
        own = _own_runs(runs, study)
        sentences[name] = {
            "gradients": _ranking(own, study, gradient),
            "units": [*_ranking(own, study, saturated), *_ranking(own, study, dead)],
        }
    return sentences


def describe_predictions(
    family: Family,
    runs: pd.DataFrame,
    classes: pd.DataFrame,
    pairs: pd.DataFrame,
    kinds: Mapping[str, str],
) -> dict[str, str]:
    """Return for every run how many test examples it classified wrongly, and which.

    Parameters
    ----------
    family : Family
        Which axes there are, and what is classified.
    runs, classes, pairs : DataFrame
        A row per run; of each that finished a row per class, and one per pair of classes, as
        `restudy.analysis.predictions` counts them.
    kinds : mapping
        Data set -> its kind, which may name its classes.

    Returns
    -------
    dict
        Path of the run, below the family's folder -> sentences.
    """
    keys = list(family.keys)
    by_class, by_pair = dict(list(classes.groupby(keys))), dict(list(pairs.groupby(keys)))
    sentences = {}
    for values in runs[keys].itertuples(index=False, name=None):
        path = _path(family, values)
        if values not in by_class:
            sentences[path] = f"The run diverged, so it classified no {family.takes}."
            continue
        kind = kinds[values[keys.index("dataset")]]
        sentences[path] = _prediction_sentence(
            by_class[values], by_pair[values], kind, family.takes
        )
    return sentences


def describe_classes(family: Family, classes: pd.DataFrame, kinds: Mapping[str, str]) -> str:
    """Return which class of each data set is classified best and worst in how many of the cells.

    Networks of different cells may be as unlike as one that has learned and one that has not, so
    their accuracies are not averaged: each cell has a mean over its own runs.

    Parameters
    ----------
    family, classes, kinds
        As in `describe_predictions`.
    """
    sentences = []
    for dataset, rows in classes.groupby("dataset", sort=False):
        names = class_names(kinds[dataset], int(rows["label"].max()) + 1)
        means = rows.pivot_table(
            index=list(family.axis_names), columns="label", values="accuracy", sort=False
        ).dropna(how="all")
        if means.empty:
            continue
        parts = []
        for word, found in (("worst", means.idxmin(axis=1)), ("best", means.idxmax(axis=1))):
            label = found.mode().iloc[0]
            own = means.loc[found == label, label]
            low, high = f"{own.min():.4f}", f"{own.max():.4f}"
            over = "" if len(means) == 1 else f" in {len(own)} of {len(means)} cells"
            reach = low if low == high else f"{low} to {high}"
            parts.append(f"class {names[label]} is classified {word}{over} (accuracy {reach})")
        sentences.append(f"Of {label_of(dataset)}, {' and '.join(parts)}.")
    return " ".join(sentences) or f"No run finished, so no {family.takes} were classified."


def describe_claims(claims: pd.DataFrame) -> str:
    """Return how many claims got which verdict, and which of them are contradicted.

    Parameters
    ----------
    claims : DataFrame
        A row per claim and protocol: claim, statement, protocol, verdict, basis.
    """
    counts = claims["verdict"].replace("smaller", "smaller than claimed").value_counts()
    parts = [f"{count} {verdict}" for verdict, count in counts.items()]
    judged = counted(claims["claim"].nunique(), "claim")
    text = f"{judged} got {counted(len(claims), 'verdict')}: {', '.join(parts)}."
    single = (claims["basis"] == "stated spread") & (claims["verdict"] != "undecided")
    if single.any():
        rest = "rests" if single.sum() == 1 else "rest"
        text += f" {single.sum()} of those decided {rest} on one run and a stated spread."
    wrong = claims[claims["verdict"] == "contradicted"]
    if wrong.empty:
        return text
    names = [
        f"“{row.statement.rstrip('.')}” ({label_of(row.protocol)})" for row in wrong.itertuples()
    ]
    return f"{text} Contradicted: {', '.join(names)}."


def describe_gradients(table: pd.DataFrame, agreement: float = 1e-6) -> str:
    """Return where the gradient of each arithmetic differs from central differences of the loss.

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


def describe_first_layers(family: Family, scalars: pd.DataFrame) -> dict[str, str]:
    """Return for every run how its first layer moved.

    Parameters
    ----------
    family : Family
        Which axes there are, and what training advances by.
    scalars : DataFrame
        The axes, seed, tag, step and value: a row per run, recorded scalar and step.

    Returns
    -------
    dict
        Path of the run, below the family's folder -> a sentence.
    """
    return {
        _path(family, values): describe_first_layer(rows, family.time.plural)
        for values, rows in scalars.groupby(list(family.keys), sort=False)
    }


def describe_first_layer(scalars: pd.DataFrame, steps: str) -> str:
    """Return how mean and standard deviation of the first layer's weights and bias moved in a run.

    Parameters
    ----------
    scalars : DataFrame
        tag (such as ``conv1/weights/mean``), step and value. The first layer is that of the first
        tag of weights.
    steps : str
        What training advances by, in the plural.
    """
    tags = scalars["tag"]
    layer = next(iter(tags[tags.str.contains("/weights/")]), "").partition("/weights/")[0]
    parts = []
    for tensor in ("weights", "bias"):
        moves = []
        for statistic, words in (("mean", "mean"), ("std", "standard deviation")):
            values = scalars[tags == f"{layer}/{tensor}/{statistic}"].sort_values("step")
            if values.empty:
                return "No statistics of the first layer are recorded."
            first, last = values["value"].iloc[0], values["value"].iloc[-1]
            moves.append(f"the {words} went from {first:.5f} to {last:.5f}")
        parts.append(f"of the {tensor}, {' and '.join(moves)}")
    return f"Over {int(scalars['step'].max()):,} {steps}: {'; '.join(parts)}."


def _study(family: Family, runs: pd.DataFrame, study: Mapping) -> dict:
    """What came out of one study; see `state_findings`."""
    own = _own_runs(runs, study)
    outcome, by_quantity = [], {}

    def tell(sentences: list[str], measures: Iterable[Quantity]) -> None:
        outcome.extend(sentences)
        if not sentences:
            return
        for quantity in dict.fromkeys(family.measure(each.column).quantity for each in measures):
            by_quantity.setdefault(quantity, []).extend(sentences)

    for each in _ranking_of(family):
        tell(_ranking(own, study, each), [each])
    # With successive halving, something else is chosen: see `describe_halving`.
    for each in [] if study.get("halving") else _choice_of(family):
        tell(_chosen(family, own, study, each), [each, *_reported_of(family)])
    return {
        "question": study["question"],
        "outcome": [*outcome, *_gaps(family, own, study)],
        "by_quantity": by_quantity,
        "best": _best(family, own, study),
    }


def _path(family: Family, values: Sequence) -> str:
    """Path of a cell, or of a run where the values end with a seed, below the family's folder."""
    row = dict(zip(family.keys, values, strict=False))
    path = make_cell(family, row).path
    return f"{path}/seed~{row['seed']}" if "seed" in row else path


def _prediction_sentence(
    classes: pd.DataFrame, pairs: pd.DataFrame, kind: str, examples: str
) -> str:
    """How many examples one run classified wrongly, its worst class, its commonest confusion."""
    names = class_names(kind, int(classes["label"].max()) + 1)
    total = classes[examples].sum()
    wrong = total - classes["correct"].sum()
    text = (
        f"{wrong:,} of {total:,} test {examples} are classified wrongly "
        f"(error {wrong / total:.4f})."
    )
    if not wrong:
        return text
    worst = classes.loc[classes["accuracy"].idxmin()]
    confused = pairs[pairs["label"] != pairs["predicted"]]
    most = confused.loc[confused["count"].idxmax()]
    return (
        f"{text} Worst is class {names[worst['label']]}, with accuracy {worst['accuracy']:.4f} "
        f"over {worst[examples]:,} {examples}; most often, {names[most['label']]} is taken for "
        f"{names[most['predicted']]} ({most['count']:,} {examples})."
    )


def _by_protocol(runs: pd.DataFrame, study: Mapping) -> Iterator[tuple[str, pd.DataFrame]]:
    """Groups that are compared among themselves, with the words for what each has in common."""
    if "protocol" not in study["vary"] or compared_axes(study) == ["protocol"]:
        yield "", runs
        return
    for protocol, group in runs.groupby("protocol", sort=False):
        yield _words("protocol", protocol), group


def _words(axis: str, value) -> str:
    """A value on an axis in words; names that are the user's own need the axis' name too."""
    words = label_of(value, axis)
    known = axis in counted_axes() or str(value) in known_labels()
    return words if known else f"{in_sentence(label_of(axis))} {words}"


def _levels(runs: pd.DataFrame, axes: list[str], values: pd.Series) -> pd.DataFrame:
    """Name, runs, finished runs and their values for each combination of the axes' values."""
    rows = []
    number = runs[axes].groupby(axes, sort=False, dropna=False).ngroup()
    levels = runs[axes].drop_duplicates()
    finished = runs["diverged_at"].isna().to_numpy()
    order = np.argsort(number.to_numpy(), kind="stable")
    ends = np.cumsum(np.bincount(number, minlength=len(levels)))[:-1]
    for level, places in zip(
        levels.itertuples(index=False, name=None), np.split(order, ends), strict=True
    ):
        rows_finished = places[finished[places]]
        own = values.to_numpy(float)[rows_finished]
        known = own[~np.isnan(own)]
        named = zip(axes, level, strict=True)
        names = (_words(axis, value) for axis, value in named if not pd.isna(value))
        rows.append(
            {
                "name": ", ".join(names),
                "n": len(places),
                "finished": len(own),
                "mean": known.mean() if known.size else np.nan,
                "values": known,
                "rows": rows_finished,
            }
        )
    return pd.DataFrame(rows)


def _ranked(runs: pd.DataFrame, study: Mapping, quantity: Quantity):
    """Values that have a finished run, the best first; and the names of those without one."""
    levels = _levels(runs, compared_axes(study), runs[quantity.column])
    finished = levels[levels["finished"] > 0]
    lost = levels[levels["finished"] == 0]["name"].tolist()
    return finished.sort_values("mean", ascending=quantity.lowest_first), lost


def _ranking(runs: pd.DataFrame, study: Mapping, quantity: Quantity) -> list[str]:
    """Which value has the lowest and the highest mean, and which has none."""
    best = _best_word(quantity)
    worst = "highest" if best == "lowest" else "lowest"
    sentences = []
    for common, group in _by_protocol(runs, study):
        ranked, lost = _ranked(group, study, quantity)
        if ranked.empty:
            text = "every run diverged"
        elif len(ranked) == 1:
            text = f"mean {quantity.words} with {_level(ranked.iloc[0], quantity)}"
        elif f"{ranked['mean'].iloc[0]:.4f}" == f"{ranked['mean'].iloc[-1]:.4f}":
            text = f"mean {quantity.words} is {ranked['mean'].iloc[0]:.4f} at all of them"
        else:
            text = (
                f"mean {quantity.words} is {best} with "
                f"{_level(ranked.iloc[0], quantity, len(ranked))} and {worst} with "
                f"{_level(ranked.iloc[-1], quantity, len(ranked))}"
            )
            text += _ties(group, study, quantity, ranked)
            text += f" ({correction_words(len(ranked))})" if "[" in text else ""
        if lost and not ranked.empty:
            text += f"; every run diverged with {' and with '.join(lost)}"
        sentences.append(_sentence(common, text))
    return sentences


def _ties(runs: pd.DataFrame, study: Mapping, quantity: Quantity, ranked: pd.DataFrame) -> str:
    """What can't be told apart from the first of those that are ranked."""
    number = runs.groupby(compared_axes(study), sort=False, dropna=False).ngroup()
    table = by_unit(runs, number, runs[quantity.column].where(runs["diverged_at"].isna()))
    if not can_tell(table):
        seeds = f"{len(table)} seeds" if len(table) > 1 else "one seed"
        return f"; with {seeds} no difference between them can be shown"
    names = ranked["name"].loc[tied_with(table, ranked.index[0])].tolist()
    if not names:
        return ""
    which = f"{len(names)} of the {len(ranked) - 1} others"
    if len(names) <= MAX_NAMED:
        *first, last = names
        which = f"{', '.join(first)} and {last}" if first else last
    return f"; no difference from {ranked['name'].iloc[0]} shows for {which}"


def _level_count(runs: pd.DataFrame, study: Mapping) -> int:
    """How many values there are to choose from."""
    return runs.groupby(compared_axes(study), sort=False, dropna=False).ngroups


def _choose(runs: pd.DataFrame, study: Mapping, choice: Quantity):
    """The value that is chosen, or None if every run diverged."""
    levels = _levels(runs, compared_axes(study), runs[choice.column])
    first = in_order_of_choice(levels, "mean", choice.lowest_first).iloc[0]
    return None if pd.isna(first["mean"]) else first


def _chosen(family: Family, runs: pd.DataFrame, study: Mapping, choice: Quantity) -> list[str]:
    """Which value is chosen, and what is reported of it."""
    sentences = []
    for common, group in _by_protocol(runs, study):
        chosen = _choose(group, study, choice)
        if chosen is None:
            continue
        of = _level_count(group, study)
        text = f"chosen by mean {choice.words} among {of}: {_level(chosen, choice, of)}"
        for place, each in enumerate(_reported_of(family)):
            text += f"{', and its' if place else '; its'} {each.words} is "
            text += _interval(family, group, chosen, each)
        sentences.append(_sentence(common, text))
    return sentences


def _interval(family: Family, runs: pd.DataFrame, level, quantity: Quantity) -> str:
    """Mean of a value's finished runs, with its 95% interval where there are several."""
    values = runs[quantity.column].to_numpy(float)[level["rows"]]
    mean, low, high = mean_interval(values)
    between = interval_words(low, high, quantity.is_share)
    return f"{mean:.4f}" + (f" ({between})" if between else "")


def _best(family: Family, runs: pd.DataFrame, study: Mapping) -> list[dict]:
    """For each group the best value by each measure, the chosen one, and what is reported of it."""
    rows = []
    for common, group in _by_protocol(runs, study):
        without = "not measured" if group["diverged_at"].isna().any() else "every run diverged"
        levels = []
        for quantity in _ranking_of(family):
            ranked, _ = _ranked(group, study, quantity)
            first = None if ranked.empty else ranked.iloc[0]
            levels.append(_cell_of_table(first, quantity, len(ranked), without))
        of = _level_count(group, study)
        chosen = [_choose(group, study, quantity) for quantity in _choice_of(family)]
        for quantity, each in zip(_choice_of(family), chosen, strict=True):
            levels.append(_cell_of_table(each, quantity, of, without))
        for quantity in _reported_of(family):
            figures = [
                _interval(family, group, each, quantity) for each in chosen if each is not None
            ]
            levels.append({"level": "", "figure": "".join(figures)})
        rows.append({"common": _capital(common), "levels": levels})
    return rows


def _put_last_rung(
    family: Family, table: pd.DataFrame, study: Mapping, best: Sequence[dict]
) -> None:
    """Put what is chosen of the last rung, and reported of it, in place of the first rung's."""
    last = table[table["rung"] == table["rung"].max()].sort_values("rank").iloc[0]
    told = [*_choice_of(family), *_reported_of(family)]
    for row in best:
        levels = row["levels"]
        for place, quantity in enumerate(told, start=len(levels) - len(told)):
            mean, low, high = (
                last[f"{quantity.column}_{name}"] for name in ("mean", "low", "high")
            )
            is_chosen = place == len(levels) - len(told)
            # That of the choice itself is flattered by it.
            between = "" if is_chosen else interval_words(low, high, quantity.is_share)
            levels[place] = {
                "level": chosen_words(last, study) if is_chosen else "",
                "figure": f"{mean:.4f}" + (f" ({between})" if between else ""),
            }


def _cell_of_table(level, quantity: Quantity, of: int, without: str) -> dict[str, str]:
    """A value with its mean and interval, or what stands in the place of none."""
    if level is None:
        return {"level": "", "figure": without}
    _, low, high = mean_interval(level["values"], of)
    between = interval_words(low, high, quantity.is_share).removeprefix("95% interval ")
    figure = f"{level['mean']:.4f}" + (f" ({between})" if between else "")
    return {"level": level["name"], "figure": figure}


def _gaps(family: Family, runs: pd.DataFrame, study: Mapping) -> list[str]:
    """Where the differences of measures are largest: what was learned and does not carry over."""
    return [
        sentence
        for measure in family.measures
        if measure.difference
        for sentence in _gap(*map(family.measure, measure.difference), runs, study)
    ]


def _gap(above: Measure, below: Measure, runs: pd.DataFrame, study: Mapping) -> list[str]:
    """Where one measure exceeds another most."""
    higher, lower = in_sentence(above.label), in_sentence(below.label)
    sentences = []
    for common, group in _by_protocol(runs, study):
        levels = _levels(group, compared_axes(study), group[above.name] - group[below.name])
        levels = levels[levels["finished"] > 0].sort_values("mean")
        if levels.empty:
            continue
        worst = levels.iloc[-1]
        if worst["mean"] < LEAST_GAP:
            text = f"mean {higher} is above mean {lower} nowhere by {LEAST_GAP:g} or more"
        else:
            text = f"{higher} exceeds {lower} most with {_level(worst, None, len(levels))}"
        sentences.append(_sentence(common, text))
    return sentences


def _cell_sentence(family: Family, runs: pd.DataFrame) -> str:
    finished = runs[runs["diverged_at"].isna()]
    if finished.empty:
        return f"All {len(runs)} runs diverged."
    parts = [
        f"{in_sentence(measure.label)} {_figure(finished[measure.name], is_share(measure))}"
        for measure in _cell_measures(family)
    ]
    return _capital(f"{'; '.join(parts)} ({_seeds(len(finished), len(runs))}).".lstrip())


def _cell_measures(family: Family) -> list[Measure]:
    """What is said of a cell: the ranking measures, the last first, after its training twin."""
    ranked = _quantities(map(family.measure, family.ranked_by))
    measures = [family.measure(each.column) for each in reversed(ranked)]
    twins = [
        each
        for each in family.measures
        if measures and each.trained and each.quantity == measures[0].quantity
    ]
    return list(dict.fromkeys([*twins, *measures]))


def _level(row, quantity: Quantity | None, of: int = 1) -> str:
    """A value with the mean of its runs, chosen of so many by its size, and how they spread."""
    figure = _figure(row["values"], quantity is not None and quantity.is_share, of)
    return f"{row['name']} ({figure}, {_seeds(row['finished'], row['n'])})"


def _seeds(finished: int, runs: int) -> str:
    if finished < runs:
        return f"{finished} of {runs} seeds, the others diverged"
    return f"{runs} seeds" if runs > 1 else "one seed"


def _figure(values: Sequence[float], is_share: bool, of: int = 1) -> str:
    """The mean of values, its interval, and the two groups that they may fall into."""
    mean, low, high = mean_interval(values, of)
    between = interval_words(low, high, is_share, of)
    figure = f"{mean:.4f} {between}" if of > 1 and between else f"{mean:.4f}"
    parts = [figure, between if of == 1 else "", group_words(values)]
    return ", ".join(filter(None, parts))


def _sentence(common: str, text: str) -> str:
    return _capital(f"with {common}: {text}." if common else f"{text}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
