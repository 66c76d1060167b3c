"""Draw gradient norms, and saturated and dead units, of a study's cells layer by layer."""

from restudy.data.tables import combine
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.study.cell import make_cell
from restudy.views.layer_figures import gradient_norm_figure, inactive_units_figure
from restudy.views.style import save


def main(family: Family, params, inputs, outputs, log) -> None:
    """Write both pictures."""
    cells = [make_cell(family, row) for row in params.cells]
    table, runs = combine(inputs.layers), combine(inputs.runs)
    save(gradient_norm_figure(table, params.study, family, runs, cells), outputs.gradients)
    save(inactive_units_figure(table, params.study, family, runs, cells), outputs.units)
    log(f"{len(cells)} cells drawn")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input,
    snakemake.output,
    log,
)
