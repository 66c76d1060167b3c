"""Measure the shape of trained tensors' distributions, for every run of a family."""

import numpy as np
import pandas as pd

from restudy.analysis.shapes import shape_distances, tensors_by_run
from restudy.data.tables import by_folder, read_table, with_cell, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES, resolve
from restudy.job import begin_job


def main(family: Family, params, inputs, output: str, log) -> None:
    """Write a row per run and requested tensor that it has, in the order of the jobs."""
    initial = resolve(family, family.initial) if family.initial else lambda settings, tensor: None
    tables, stored = by_folder(inputs.runs), by_folder(inputs.weights)
    frames = []
    for job in params.jobs:
        seeds = read_table(tables[job["folder"]])["seed"]
        with np.load(stored[job["folder"]]) as arrays:
            runs = tensors_by_run(family, arrays)
        drawn = {tensor: initial(job["settings"], tensor) for tensor in params.tensors}
        rows = [
            {"seed": seed, "tensor": tensor, **shape_distances(found[tensor], drawn[tensor])}
            for seed, found in zip(seeds, runs, strict=True)
            for tensor in params.tensors
            if tensor in found
        ]
        frames.append(with_cell(pd.DataFrame(rows), job["cell"]))
    write_table(pd.concat(frames, ignore_index=True), output)
    log(f"{len(frames)} files of weights")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input,
    snakemake.output[0],
    log,
)
