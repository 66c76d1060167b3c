"""Measure how straight the decision boundaries of a family's runs are."""

import numpy as np
import pandas as pd

from restudy.analysis.shapes import line_agreement, stack_runs
from restudy.data.tables import by_folder, load_points, read_table, with_cell, write_table
from restudy.families.contract import Family, draw_of
from restudy.families.registry import FAMILIES, resolve
from restudy.job import begin_job
from restudy.plan.paths import data_folder


def main(family: Family, jobs: list[dict], inputs, output: str, log) -> None:
    """Write a row per finished run, in the order of the jobs."""
    predict = resolve(family, family.predict)
    tables, stored = by_folder(inputs.runs), by_folder(inputs.weights)
    points = {
        folder: [parts["heldout"][0] for parts in load_points(path)]
        for folder, path in by_folder(inputs.points).items()
    }
    frames = []
    for job in jobs:
        draws = points[data_folder(job["cell"]["dataset"])]
        runs = read_table(tables[job["folder"]])
        finished = runs["diverged_at"].isna().to_numpy()
        seeds = runs["seed"].to_numpy()
        linearity = np.full(len(runs), np.nan)
        if finished.any():
            with np.load(stored[job["folder"]]) as arrays:
                stacked = stack_runs(family, arrays)
        # Each run on the points of its own draw.
        for draw, x in enumerate(draws):
            own = finished & (draw_of(seeds, len(draws)) == draw)
            if own.any():
                weights = {name: values[own] for name, values in stacked.items()}
                labels = predict(job["settings"], weights, x)
                linearity[own] = [line_agreement(x, each) for each in labels]
        frame = pd.DataFrame({"seed": seeds[finished], "boundary_linearity": linearity[finished]})
        frames.append(with_cell(frame, job["cell"]))
    write_table(pd.concat(frames, ignore_index=True), output)
    log(f"{len(frames)} files of weights")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params.jobs,
    snakemake.input,
    snakemake.output[0],
    log,
)
