"""Categories and labels of the items in the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restudy.families.contract import Family
from restudy.study.cell import Cell
from restudy.study.labels import counted_axes, label_of, number_axes

# The report sorts categories by their text: the families come between these two groups.
FIRST = ("Overview", "Claims", "Interactive pages", "Data")
LAST = ("Single cells", "Tables", "Notebooks", "Provenance")
SEED_WIDTH = 6
NUMBER_WIDTH = 24


def categories(families: Mapping[str, Family]) -> dict[str, str]:
    """Return the report's numbered categories, by a short name or the family's name."""
    titles = {
        **{title: title for title in FIRST},
        **{name: family.title for name, family in families.items()},
        **{title: title for title in LAST},
    }
    width = len(str(len(titles) - 1))
    return {
        name.lower().replace(" ", "_"): f"{position:0{width}} {title}"
        for position, (name, title) in enumerate(titles.items())
    }


def study_labels(study: Mapping[str, Any], figure: str) -> dict[str, str]:
    """Return the labels of a figure that shows a whole study."""
    return {"Figure": figure, "Varied": ", ".join(map(label_of, study["vary"]))}


def cell_labels(cell: Cell, figure: str | None = None, seed: str | None = None) -> dict[str, str]:
    """Return the labels of an item that shows a single cell or run: its axes, in words."""
    labels = {label_of(axis): label_of(value, axis) for axis, value in cell.items()}
    # The viewer sorts labels as text and hides leading spaces: padded, 5 comes before 50.
    for axis in (counted_axes().keys() | number_axes()) & cell.keys():
        labels[label_of(axis)] = labels[label_of(axis)].rjust(NUMBER_WIDTH)
    if figure is not None:
        labels = {"Figure": figure, **labels}
    return labels if seed is None else {**labels, "Seed": f"seed {seed:>{SEED_WIDTH}}"}


def notebook_labels(name: str) -> dict[str, str]:
    """Return the labels of the page of a notebook."""
    return {"Page": name.replace("_", " ").capitalize()}


def study_table_labels(family: Family, study: str, language: str) -> dict[str, str]:
    """Return the labels of a study's table for a paper."""
    words = study.replace("_", " ")
    return {"Networks": family.title, "Rows": f"Cells of {words}", "Format": language}


ROWS = {
    "runs": "Runs",
    "summary": "Cells",
    "gradients": "Gradients",
    "halving": "Rungs",
    "classes": "Classes",
    "benchmarks": "Training jobs",
    "claims": "Claims",
}


def table_labels(table: str, families: Mapping[str, Family]) -> dict[str, str]:
    """Return the labels of a table: what its rows are, and which networks they are about."""
    name, _, rows = table.rpartition("_")
    if name not in families:
        return {"Networks": "All", "Rows": ROWS[table]}
    return {"Networks": families[name].title, "Rows": ROWS[rows]}


def overview_links(
    families: Mapping[str, Family], has_claims: bool, categories: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return what the front page links: titles, files beside it, and where the menu has them."""
    pages = [("Studies", "study.html", "interactive_pages")]
    if has_claims:
        pages.append(("Claims and verdicts", "verdicts.html", "claims"))
    if any(family.leaves("events") for family in families.values()):
        pages.append(("TensorBoard", "tensorboard.html", "interactive_pages"))
    pages += [
        (f"Notebook: {name.replace('_', ' ')}", f"{name}_notebook.html", "notebooks")
        for family in families.values()
        for name in family.notebooks
    ]
    pages += [("Certificate", "certificate.html", "provenance")]
    return [
        {"title": title, "href": href, "place": f"in the menu: {categories[category]}"}
        for title, href, category in pages
    ]
