"""The claims page: every verdict with its effect and interval drawn to scale, seed by seed."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from restudy.analysis.significance import LEVEL
from restudy.claims.verdicts import (
    ASSUMED_NORMAL,
    CONTRADICTED,
    REPRODUCED,
    SMALLER,
    STATED_SPREAD,
    UNDECIDED,
    compare_protocols,
    verdict_at,
)
from restudy.log import counted
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

SIGNS = {REPRODUCED: "✓", SMALLER: "↓", CONTRADICTED: "✗", UNDECIDED: "?"}
WORDS = {SMALLER: "smaller than claimed"}
# What a reader has to know of a verdict that rests on less than the seeds alone.
CAVEATS = {STATED_SPREAD: "one run, spread stated", ASSUMED_NORMAL: "taken to be normal"}
WIDTH, LEFT, RIGHT, ROW = 680, 150, 16, 34  # of a drawing, in its own units

VERDICT_STYLESHEET = """
:root { --reproduced: #1c6e8c; --smaller: #7a5c00; --contradicted: #a8430c;
  --undecided: #5a6270; --on: #fff; }
@media (prefers-color-scheme: dark) { :root { --reproduced: #6cc3df; --smaller: #d9b44a;
  --contradicted: #f0975a; --undecided: #a9b0bc; --on: #14171c; } }
.verdict { white-space: nowrap; font-weight: 600; }
.verdict.reproduced { color: var(--reproduced); }
.verdict.smaller { color: var(--smaller); }
.verdict.contradicted { color: var(--contradicted); }
.verdict.undecided { color: var(--undecided); }
.caveat { display: block; font-size: .85em; color: var(--muted); }
"""

CLAIMS_STYLESHEET = """
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
td a { color: inherit; }
.frame { overflow-x: auto; margin-bottom: 1rem; }
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
svg .decided { stroke-width: 1; }
svg .smaller { stroke: var(--smaller); fill: var(--smaller); }
dd .caveat { display: inline; } dd .caveat::before { content: "· "; }
svg text.on { fill: var(--on); stroke: none; font-weight: 600; }
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

HOUR = 3600.0
NO_BENCHMARKS = pd.DataFrame({"rule": [], "job": [], "cpu_seconds": []}, dtype="str")

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
{%- for row in claim.rows if row.column == column %}<div>{{ verdict(row) }}</div>
{% endfor %}</td>
{% endfor %}
</tr>
{% endfor %}
</tbody>
</table>
</div>
{% if changed %}
<p><strong>What rests on the arithmetic.</strong> {{ changed.text }}</p>
{% if changed.effects %}
<ul>{% for effect in changed.effects %}<li>{{ effect }}</li>
{% endfor %}</ul>
{% endif %}
{% endif %}
<details><summary>How a verdict comes about</summary>
<p>A claim is spelled out as one or more contrasts over the cells' measures, each claimed to exceed
a margin, the smallest difference that matters. Contrasts are taken seed by seed, so that what a
seed does to all cells alike drops out. A claim is reproduced if every contrast exceeds its margin,
and contradicted if one stays below it; an effect that has the claimed direction, but stays below
its margin, is smaller than claimed. Unless a claim says otherwise, a contrast exceeds its margin if
both its mean and most seeds do, by four tests that have to agree: of signs, Student's, his with a
correction of skewness, and one that asks for as many seeds as would show failures of one in ten. A
claim may be about the typical seed instead, by the test of signs alone, or about values that are
taken to be normal, by Student's test alone. p-values are corrected by Holm's method over all
verdicts of this run. Where a cell has a single seed, the test takes the spread that the claim
states. In the drawings, a dot is a seed, the thick line the 95% interval of the effect, and the
thin one reaches over the margins at which the claim would be undecided. The commands add seeds to
this run; they are for a shell in the project's folder.</p></details>
{% for claim in claims %}
<article id="{{ claim.id }}">
<h2>{{ claim.statement }}</h2>
<p class="muted">{{ claim.source }} · {{ claim.id }}</p>
<div class="frame" tabindex="0" role="region" aria-label="Effects: {{ claim.statement }}">
{% for test in claim.tests %}
{{ test.drawing }}
{% endfor %}
{{ claim.margins }}
</div>
<dl>
{% for row in claim.rows %}
<dt>{{ row.protocol }}</dt>
<dd>{{ verdict(row) }}{% if row.expected %} <strong>(expected: {{ row.expect }})</strong>
{% endif %}: {{ row.effect }}{% for note in row.notes %}<br>{{ note }}{% endfor %}
{% if row.command %}<br><code>{{ row.command }}</code>{% endif %}</dd>
{% endfor %}
</dl>
{% for note in claim.notes %}
<p>{{ note }}</p>
{% endfor %}
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
    benchmarks: pd.DataFrame | None = None,
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
    benchmarks : DataFrame, optional
        What the training jobs took, see `restudy.analysis.summaries.read_benchmarks`: further seeds
        get a price by it.
    """
    embedded = {path: embed_figure(path, content) for path, content in (figures or {}).items()}
    listed = [
        _claim(
            rows,
            tests[tests["claim"] == name],
            seeds[seeds["claim"] == name],
            embedded,
            options,
            NO_BENCHMARKS if benchmarks is None else benchmarks,
        )
        for name, rows in claims.groupby("claim", sort=False)
    ]
    return PAGE.render(
        title="Claims and verdicts",
        claims=listed,
        columns=list(dict.fromkeys(row["column"] for claim in listed for row in claim["rows"])),
        summary=claims_summary(claims),
        changed=_changed(claims, tests, seeds),
        verdict=verdict_mark,
        figures=Markup(json.dumps([figure["packed"] for figure in embedded.values()]))
        if embedded
        else "",
        script=Markup(SCRIPT),
        copying=copying_script(),
        favicon=FAVICON,
        stylesheet=Markup(
            STYLESHEET + copying_stylesheet() + VERDICT_STYLESHEET + CLAIMS_STYLESHEET
        ),
    )


def verdict_mark(row: Mapping) -> Markup:
    """Return a verdict with its sign and what it rests on, if that is less than the seeds."""
    verdict, caveat = row["verdict"], CAVEATS.get(row["basis"], "")
    if verdict == UNDECIDED:
        caveat = ""
    sign = SIGNS[verdict] if not caveat else "○"
    html = '<span class="verdict {0}"><span aria-hidden="true">{1}</span> {2}</span>'
    more = Markup(' <span class="caveat">{0}</span>').format(caveat) if caveat else ""
    return Markup(html).format(verdict, sign, WORDS.get(verdict, verdict)) + more


def claims_summary(claims: pd.DataFrame) -> str:
    """Return how many verdicts of which kind there are, in words."""
    counts = claims["verdict"].value_counts()
    parts = [f"{counts[name]} {WORDS.get(name, name)}" for name in SIGNS if name in counts]
    text = (
        f"{counted(claims['claim'].nunique(), 'claim')}, {counted(len(claims), 'verdict')}: "
        f"{', '.join(parts)}. A claim "
        "about cells that exist under several protocols has a verdict for each."
    )
    stated = int(((claims["basis"] == STATED_SPREAD) & (claims["verdict"] != UNDECIDED)).sum())
    if stated:
        rest = "of the decided ones rests" if stated == 1 else "of the decided ones rest"
        text += f" {stated} {rest} on one run and a stated spread."
    return text


def _changed(claims: pd.DataFrame, tests: pd.DataFrame, seeds: pd.DataFrame) -> dict[str, Any]:
    """Return in words which effects the arithmetic changes; nothing where only one was judged."""
    both = claims[claims["arithmetic"].isin(["published", "corrected"])]
    named = {
        arithmetic: dict(zip(rows["claim"], rows["protocol"], strict=True))
        for arithmetic, rows in both.groupby("arithmetic")
    }
    common = [name for name in named.get("published", ()) if name in named.get("corrected", ())]
    if not common:
        return {}
    found = compare_protocols(tests, seeds, named["published"], named["corrected"])
    sure = found[found["p_adjusted"] <= LEVEL]
    judged = "1 claim was" if len(common) == 1 else f"{len(common)} claims were"
    text = (
        f"{judged} judged under both arithmetics. Compared seed by seed, corrected instead of "
        f"published arithmetic changes {len(sure)} of the {len(found)} contrasts that differ at "
        "all (p corrected by Holm's method)"
    )
    verdicts = both.pivot_table(
        index="claim", columns="arithmetic", values="verdict", aggfunc="first", sort=False
    ).dropna()
    other = [
        name
        for name in verdicts.index[verdicts["published"] != verdicts["corrected"]]
        if name not in set(sure["claim"])
    ]
    if other:
        titles = ", ".join(_title(claims, name) for name in other)
        text += (
            f". The verdicts on {titles} differ too, though no effect does for sure: one is just "
            "decided, and the other just not"
        )
    effects = [
        f"{_title(claims, row.claim)}, {row.contrast}: by {_number(row.effect)}"
        for row in sure.itertuples()
    ]
    return {"text": f"{text}{':' if effects else '.'}", "effects": effects}


def _title(claims: pd.DataFrame, name: str) -> str:
    """Return what a claim states, in quotes."""
    statement = claims.loc[claims["claim"] == name, "statement"].iloc[0]
    return f"“{statement.rstrip('.')}”"


def _claim(
    rows: pd.DataFrame,
    tests: pd.DataFrame,
    seeds: pd.DataFrame,
    figures: Mapping[str, dict],
    options: Sequence[str],
    benchmarks: pd.DataFrame,
) -> dict[str, Any]:
    first = rows.iloc[0]
    verdicts = dict(zip(rows["protocol"], rows["verdict"], strict=True))
    reasons = dict.fromkeys(text for text in map(_text, tests["because"]) if text)
    return {
        "id": first["claim"],
        "statement": first["statement"],
        "source": first["source"],
        "figure": _figure(_text(first["figure"]), figures),
        "cells": list(dict.fromkeys(" ".join(rows["cells"]).split())),
        "rows": [
            _row(row, tests[tests["protocol"] == row["protocol"]], options, benchmarks)
            for row in rows.to_dict("records")
        ],
        "notes": [*filter(None, [" ".join(reasons), _text(first.get("registration"))])],
        "margins": _margins(tests, verdicts),
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


def _row(
    row: dict, tests: pd.DataFrame, options: Sequence[str], benchmarks: pd.DataFrame
) -> dict[str, Any]:
    expect = _text(row["expect"])
    notes = [_text(row["reason"]), _price(row, benchmarks), _turning(tests), *_warnings(tests)]
    return {
        "protocol": label_of(row["protocol"]),
        "column": title_case(label_of(_text(row["arithmetic"]) or "verdict")),
        "verdict": row["verdict"],
        "basis": row["basis"],
        "expect": expect,
        "expected": bool(expect) and expect != row["verdict"],
        "effect": _effect(row),
        "notes": [note for note in notes if note],
        "command": _command(_text(row["setting"]), options),
    }


def _price(row: Mapping[str, Any], benchmarks: pd.DataFrame) -> str:
    """Return what further seeds of a claim's cells cost, by what its runs took; empty if unknown.

    A job that trains all seeds of a cell trains them all again.
    """
    if pd.isna(row.get("further_seeds")):
        return ""
    further, started = int(row["further_seeds"]), int(row["n"] + row["left_out"])
    jobs = benchmarks[benchmarks["rule"] == f"train_{row['model']}"].set_index("job")["cpu_seconds"]
    seconds = 0.0
    for cell in row["cells"].split():
        one_by_one = jobs[jobs.index.str.startswith(f"{cell}/seed~")]
        if cell in jobs.index:
            seconds += jobs[cell] * (started + further) / max(started, 1)
        elif len(one_by_one):
            seconds += one_by_one.mean() * further
        else:
            return ""
    if seconds < HOUR:
        price = f"{max(1, round(seconds / 60)):,} core minutes"
    else:
        price = f"{seconds / HOUR:,.1f} core hours"
    return f"That is about {price}, by what the runs here took."


def _command(setting: str, options: Sequence[str]) -> str:
    """Return the call that adds seeds, for a shell; empty where there is no setting."""
    if not setting:
        return ""
    return shlex.join(["snakemake", "--cores", "4", *further_options(options, setting)])


def _effect(row: dict) -> str:
    """Return the weakest contrast's effect in words."""
    if not row["n"]:
        return "no run to judge."
    kind = {"typical_seed": "median ", "share": "share "}.get(row["judged_by"], "")
    text = f"{row['contrast']}: {kind}{_number(row['effect'])}"
    if not math.isnan(row["ci_low"]):
        text += f" [{_number(row['ci_low'])}, {_number(row['ci_high'])}]"
    bound = "share claimed" if row["judged_by"] == "share" else "margin"
    text += f", {bound} {row['margin']:g}, {row['n']} {'seeds' if row['n'] > 1 else 'seed'}"
    if not math.isnan(row["p_adjusted"]):
        text += f", p {_p(row['p_adjusted'])} after correction"
    return f"{text}."


def _turning(tests: pd.DataFrame) -> str:
    """Return in words at which margins the verdict turns, for a claim of one contrast."""
    if len(tests) != 1 or not tests["margin"].iloc[0] > 0 or tests["judged_by"].iloc[0] == "share":
        return ""
    test = tests.iloc[0]
    low, high = test["decided_low"], test["decided_high"]
    parts = []
    if low > 0 and math.isfinite(low):
        parts.append(f"{REPRODUCED} with any margin below {_number(low)}")
    if math.isfinite(high):
        below = WORDS[SMALLER] if low > 0 else CONTRADICTED
        parts.append(f"{below} with any above {_number(max(high, 0.0))}")
    return f"It would be {' and '.join(parts)}." if parts else ""


def _warnings(tests: pd.DataFrame) -> list[str]:
    """Return what a reader has to know of the values behind a verdict."""
    found = []
    for test in tests.to_dict("records"):
        name = f"“{test['contrast']}”: " if len(tests) > 1 else ""
        if not pd.isna(test["low_group"]):
            found.append(
                f"{name}The values fall into two groups, {test['low_group']:.0f} about "
                f"{_number(test['low_group_mean'])} and {test['high_group']:.0f} about "
                f"{_number(test['high_group_mean'])}, so a mean is that of neither."
            )
        if test["left_out"]:
            runs = "1 run" if test["left_out"] == 1 else f"{test['left_out']} runs"
            found.append(
                f"{name}{runs} of {test['n'] + test['left_out']} diverged or "
                "lacked the measure; they count for neither side."
            )
    return found


def _margins(tests: pd.DataFrame, verdicts: Mapping[str, str]) -> Markup:
    """Return a drawing of the verdict by the margin, from none to twice the stated one."""
    if not (tests["margin"] > 0).any() or (tests["judged_by"] == "share").any():
        return Markup("")
    groups = list(tests.groupby("protocol", sort=False))
    single = tests.groupby("protocol").size().max() == 1
    margin = tests["margin"].max()
    bottom = 26 + ROW * len(groups)
    scale = (WIDTH - LEFT - RIGHT) / 2
    parts = []
    for number, (protocol, rows) in enumerate(groups):
        y = 26 + ROW * number
        label = label_of(protocol) if len(verdicts) > 1 else ""
        parts.append(f'<text x="0" y="{y + 15}">{Markup.escape(label)}</text>')
        contrasts = rows.to_dict("records")
        ends = sorted(
            end / test["margin"]
            for test in contrasts
            for end in (test["decided_low"], test["decided_high"])
            if test["margin"] > 0 and 0 < end < 2 * test["margin"]
        )
        pieces = [
            (start, stop, verdict_at(contrasts, (start + stop) / 2))
            for start, stop in pairwise([0.0, *ends, 2.0])
        ]
        for verdict, group in groupby(pieces, key=lambda piece: piece[2]):
            own = list(group)
            start, stop = own[0][0], own[-1][1]
            x, width = LEFT + start * scale, (stop - start) * scale
            parts.append(
                f'<rect class="{verdict}" x="{x:.1f}" width="{max(width - 1, 0.5):.1f}" y="{y}" '
                f'height="22" stroke="none"/>'
            )
            word = WORDS.get(verdict, verdict)
            if width > 7 * len(word) + 8:
                parts.append(
                    f'<text class="on" x="{x + width / 2:.1f}" y="{y + 15}" '
                    f'text-anchor="middle">{word}</text>'
                )
    x = LEFT + scale
    parts.append(f'<line class="margin" x1="{x}" x2="{x}" y1="20" y2="{bottom}"/>')
    for place, factor in ((LEFT, 0), (x, 1), (WIDTH - RIGHT, 2)):
        text = _number(factor * margin) if single else f"{factor} ×"
        anchor = {0: "start", 1: "middle", 2: "end"}[factor]
        parts.append(
            f'<text class="faint" x="{place}" y="{bottom + 12}" text-anchor="{anchor}">'
            f"{text}{' (stated)' if factor == 1 else ''}</text>"
        )
    title = "Verdict by margin" if single else "Verdict by multiples of the margins"
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {bottom + 20}" role="img" aria-label="{title}">'
        f'<text x="0" y="14">{title}</text>{"".join(parts)}</svg>'
    )


def _drawing(tests: pd.DataFrame, seeds: pd.DataFrame, verdicts: dict[str, str]) -> Markup:
    """Return the drawing of one contrast under every protocol, all on one scale."""
    first = tests.iloc[0]
    numbers = [*tests[["effect", "ci_low", "ci_high", "margin"]].to_numpy(float).ravel()]
    numbers += [*seeds["value"].astype(float), 0.0]
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
    if first["margin"] > 0:
        near = float(margin) > WIDTH - RIGHT - 60
        parts.append(
            f'<text class="faint" x="{float(margin) + (-4 if near else 4):.1f}" y="20" '
            f'text-anchor="{"end" if near else "start"}">margin</text>'
        )
    for number, test in enumerate(tests.to_dict("records")):
        y = 26 + ROW * number + ROW / 2
        verdict = _side(test)
        parts.append(f'<text x="0" y="{y + 4}">{Markup.escape(_protocol(test, verdicts))}</text>')
        parts += [
            f'<circle class="seed" cx="{place(value)}" cy="{y + 9}" r="2.5"/>'
            for value in seeds.loc[seeds["protocol"] == test["protocol"], "value"]
            if math.isfinite(value)
        ]
        reach = [min(max(test[end], low), high) for end in ("decided_low", "decided_high")]
        if not math.isnan(test["effect"]) and reach[0] <= reach[1]:
            parts.append(
                f'<line class="decided {verdict}" x1="{place(reach[0])}" x2="{place(reach[1])}" '
                f'y1="{y}" y2="{y}"/>'
            )
        if not math.isnan(test["ci_low"]):
            parts.append(
                f'<line class="interval {verdict}" x1="{place(test["ci_low"])}" '
                f'x2="{place(test["ci_high"])}" y1="{y}" y2="{y}"/>'
            )
        if math.isfinite(test["effect"]):
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
    """Return what a contrast alone says, at the claim's level."""
    return verdict_at([test], 1.0)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"
