"""Measure how straight the decision boundaries of a family's runs are."""

import numpy as np
import pandas as pd

from restudy.analysis.shapes import line_agreement, stack_runs
from restudy.data.tables import by_folder, parts_of, read_table, with_cell, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES, resolve
from restudy.job import begin_job
from restudy.plan.paths import data_folder


def main(family: Family, jobs: list[dict], inputs, output: str, log) -> None:
    """Write a row per finished run, in the order of the jobs."""
    predict = resolve(family, family.predict)
    tables, stored = by_folder(inputs.runs), by_folder(inputs.weights)
    points = {
        folder: parts_of(read_table(path))["heldout"][0]
        for folder, path in by_folder(inputs.points).items()
    }
    frames = []
    for job in jobs:
        x = points[data_folder(job["cell"]["dataset"])]
        runs = read_table(tables[job["folder"]])
        finished = runs["diverged_at"].isna().to_numpy()
        labels = []
        if finished.any():
            with np.load(stored[job["folder"]]) as arrays:
                stacked = stack_runs(family, arrays)
            weights = {name: values[finished] for name, values in stacked.items()}
            labels = predict(job["settings"], weights, x)
        frame = pd.DataFrame({"seed": runs["seed"][finished]})
        frame["boundary_linearity"] = [line_agreement(x, each) for each in labels]
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
