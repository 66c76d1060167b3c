"""Gather the scalars of the CNN's event files in one table, except those that are no results."""

import pandas as pd

from restudy.analysis.events import SPEED, read_scalars
from restudy.data.tables import read_table, with_cell, write_table
from restudy.log import start_log


def main(cells: list[dict], inputs, output: str, log) -> None:
    """Write a row per run, tag and step."""
    frames = []
    for cell, runs, events in zip(cells, inputs.runs, inputs.events, strict=True):
        scalars = read_scalars(events)
        scalars = scalars[~scalars["tag"].str.startswith(SPEED)]
        scalars.insert(0, "seed", read_table(runs)["seed"].iloc[0])
        frames.append(with_cell(scalars, cell))
    table = pd.concat(frames, ignore_index=True)
    write_table(table, output)
    log(f"{len(table):,} values of {len(frames)} runs")


main(
    snakemake.params.cells,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
