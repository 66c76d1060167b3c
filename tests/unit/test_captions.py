"""Captions of the report: what they say follows from facts and findings, and is sound markup."""

import html
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined, Undefined

from restudy.analysis.captions import caption_facts, in_sentence
from restudy.analysis.findings import describe_family
from restudy.analysis.markup import escape_markup
from restudy.analysis.predictions import count_classes, count_pairs
from restudy.data.kinds import dataset_kind
from restudy.data.tables import with_cell
from restudy.families.contract import Axis, Family, Measure
from restudy.families.registry import FAMILIES

# A family that leaves nothing but its runs; its title is full of markup.
MACHINES = Family(
    name="machines",
    title="Machines* of_ `mine`",
    description="Machines.",
    takes="points",
    axes=(Axis("c", "C", "Inverse strength of the penalty.", "number", above=0),),
    measures=(Measure("heldout_accuracy", "Held-out accuracy", "Share.", better="higher"),),
    ranked_by=("heldout_accuracy",),
    train="train",
)
ALL = {**FAMILIES, "machines": MACHINES}
OF_STUDY = {
    "boundary_panel": "weights.npz",
    "curves": "history.parquet",
    "effects": "runs.csv",
    "figure": "runs.csv",
    "final_accuracy": "runs.csv",
    "gradient_norms": "layers.parquet",
    "inactive_units": "layers.parquet",
}
OF_RUN = {
    "boundary": "layers.parquet",
    "confusion": "judgements.parquet",
    "worst_images": "judgements.parquet",
    "filters": "events",
    "weight_histograms": "events",
    "weight_statistics": "events",
}
OF_ALL = (
    "certificate",
    "claims",
    "configuration",
    "environment",
    "study_page",
    "tensorboard",
    "workflow",
)


def cell_of(family):
    """A value for every axis of a family, and the path of its first run."""
    return {
        axis.name: 3 if axis.values == "whole_number" else 0.5 if axis.is_number else "a_b"
        for axis in family.all_axes
    }


def found_of(family):
    """Findings of one cell with two seeds."""
    cell, seeds = cell_of(family), [0, 1]
    runs = pd.DataFrame({"seed": seeds}).assign(
        diverged_at=pd.array([None, None], dtype="Int64"),
        **{each.name: [0.25, 0.75] for each in family.measures if each.in_runs},
    )
    tables = {"runs": runs}
    if family.leaves("layers.parquet"):
        shares = {"grad_norm": 0.125, "saturated_share": 0.5, "dead_share": np.nan}
        tables["layers"] = pd.DataFrame({"seed": seeds, "layer": 1, family.time.name: 7}).assign(
            **shares
        )
    if family.leaves("judgements.parquet"):
        seen = pd.DataFrame({"seed": 0, "label": [0, 1, 1], "predicted": [0, 1, 0]})
        tables["confusion"] = count_pairs(family, [with_cell(seen, cell)])
        tables["classes"] = count_classes(family, tables["confusion"])
    if family.monitored:
        tags = [f"one/{tensor}/{of}" for tensor in ("weights", "bias") for of in ("mean", "std")]
        tables["scalars"] = pd.DataFrame({"seed": 0, "tag": tags, "step": 90, "value": 0.375})
    if family.gradient_check:
        tables["gradients"] = pd.DataFrame(
            [("tanh", "corrected", 1, "bias", 1e-9)],
            columns=["activation", "arithmetic", "layer", "parameter", "relative_error"],
        )
    for name in ("runs", "layers", "scalars"):
        if name in tables:
            tables[name] = with_cell(tables[name], cell)
    study = {"question": "Which *one_?", "vary": ["protocol"], "cells": [cell]}
    return describe_family(family, tables, {"s": study}, {"a_b": "mnist"})


FOUND = {
    "families": {name: found_of(family) for name, family in ALL.items()},
    "claims": "3 claims got 4 verdicts.",
    "training_cpu_seconds": 1234.5,
}


def render(caption, findings=FOUND, wildcards=None, params=None, strict=True):
    """A caption as the report shows it, without the tags."""
    config = {
        "findings": escape_markup(json.loads(json.dumps(findings))),
        "facts": escape_markup({name: caption_facts(family) for name, family in ALL.items()}),
        "ticket": lambda categories: "The ticket.",
        "claims": "config/claims.yaml",
        "title": "",
    }
    job = SimpleNamespace(
        wildcards=SimpleNamespace(**wildcards or {}),
        params=SimpleNamespace(**params or {}),
        config=config,
    )
    undefined = StrictUndefined if strict else Undefined
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=undefined)
    template = environment.from_string((ROOT / f"report/{caption}.rst").read_text())
    settings = {"report_level": 5, "halt_level": 5}
    body = publish_parts(
        template.render(snakemake=job, categories={}, files=[]),
        writer="html",
        settings_overrides=settings | {"report_level": 1},
    )["body"]
    assert "system-message" not in body, body
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def those(captions: dict):
    """Captions with the names of the families that feed them."""
    return [
        (caption, name)
        for caption, artefact in captions.items()
        for name, family in ALL.items()
        if family.leaves(artefact)
    ]


@pytest.mark.parametrize(("caption", "name"), those(OF_STUDY))
def test_caption_of_a_study_says_what_came_out_of_it(caption, name):
    wildcards = {"family": name, "study": "s"}
    params = {"shows": "A point for each run.", "made": "", "draws": 1}
    text = render(caption, wildcards=wildcards, params=params)
    study = FOUND["families"][name]["studies"]["s"]
    said = {
        "boundary_panel": study["by_quantity"].get("accuracy"),
        "final_accuracy": study["by_quantity"].get("accuracy"),
        "gradient_norms": study["layers"]["gradients"],
        "inactive_units": study["layers"]["units"],
    }.get(caption, study["outcome"])
    assert said and all(sentence in text for sentence in said)
    assert "Which *one_?" in text
    assert ("A point for each run." in text) == (caption == "figure")
    nothing = render(caption, {}, wildcards, params, strict=False)
    assert "Not stated yet" in nothing


@pytest.mark.parametrize(("caption", "name"), those(OF_RUN))
def test_caption_of_a_run_says_what_is_known_of_it(caption, name):
    path = "/".join(f"{axis}~{value}" for axis, value in cell_of(ALL[name]).items())
    path += "" if caption == "boundary" else "/seed~0"
    params = {"family": name, "path": path, "cell": cell_of(ALL[name]), "draws": 1}
    text = render(caption, wildcards={"seed": "0"}, params=params)
    own = FOUND["families"][name]
    place = {"boundary": "cells", "confusion": "predictions", "worst_images": "predictions"}
    assert own[place.get(caption, "first_layer")][path] in text
    assert caption == "boundary" or "initializer a b, optimizer a b, seed 0" in text
    nothing = render(caption, {}, {"seed": "0"}, params, strict=False)
    assert "Nothing is stated of this" in nothing


@pytest.mark.parametrize("caption", OF_ALL)
def test_caption_of_the_whole_is_sound_with_and_without_findings(caption):
    assert "The ticket." in render(caption) or caption == "workflow"
    assert render(caption, {}, strict=False)


def test_front_page_of_the_report_says_what_ran_and_names_no_study_that_did_not():
    text = render("workflow")
    assert "Machines* of_ `mine` : 1 cells with 2 runs" in text.replace("mine`:", "mine` :")
    assert text.startswith("Dense networks and ") and "published course study" not in text
    assert "3 claims got 4 verdicts." in text


def test_page_of_the_studies_tells_of_the_first_quantity():
    text = render("study_page")
    for own in FOUND["families"].values():
        first = next(iter(own["studies"]["s"]["by_quantity"].values()))
        assert all(sentence in text for sentence in first)


@pytest.mark.parametrize("kind", ["runs", "summary", "gradients", "classes"])
def test_caption_of_a_table_knows_its_kind(kind):
    texts = [
        render("table", wildcards={"table": f"{name}_{kind}"}, strict=False)
        for name in FOUND["families"]
    ]
    rows = {"runs": "run, written", "summary": "cell: the", "gradients": "activation function"}
    assert all(f"A row per {rows.get(kind, 'run and class')}" in text for text in texts)
    if kind == "classes":
        for name, text in zip(FOUND["families"], texts, strict=True):
            assert FOUND["families"][name].get("classes", "Not stated yet") in text
            assert f"results/tables/{name}_confusion.csv" in text
    for table, words in (("claims", "claim and protocol"), ("benchmarks", "training job")):
        assert words in render("table", wildcards={"table": table})


def test_caption_of_the_gradient_check_says_what_it_found():
    for name, family in ALL.items():
        if family.gradient_check:
            text = render("gradient_check", wildcards={"family": name}, params={"draws": 1})
            assert FOUND["families"][name]["gradient_check"] in text and "draws" not in text


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("gradient_check", "The points are the first of 3 draws."),
        ("boundary", "this seed was trained on; the 3 draws of the data set take turns"),
        ("boundary_panel", "the seed in colour was trained on; where a data set has several draws"),
        ("points", "This is draw 0 of 3; the others have fresh points in all parts"),
    ],
)
def test_captions_say_which_draw_is_shown_where_there_are_several(caption, words):
    wildcards = {"family": "dense", "study": "s", "dataset": "moons"}
    own = {"family": "dense", "path": "x", "features": 2}
    dataset = {setting.name: setting.default for setting in dataset_kind("moons").settings}
    texts = [
        render(
            caption,
            wildcards=wildcards,
            params=own | {"draws": draws, "dataset": {"kind": "moons", **dataset, **given}},
            strict=False,
        )
        for draws, given in ((1, {"draws": None}), (3, {"draws": 3}))
    ]
    assert words not in texts[0] and words in texts[1]


def test_curves_say_how_every_measure_is_recorded():
    for name, family in ALL.items():
        if family.leaves("history.parquet"):
            text = render("curves", wildcards={"family": name, "study": "s"})
            assert f"fixed intervals of {family.time.plural}" in text
            drawn = [each for each in family.recorded_measures if each.drawn]
            assert all(each.description in text for each in drawn)
            intervals = {each.recorded for each in drawn}
            assert ("markers" in text) == (len(intervals) > 1)


def test_captions_name_no_family():
    for path in (ROOT / "report").glob("*.rst"):
        for name in FAMILIES:
            assert not re.search(rf"\b{name}\b(?! networks)", path.read_text()), path.name


def test_labels_within_a_sentence_keep_abbreviations():
    assert in_sentence("Held-out loss") == "held-out loss"
    assert [in_sentence(label) for label in ("C", "AUC", "")] == ["C", "AUC", ""]
