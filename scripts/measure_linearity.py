"""Measure how straight the decision boundaries of a family's runs are."""

import pandas as pd

from restudy.analysis.shapes import line_agreement
from restudy.data.tables import with_cell, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.reading.predicted_points import predicted_runs


def main(family: Family, jobs: list[dict], inputs, output: str, log) -> None:
    """Write a row per finished run, in the order of the jobs."""
    frames = []
    for job, runs in predicted_runs(family, jobs, inputs):
        linearity = [line_agreement(run.points, run.predicted) for run in runs]
        frame = pd.DataFrame({"seed": [run.seed for run in runs], "boundary_linearity": linearity})
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
