"""Draw gradient norms, and saturated and dead units, of a study's cells layer by layer."""

from backprop.data.tables import combine
from backprop.log import start_log
from backprop.views import layers
from backprop.views.style import save


def main(study: dict, cells: list[dict], inputs, outputs, log) -> None:
    """Write both pictures."""
    table, runs = combine(inputs.layers), combine(inputs.runs)
    save(layers.gradient_norm_figure(table, study, runs, cells), outputs.gradients)
    save(layers.inactive_units_figure(table, study, runs, cells), outputs.units)
    log(f"{len(cells)} cells drawn")


main(
    snakemake.params.study,
    snakemake.params.cells,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
