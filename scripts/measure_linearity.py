"""Measure how straight the boundaries of all dense cells are, seed by seed."""

import numpy as np
import pandas as pd

from restudy.analysis.shapes import line_agreement
from restudy.data.tables import parts_of, read_table, with_cell, write_table
from restudy.families.dense.boundary import network_of
from restudy.log import start_log


def main(settings: list[dict], inputs, output: str, log) -> None:
    """Write a row per cell and finished seed."""
    heldout = {path: parts_of(read_table(path))["heldout"][0] for path in set(inputs.points)}
    frames = []
    for setting, path, runs, weights in zip(
        settings, inputs.points, inputs.runs, inputs.weights, strict=True
    ):
        x = heldout[path]
        rows = read_table(runs)
        finished = rows["diverged_at"].isna().to_numpy()
        with np.load(weights) as file:
            layers = [file[f"layer{number}"][finished] for number in range(1, len(file) + 1)]
        labels = []
        if finished.any():
            labels = network_of(layers, setting["activation"]).predict(x)
        frame = pd.DataFrame({"seed": rows["seed"][finished]})
        frame["boundary_linearity"] = [line_agreement(x, each) for each in labels]
        frames.append(with_cell(frame, setting["cell"]))
    write_table(pd.concat(frames, ignore_index=True), output)
    log(f"{len(frames)} cells")


main(
    snakemake.params.settings,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
