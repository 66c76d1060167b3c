"""Draw figures of a study from the tables of its training jobs."""

from restudy.data.tables import read_rows
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.own_figures import drawer
from restudy.views.style import save


def main(family: Family, params, inputs, outputs, log) -> None:
    """Write a picture for each output."""
    tables = {name: read_rows(inputs[name], params.rows) for name in params.tables}
    draw, study = drawer(params.draw), {**params.study, "claimed": params.claimed}
    for ending, path in outputs.items():
        save(draw(params.subjects[ending], tables, study, family, params.cells), path)
        log(f"written {path}")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input,
    snakemake.output,
    log,
)
