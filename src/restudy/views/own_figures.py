"""Figures of studies in files of the user's, drawn like the built-in ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from restudy.families.contract import Family
from restudy.families.lookup import OWN
from restudy.families.own_files import OwnFileError, told
from restudy.families.registry import import_path
from restudy.study.cell import Cell
from restudy.views.style import styled


def drawer(draw: str) -> Callable[..., Figure]:
    """Return the function that draws figures; see `restudy.plan.figures.StudyFigures`.

    Parameters
    ----------
    draw : str
        A dotted path, or the name of a figure in a file of the user's.
    """
    own = OWN.get("figures", {}).get(draw)
    if own is None:
        return import_path(draw)

    @styled
    def drawn(
        subject: str,
        tables: Mapping[str, pd.DataFrame],
        study: Mapping[str, Any],
        family: Family,
        cells: Sequence[Cell],
    ) -> Figure:
        with told(own.file, f"when the figure {own.name!r} was drawn"):
            figure = own.draw(dict(tables), study, family)
        if not isinstance(figure, Figure):
            raise OwnFileError(
                f"{own.file}: figure {own.name!r}: draw returned {type(figure).__name__}; "
                "expected: a Matplotlib figure"
            )
        return figure

    return drawn
