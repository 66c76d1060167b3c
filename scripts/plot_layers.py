"""Draw gradient norms, and saturated and dead units, of a study's cells layer by layer."""

from restudy.data.tables import combine
from restudy.log import start_log
from restudy.views import layer_figures
from restudy.views.style import save


def main(study: dict, cells: list[dict], inputs, outputs, log) -> None:
    """Write both pictures."""
    table, runs = combine(inputs.layers), combine(inputs.runs)
    save(layer_figures.gradient_norm_figure(table, study, runs, cells), outputs.gradients)
    save(layer_figures.inactive_units_figure(table, study, runs, cells), outputs.units)
    log(f"{len(cells)} cells drawn")


main(
    snakemake.params.study,
    snakemake.params.cells,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
