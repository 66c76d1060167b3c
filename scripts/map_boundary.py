"""Evaluate a trained dense cell on a grid over the plane, for its decision boundary."""

import numpy as np

from backprop.data.tables import read_table
from backprop.dense.boundary import map_boundary
from backprop.log import start_log


def main(settings: dict, step: float, margin: float, inputs, output: str, log) -> None:
    """Write x1, x2, the first replicate's probability of class 1 and the replicates' votes."""
    points = read_table(inputs.points)
    training = points.loc[points["part"] == "train", ["x1", "x2"]].to_numpy()
    with np.load(inputs.weights) as layers:
        weights = [layers[name] for name in layers.files]
    grid = map_boundary(weights, settings["cell"]["activation"], training, step, margin)
    np.savez_compressed(output, **grid)
    log(f"{grid['share'].size:,} grid points, {len(weights[0])} replicates")


main(
    snakemake.params.settings,
    snakemake.params.step,
    snakemake.params.margin,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
