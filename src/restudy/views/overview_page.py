"""The front page: what this configuration asks, what came out, and where the evidence is."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from restudy.log import counted, duration
from restudy.plan.figures import figure_label
from restudy.study.labels import label_of, within
from restudy.views.claims_page import VERDICT_STYLESHEET, claims_summary, verdict_mark
from restudy.views.embedded_figures import figure_facts
from restudy.views.html_tables import ENVIRONMENT, FAVICON, STYLESHEET

OVERVIEW_STYLESHEET = """
nav { display: flex; flex-wrap: wrap; gap: .4rem .6rem; margin: .2rem 0 1.2rem; }
nav a, nav span { border: 1px solid var(--muted); border-radius: 5px; padding: .25rem .7rem;
  color: inherit; text-decoration: none; }
nav a:hover { background: var(--shade); }
.question { font-size: 1.05rem; }
.strip { list-style: none; margin: 0 0 1rem; padding: 0; display: grid; gap: .5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
.strip li { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .7rem; }
.strip a { color: inherit; }
.strip div { margin-top: .15rem; font-size: .92rem; }
.strip .of { color: var(--muted); }
figure { margin: 0 0 1.4rem; max-width: 62rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff;
  border-radius: 4px; }
.frame { overflow-x: auto; margin-bottom: 1.2rem; }
table { border-collapse: collapse; font-size: .92rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem 1rem .35rem 0;
  border-bottom: 1px solid var(--line); }
td strong { display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; max-width: 62rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 560px) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; }
  table { min-width: 34rem; } }
"""

# Within the report a page is a data URL, from which no link leads to another item.
SCRIPT = """
"use strict";
if (location.protocol === "data:") {
  for (const link of document.querySelectorAll("a[href]")) {
    const text = document.createElement("span");
    text.append(...link.childNodes);
    if (link.title) text.title = link.title;
    link.replaceWith(text);
  }
  document.querySelector("#within")?.removeAttribute("hidden");
}
"""

PAGE = ENVIRONMENT.from_string(
    """{% extends "page" %}
{% block body %}
<h1>{{ title }}</h1>
<p class="muted">{{ about }}</p>
<nav aria-label="Pages">
{% for page in pages %}
<a href="{{ page.href }}" title="{{ page.place }}">{{ page.title }}</a>
{% endfor %}
</nav>
<p id="within" class="muted" hidden>These pages are opened from the report's menu.</p>
{% if verdicts %}
<h2>{{ claims_heading }}</h2>
<p>{{ claims_summary }}</p>
<ul class="strip">
{% for claim in verdicts %}
<li><a href="verdicts.html#{{ claim.id }}">{{ claim.statement }}</a>
{% for row in claim.rows %}
<div>{% if row.of %}<span class="of">{{ row.of }}:</span> {% endif %}{{ row.mark }}</div>
{% endfor %}
</li>
{% endfor %}
</ul>
{% endif %}
{% for figure in figures %}
{% if loop.first %}<h2>In pictures</h2>{% endif %}
<figure>
<img alt="{{ figure.alt }}" width="{{ figure.width }}" height="{{ figure.height }}"
 src="{{ figure.source }}">
</figure>
{% endfor %}
{% if tables %}
<h2>What came out</h2>
<p>For each study the value with the best mean over seeds. In brackets is the 95% interval of the
mean, wide enough to hold for whichever of the values is best. The best of many is flattered by
chance all the same: where there is a validation part, the value is chosen by it, and what is
reported of it was measured on other data. The captions of a study's figures say which values
can't be told apart from the best.</p>
{% for table in tables %}
<div class="frame" tabindex="0" role="region" aria-label="{{ table.caption }}">
<table><caption>{{ table.caption }}</caption>
<thead><tr>{% for heading in table.headings %}<th scope="col">{{ heading }}</th>{% endfor %}</tr>
</thead><tbody>
{% for row in table.rows %}
<tr><td>{{ row.question }}</td>{% if table.among %}<td>{{ row.among }}</td>{% endif %}
{% for cell in row.cells %}
<td>{% if cell.level %}<strong>{{ cell.level }}</strong>{% endif %}{{ cell.figure }}</td>
{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}
{% endif %}
<h2>What ran</h2>
<dl>
{% for name, text in ran %}
<dt>{{ name }}</dt><dd>{{ text }}</dd>
{% endfor %}
</dl>
<script>{{ script }}</script>
{% endblock %}
"""
)


def overview_page(
    title: str,
    findings: Mapping[str, Any],
    claims: pd.DataFrame | None,
    figures: Sequence[Mapping[str, Any]],
    pages: Sequence[Mapping[str, str]],
    record: Mapping[str, Any],
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title : str
        Of the configuration; empty if it has none.
    findings : mapping
        What was found, see `restudy.analysis.findings.describe_family`: ``families``, and
        ``training_cpu_seconds``.
    claims : DataFrame or None
        Verdicts, as `restudy.claims.verdicts.judge_claims` gives them.
    figures : sequence of mapping
        ``path``, ``content`` (bytes) and ``question`` of each that is shown.
    pages : sequence of mapping
        ``title``, ``href`` and ``place`` (in the report's menu) of each that is linked.
    record : mapping
        The record of provenance: ``configuration`` and ``environment``.
    """
    families = findings["families"]
    datasets = record["configuration"]["datasets"]
    titles = " and ".join(within(family["title"]) for family in families.values())
    about = f"{titles[:1].upper()}{titles[1:]}, on {_listed(map(label_of, datasets))}."
    judged = _verdicts(claims) if claims is not None and len(claims) else []
    has_source = any(claim["source"] for claim in judged)
    return PAGE.render(
        title=title or f"Studies of {titles}",
        about=about,
        pages=[{**page, "href": quote(page["href"])} for page in pages],
        verdicts=judged,
        claims_heading="What is true of what the source claims" if has_source else "Verdicts",
        claims_summary=claims_summary(claims) if judged else "",
        figures=[_figure(**figure) for figure in figures],
        tables=[_table(family) for family in families.values() if family["columns"]],
        ran=_what_ran(findings, datasets, record["environment"]),
        script=Markup(SCRIPT),
        favicon=FAVICON,
        stylesheet=Markup(STYLESHEET + VERDICT_STYLESHEET + OVERVIEW_STYLESHEET),
    )


def _listed(names: Any) -> str:
    *first, last = list(names)
    return f"{', '.join(first)} and {last}" if first else last


def _verdicts(claims: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for name, rows in claims.groupby("claim", sort=False):
        several = len(rows) > 1
        found.append(
            {
                "id": name,
                "statement": rows["statement"].iloc[0],
                "source": rows["source"].iloc[0] if pd.notna(rows["source"].iloc[0]) else "",
                "rows": [
                    {"of": label_of(row["protocol"]) if several else "", "mark": verdict_mark(row)}
                    for row in rows.to_dict("records")
                ],
            }
        )
    return found


def _figure(path: str, content: bytes, question: str) -> dict[str, Any]:
    found, label = figure_facts(content), figure_label(path)
    data = base64.b64encode(content).decode()
    return {
        "alt": f"{label}: {found['title'] or question}",
        "width": found["width"],
        "height": found["height"],
        "source": f"data:image/svg+xml;base64,{data}",
    }


def _table(family: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is best in each study of a family."""
    among = any(row["common"] for study in family["studies"].values() for row in study["best"])
    rows = [
        {
            "question": study["question"] if place == 0 else "",
            "among": row["common"],
            "cells": row["levels"],
        }
        for study in family["studies"].values()
        for place, row in enumerate(study["best"])
    ]
    headings = ["Question", *(["Among"] if among else []), *family["columns"]]
    return {"caption": family["title"], "headings": headings, "among": among, "rows": rows}


def _what_ran(
    findings: Mapping[str, Any], datasets: Mapping[str, Any], environment: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return what was trained on what, how long that took, and where."""
    ran = []
    for family in findings["families"].values():
        text = f"{counted(family['cells_trained'], 'cell')}, {counted(family['runs'], 'run')}"
        ran.append((family["title"], f"{text}, {family['diverged'] or 'none'} diverged"))
    for name, dataset in datasets.items():
        counts = [
            f"{dataset[key]:,} {words}"
            for key, words in (
                ("points", "training points"),
                ("validation_points", "validation points"),
                ("heldout_points", "held-out points"),
                ("validation_examples", "validation images"),
            )
            if dataset.get(key)
        ]
        if dataset.get("draws", 1) > 1:
            counts.append(f"{dataset['draws']:,} draws")
        ran.append((label_of(name), ", ".join([label_of(dataset["kind"]), *counts])))
    ran.append(("Training", f"{duration(findings['training_cpu_seconds'])} of processor time"))
    place = [environment.get("processor"), f"Python {environment.get('python')}"]
    if environment.get("revision"):
        place.append(f"revision {environment['revision']}")
    ran.append(("Where", ", ".join(filter(None, place))))
    return ran
