"""Render a table as a page that sorts, filters and explains its columns."""

from typing import NamedTuple

from restudy.analysis.columns import describe_columns
from restudy.data.tables import read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.small_files import write_text
from restudy.views.html_tables import html_table

# Tables of a family: a word for the rows, and a sentence on them.
FAMILY_TABLES = {
    "runs": ("runs", "A row per cell and seed."),
    "summary": ("cells", "A row per cell, over its seeds."),
    "halving": (
        "successive halving",
        "A row per study, rung and cell: its rank in the rung, and whether it went on.",
    ),
    "gradients": (
        "gradient check",
        "Backpropagation against central differences, by layer.",
    ),
    "classes": ("classes", "A row per cell, seed and class of the test {takes}."),
}
SHARED_TABLES = {
    "claims": ("Claims", "A row per claim and protocol."),
    "benchmarks": ("Training jobs", "Time and memory of every training job."),
}


class Heading(NamedTuple):
    """Title of a page, the sentence below it, and the families in the table."""

    title: str
    description: str
    families: list[Family]


def headings() -> dict[str, Heading]:
    """Return the heading of every possible table, by the table's name."""
    families = list(FAMILIES.values())
    found = {name: Heading(*words, families) for name, words in SHARED_TABLES.items()}
    for family in families:
        for name, (rows, sentence) in FAMILY_TABLES.items():
            found[f"{family.name}_{name}"] = Heading(
                f"{family.title}: {rows}", sentence.format(takes=family.takes), [family]
            )
    return found


def main(name: str, table: str, output: str, log) -> None:
    """Write the page."""
    frame = read_table(table)
    title, description, families = headings()[name]
    page = html_table(frame, title, description, describe_columns(frame.columns, families), table)
    write_text(output, page)
    log(f"{len(frame):,} rows, {len(page) / 1000:,.0f} kB")


log = begin_job(snakemake)
main(snakemake.wildcards.table, snakemake.input.table, snakemake.output[0], log)
