"""Two cells side by side: what differs in each measure, pair by pair of runs with one seed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from restudy.analysis.statistics import mean_interval
from restudy.analysis.student import statistic, upper_tail
from restudy.families.contract import Family
from restudy.study.cell import Cell, spell

WIDTH = 80  # of a terminal
MAX_NAME = 19  # letters of a measure; a longer name has a line to itself
MAX_DECIMALS, MAX_DIGITS = 5, 8  # beyond, a number is written as a power of ten
SMALLEST_P = 1e-3
MARKS = {1: "+", 0: "0", -1: "-", None: "."}
HEADINGS = ("measure", "pairs", "first", "second", "effect", "95% low", "95% high", "p")


@dataclass(frozen=True)
class Side:
    """A cell of a comparison.

    Attributes
    ----------
    root : str
        The folder of the results.
    family : Family
        Of the cell.
    cell : Cell
        Its values.
    runs : DataFrame
        A row per run.
    values : mapping of str to Series
        By measure: its value for each seed (the index) whose run did not diverge.
    """

    root: str
    family: Family
    cell: Cell
    runs: pd.DataFrame
    values: Mapping[str, pd.Series]

    @property
    def seeds(self) -> set[int]:
        """Seeds of all runs."""
        return set(self.runs["seed"].tolist())

    @property
    def diverged(self) -> set[int]:
        """Seeds of the runs that diverged."""
        return set(self.runs.loc[self.runs["diverged_at"].notna(), "seed"].tolist())


@dataclass(frozen=True)
class Comparison:
    """How two cells differ in a measure.

    Attributes
    ----------
    measure : str
        Its name.
    signs : dict of int to int
        Seed of each pair -> sign of its difference: 1, 0 or -1.
    first, second : float or None
        Means over the pairs; None without a pair.
    effect : float or None
        Mean of the differences, second minus first.
    low, high : float or None
        Ends of the effect's 95% interval by Student's t; None without a spread.
    p : float or None
        Of Student's paired t-test, two-sided; None without a spread.
    reason : str
        Why there is no interval and no p.
    """

    measure: str
    signs: dict[int, int]
    first: float | None = None
    second: float | None = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    reason: str = ""


def compare_measure(measure: str, first: pd.Series, second: pd.Series) -> Comparison:
    r"""Return how two cells differ in a measure, over the seeds that both have.

    With the difference :math:`d_s` of seed :math:`s`, second minus first, of :math:`n` pairs, their
    mean :math:`\bar d` and standard deviation :math:`\sigma`, the statistic is
    :math:`t = \bar d \sqrt n / \sigma` with :math:`n - 1` degrees of freedom.

    Parameters
    ----------
    measure : str
        Its name.
    first, second : Series
        Values by seed, all finite.
    """
    seeds = sorted(set(first.index) & set(second.index))
    if not seeds:
        return Comparison(measure, {}, reason="no pairs")
    one, other = first.loc[seeds].to_numpy(float), second.loc[seeds].to_numpy(float)
    differences = other - one
    # Rounding alone makes differences of this size.
    noise = 1e-12 * max(np.abs(one).max(), np.abs(other).max())
    signs = np.where(np.abs(differences) <= noise, 0, np.sign(differences)).astype(int).tolist()
    effect, low, high = mean_interval(differences)
    found = Comparison(
        measure,
        dict(zip(seeds, signs, strict=True)),
        float(one.mean()),
        float(other.mean()),
        effect,
    )
    if len(seeds) == 1:
        return replace(found, reason="a single pair")
    if np.ptp(differences) <= noise:
        return replace(found, reason="all pairs differ alike" if any(signs) else "all pairs equal")
    p = 2 * upper_tail(abs(statistic(differences, 0)), len(seeds) - 1)
    return replace(found, low=low, high=high, p=p)


def compare_cells(first: Side, second: Side) -> list[Comparison]:
    """Return how two cells differ, measure by measure; without those that no run has, if any."""
    found = [
        compare_measure(name, first.values[name], second.values[name])
        for name in first.values
        if name in second.values
    ]
    known = [
        each
        for each in found
        if len(first.values[each.measure]) or len(second.values[each.measure])
    ]
    return known or found


def remarks(
    first: Side, second: Side, found: Sequence[Comparison], measures: Sequence[str]
) -> Iterator[str]:
    """Yield a sentence on everything that a reader of a comparison has to know.

    Parameters
    ----------
    first, second : Side
        What is compared.
    found : sequence of Comparison
        One per measure that has values.
    measures : sequence of str
        All that were to be compared.
    """
    if first.root != second.root:
        yield (
            "The results are of different folders, in which a name may stand for different "
            f"settings: {first.root} and {second.root}."
        )
    elif first.cell == second.cell:
        yield "Both are the same cell."
    if first.family.name != second.family.name:
        yield (
            f"The families differ ({first.family.name}, {second.family.name}): runs of a seed "
            "share nothing but its number, and only measures of the same name are compared."
        )
    elif first.cell["dataset"] != second.cell["dataset"]:
        yield (
            "The data sets differ: runs of a seed share its random numbers, such as those of the "
            "initial weights, but not their data."
        )
    budgets = [_budget(side) for side in (first, second)]
    if all(budgets) and budgets[0] != budgets[1]:
        yield f"Training differs in length: {budgets[0]} in the first, {budgets[1]} in the second."
    for name, side, other in (("first", first, second), ("second", second, first)):
        if only := side.seeds - other.seeds:
            yield f"Only the {name} has {seed_words(only)}."
    for name, side in (("first", first), ("second", second)):
        if side.diverged:
            yield f"Diverged and left out: {seed_words(side.diverged)} of the {name}."
    shown = {each.measure for each in found}
    if absent := [name for name in measures if name not in shown]:
        yield f"Not in these results: {', '.join(absent)}."


def describe(
    first: Side, second: Side, found: Sequence[Comparison], notes: Iterable[str] = ()
) -> str:
    """Return a comparison as plain text of at most 80 columns, as far as names allow.

    Parameters
    ----------
    first, second : Side
        What is compared.
    found : sequence of Comparison
        One per measure.
    notes : iterable of str
        Sentences that follow the numbers.
    """
    parts = ["\n".join(_cells_in_words(first, second)), _numbers(found)]
    if signs := _signs(found):
        parts.append(f"Sign of each pair's difference, by seed\n{signs}")
    explanation = "Pairs are runs of the same seed; the effect is the second minus the first."
    if any(each.p is not None for each in found):
        explanation += " Interval and p: Student's paired t-test, two-sided"
        explanation += ", each measure by itself." if len(found) > 1 else "."
    parts.append(_wrap(explanation, *notes))
    return "\n\n".join(filter(None, parts))


def as_table(found: Iterable[Comparison]) -> pd.DataFrame:
    """Return a row per measure: effect, interval and p-value, with seeds and signs of the pairs."""
    rows = [
        {
            "measure": each.measure,
            "n": len(each.signs),
            "first_mean": each.first,
            "second_mean": each.second,
            "effect": each.effect,
            "ci_low": each.low,
            "ci_high": each.high,
            "p_value": each.p,
            "seeds": " ".join(map(str, each.signs)),
            "signs": " ".join(map(str, each.signs.values())),
        }
        for each in found
    ]
    return pd.DataFrame(rows)


def _budget(side: Side) -> str:
    """Return how long the finished runs of a cell were trained; empty if that can't be said."""
    time = side.family.time
    finished = side.runs[side.runs["diverged_at"].isna()]
    if time is None or time.plural not in finished or finished.empty:
        return ""
    lengths = sorted(set(finished[time.plural].tolist()))
    return f"{' or '.join(f'{length:,}' for length in lengths)} {time.plural}"


def _cells_in_words(first: Side, second: Side) -> Iterator[str]:
    """Yield lines on what the cells have in common, and what each has that the other has not."""
    one, other = (
        {"family": side.family.name, **{axis: spell(value) for axis, value in side.cell.items()}}
        for side in (first, second)
    )
    common = {axis: value for axis, value in one.items() if other.get(axis) == value}
    for heading, values in (("Both", common), ("First", one), ("Second", other)):
        # A value stays in one line with its axis.
        words = ", ".join(
            f"{axis}\u00a0{value}"
            for axis, value in values.items()
            if heading == "Both" or axis not in common
        )
        if words:
            heading = f"{heading + ':':<8} "
            lines = textwrap.fill(heading + words, WIDTH, subsequent_indent=" " * len(heading))
            yield lines.replace("\u00a0", " ")


def seed_words(seeds: Iterable[int]) -> str:
    """Return seeds in words, those in a row as a range."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][1] + 1:
            runs[-1][1] = seed
        else:
            runs.append([seed, seed])
    ranges = [
        str(start) if start == end else f"{start}{' to ' if end > start + 1 else ', '}{end}"
        for start, end in runs
    ]
    single = len(runs) == 1 and runs[0][0] == runs[0][1]
    return f"seed{'' if single else 's'} {', '.join(ranges)}"


def _numbers(found: Sequence[Comparison]) -> str:
    """Return the table of measures, its numbers aligned at the right."""
    rows = [HEADINGS, *map(_row, found)]
    first = _name_width(found)
    widths = [max(len(row[place]) for row in rows if place < len(row)) for place in range(1, 8)]
    lines = [f"{HEADINGS[0]:<{first}} {_aligned(HEADINGS[1:], widths)}"]
    for name, *numbers in rows[1:]:
        # A reason, instead of three numbers, takes their room.
        last = widths if len(numbers) == 7 else [*widths[:4], sum(widths[4:]) + 2]
        lines += _named(name, first, _aligned(numbers, last))
    return "\n".join(lines)


def _signs(found: Sequence[Comparison]) -> str:
    """Return the signs of all pairs, a column per seed, as many blocks as the width needs."""
    seeds = sorted({seed for each in found for seed in each.signs})
    if not seeds:
        return ""
    first, width = _name_width(found), 1 + max(len(str(seed)) for seed in seeds)
    count = (WIDTH - first) // width
    blocks = []
    for start in range(0, len(seeds), count):
        chosen = seeds[start : start + count]
        lines = [" " * first + "".join(f"{seed:>{width}}" for seed in chosen)]
        for each in found:
            marks = (MARKS.get(each.signs.get(seed), "") for seed in chosen)
            lines += _named(each.measure, first, "".join(f"{mark:>{width}}" for mark in marks), "")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _name_width(found: Sequence[Comparison]) -> int:
    return max(len(name) for name in (HEADINGS[0], *_short_names(found)))


def _short_names(found: Sequence[Comparison]) -> Iterator[str]:
    return (each.measure for each in found if len(each.measure) <= MAX_NAME)


def _named(name: str, width: int, line: str, gap: str = " ") -> list[str]:
    """Return a line behind a name, or below it if the name is long."""
    if len(name) <= width:
        return [f"{name:<{width}}{gap}{line}".rstrip()]
    return [name, f"{'':<{width}}{gap}{line}".rstrip()]


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))


def _row(each: Comparison) -> tuple[str, ...]:
    """Return a comparison as texts: name, pairs, means, effect, then ends and p, or the reason."""
    count = str(len(each.signs))
    if each.effect is None:
        return (each.measure, count, "", "", "", each.reason)
    form = _format(each)
    means = f"{each.first:{form}}", f"{each.second:{form}}", f"{each.effect:+{form}}"
    if each.p is None:
        return (each.measure, count, *means, each.reason)
    p = f"{each.p:.3f}" if each.p >= SMALLEST_P else f"<{SMALLEST_P}"
    return (each.measure, count, *means, f"{each.low:+{form}}", f"{each.high:+{form}}", p)


def _format(each: Comparison) -> str:
    """Return the format of a measure's numbers: three digits of what is uncertain, or differs."""
    values = [each.first, each.second, each.effect, each.low or 0.0, each.high or 0.0]
    largest = max(map(abs, values))
    half = 0.0 if each.p is None else (each.high - each.low) / 2
    sizes = (half, abs(each.effect), largest)
    scale = next((size for size in sizes if size > 1e-12 * largest), 1.0)
    decimals = max(0, 2 - math.floor(math.log10(scale)))
    fits = len(f"{largest:.{decimals}f}") <= MAX_DIGITS and decimals <= MAX_DECIMALS
    return f".{decimals}f" if fits else ".2e"


def _wrap(*sentences: str) -> str:
    """Return sentences of which each begins a line, wrapped at the width of a terminal."""
    wrapped = (
        textwrap.fill(each, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        for each in sentences
    )
    return "\n".join(wrapped)
