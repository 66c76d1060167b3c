"""What the cells of a notebook show: figures that can be read aloud, and tables of a few rows."""

import io
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import Markdown
from markupsafe import escape
from matplotlib.figure import Figure
from PIL import Image

from restudy.study.labels import label_of
from restudy.views.fonts import foreign_letters, texts_of
from restudy.views.html_tables import BREAKABLE, long_text
from restudy.views.number_format import NumberFormat, number_format, write_number
from restudy.views.style import project_style, settle

PLUS_MINUS = "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}"
# Pixels: sharp on the page, and small enough for a page that stands in the report.
DOTS_PER_INCH, WIDEST = 130, 1400


class Picture:
    """A figure with a text that stands for it; the last value of a cell.

    Parameters
    ----------
    figure : Figure
        From one of `restudy.views`.
    alt : str
        What is seen, for whom the picture can't be seen.
    """

    def __init__(self, figure: Figure, alt: str):
        dpi = min(DOTS_PER_INCH, WIDEST / figure.get_figwidth())
        buffer = io.BytesIO()
        with project_style(foreign_letters(texts_of(figure))):
            settle(figure, dpi)
            figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
        # With a palette of 256 colours, a third of the bytes.
        reduced = Image.open(buffer).convert("RGB").quantize(256, dither=Image.Dither.NONE)
        self.alt = alt
        self.width = round(96 * figure.get_figwidth())  # of the page, 96 to the inch
        self.png = io.BytesIO()
        reduced.save(self.png, format="png", optimize=True)

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": self.png.getvalue(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt, "width": self.width}}


class Table:
    """A short table as the last value of a cell.

    Parameters
    ----------
    rows : DataFrame
        Its index is not shown; text is shown as it is, long text folded, and the numbers of a
        column as `number_format` has them. The first column stays in view.
    caption : str
        What it shows.
    """

    def __init__(self, rows: pd.DataFrame, caption: str):
        self.rows = rows.infer_objects()
        self.caption = caption

    def _repr_html_(self) -> str:
        forms = [_form(self.rows[name]) for name in self.rows.columns]
        columns = list(enumerate(forms))
        head = "".join(
            f'<th scope="col"{_look(place, form)}>{escape(name)}</th>'
            for name, (place, form) in zip(self.rows.columns, columns, strict=True)
        )
        lines = (
            "".join(
                f"<td{_look(place, form, value)}{_digits(value) if form else ''}>"
                f"{_text(value, form)}</td>"
                for value, (place, form) in zip(row, columns, strict=True)
            )
            for row in self.rows.itertuples(index=False, name=None)
        )
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return (
            f"<table><caption>{escape(self.caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.rows.to_string(index=False)}"


def _form(column: pd.Series) -> NumberFormat | None:
    """How a column's numbers are written; None of text."""
    return number_format(column) if pd.api.types.is_numeric_dtype(column) else None


def _look(place: int, form: NumberFormat | None, value: Any = "") -> str:
    """Attributes of a cell: the first column stays in view, numbers stand at the right."""
    is_long = form is None and len(str(value)) > BREAKABLE
    kinds = {"number": form is not None, "long": is_long, "key": place == 0 and not is_long}
    names = " ".join(name for name, fits in kinds.items() if fits)
    return f' class="{names}"' if names else ""


def _text(value: Any, form: NumberFormat | None) -> str:
    if pd.isna(value):
        return "–"
    if form is None or isinstance(value, bool):
        return long_text(str(value))
    return write_number(value, form) if np.isfinite(value) else str(value)


def _digits(value: Any) -> str:
    """Attribute of a cell with a number: all its digits, which are copied as CSV."""
    digits = "" if pd.isna(value) else repr(float(value)) if isinstance(value, float) else value
    return f' data-value="{digits}"'


def say(text: str) -> Markdown:
    """Return a sentence in Markdown, to be the last value of a cell."""
    return Markdown(text)


def mean_and_deviation(summary: pd.DataFrame, measure: str, digits: int = 4) -> pd.Series:
    """Return mean ± standard deviation over seeds as text, from a summary table.

    Parameters
    ----------
    summary : DataFrame
        A row per cell, as ``results/tables/{family}_summary.csv``.
    measure : str
        Such as ``train_loss``.
    digits : int
        Decimals.
    """

    def text(mean: float, deviation: float) -> str:
        if pd.isna(mean):
            return "all diverged"
        return f"{mean:.{digits}f}" + (
            "" if pd.isna(deviation) else f"{PLUS_MINUS}{deviation:.{digits}f}"
        )

    pairs = zip(summary[f"{measure}_mean"], summary[f"{measure}_sd"], strict=True)
    return pd.Series([text(*pair) for pair in pairs], index=summary.index, dtype="str")


def in_words(rows: pd.DataFrame, axes: list[str]) -> dict[str, list[str]]:
    """Return the values of some axes as words, a column for each, to build a table from."""
    return {label_of(axis): [label_of(value, axis) for value in rows[axis]] for axis in axes}
