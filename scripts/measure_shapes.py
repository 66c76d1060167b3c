"""Measure the shape of trained tensors' distributions, for every run of a model."""

import numpy as np
import pandas as pd

from restudy.analysis.shapes import shape_distances
from restudy.data.tables import read_table, with_cell, write_table
from restudy.log import start_log


def dense_tensors(file, seeds: list[int]) -> dict[int, dict[str, np.ndarray]]:
    """Weights and biases of each seed; the bias is the last column of a layer."""
    return {
        seed: {
            f"{name}/{part}": values
            for name in file
            for part, values in (
                ("weights", file[name][place, :, :-1]),
                ("bias", file[name][place, :, -1]),
            )
        }
        for place, seed in enumerate(seeds)
    }


def main(model: str, tensors: list[str], cells: list[dict], inputs, output: str, log) -> None:
    """Write a row per run and tensor that the network has."""
    frames = []
    for cell, runs, weights in zip(cells, inputs.runs, inputs.weights, strict=True):
        seeds = read_table(runs)["seed"].tolist()
        with np.load(weights) as file:
            arrays = dict(file)
        found = dense_tensors(arrays, seeds) if model == "dense" else {seeds[0]: arrays}
        rows = [
            {"seed": seed, "tensor": tensor, **shape_distances(values[tensor])}
            for seed, values in found.items()
            for tensor in tensors
            if tensor in values
        ]
        frames.append(with_cell(pd.DataFrame(rows), cell))
    write_table(pd.concat(frames, ignore_index=True), output)
    log(f"{len(frames)} files of weights")


main(
    snakemake.wildcards.model,
    snakemake.params.tensors,
    snakemake.params.cells,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
