"""Self-contained HTML pages: a table that sorts, filters and downloads, and a readable document.

A page makes no requests, needs no storage, and has the table once, as the CSV that its download
button saves, so that what is shown can't differ from what is downloaded. If a table is too long for
a page of the report, the page has some of its rows, and says so.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import DictLoader, Environment
from markupsafe import Markup, escape

from restudy.views.number_format import number_format
from restudy.views.pages import built_file

MAX_CSV_BYTES = 1_250_000  # keeps the page small enough for the report
# Letters from which on the text of a cell may be broken into lines, and is folded to two of them.
BREAKABLE, FOLDABLE = 40, 90
FAVICON = "data:,"  # an empty icon, so that browsers request none
STYLESHEET = """
:root { color-scheme: light dark; --ink: #1f2430; --muted: #5a6270; --line: #dfe3e8;
  --paper: #fff; --shade: #f4f6f8; --accent: #0b5c8f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --muted: #a3acb9; --line: #373d47;
  --paper: #16191f; --shade: #1f242c; --accent: #7cc4f4; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.1rem 1.25rem 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.35rem; line-height: 1.25; }
h2 { margin: 1.6rem 0 .5rem; font-size: 1.05rem; }
p { margin: 0 0 .9rem; max-width: 75ch; }
.muted { color: var(--muted); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
"""

TABLE_STYLESHEET = """
.bar { display: flex; flex-wrap: wrap; gap: .5rem .9rem; align-items: center; margin: 0 0 .7rem; }
.bar input { flex: 1 1 14rem; max-width: 26rem; min-width: 0; }
input, .bar button { font: inherit; color: inherit; background: var(--paper); padding: .35rem .6rem;
  border: 1px solid var(--muted); border-radius: 5px; }
.bar button { cursor: pointer; }
.bar button:hover { background: var(--shade); }
.frame { overflow: auto; max-height: min(72vh, 46rem); border: 1px solid var(--line);
  border-radius: 6px; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .87rem; }
th, td { padding: .32rem .65rem; text-align: left; vertical-align: top; white-space: nowrap;
  border-bottom: 1px solid var(--line); background: var(--paper); }
th { position: sticky; top: 0; z-index: 2; padding: 0; background: var(--shade); }
th.key { z-index: 3; } td.key { z-index: 1; }
th button { all: unset; box-sizing: border-box; display: block; width: 100%; cursor: pointer;
  padding: .42rem .65rem; font-weight: 600; }
th button:focus-visible { outline: 2px solid var(--accent); outline-offset: -3px; }
th button::after { content: "\\2195"; padding-left: .35em; color: var(--muted);
  font-weight: 400; opacity: .55; }
th[aria-sort=ascending] button::after { content: "\\2191"; color: var(--accent); opacity: 1; }
th[aria-sort=descending] button::after { content: "\\2193"; color: var(--accent); opacity: 1; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.long { min-width: 24rem; max-width: 26rem; white-space: normal;
  overflow-wrap: break-word; }
tbody tr:hover td { background: var(--shade); }
details { margin-top: 1rem; }
summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .6rem 0 0;
  font-size: .9rem; max-width: 90ch; }
dt { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .85rem; }
dd { margin: 0; color: var(--muted); }
@media (max-width: 560px) { body { padding: .8rem .7rem; } dl { grid-template-columns: 1fr; }
  dd { margin-bottom: .4rem; } .bar input { flex-basis: 100%; max-width: none; } }
"""

SCRIPT = """
"use strict";
const read = id => JSON.parse(document.getElementById(id).textContent);
const csv = read("csv"), columns = read("columns"), file = read("file");
const parse = text => {
  const rows = [], cell = /("(?:[^"]|"")*"|[^,\\n"]*)(,|\\n)/g;
  let row = [], match;
  while ((match = cell.exec(text))) {
    const field = match[1];
    row.push(field[0] === '"' ? field.slice(1, -1).replace(/""/g, '"') : field);
    if (match[2] === "\\n") { rows.push(row); row = []; }
  }
  return rows.slice(1);
};
const rows = parse(csv);
const empty = text => text === "" || text === "nan";
const toNumber = text => text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);
const show = (text, column) => {
  if (empty(text)) return "\\u2013";
  if (!column.number) return text;
  const value = toNumber(text);
  if (!Number.isFinite(value)) return value > 0 ? "\\u221e" : "\\u2212\\u221e";
  const plain = !column.scientific
    ? value.toLocaleString("en", {minimumFractionDigits: column.digits,
      maximumFractionDigits: column.digits, useGrouping: Math.abs(value) >= 10000})
    : value ? value.toExponential(column.digits).replace("e+", "e") : "0";
  return plain.replaceAll("-", "\\u2212");
};
const body = document.querySelector("tbody"), heads = [...document.querySelectorAll("th")];
const box = document.querySelector("input"), frame = document.querySelector(".frame");
const output = document.querySelector("output");
const searched = rows.map(row => row.join("\\u0001").toLowerCase());
let shown = rows.map((_, index) => index), drawn = 0;
const broken = text => {
  const whole = document.createElement("span");
  // A path breaks behind a slash, not within a word.
  whole.append(...text.split(/(?<=\\/)/)
    .flatMap(part => [part, document.createElement("wbr")]));
  return whole;
};
const folded = text => {
  const whole = document.createElement("details"), summary = document.createElement("summary");
  whole.className = "fold";
  summary.append(broken(text));
  whole.append(summary);
  return whole;
};
const draw = () => {
  const part = document.createDocumentFragment();
  for (const index of shown.slice(drawn, drawn + 150)) {
    const line = document.createElement("tr");
    columns.forEach((column, position) => {
      const cell = document.createElement("td"), text = rows[index][position];
      cell.textContent = show(text, column);
      if (column.number) { cell.className = "number"; cell.title = text; }
      else if (text.length > BREAKABLE) {
        cell.className = "long";
        cell.replaceChildren(text.length > FOLDABLE ? folded(text) : broken(text));
      }
      if (column.key) {
        cell.classList.add("key");
        cell.style.left = `var(--left-${position}, auto)`;
      }
      line.append(cell);
    });
    part.append(line);
  }
  drawn = Math.min(shown.length, drawn + 150);
  body.append(part);
};
const fill = () => { while (drawn < shown.length &&
  frame.scrollTop + frame.clientHeight > frame.scrollHeight - 600) draw(); };
const meets = (index, words) => words.every(word => {
  const cut = word.indexOf("="), name = cut > 0 ? word.slice(0, cut) : "";
  const position = columns.findIndex(column => column.name.toLowerCase() === name);
  if (position < 0) return searched[index].includes(word);
  const text = rows[index][position], wanted = word.slice(cut + 1);
  if (columns[position].number && wanted !== "" && !empty(text))
    return toNumber(text) === toNumber(wanted);
  return text.toLowerCase() === wanted;
});
const order = () => {
  const head = heads.find(one => one.getAttribute("aria-sort") !== "none");
  if (!head) return;
  const position = heads.indexOf(head), number = columns[position].number;
  const sign = head.getAttribute("aria-sort") === "ascending" ? 1 : -1;
  shown.sort((a, b) => {
    const left = rows[a][position], right = rows[b][position];
    if (empty(left) || empty(right)) return empty(left) - empty(right) || a - b;
    const [low, high] = number ? [toNumber(left), toNumber(right)] : [left, right];
    return low < high ? -sign : low > high ? sign : a - b;
  });
};
const update = () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  shown = rows.map((_, index) => index).filter(index => meets(index, words));
  order();
  body.replaceChildren(); drawn = 0; frame.scrollTop = 0;
  draw(); fill();
  output.textContent = `${shown.length.toLocaleString("en")} of ` +
    `${rows.length.toLocaleString("en")} ${rows.length === 1 ? "row" : "rows"} shown`;
};
heads.forEach(head => head.firstElementChild.addEventListener("click", () => {
  const next = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  heads.forEach(one => one.setAttribute("aria-sort", one === head ? next : "none"));
  update();
}));
let waiting;
box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(update, 120); });
frame.addEventListener("scroll", fill, {passive: true});
const isWhole = () => !box.value.trim() &&
  heads.every(head => head.getAttribute("aria-sort") === "none");
addCopying(document.getElementById("copying"), () => ({
  heads: columns.map(column => column.name),
  names: columns.map(column => column.name),
  numbers: columns.map(column => column.number),
  values: shown.map(index => rows[index]),
  texts: shown.map(index => columns.map((column, position) => show(rows[index][position], column))),
  csv: isWhole() ? csv : "",
}), "the table", file);
update();
"""

# Of the buttons below a table that stands in the HTML of a page.
COPYING_STYLESHEET = """
.copying { display: flex; margin: 0 0 1rem; color: var(--muted); font-size: .82rem; }
.copying button { font: inherit; color: var(--ink); background: var(--paper); cursor: pointer;
  padding: .15rem .5rem; border: 1px solid var(--muted); border-radius: 5px; min-height: 24px; }
.copying button:hover { background: var(--shade); }
.scroll:has(+ .copying), .frame:has(+ .copying) { margin-bottom: .4rem; }
@media print { .copying { display: none; } }
"""

# Beginning and end of every self-contained page.
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{{ favicon }}">
<title>{{ title }}</title>
<style>{{ every_style }}{{ stylesheet }}</style>
</head>
<body>
{% block body %}
{% endblock %}
<script>{{ every_page }}</script>
</body>
</html>
"""
ENVIRONMENT = Environment(
    autoescape=True, trim_blocks=True, lstrip_blocks=True, loader=DictLoader({"page": FRAME})
)
ENVIRONMENT.globals["every_page"] = Markup(built_file("page.js"))
ENVIRONMENT.globals["every_style"] = Markup(built_file("page.css"))

TABLE_PAGE = ENVIRONMENT.from_string("""{% extends "page" %}
{% block body %}
<h1>{{ title }}</h1>
{% if description %}
<p class="muted">{{ description }}</p>
{% endif %}
{% if sampled %}
<p>{{ sampled }}</p>
{% endif %}
<div class="bar">
<input type="search" aria-label="Filter rows" placeholder="Filter, e.g. tanh seed=0"
 title="Rows that contain every word; column=value asks for an exact value">
<output class="muted" aria-live="polite"></output>
<span id="copying"></span>
</div>
<div class="frame" tabindex="0" role="region" aria-label="{{ title }}">
<table>
<thead><tr>
{% for column in columns %}
<th scope="col" aria-sort="none" class="{{ column.classes }}"\
{% if column.key %} style="left: var(--left-{{ loop.index0 }}, auto)"{% endif %}\
{% if column.help %} title="{{ column.help }}"{% endif %}>\
<button type="button">{{ column.name }}</button></th>
{% endfor %}
</tr></thead>
<tbody></tbody>
</table>
</div>
{% if columns | selectattr("help") | list %}
<details open><summary>What the columns mean</summary>
<dl>
{% for column in columns if column.help %}
<dt>{{ column.name }}</dt><dd>{{ column.help }}</dd>
{% endfor %}
</dl>
</details>
{% endif %}
<noscript><p>Sorting and filtering need JavaScript.</p></noscript>
<script type="application/json" id="csv">{{ csv }}</script>
<script type="application/json" id="columns">{{ column_data }}</script>
<script type="application/json" id="file">{{ file }}</script>
<script>{{ program }}</script>
<script>{{ script }}</script>
{% endblock %}
""")

DOCUMENT_STYLESHEET = """
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: 0 1rem; margin: 0;
  max-width: 72rem; }
dt, dd { padding: .22rem 0; border-top: 1px solid var(--line); }
dt { color: var(--muted); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
dd > dl { grid-template-columns: minmax(7rem, max-content) 1fr; }
dd > dl > :nth-child(-n+2) { border-top: 0; padding-top: 0; }
pre { margin: 0; padding: .8rem 1rem; overflow: auto; background: var(--shade);
  border: 1px solid var(--line); border-radius: 6px; line-height: 1.45;
  font: .86rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre b { font-weight: 600; color: var(--accent); } pre i { color: var(--muted); }
@media (max-width: 560px) { body { padding: .8rem .7rem; }
  dl, dd > dl { grid-template-columns: 1fr; gap: 0; } dd { border-top: 0; padding-top: 0; }
  dd > dl { padding-left: .8rem; } pre { font-size: .76rem; padding: .6rem; } }
"""

DOCUMENT_PAGE = ENVIRONMENT.from_string("""{% extends "page" %}
{% block body %}
<h1>{{ title }}</h1>
{% for heading, content in sections %}
<section>
<h2>{{ heading }}</h2>
{{ content }}
</section>
{% endfor %}
{% endblock %}
""")


def html_table(
    frame: pd.DataFrame,
    title: str,
    description: str = "",
    column_help: Mapping[str, str] | None = None,
    source: str = "",
) -> str:
    """Return a page that shows a table: sortable, filterable, with its CSV to download.

    Parameters
    ----------
    frame : DataFrame
        The table; its index is not shown.
    title, description : str
        Heading and a sentence or two below it.
    column_help : mapping of str to str, optional
        Meaning of each column, for a tooltip on its header and a line below the table.
    source : str
        File with the table: the page names it if it can't have all rows.

    Returns
    -------
    str
        HTML. The download equals ``frame.to_csv(index=False)`` with ``\\n`` line ends, for the rows
        in the page.
    """
    rows = len(frame)
    frame = _evenly_thinned(frame)
    sampled = ""
    if len(frame) < rows:
        sampled = (
            f"{rows:,} rows are more than a page of the report can hold. Here are {len(frame):,} "
            f"of them, evenly spaced, including the first and the last; all are in {source}."
        )
    help_texts, keys = column_help or {}, _identifying(frame)
    columns = [
        {
            "name": str(name),
            "number": _is_numeric(frame[name]),
            "key": name in keys,
            "help": help_texts.get(name, ""),
            **_digits(frame[name]),
        }
        for name in frame.columns
    ]
    for column in columns:
        column["classes"] = " ".join(kind for kind in ("number", "key") if column[kind])
    shown = [
        {key: value for key, value in column.items() if key not in ("help", "classes")}
        for column in columns
    ]
    file = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_") or "table"
    limits = f"const BREAKABLE = {BREAKABLE}, FOLDABLE = {FOLDABLE};"
    return TABLE_PAGE.render(
        title=title,
        description=description,
        sampled=sampled,
        columns=columns,
        csv=_script_json(frame.to_csv(index=False, lineterminator="\n")),
        column_data=_script_json(shown),
        file=_script_json(file),
        stylesheet=Markup(STYLESHEET + TABLE_STYLESHEET + built_file("table.css")),
        program=Markup(built_file("table.js") + limits),
        script=Markup(SCRIPT),
        favicon=FAVICON,
    )


def long_text(text: str) -> Markup:
    """Return the text of a table's cell, folded to two lines if it is long."""
    if len(text) <= FOLDABLE:
        return escape(text)
    return Markup('<details class="fold"><summary><span>{}</span></summary></details>').format(text)


def copying_stylesheet() -> str:
    """Return the style of what `copying_script` adds to a page."""
    return built_file("table.css") + COPYING_STYLESHEET


def copying_script() -> Markup:
    """Return a script that adds buttons to every table in the HTML before it, which copy it.

    Cells may say what is copied of them: ``data-value``, a number with all its digits for CSV, and
    on an element ``data-latex``, the formula that it shows; what is ``aria-hidden`` is left out.
    """
    return Markup(f"<script>{built_file('table.js')}addCopyingToTables();</script>")


def html_document(title: str, sections: Mapping[str, Any]) -> str:
    """Return a page of headed sections, such as a configuration or the provenance of a run.

    Parameters
    ----------
    title : str
        Heading.
    sections : mapping
        Heading -> content: a str is shown as YAML, with pale comments and coloured keys; a mapping
        as keys and values, including nested mappings and sequences.
    """
    rendered = [(heading, _content(content)) for heading, content in sections.items()]
    return DOCUMENT_PAGE.render(
        title=title,
        sections=rendered,
        stylesheet=Markup(STYLESHEET + DOCUMENT_STYLESHEET),
        favicon=FAVICON,
    )


def _evenly_thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table, or as many evenly spaced rows as a page can hold."""
    count = len(frame)
    while count:
        thinned = frame
        if count < len(frame):
            thinned = frame.iloc[np.linspace(0, len(frame) - 1, count).round().astype(int)]
        # Estimated from a few rows, so that a table of millions is not written in vain.
        step = max(1, len(thinned) // 1000)
        size = step * len(thinned.iloc[::step].to_csv(index=False).encode())
        if size <= 1.1 * MAX_CSV_BYTES:
            size = len(thinned.to_csv(index=False).encode())
        if size <= MAX_CSV_BYTES:
            return thinned
        count = min(count - 1, int(0.99 * count * MAX_CSV_BYTES / size))
    return frame


def _digits(column: pd.Series) -> dict[str, Any]:
    """Return how the numbers of a column are written; nothing of a column of texts."""
    if not _is_numeric(column):
        return {}
    found = number_format(column)
    return {"digits": found.digits, "scientific": found.scientific}


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _identifying(frame: pd.DataFrame) -> list[Any]:
    """Return the leading columns that tell rows apart: names and whole numbers that differ.

    They end with the first measure or long text; where all rows are alike, it is the first one.
    """

    def is_short(name: Any) -> bool:
        column = frame[name]
        if _is_numeric(column):
            return not pd.api.types.is_float_dtype(column)
        return column.astype(str).str.len().max() <= BREAKABLE

    leading = list(takewhile(is_short, frame.columns))
    return [name for name in leading if frame[name].nunique(dropna=False) > 1] or leading[:1]


def _script_json(value: Any) -> Markup:
    """Return JSON that is safe inside a script element: no tag can begin or end in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _content(content: Any) -> Markup:
    """Return a section's content: text as YAML, anything else as a list of keys and values."""
    if isinstance(content, str):
        lines = "\n".join(_yaml_line(line) for line in content.rstrip().split("\n"))
        return Markup(f'<pre tabindex="0">{lines}</pre>')
    return _value(content)


def _yaml_line(line: str) -> str:
    """Return one line of YAML, escaped, with its key and comment marked."""
    match = re.match(r"^(\s*(?:- )?)([\w.~/-]+:)?(.*?)((?:^|\s)#.*)?$", line)
    lead, key, rest, comment = (escape(part or "") for part in match.groups())
    bold = f"<b>{key}</b>" if key else ""
    return f"{lead}{bold}{rest}" + (f"<i>{comment}</i>" if comment else "")


def _value(value: Any) -> Markup:
    """Return a mapping as a description list, a sequence as text or stacked lists."""
    if isinstance(value, Mapping):
        items = "".join(f"<dt>{escape(k)}</dt><dd>{_value(v)}</dd>" for k, v in value.items())
        return Markup(f"<dl>{items}</dl>") if items else escape("–")
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(item, Mapping) for item in value):
            return Markup("").join(_value(item) for item in value)
        return escape(", ".join(str(item) for item in value) or "–")
    return escape("–" if value is None or value == "" else value)
