"""Render a table as a page that sorts, filters and explains its columns."""

from pathlib import Path

from restudy.analysis.columns import describe_columns
from restudy.data.tables import read_table
from restudy.log import start_log
from restudy.views.html_tables import html_table

TITLES = {
    "dense_runs": ("Dense networks: runs", "A row per cell and seed."),
    "dense_summary": ("Dense networks: cells", "A row per cell, over its seeds."),
    "dense_gradients": (
        "Dense networks: gradient check",
        "Backpropagation against central differences, by layer.",
    ),
    "conv_runs": ("Convolutional network: runs", "A row per cell and seed."),
    "conv_summary": ("Convolutional network: cells", "A row per cell, over its seeds."),
    "conv_classes": (
        "Convolutional network: classes",
        "A row per cell, seed and class of the test images.",
    ),
    "claims": ("Claims", "A row per claim and protocol."),
    "benchmarks": ("Training jobs", "Time and memory of every training job."),
}


def main(name: str, table: str, output: str, log) -> None:
    """Write the page."""
    frame = read_table(table)
    title, description = TITLES[name]
    page = html_table(frame, title, description, describe_columns(frame.columns), table)
    Path(output).write_text(page, encoding="utf-8")
    log(f"{len(frame):,} rows, {len(page) / 1000:,.0f} kB")


main(
    snakemake.wildcards.table,
    snakemake.input.table,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
