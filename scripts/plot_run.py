"""Draw one run of a network of images: its predictions, and its first layer's weights and bias."""

import numpy as np

from restudy.data.class_names import class_names
from restudy.data.idx import read_idx
from restudy.data.tables import read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.study.cell import make_cell
from restudy.study.labels import cell_title
from restudy.views.filters import filters_figure
from restudy.views.prediction_figures import confusion_figure, most_wrong_figure
from restudy.views.selection import divergence_reason
from restudy.views.style import save
from restudy.views.weights import histograms_figure, statistics_figure


def main(family: Family, params, seed: str, inputs, outputs, log) -> None:
    """Write the picture that each output is named after.

    ``params.kind`` is the kind of data set, which determines the names of the classes.
    """
    note = f"{cell_title(make_cell(family, params.cell))}, seed {seed}."
    reason = divergence_reason(read_table(inputs.runs))
    predictions = read_table(inputs.judgements)
    with np.load(inputs.weights) as weights:
        # In the order of the network: kernels first, the output layer's bias last.
        first, last = weights.files[0], weights.files[-1]
        kernels, output_bias = weights[first], weights[last]
    layer = first.partition("/")[0]
    names = class_names(params.kind, len(output_bias))
    figures = {
        "confusion": lambda: confusion_figure(predictions, names, note, reason),
        "worst": lambda: most_wrong_figure(
            predictions, read_idx(inputs.images), names, note, reason
        ),
        "filters": lambda: filters_figure(kernels, note, reason),
        "statistics": lambda: statistics_figure(read_table(inputs.scalars), layer, note=note),
        "histograms": lambda: histograms_figure(read_table(inputs.histograms), layer, note=note),
    }
    for name, path in outputs.items():
        save(figures[name](), path)
        log(f"written {path}")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.wildcards.seed,
    snakemake.input,
    snakemake.output,
    log,
)
