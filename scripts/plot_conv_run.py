"""Draw one CNN run: how it judged the test images, and its first layer's weights and bias."""

import numpy as np

from restudy.analysis.events import read_histograms, read_scalars
from restudy.data.class_names import class_names
from restudy.data.idx import read_idx
from restudy.data.tables import read_table
from restudy.log import start_log
from restudy.study.labels import cell_title
from restudy.views.filters import filters_figure
from restudy.views.prediction_figures import confusion_figure, worst_figure
from restudy.views.selection import divergence_reason
from restudy.views.style import save
from restudy.views.weights import histograms_figure, statistics_figure


def main(cell: dict, seed: str, kind: str, inputs, outputs, log) -> None:
    """Write the five pictures; ``kind`` is that of the data set, which may name its classes."""
    note = f"{cell_title(cell)}, seed {seed}."
    reason = divergence_reason(read_table(inputs.runs))
    judgements = read_table(inputs.judgements)
    with np.load(inputs.weights) as weights:
        filters, outputs_of_last = weights["conv1/weights"], weights["fc2/bias"]
    names = class_names(kind, len(outputs_of_last))
    figures = {
        "confusion": confusion_figure(judgements, names, note, reason),
        "worst": worst_figure(judgements, read_idx(inputs.images), names, note, reason),
        "filters": filters_figure(filters, note, reason),
        "statistics": statistics_figure(read_scalars(inputs.events), "conv1", note=note),
        "histograms": histograms_figure(read_histograms(inputs.events), "conv1", note=note),
    }
    for name, figure in figures.items():
        save(figure, getattr(outputs, name))
        log(f"written {getattr(outputs, name)}")


main(
    snakemake.params.cell,
    snakemake.wildcards.seed,
    snakemake.params.kind,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
