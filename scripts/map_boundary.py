"""Evaluate a trained dense cell on a grid over the plane, for its decision boundary."""

import numpy as np

from backprop.data.tables import read_table
from backprop.dense.boundary import map_boundary
from backprop.log import start_log


def main(settings: dict, step: float, margin: float, inputs, output: str, log) -> None:
    """Write x1, x2, the probability of class 1, the votes of all replicates, and whose it is.

    Diverged replicates are left out: the probability is that of the first seed that finished.
    Where none did, only an empty ``seeds`` is written.
    """
    points = read_table(inputs.points)
    training = points.loc[points["part"] == "train", ["x1", "x2"]].to_numpy()
    runs = read_table(inputs.runs)
    finished = runs["diverged_at"].isna().to_numpy()
    with np.load(inputs.weights) as layers:
        weights = [layers[name][finished] for name in layers.files]
    grid = {}
    if finished.any():
        grid = map_boundary(weights, settings["cell"]["activation"], training, step, margin)
    np.savez_compressed(output, seeds=runs["seed"].to_numpy()[finished], **grid)
    log(f"{finished.sum()} of {len(runs)} replicates finished")


main(
    snakemake.params.settings,
    snakemake.params.step,
    snakemake.params.margin,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
