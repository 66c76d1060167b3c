"""Drawings of a claim's contrasts, each on the axis of what it is about, as wide as their page.

Places on an axis are percent of its width and texts have a fixed size, so that one drawing serves a
phone and a desk.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from restudy.claims.inference import is_constant
from restudy.claims.verdicts import NOTHING, STATED_SPREAD, WORDS, verdict_at
from restudy.claims.ways import SHARE, TYPICAL
from restudy.study.labels import label_of
from restudy.views.html_tables import ENVIRONMENT

DRAWINGS_STYLESHEET = """
figure { margin: .9rem 0 1.1rem; max-width: 46rem; font-size: .85rem; line-height: 1.35; }
figcaption { font-weight: 600; margin-bottom: .15rem; overflow-wrap: anywhere; }
.limit { display: flex; }
.limit span { flex: 0 1 auto; } .limit i { flex-basis: 0; }
.plot { position: relative; padding-top: 3px; }
.plot svg { display: block; width: 100%; overflow: visible; position: relative; }
.plot svg.lines { position: absolute; inset: 0; height: 100%; }
.who { position: relative; display: flex; flex-wrap: wrap; justify-content: space-between;
  gap: 0 1rem; padding-top: 4px; }
.who span { background: var(--paper); box-shadow: 0 0 0 2px var(--paper); overflow-wrap: anywhere; }
.who span + span { color: var(--muted); font-variant-numeric: tabular-nums; }
svg text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--muted); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .origin { stroke: var(--muted); stroke-width: 1; }
svg .limit-line { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
svg .claimed { fill: var(--accent); opacity: .1; }
svg .seed { fill: var(--muted); opacity: .5; }
svg .interval { stroke-width: 3; stroke-linecap: round; }
svg .reach { stroke-width: 1; }
svg .mean { stroke-width: 2; }
svg .mean.single { fill: var(--paper); }
svg .reproduced { stroke: var(--reproduced); fill: var(--reproduced); }
svg .smaller { stroke: var(--smaller); fill: var(--smaller); }
svg .contradicted { stroke: var(--contradicted); fill: var(--contradicted); }
svg .undecided { stroke: var(--undecided); fill: var(--undecided); }
svg .beyond { fill: none; }
.bar { position: relative; display: flex; gap: 1px; padding: 7px 0; }
.bar::before, .bar::after { content: ""; position: absolute; left: 50%; height: 6px;
  border-left: 2px solid var(--ink); margin-left: -1px; }
.bar::before { top: 0; } .bar::after { bottom: 0; }
.bar span { container-type: inline-size; height: 1.5rem; flex-basis: 0; min-width: 1px;
  text-align: center; line-height: 1.5rem; overflow: hidden; white-space: nowrap; }
.bar b { color: var(--on); font-weight: 600; }
@container (max-width: 6.2rem) { .bar b { display: none; } }
@container (max-width: 10.5rem) { .bar b.long { display: none; } }
.bar .reproduced { background: var(--reproduced); } .bar .smaller { background: var(--smaller); }
.bar .contradicted { background: var(--contradicted); }
.bar .undecided { background: var(--undecided); }
.stops { display: flex; justify-content: space-between; color: var(--muted); }
.stops span { flex: 1 1 0; } .stops span:nth-child(2) { text-align: center; }
.stops span:last-child { text-align: right; }
"""

EFFECT = ENVIRONMENT.from_string(
    """<figure class="effect">
<figcaption>{{ title }}</figcaption>
<div class="limit"><i style="flex-grow: {{ label.at }}"></i><span>{{ label.words }}</span>
<i style="flex-grow: {{ 100 - label.at }}"></i></div>
<div class="plot">
<svg class="lines" aria-hidden="true">
{% for tick in ticks %}
<line class="grid" x1="{{ tick.at }}%" x2="{{ tick.at }}%" y1="0" y2="100%"/>
{% endfor %}
{% if origin is not none %}
<line class="origin" x1="{{ origin }}%" x2="{{ origin }}%" y1="0" y2="100%"/>
{% endif %}
{% for limit in limits %}
<line class="limit-line" x1="{{ limit }}%" x2="{{ limit }}%" y1="0" y2="100%"/>
{% endfor %}
</svg>
{% for row in rows %}
<div class="who"><span>{{ row.label }}</span><span>{{ row.words }}</span></div>
<svg class="strip" height="{{ row.height }}" aria-hidden="true">
<rect class="claimed" x="{{ claimed[0] }}%" width="{{ claimed[1] }}%" y="0" height="100%"/>
{% for x, y in row.dots %}
<circle class="seed" cx="{{ x }}%" cy="{{ y }}" r="2.5"/>
{% endfor %}
{% if row.reach %}
<line class="reach {{ row.side }}" x1="{{ row.reach[0] }}%" x2="{{ row.reach[1] }}%"
 y1="10" y2="10"/>
{% endif %}
{% for x, path in row.arrows %}
<svg x="{{ x }}%" y="10" overflow="visible" width="1" height="1">
<path class="beyond {{ row.side }}" d="{{ path }}"/></svg>
{% endfor %}
{% if row.interval %}
<line class="interval {{ row.side }}" x1="{{ row.interval[0] }}%" x2="{{ row.interval[1] }}%"
 y1="10" y2="10"/>
{% endif %}
{% if row.mean is not none %}
<circle class="mean {{ row.side }}{{ ' single' if row.single }}" cx="{{ row.mean }}%"
 cy="10" r="4"/>
{% endif %}
</svg>
{% endfor %}
</div>
<div class="plot">
<svg height="16" aria-hidden="true">
{% for tick in ticks %}
<text x="{{ tick.at }}%" y="12" text-anchor="{{ tick.anchor }}">{{ tick.text }}</text>
{% endfor %}
</svg>
</div>
{% if zero %}
<div class="limit muted"><i style="flex-grow: {{ origin }}"></i><span>{{ zero }}</span>
<i style="flex-grow: {{ 100 - origin }}"></i></div>
{% endif %}
</figure>
"""
)

MARGINS = ENVIRONMENT.from_string(
    """<figure class="margins">
<figcaption>{{ title }}</figcaption>
{% for row in rows %}
<div class="who"><span>{{ row.label }}</span><span>{{ row.words }}</span></div>
<div class="bar" aria-hidden="true">
{% for piece in row.pieces %}
<span class="{{ piece.verdict }}" style="flex-grow: {{ piece.width }}"><b
{%- if piece.words|length > 12 %} class="long"{% endif %}>{{ piece.words }}</b></span>
{% endfor %}
</div>
{% endfor %}
<div class="stops"><span>{{ stops[0] }}</span><span>{{ stops[1] }}</span>
<span>{{ stops[2] }}</span></div>
</figure>
"""
)

LEFTWARDS, RIGHTWARDS = "M5,-4L0,0L5,4", "M-5,-4L0,0L-5,4"
TICK_WIDTH, NARROWEST = 7.2, 290  # of a letter and of an axis at 360 px, in px
LARGEST = 1e300  # what is larger is taken to be infinite
TOP, STEP, MAX_STACK = 24, 5.0, 5  # of seeds' dots, in px, and how many are one above the other


@dataclass(frozen=True)
class Row:
    """A quantity under one protocol.

    Attributes
    ----------
    protocol : str
        Its name.
    tests : list of dict
        The contrasts: one, or two for a quantity that is claimed to lie between two bounds.
    values : list of float
        The quantity by seed; empty where what is claimed is a share of seeds.
    unit : str
        What the values are of: "seed" or "draw".
    """

    protocol: str
    tests: list[dict]
    values: list[float]
    unit: str

    @property
    def side(self) -> str:
        """What these contrasts alone say, at the claim's level."""
        return verdict_at(self.tests, 1.0)

    @property
    def effect(self) -> float:
        """The quantity over the seeds."""
        return shown(self.tests[0], self.tests[0]["effect"])

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95% interval; NaN without one."""
        ends = [shown(self.tests[0], self.tests[0][end]) for end in ("ci_low", "ci_high")]
        return min(ends), max(ends)

    @property
    def reach(self) -> tuple[float, float]:
        """Between which bounds the contrasts would be undecided; infinite where at all of them."""
        ends = [
            shown(test, test[end]) for test in self.tests for end in ("decided_low", "decided_high")
        ]
        return min(ends), max(ends)

    @property
    def is_equal(self) -> bool:
        """Whether several seeds have one value."""
        return (
            len(self.values) > 1
            and all(map(math.isfinite, self.values))
            and is_constant(self.values)
        )

    @property
    def is_single(self) -> bool:
        """Whether it is of one run."""
        return self.tests[0]["n"] == 1


@dataclass(frozen=True)
class Picture:
    """A quantity under every protocol, with all that is said of it: drawn once.

    Attributes
    ----------
    quantity : str
        What it is.
    rows : list of Row
        At least one.
    """

    quantity: str
    rows: list[Row]

    @property
    def tests(self) -> list[dict]:
        """The contrasts of its first protocol, whose bounds are those of all."""
        return self.rows[0].tests

    @property
    def limits(self) -> list[float]:
        """Beyond which values it is claimed to lie, in order of size."""
        return sorted(shown(test, test["margin"]) for test in self.tests)

    @cached_property
    def span(self) -> tuple[float, float]:
        """The ends of its axis."""
        values = list(self.limits)
        if self.tests[0]["zero"]:
            values.append(0.0)
        for row in self.rows:
            values += [row.effect, *row.interval, *row.values]
        finite = [value for value in values if abs(value) < LARGEST]
        low, high = min(finite), max(finite)
        pad = 0.06 * (high - low or abs(high) or 1.0)
        return low - pad, high + pad

    def number(self, value: float) -> str:
        """Return a value with the digits that all values of this quantity have."""
        low, high = self.span
        return number(value, 2 - math.floor(math.log10(high - low)))


def shown(test: Mapping, value: float) -> float:
    """Return the quantity at which a contrast has a value."""
    return test["bound"] + (value if test["direction"] == "above" else -value)


def pictures_of(tests: pd.DataFrame, seeds: pd.DataFrame) -> list[Picture]:
    """Return what is drawn of a claim's contrasts.

    Parameters
    ----------
    tests, seeds : DataFrame
        The claim's rows of the tables that `restudy.claims.verdicts.judge_claims` gives.

    Returns
    -------
    list of Picture
        Contrasts that say of one quantity that it lies above a bound, and below another, are one.
    """
    found = []
    unit = "draw" if "draw" in seeds and seeds["draw"].notna().any() else "seed"
    for numbers in _numbers_by_quantity(tests):
        own = tests[tests["test"].isin(numbers)]
        for quantity, group in own.groupby("quantity", sort=False):
            rows = []
            for protocol, contrasts in group.groupby("protocol", sort=False):
                first, *_ = parts = contrasts.to_dict("records")
                mine = (seeds["protocol"] == protocol) & (seeds["test"] == first["test"])
                values = [] if first["judged_by"] == SHARE else seeds.loc[mine, "value"]
                values = [shown(first, value) for value in values]
                rows.append(Row(protocol, parts, values, unit))
            found.append(Picture(quantity, rows))
    return found


def _numbers_by_quantity(tests: pd.DataFrame) -> list[list[int]]:
    """Return the numbers of the contrasts that are about one quantity, in opposite directions."""
    found: list[list[dict]] = []
    for test in tests.drop_duplicates("test").to_dict("records"):
        last = found[-1] if found else []
        same = len(last) == 1 and all(
            test[key] == last[0][key] for key in ("quantity", "judged_by")
        )
        if same and test["direction"] != last[0]["direction"]:
            last.append(test)
        else:
            found.append([test])
    return [[test["test"] for test in group] for group in found]


def claimed_words(tests: Sequence[Mapping]) -> str:
    """Return in words where the quantity of a picture is claimed to lie.

    Parameters
    ----------
    tests : sequence of mapping
        Its one or two contrasts.
    """
    if len(tests) == 2:
        low, high = sorted(shown(test, test["margin"]) for test in tests)
        middle, reach = plain((low + high) / 2), plain((high - low) / 2)
        if tests[0]["zero"] and middle == "0":
            return f"within ± {reach}"
        if tests[0]["form"] == "equals":
            return f"{middle} ± {reach}"
        return f"between {plain(low)} and {plain(high)}"
    (test,) = tests
    words = f"{test['direction']} {plain(shown(test, test['margin']))}"
    if test["judged_by"] == SHARE:
        return words
    if test["margin"] > 0:
        by = f"margin {plain(test['margin'])}"
        return f"{words} ({by if test['bound'] else 'margin'})"
    return f"{words} ({test['zero']})" if test["zero"] and not test["bound"] else words


def effect_words(picture: Picture, row: Row) -> str:
    """Return what a quantity is, its value over the seeds, and where it is claimed to lie."""
    if average := average_word(row):
        text = f"{picture.quantity}, {average} {value_words(picture, row)}"
    else:
        separator = "," if ":" in picture.quantity else ":"
        text = f"{picture.quantity}{separator} {value_words(picture, row)}"
    return f"{text}; claimed: {claimed_words(row.tests)}"


def value_words(picture: Picture, row: Row) -> str:
    """Return a quantity's value over the seeds, with its interval and what these rest on."""
    test = row.tests[0]
    of = f" of {test['n'] + test['left_out']:,}" if test["left_out"] else ""
    count = f"{test['n']:,}{of} {row.unit}{'s' if of or test['n'] != 1 else ''}"
    if not test["n"]:
        return f"{count} finished"
    if row.is_equal:
        return f"all {count}: {picture.number(row.effect)}"
    low, high = row.interval
    text = picture.number(row.effect)
    if not math.isnan(low):
        text += f" [{picture.number(low)}, {picture.number(high)}]"
    text += f", {count}"
    text += {STATED_SPREAD: ", spread stated", NOTHING: ", no spread stated"}.get(test["basis"], "")
    infinite = sum(not math.isfinite(value) for value in row.values)
    return f"{text}, {infinite:,} of them infinite" if infinite else text


def average_word(row: Row) -> str:
    """Return what a quantity's value over the seeds is: its mean, its median, or itself."""
    way = row.tests[0]["judged_by"]
    if way == SHARE or row.tests[0]["n"] < 2 or row.is_equal:
        return ""
    return "median" if way == TYPICAL else "mean"


def draw_effect(picture: Picture) -> Markup:
    """Return the drawing of a quantity under every protocol, all on one scale."""
    low, high = picture.span
    test = picture.tests[0]

    def place(value: float) -> float:
        return round(100 * min(max((value - low) / (high - low), 0.0), 1.0), 2)

    limits = [place(limit) for limit in picture.limits]
    middle = place(sum(picture.limits) / len(limits))
    if len(limits) == 2:
        ends = limits
    else:
        ends = [*limits, 100.0] if test["direction"] == "above" else [0.0, *limits]
    is_published = test["form"] == "equals" and len(limits) == 2
    words = claimed_words(picture.tests)
    return Markup(
        EFFECT.render(
            title=picture.quantity,
            label={
                "at": middle,
                "words": f"published: {words}" if is_published else f"claimed: {words}",
            },
            limits=[middle] if is_published else limits,
            claimed=(ends[0], round(ends[1] - ends[0], 2)),
            origin=place(0.0) if test["zero"] else None,
            ticks=[
                {"at": place(tick), "text": text, "anchor": _anchor(place(tick))}
                for tick, text in _ticks(low, high)
            ],
            zero=f"0 = {test['zero']}" if test["zero"] else "",
            rows=[_strip(picture, row, place) for row in picture.rows],
        )
    )


def _strip(picture: Picture, row: Row, place: Callable[[float], float]) -> dict:
    """Return what is drawn of a quantity under one protocol."""
    low, high = picture.span
    dots, height = _stacked([place(value) for value in row.values if low <= value <= high])
    arrows = [
        (100 if value > high else 0, RIGHTWARDS if value > high else LEFTWARDS)
        for value in {
            math.copysign(math.inf, value) for value in row.values if not low <= value <= high
        }
    ]
    reach = row.reach
    tested = row.tests[0]["basis"] != NOTHING and not row.is_equal
    if tested:
        arrows += [(0, LEFTWARDS)] if reach[0] < low else []
        arrows += [(100, RIGHTWARDS)] if reach[1] > high else []
    interval = row.interval
    return {
        "label": label_of(row.protocol),
        "words": value_words(picture, row),
        "height": height,
        "side": row.side,
        "dots": dots,
        "arrows": sorted(set(arrows)),
        "reach": tuple(map(place, reach)) if tested else None,
        "interval": None if math.isnan(interval[0]) else tuple(map(place, interval)),
        "mean": place(row.effect) if abs(row.effect) < LARGEST else None,
        "single": row.is_single,
    }


def _stacked(places: Sequence[float]) -> tuple[list[tuple[float, float]], int]:
    """Return the seeds' dots, near ones one below the other, and the height that this takes."""
    bins = Counter(math.floor(place / 1.6) for place in places)
    most = max(bins.values(), default=0)
    step = STEP * min(1.0, (MAX_STACK - 1) / max(most - 1, 1))
    seen: Counter[int] = Counter()
    dots = []
    for place in places:
        spot = math.floor(place / 1.6)
        dots.append((place, round(TOP + step * seen[spot], 1)))
        seen[spot] += 1
    return list(dict.fromkeys(dots)), math.ceil(TOP + STEP * (min(most, MAX_STACK) - 1)) + 5


def _ticks(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Yield the values that an axis names, with their text: few enough for a narrow screen."""
    for most in (5, 4, 3, 2, 1):
        ticks = [tick for tick in MaxNLocator(most).tick_values(low, high) if low <= tick <= high]
        step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
        texts = [number(tick, _decimals(step)) for tick in ticks]
        if (len(texts) + 1) * (TICK_WIDTH * max(map(len, texts), default=0) + 10) <= NARROWEST:
            break
    yield from zip(ticks, texts, strict=True)


def _decimals(step: float) -> int:
    """Return how many decimals tell values apart that differ by a step, written shortest."""
    digits, _, exponent = f"{step:.2e}".partition("e")
    return len(digits.rstrip("0").replace(".", "")) - 1 - int(exponent)


def _anchor(place: float) -> str:
    return "start" if place < 4 else "end" if place > 96 else "middle"


def draw_margins(tests: pd.DataFrame) -> Markup:
    """Return a drawing of the verdict by the margin, from none to twice the stated one.

    Parameters
    ----------
    tests : DataFrame
        The claim's contrasts; without a margin, nothing is drawn.
    """
    if not (tests["margin"] > 0).any() or (tests["judged_by"] == SHARE).any():
        return Markup("")
    is_single = tests.groupby("protocol").size().max() == 1
    margin = tests["margin"].max()
    decimals = 2 - math.floor(math.log10(2 * margin))

    def multiple(factor: float) -> str:
        return number(factor * margin, decimals) if is_single else f"{factor:.2f} ×"

    rows = []
    for protocol, own in tests.groupby("protocol", sort=False):
        pieces = _pieces(own.to_dict("records"))
        turns = [
            f"{WORDS.get(verdict, verdict)} up to {multiple(stop)}" for _, stop, verdict in pieces
        ]
        turns[-1] = turns[-1].partition(" up to ")[0]
        rows.append(
            {
                "label": label_of(protocol),
                "words": ", then ".join(turns),
                "pieces": [
                    {
                        "verdict": verdict,
                        "width": round(stop - start, 4),
                        "words": WORDS.get(verdict, verdict),
                    }
                    for start, stop, verdict in pieces
                ],
            }
        )
    if is_single:
        stops = ["0", f"stated margin {plain(margin)}", plain(2 * margin)]
    else:
        stops = ["0", "stated margins", "twice these"]
    title = "Verdict by margin" if is_single else "Verdict by multiple of the margins"
    return Markup(MARGINS.render(title=title, rows=rows, stops=stops))


def _pieces(tests: Sequence[Mapping]) -> list[tuple[float, float, str]]:
    """Return from which to which multiple of its margins a claim would have which verdict."""
    ends = sorted(
        end / test["margin"]
        for test in tests
        for end in (test["decided_low"], test["decided_high"])
        if test["margin"] > 0 and 0 < end < 2 * test["margin"]
    )
    pieces = [
        (start, stop, verdict_at(tests, (start + stop) / 2))
        for start, stop in pairwise([0.0, *ends, 2.0])
    ]
    grouped = [list(group) for _, group in groupby(pieces, key=lambda piece: piece[2])]
    return [(group[0][0], group[-1][1], group[0][2]) for group in grouped]


def number(value: float, decimals: int) -> str:
    """Return a number with so many decimals, or where these are absurd, three digits."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    if decimals > 7 or abs(value) >= 1e9:
        text = f"{value:.3g}"
    else:
        text = f"{value:,.{max(decimals, 0)}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def plain(value: float) -> str:
    """Return a number as a user states it."""
    return f"{value + 0.0:.10g}".replace("-", "−")
