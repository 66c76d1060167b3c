"""The claims page: every verdict with its effect and interval drawn to scale, seed by seed."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from restudy.analysis.significance import LEVEL
from restudy.claims.verdicts import (
    CONTRADICTED,
    REPRODUCED,
    SMALLER,
    UNDECIDED,
    WORDS,
    caveat_of,
    compare_protocols,
    count_verdicts,
    quoted,
)
from restudy.log import counted
from restudy.operation.tickets import further_options
from restudy.plan.figures import figure_label
from restudy.study.labels import label_of
from restudy.views.claim_drawings import (
    DRAWINGS_STYLESHEET,
    Picture,
    draw_effect,
    draw_margins,
    effect_words,
    number,
    pictures_of,
    shown,
)
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
article h2 { margin: 0 0 .2rem; overflow-wrap: anywhere; }
article p { margin: 0 0 .5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .4rem 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
dd .caveat { display: inline; } dd .caveat::before { content: "· "; }
code { font: .85rem ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
summary { cursor: pointer; }
details img { display: block; max-width: 100%; height: auto; margin: .5rem 0 .3rem;
  background: #fff; border-radius: 4px; }
details .frame { margin: 0; }
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
states. The commands add seeds to this run; they are for a shell in the project's folder.</p>
<p>A drawing has the axis of what is measured. The dashed line is what is claimed or published, and
the shaded side of it is where the claim says that values lie. A large dot is the mean (hollow: of a
single run; the median, if the claim is about the typical seed), the thick line its 95% interval.
The thin line reaches over all bounds with which the claim would be undecided; an arrow says that it
goes on. Small dots are seeds. Verdict by margin says what the verdict would be had another margin
been stated; ticks above and below a bar stand at the stated one.</p></details>
{% for claim in claims %}
<article id="{{ claim.id }}">
<h2>{{ claim.statement }}</h2>
{% if claim.source %}<p class="muted">{{ claim.source }}</p>{% endif %}
{% for drawing in claim.drawings %}
{{ drawing }}
{% endfor %}
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
<details><summary>Cells</summary><div>In the file of claims, this one has the id
<code>{{ claim.id }}</code>. It was judged from</div>
{% for cell in claim.cells %}<div><code>{{ cell }}</code></div>
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
    embedded = {path: embed_figure(content) for path, content in (figures or {}).items()}
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
            STYLESHEET
            + copying_stylesheet()
            + VERDICT_STYLESHEET
            + CLAIMS_STYLESHEET
            + DRAWINGS_STYLESHEET
        ),
    )


def verdict_mark(row: Mapping) -> Markup:
    """Return a verdict with its sign and what it rests on, if that is less than the seeds.

    Parameters
    ----------
    row : mapping
        Of the table of claims: verdict, basis and n.
    """
    verdict, caveat = row["verdict"], caveat_of(row)
    sign = "○" if caveat and verdict != UNDECIDED else SIGNS[verdict]
    html = '<span class="verdict {0}"><span aria-hidden="true">{1}</span> {2}</span>'
    more = Markup(' <span class="caveat">{0}</span>').format(caveat) if caveat else ""
    return Markup(html).format(verdict, sign, WORDS.get(verdict, verdict)) + more


def claims_summary(claims: pd.DataFrame) -> str:
    """Return how many verdicts of which kind there are, in words."""
    return (
        f"{counted(claims['claim'].nunique(), 'claim')}, {counted(len(claims), 'verdict')}: "
        f"{count_verdicts(claims)}. A claim about cells that exist under several protocols has a "
        "verdict for each."
    )


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
    effects = dict.fromkeys(
        f"{_title(claims, row.claim)}, {_change(tests, row)}" for row in sure.itertuples()
    )
    return {"text": f"{text}{':' if effects else '.'}", "effects": list(effects)}


def _change(tests: pd.DataFrame, row: Any) -> str:
    """Return by how much a quantity differs, of a row that `compare_protocols` gives."""
    facts = tests[(tests["claim"] == row.claim) & (tests["test"] == row.test)].iloc[0]
    by = row.effect if facts["direction"] == "above" else -row.effect
    words = number(by, 2 - math.floor(math.log10(abs(by)))) if by else "0"
    return f"{facts['quantity']}: by {'+' if by > 0 else ''}{words}"


def _title(claims: pd.DataFrame, name: str) -> str:
    return quoted(claims.loc[claims["claim"] == name, "statement"].iloc[0])


def _claim(
    rows: pd.DataFrame,
    tests: pd.DataFrame,
    seeds: pd.DataFrame,
    figures: Mapping[str, dict],
    options: Sequence[str],
    benchmarks: pd.DataFrame,
) -> dict[str, Any]:
    first = rows.iloc[0]
    pictures = pictures_of(tests, seeds)
    reasons = dict.fromkeys(text for text in map(_text, tests["because"]) if text)
    return {
        "id": first["claim"],
        "statement": first["statement"],
        "source": _text(first["source"]),
        "figure": _figure(_text(first["figure"]), figures),
        "cells": list(dict.fromkeys(" ".join(rows["cells"]).split())),
        "rows": [_row(row, pictures, options, benchmarks) for row in rows.to_dict("records")],
        "notes": [*filter(None, [" ".join(reasons), _text(first.get("registration"))])],
        "drawings": [*map(draw_effect, pictures), draw_margins(tests)],
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
    row: dict, pictures: Sequence[Picture], options: Sequence[str], benchmarks: pd.DataFrame
) -> dict[str, Any]:
    expect = _text(row["expect"])
    notes = [_text(row["reason"]), _price(row, benchmarks), *_warnings(pictures, row["protocol"])]
    return {
        "protocol": label_of(row["protocol"]),
        "column": title_case(label_of(_text(row["arithmetic"]) or "verdict")),
        **{key: row[key] for key in ("verdict", "basis", "n")},
        "expect": WORDS.get(expect, expect),
        "expected": bool(expect) and expect != row["verdict"],
        "effect": _effect(row, pictures),
        "notes": [note for note in notes if note],
        "command": _command(_text(row["setting"]), options),
    }


def _price(row: Mapping[str, Any], benchmarks: pd.DataFrame) -> str:
    """Return what the proposed seeds of a claim's cells cost, by what its runs took.

    A job that trains all seeds of a cell trains them all again. Empty where none are proposed.
    """
    wanted, start = row.get("further_seeds"), "That"
    if pd.isna(wanted):
        wanted, start = row.get("further_low"), "At best, that"
    if pd.isna(wanted):
        return ""
    further, started = int(wanted), int(row["n"] + row["left_out"])
    jobs = benchmarks[benchmarks["rule"] == f"train_{row['model']}"].set_index("job")["cpu_seconds"]
    seconds = 0.0
    for cell in row["cells"].split():
        one_by_one = jobs[jobs.index.str.startswith(f"{cell}/seed~")]
        if cell in jobs.index:
            seconds += jobs[cell] * (started + further) / max(started, 1)
        elif len(one_by_one):
            seconds += one_by_one.mean() * further
        else:
            return "What they cost is not known, since no record says what the runs here took."
    if seconds < HOUR:
        price = f"{max(1, round(seconds / 60)):,} core minutes"
    elif seconds < 100 * HOUR:
        price = f"{seconds / HOUR:,.1f} core hours"
    else:
        price = f"{seconds / HOUR:,.0f} core hours"
    return f"{start} is about {price}, by what the runs here took."


def _command(setting: str, options: Sequence[str]) -> str:
    """Return the call that adds seeds, for a shell; empty where there is no setting."""
    if not setting:
        return ""
    return shlex.join(["snakemake", "--cores", "4", *further_options(options, setting)])


def _effect(row: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """Return the weakest contrast's effect in words."""
    (text,) = (
        effect_words(picture, each)
        for picture in pictures
        for each in picture.rows
        if each.protocol == row["protocol"] and row["test"] in [test["test"] for test in each.tests]
    )
    if not math.isnan(row["p_adjusted"]):
        text += f"; p {_p(row['p_adjusted'])} after correction"
    return f"{text}."


def _warnings(pictures: Sequence[Picture], protocol: str) -> Iterator[str]:
    """Yield what a reader has to know of the values behind a verdict."""
    for picture in pictures:
        for row in (each for each in picture.rows if each.protocol == protocol):
            test = row.tests[0]
            name = f"{picture.quantity}: " if len(pictures) > 1 else ""
            if not pd.isna(test["low_group"]):
                groups = sorted(
                    (shown(test, test[f"{end}_group_mean"]), test[f"{end}_group"])
                    for end in ("low", "high")
                )
                (low, few), (high, many) = groups
                yield (
                    f"{name}the values fall into two groups, {few:.0f} about "
                    f"{picture.number(low)} and {many:.0f} about {picture.number(high)}, so a mean "
                    "is that of neither."
                )
            if test["left_out"]:
                runs = counted(test["left_out"], row.unit)
                yield (
                    f"{name}{runs} of {test['n'] + test['left_out']} diverged or lacked the "
                    "measure, so they count for neither side."
                )


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"= {value:.2g}"
