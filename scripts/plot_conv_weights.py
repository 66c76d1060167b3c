"""Draw what the event files of one CNN run say of its first layer's weights and bias."""

from backprop.analysis.events import read_histograms, read_scalars
from backprop.log import start_log
from backprop.views.labels import cell_title
from backprop.views.style import save
from backprop.views.weights import histograms_figure, statistics_figure


def main(cell: dict, seed: str, events: str, outputs, log) -> None:
    """Write the statistics and the histograms over the steps."""
    note = f"{cell_title(cell)}, seed {seed}."
    save(statistics_figure(read_scalars(events), "conv1", note=note), outputs.statistics)
    save(histograms_figure(read_histograms(events), "conv1", note=note), outputs.histograms)
    log(f"written {outputs.statistics} and {outputs.histograms}")


main(
    snakemake.params.cell,
    snakemake.wildcards.seed,
    snakemake.input.events,
    snakemake.output,
    start_log(snakemake.log[0]),
)
