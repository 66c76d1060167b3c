"""The claims page: every verdict with its effect and interval drawn to scale, seed by seed."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from restudy.operation.tickets import further_options
from restudy.plan.figures import figure_label
from restudy.study.labels import label_of
from restudy.views.embedded_figures import SCRIPT, embed_figure
from restudy.views.html_tables import (
    ENVIRONMENT,
    FAVICON,
    STYLESHEET,
    copying_script,
    copying_stylesheet,
)
from restudy.views.style import title_case

SIGNS = {"reproduced": "✓", "contradicted": "✗", "undecided": "?"}
WIDTH, LEFT, RIGHT, ROW = 680, 150, 16, 34  # of a drawing, in its own units

CLAIMS_STYLESHEET = """
:root { --reproduced: #1c6e8c; --contradicted: #a8430c; --undecided: #5a6270; }
@media (prefers-color-scheme: dark) { :root { --reproduced: #6cc3df; --contradicted: #f0975a;
  --undecided: #a9b0bc; } }
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
td a { color: inherit; }
.frame { overflow-x: auto; margin-bottom: 1rem; }
.verdict { white-space: nowrap; font-weight: 600; }
.verdict.reproduced { color: var(--reproduced); }
.verdict.contradicted { color: var(--contradicted); }
.verdict.undecided { color: var(--undecided); }
article { border: 1px solid var(--line); border-radius: 8px; padding: .9rem 1.1rem; margin: 1rem 0;
  max-width: 62rem; }
article h2 { margin: 0 0 .2rem; }
article p { margin: 0 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; max-width: 46rem; height: auto; margin: .3rem 0; }
svg text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
svg .faint { fill: var(--muted); }
svg .axis { stroke: var(--muted); stroke-width: 1; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .margin { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
svg .seed { fill: var(--muted); opacity: .45; }
svg .interval { stroke-width: 3; stroke-linecap: round; }
svg .reproduced { stroke: var(--reproduced); fill: var(--reproduced); }
svg .contradicted { stroke: var(--contradicted); fill: var(--contradicted); }
svg .undecided { stroke: var(--undecided); fill: var(--undecided); }
code { font: .85rem ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; }
details img { display: block; max-width: 100%; height: auto; margin: .5rem 0 .3rem;
  background: #fff; border-radius: 4px; }
details .frame { margin: 0; }
.frame svg { min-width: 38rem; }
@media (max-width: 560px) { article { padding: .7rem; } dl { grid-template-columns: 1fr; }
  thead, td:empty { display: none; } td, td div { display: block; border: 0; padding: 0; }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td[data-column]::before { content: attr(data-column) ": "; }
  td[data-column] div { display: inline; } details img { max-width: 40rem; } }
"""

PAGE = ENVIRONMENT.from_string(
    """{% extends "page" %}
{% block body %}
<h1>Claims and verdicts</h1>
<p>{{ summary }}</p>
<div class="frame" tabindex="0" role="region" aria-label="All verdicts">
<table>
<thead><tr><th scope="col">Claim</th><th scope="col">Source</th>
{% for column in columns %}
<th scope="col">{{ column }}</th>
{% endfor %}
</tr></thead>
<tbody>
{% for claim in claims %}
<tr><td><a href="#{{ claim.id }}">{{ claim.statement }}</a></td><td>{{ claim.source }}</td>
{% for column in columns %}
<td data-column="{{ column }}">
{%- for row in claim.rows if row.column == column %}<div>{{ verdict(row.verdict) }}</div>
{% endfor %}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table>
</div>
{% if changed %}
<p><strong>What rests on the arithmetic.</strong> {{ changed }}</p>
{% endif %}
<details><summary>How a verdict comes about</summary>
<p>A claim is spelled out as one or more contrasts over the cells' measures, each claimed to exceed
a margin, the smallest difference that matters. Contrasts are taken seed by seed, so that what a
seed does to all cells alike drops out. A claim is reproduced if every contrast exceeds its margin,
contradicted if one stays below it. Both are tested by Student's test; p-values are corrected by
Holm's method over all verdicts of this run, and the interval (studentised bootstrap, 95%) must lie
on the same side of the margin. Where a cell has a single seed, the interval is that of the spread
that the claim states, and nothing is called significant. The commands
add seeds to this run; they are for a shell in the project's folder.</p></details>
{% for claim in claims %}
<article id="{{ claim.id }}">
<h2>{{ claim.statement }}</h2>
<p class="muted">{{ claim.source }} · {{ claim.id }}</p>
<div class="frame" tabindex="0" role="region" aria-label="Effects of {{ claim.id }}">
{% for test in claim.tests %}
{{ test.drawing }}
{% endfor %}
</div>
<dl>
{% for row in claim.rows %}
<dt>{{ row.protocol }}</dt>
<dd>{{ verdict(row.verdict) }}{% if row.expected %} <strong>(expected: {{ row.expect }})</strong>
{% endif %}: {{ row.effect }}{% if row.reason %}<br>{{ row.reason }}{% endif %}
{% if row.command %}<br><code>{{ row.command }}</code>{% endif %}</dd>
{% endfor %}
</dl>
{% if claim.figure %}
<details data-figure="{{ claim.figure.place }}"><summary>Figure: {{ claim.figure.label }}</summary>
<div class="frame" tabindex="0" role="region" aria-label="Figure: {{ claim.figure.label }}">
<img alt="{{ claim.figure.alt }}" width="{{ claim.figure.width }}"
height="{{ claim.figure.height }}"></div>
<code>{{ claim.figure.path }}</code></details>
{% endif %}
<details><summary>Cells</summary>{% for cell in claim.cells %}<div><code>{{ cell }}</code></div>
{% endfor %}</details>
</article>
{% endfor %}
{% if figures %}
<script type="application/json" id="figures">{{ figures }}</script>
<script>{{ script }}</script>
{% endif %}
{{ copying }}
{% endblock %}
"""
)


def claims_page(
    claims: pd.DataFrame,
    tests: pd.DataFrame,
    seeds: pd.DataFrame,
    figures: Mapping[str, bytes] | None = None,
    options: Sequence[str] = (),
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    claims, tests, seeds : DataFrame
        As `restudy.claims.verdicts.judge_claims` gives them: verdicts, contrasts, and the
        contrasts' values by seed.
    figures : mapping
        Path -> content of every figure that a claim names.
    options : sequence of str
        Options of a call that runs the same configuration, as
        `restudy.operation.tickets.describe_call` gives them.
    """
    embedded = {path: embed_figure(path, content) for path, content in (figures or {}).items()}
    listed = [
        _claim(
            rows, tests[tests["claim"] == name], seeds[seeds["claim"] == name], embedded, options
        )
        for name, rows in claims.groupby("claim", sort=False)
    ]
    return PAGE.render(
        title="Claims and verdicts",
        claims=listed,
        columns=list(dict.fromkeys(row["column"] for claim in listed for row in claim["rows"])),
        summary=_summary(claims),
        changed=_changed(claims),
        verdict=_verdict,
        figures=Markup(json.dumps([figure["packed"] for figure in embedded.values()]))
        if embedded
        else "",
        script=Markup(SCRIPT),
        copying=copying_script(),
        favicon=FAVICON,
        stylesheet=Markup(STYLESHEET + copying_stylesheet() + CLAIMS_STYLESHEET),
    )


def _verdict(verdict: str) -> Markup:
    html = '<span class="verdict {0}"><span aria-hidden="true">{1}</span> {0}</span>'
    return Markup(html).format(verdict, SIGNS[verdict])


def _summary(claims: pd.DataFrame) -> str:
    counts = claims["verdict"].value_counts()
    parts = [f"{counts[name]} {name}" for name in SIGNS if name in counts]
    return (
        f"{claims['claim'].nunique()} claims, {len(claims)} verdicts: {', '.join(parts)}. A claim "
        "about cells that exist under several protocols has a verdict for each."
    )


def _changed(claims: pd.DataFrame) -> str:
    """Return in words which claims the arithmetic decides, published or corrected."""
    both = claims[claims["arithmetic"].isin(["published", "corrected"])]
    if both.empty:
        return ""
    verdicts = both.pivot_table(
        index="claim", columns="arithmetic", values="verdict", aggfunc="first", sort=False
    )
    if verdicts.shape[1] < 2:
        return ""
    verdicts = verdicts.dropna()
    other = verdicts[verdicts["published"] != verdicts["corrected"]]
    if other.empty:
        return (
            f"None of the {len(verdicts)} claims that were judged under both has another verdict "
            "under corrected than under published arithmetic."
        )
    parts = [
        f"{name.replace('_', ' ')} ({row.published} as published, {row.corrected} as corrected)"
        for name, row in other.iterrows()
    ]
    return (
        f"{len(other)} of the {len(verdicts)} claims that were judged under both have another "
        f"verdict under corrected arithmetic: {'; '.join(parts)}."
    )


def _claim(
    rows: pd.DataFrame,
    tests: pd.DataFrame,
    seeds: pd.DataFrame,
    figures: Mapping[str, dict],
    options: Sequence[str],
) -> dict[str, Any]:
    first = rows.iloc[0]
    verdicts = dict(zip(rows["protocol"], rows["verdict"], strict=True))
    return {
        "id": first["claim"],
        "statement": first["statement"],
        "source": first["source"],
        "figure": _figure(_text(first["figure"]), figures),
        "cells": list(dict.fromkeys(" ".join(rows["cells"]).split())),
        "rows": [_row(row, options) for row in rows.to_dict("records")],
        "tests": [
            {"drawing": _drawing(group, seeds[seeds["test"] == number], verdicts)}
            for number, group in tests.groupby("test", sort=False)
        ],
    }


def _figure(path: str, figures: Mapping[str, dict]) -> dict[str, Any] | None:
    """Return a claim's figure as the page shows it; figures as `embed_figure` gives them."""
    if not path:
        return None
    found, label = figures[path], figure_label(path)
    title = found["title"] or path.rpartition("/")[2].rpartition(".")[0].replace("_", " ")
    return {
        "path": path,
        "place": list(figures).index(path),
        "label": label,
        "alt": f"{label}: {title}",
        "width": found["width"],
        "height": found["height"],
    }


def _row(row: dict, options: Sequence[str]) -> dict[str, Any]:
    expect = _text(row["expect"])
    return {
        "protocol": label_of(row["protocol"]),
        "column": title_case(label_of(_text(row["arithmetic"]) or "verdict")),
        "verdict": row["verdict"],
        "expect": expect,
        "expected": bool(expect) and expect != row["verdict"],
        "effect": _effect(row),
        "reason": _text(row["reason"]),
        "command": _command(_text(row["setting"]), options),
    }


def _command(setting: str, options: Sequence[str]) -> str:
    """Return the call that adds seeds, for a shell; empty where there is no setting."""
    if not setting:
        return ""
    return shlex.join(["snakemake", "--cores", "4", *further_options(options, setting)])


def _effect(row: dict) -> str:
    """Return the weakest contrast's effect in words."""
    if not row["n"]:
        return "no run to judge."
    text = f"{row['contrast']}: {_number(row['effect'])}"
    if not math.isnan(row["ci_low"]):
        text += f" [{_number(row['ci_low'])}, {_number(row['ci_high'])}]"
    text += f", margin {row['margin']:g}, {row['n']} {'seeds' if row['n'] > 1 else 'seed'}"
    if row["basis"] == "significance":
        return f"{text}, p {_p(row['p_adjusted'])} after correction."
    if row["basis"] == "stated spread":
        return f"{text}; the interval is that of the stated spread."
    return f"{text}."


def _drawing(tests: pd.DataFrame, seeds: pd.DataFrame, verdicts: dict[str, str]) -> Markup:
    """Return the drawing of one contrast under every protocol, all on one scale."""
    first = tests.iloc[0]
    numbers = [*tests[["effect", "ci_low", "ci_high", "margin"]].to_numpy(float).ravel()]
    numbers += [*seeds["value"], 0.0]
    finite = [number for number in numbers if math.isfinite(number)]
    low, high = min(finite), max(finite)
    pad = 0.05 * (high - low or 1.0)
    low, high = low - pad, high + pad

    def place(value: float) -> str:
        return f"{LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT):.1f}"

    bottom = 26 + ROW * len(tests)
    parts = []
    for tick in MaxNLocator(5).tick_values(low, high):
        if low <= tick <= high:
            x = place(tick)
            parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="22" y2="{bottom}"/>')
            parts.append(
                f'<text class="faint" x="{x}" y="{bottom + 15}" text-anchor="middle">'
                f"{_number(0.0 if abs(tick) < 1e-12 else tick)}</text>"
            )
    zero, margin = place(0.0), place(first["margin"])
    parts.append(f'<line class="axis" x1="{zero}" x2="{zero}" y1="22" y2="{bottom}"/>')
    parts.append(f'<line class="margin" x1="{margin}" x2="{margin}" y1="22" y2="{bottom}"/>')
    for number, test in enumerate(tests.to_dict("records")):
        y = 26 + ROW * number + ROW / 2
        verdict = _side(test)
        parts.append(f'<text x="0" y="{y + 4}">{Markup.escape(_protocol(test, verdicts))}</text>')
        parts += [
            f'<circle class="seed" cx="{place(value)}" cy="{y + 9}" r="2.5"/>'
            for value in seeds.loc[seeds["protocol"] == test["protocol"], "value"]
        ]
        if not math.isnan(test["ci_low"]):
            parts.append(
                f'<line class="interval {verdict}" x1="{place(test["ci_low"])}" '
                f'x2="{place(test["ci_high"])}" y1="{y}" y2="{y}"/>'
            )
        if not math.isnan(test["effect"]):
            parts.append(f'<circle class="{verdict}" cx="{place(test["effect"])}" cy="{y}" r="5"/>')
    title = f"{first['contrast']} · {label_of(first['measure'])}"
    words = "; ".join(
        f"{label_of(test['protocol'])} {_number(test['effect'])}"
        for test in tests.to_dict("records")
    )
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {bottom + 22}" role="img" '
        f'aria-label="{Markup.escape(f"{title}: {words}")}">'
        f'<text x="0" y="14">{Markup.escape(title)}</text>{"".join(parts)}</svg>'
    )


def _protocol(test: dict, verdicts: dict[str, str]) -> str:
    return label_of(test["protocol"]) if len(verdicts) > 1 else f"n = {test['n']}"


def _side(test: dict) -> str:
    """Return on which side of its margin a contrast's interval lies."""
    if test["ci_low"] > test["margin"]:
        return "reproduced"
    if test["ci_high"] < test["margin"]:
        return "contradicted"
    return "undecided"


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"
