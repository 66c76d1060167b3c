r"""A study's cells as a table for a paper, in LaTeX and in Markdown.

A number is a mean with half the width of its 95% interval, whose first two digits decide where both
are rounded: :math:`0.6931 \pm 0.0025`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from restudy.analysis.captions import in_sentence
from restudy.analysis.choice import cells_in_order, how_chosen
from restudy.analysis.markup import escape_latex, escape_markdown
from restudy.analysis.rounding import Number, exact_number, round_to_uncertainty
from restudy.analysis.significance import LEVEL
from restudy.analysis.summaries import summarize
from restudy.analysis.ties import by_unit, tied_with
from restudy.families.contract import Family, Measure
from restudy.families.setting_axes import is_setting_axis
from restudy.study.labels import label_of, number_axes, value_words

MAX_ROWS = 30  # of a page; of a larger study, as many as come first in the order of choice
FIGURE_SPACE, POINT_SPACE = "\u2007", "\u2008"  # as wide as a digit, and as a point
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    heading : str
    cells : list of str or of Number
        One a row.
    marked : list of bool
        Which of the cells are bold.
    """

    heading: str
    cells: list[str] | list[Number]
    marked: list[bool]

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers, which are aligned at their points."""
        return isinstance(self.cells[0], Number)


class PaperTable(NamedTuple):
    """A table without the marks of a format.

    Attributes
    ----------
    name : str
        Of the family and the study, such as ``dense-depths``.
    caption, note : str
        Sentences on what is shown; a line below the table, empty where no cell is left out.
    columns : list of Column
        Of at least one row.
    """

    name: str
    caption: str
    note: str
    columns: list[Column]


def study_table(family: Family, runs: pd.DataFrame, study: Mapping[str, Any]) -> PaperTable:
    """Return a study's cells with the measures that they are ranked by, and chosen by.

    Parameters
    ----------
    family : Family
        Which axes and measures there are.
    runs : DataFrame
        A row per run of the study, with the settings that it varies as columns.
    study : mapping
        ``name``, ``question`` and the axes that it ``vary``-s, each with its values in the order
        of the rows.

    Returns
    -------
    PaperTable
        A row per cell, in the order of the study; of more than `MAX_ROWS` cells, those that come
        first in the order of choice. The chosen one is bold.
    """
    told = dict.fromkeys([*map(family.measure, family.ranked_by), family.choice])
    # What is reported comes after what is chosen by.
    told = sorted(filter(None, told), key=lambda each: each in family.reported)
    measures = [each for each in told if each.summarised]
    named = [axis for axis in study["vary"] if axis in runs]
    settings = [name for name in runs if is_setting_axis(name)]
    axes = list(dict.fromkeys([*named, *family.axis_names, *settings]))
    cells = _in_order(summarize(family, runs), named, study["vary"])
    chosen = None
    if measures:
        ordered = cells_in_order(cells, family.choice)
        chosen = ordered.index[0]
        cells = ordered if len(cells) > MAX_ROWS else cells
    shown = cells.head(MAX_ROWS)
    differing = [axis for axis in axes if cells[axis].nunique(dropna=False) > 1] or named
    same = [axis for axis in (*family.axis_names, *settings) if axis not in differing]
    question = study["question"].strip()
    sentences = [
        question if question.endswith((".", "?", "!")) else f"{question}.",
        _what_is_shown(cells, measures),
        "" if chosen is None else _what_is_bold(family, cells, chosen, runs, axes),
        f"The same in all cells: {', '.join(_words(cells, axis) for axis in same)}.",
    ]
    return PaperTable(
        name=f"{family.name}-{study['name']}".replace("_", "-"),
        caption=" ".join(filter(None, sentences)),
        note=_what_is_left_out(len(cells), len(shown), family),
        columns=[
            *(_axis_column(axis, shown) for axis in differing),
            *(_measure_column(measure, shown, chosen) for measure in measures),
            _count_column("Runs", shown["n"]),
            _count_column("Diverged", shown["diverged"]),
        ],
    )


def _marked(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with a mark where a cell lacks a setting, so that cells can be compared."""
    return table.astype(object).where(table.notna(), "")


def _in_order(
    cells: pd.DataFrame, axes: Iterable[str], levels: Mapping[str, Sequence]
) -> pd.DataFrame:
    """Return cells in the order of their values, those on the last of the axes varying fastest.

    What lacks a setting comes last.
    """
    places = pd.DataFrame(
        {
            axis: cells[axis].map({value: place for place, value in enumerate(levels[axis])})
            for axis in axes
        }
    )
    by = list(places)
    ordered = places.sort_values(by, kind="stable").index if by else cells.index
    return cells.loc[ordered].reset_index(drop=True)


def _axis_column(axis: str, cells: pd.DataFrame) -> Column:
    values = [None if pd.isna(value) else value for value in cells[axis].tolist()]
    if axis in number_axes():
        shown = [Number("") if value is None else exact_number(value) for value in values]
    else:
        shown = list(map(label_of, values))
    return Column(label_of(axis), shown, [False] * len(values))


def _count_column(heading: str, counts: pd.Series) -> Column:
    return Column(heading, [Number(str(count)) for count in counts], [False] * len(counts))


def _measure_column(measure: Measure, shown: pd.DataFrame, chosen: int) -> Column:
    means, high = shown[f"{measure.name}_mean"], shown[f"{measure.name}_high"]
    unit = f" ({measure.unit})" if measure.unit else ""
    return Column(
        f"{measure.label}{unit}",
        [
            round_to_uncertainty(mean, half, means.abs().max())
            for mean, half in zip(means, high - means, strict=True)
        ],
        ((means.index == chosen) & means.notna()).tolist(),
    )


def _words(cells: pd.DataFrame, axis: str) -> str:
    """Return the value that all cells have of an axis, in words."""
    return value_words(cells[axis].tolist()[0], axis)


def _what_is_shown(cells: pd.DataFrame, measures: Sequence[Measure]) -> str:
    if cells["n"].max() == 1:
        return "Single runs."
    text = "Means over the runs that did not diverge"
    if any(cells[f"{each.name}_high"].notna().any() for each in measures):
        return f"{text}, with half the width of their 95% intervals (Student's t)."
    return f"{text}."


def _what_is_bold(
    family: Family, cells: pd.DataFrame, chosen: int, runs: pd.DataFrame, axes: Sequence[str]
) -> str:
    keys = list(axes)
    number = runs.groupby(keys, sort=False, dropna=False).ngroup()
    values = runs[family.choice.name].where(runs["diverged_at"].isna())
    table = by_unit(runs, number, values)
    others = len(table.columns) - 1
    if others < 1:
        return ""
    same = (_marked(runs[keys]) == _marked(cells.loc[[chosen], keys]).iloc[0]).all(axis=1)
    count = len(tied_with(table, number[same].iloc[0]))
    text = f"Bold: the cell {how_chosen(family)}"
    if cells["n"].max() == 1:
        return f"{text}."
    return (
        f"{text}. Of the {others:,} other cells, {count:,} are indistinguishable from it by that "
        f"measure at {LEVEL:.0%} (sign tests paired by seed, Holm's correction)."
    )


def _what_is_left_out(cells: int, shown: int, family: Family) -> str:
    if cells == shown:
        return ""
    which = (
        f"with the best {in_sentence(family.choice.label)}" if family.choice else "that come first"
    )
    return f"Of {cells:,} cells, the {shown} {which} are shown; {cells - shown:,} are left out."


def _written(
    column: Column,
    escape: Callable[[str], str],
    write: Callable[[Number, "_Shape", bool], str],
) -> list[str]:
    """Return the cells of a column as a format has them: texts escaped, numbers aligned."""
    if not column.is_number:
        return list(map(escape, column.cells))
    shape = _Shape.of(column.cells)
    return [
        write(number, shape, marked)
        for number, marked in zip(column.cells, column.marked, strict=True)
    ]


# ---- LaTeX -----------------------------------------------------------------------------------


def to_latex(table: PaperTable) -> str:
    """Return a table as LaTeX for the package booktabs, its numbers aligned at their points."""
    columns = table.columns
    headings = [escape_latex(column.heading) for column in columns]
    rows = zip(*(_written(each, escape_latex, _latex_number) for each in columns), strict=True)
    note = rf"\multicolumn{{{len(columns)}}}{{l}}{{{escape_latex(table.note)}}} \\"
    lines = [
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{''.join('r' if each.is_number else 'l' for each in columns)}}}",
        r"\toprule",
        rf"{' & '.join(headings)} \\",
        r"\midrule",
        *(rf"{' & '.join(row)} \\" for row in rows),
        *([r"\midrule", note] if table.note else []),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    if not "".join(lines).isascii():
        # Of those beyond ASCII, pdfLaTeX knows the Latin letters.
        lines[1:1] = [
            r"% Its letters beyond ASCII need \usepackage[T1]{fontenc}; those that are not Latin,",
            "% LuaLaTeX or XeLaTeX and a font that has them.",
        ]
    return "\n".join([*lines, ""])


def _latex_number(number: Number, shape: "_Shape", marked: bool) -> str:
    """Return a number as a formula that takes the room of the column's widest."""
    if not number.digits:
        return "--"
    mean = rf"\mathbf{{{number.digits}}}" if marked else number.digits
    if number.digits.isdecimal() and not any(shape):
        return number.digits
    if number.power:
        both = rf"({mean} \pm {number.uncertainty})" if number.uncertainty else mean
        return rf"${both} \times 10^{{{number.power}}}$"
    lead, before, behind = (_phantom(part) for part in shape.lacks(number))
    if number.uncertainty:
        return rf"${mean}{lead} \pm {before}{number.uncertainty}{behind}$"
    room = _phantom(rf"{{}} \pm {shape.uncertainty}") if shape.uncertainty else ""
    return f"${mean}{lead}{room}$"


def _phantom(text: str) -> str:
    return rf"\phantom{{{text}}}" if text else ""


# ---- Markdown --------------------------------------------------------------------------------


def to_markdown(table: PaperTable) -> str:
    """Return a table in the dialect of Markdown that GitHub and Pandoc read.

    Its numbers are aligned at their points where a font's digits are equally wide.
    """
    headings = [escape_markdown(column.heading) for column in table.columns]
    columns = [_written(each, escape_markdown, _markdown_number) for each in table.columns]
    widths = [
        max(map(len, ("---", heading, *cells)))
        for heading, cells in zip(headings, columns, strict=True)
    ]
    rules = [
        f"{'-' * (width - 1)}:" if column.is_number else "-" * width
        for column, width in zip(table.columns, widths, strict=True)
    ]

    def line(cells: Iterable[str]) -> str:
        padded = [
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(cells, widths, table.columns, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    lines = [escape_markdown(table.caption), "", line(headings), f"| {' | '.join(rules)} |"]
    lines += map(line, zip(*columns, strict=True))
    return "\n".join([*lines, *(["", escape_markdown(table.note)] if table.note else []), ""])


def _markdown_number(number: Number, shape: "_Shape", marked: bool) -> str:
    """Return a number with spaces as wide as the digits that others of the column have more."""
    if not number.digits:
        return "–"
    mean = number.digits.replace("-", "−")
    mean = f"**{mean}**" if marked else mean
    if number.power:
        both = f"({mean} ± {number.uncertainty})" if number.uncertainty else mean
        return f"{both} × 10{str(number.power).translate(SUPERSCRIPTS)}"
    lead, before, behind = (_spaces(part) for part in shape.lacks(number))
    if number.uncertainty:
        return f"{mean}{lead} ± {before}{number.uncertainty}{behind}"
    return f"{mean}{lead}{_spaces(f'000{shape.uncertainty}') if shape.uncertainty else ''}"


def _spaces(digits: str) -> str:
    return digits.replace("0", FIGURE_SPACE).replace(".", POINT_SPACE)


# ---- Alignment -------------------------------------------------------------------------------


class _Shape(NamedTuple):
    """The widest parts of a column's numbers, as zeros with a point.

    Attributes
    ----------
    fraction : str
        What follows the whole part of the numbers, with the point.
    uncertainty : str
        The uncertainties; empty where there is none.
    """

    fraction: str
    uncertainty: str

    @classmethod
    def of(cls, numbers: Iterable[Number]) -> "_Shape":
        plain = [number for number in numbers if not number.power]
        fraction = max((_fraction(number.digits) for number in plain), key=len, default="")
        doubts = [_parts(number.uncertainty) for number in plain]
        widest = [max(part, key=len) for part in zip(*doubts, strict=True)] or [""]
        return cls(_zeros(fraction), _zeros("".join(widest)))

    def lacks(self, number: Number) -> tuple[str, str, str]:
        """Return what a number has less: of its fraction, and at its uncertainty's two ends."""
        whole, fraction = _parts(self.uncertainty)
        own_whole, own_fraction = _parts(number.uncertainty)
        return (
            self.fraction[len(_fraction(number.digits)) :],
            whole[len(own_whole) :],
            fraction[len(own_fraction) :],
        )


def _parts(digits: str) -> tuple[str, str]:
    """Return what stands before the point of a number, and the point with what follows it."""
    whole, point, fraction = digits.partition(".")
    return whole, point + fraction


def _fraction(digits: str) -> str:
    return _parts(digits)[1]


def _zeros(digits: str) -> str:
    return "".join("." if digit == "." else "0" for digit in digits)
