"""Count how a family's runs classified what is held out, by pair of classes and by class."""

from restudy.analysis.predictions import count_classes, count_pairs
from restudy.data.tables import read_table, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.reading.predicted_points import as_predictions, predicted_runs


def main(family: Family, jobs: list[dict], inputs, outputs, log) -> None:
    """Write both tables, from what each run predicted or from what its weights predict."""
    left = inputs.get("predictions")
    if left is None:
        tables = (as_predictions(*each) for each in predicted_runs(family, jobs, inputs))
    else:
        tables = map(read_table, left)
    pairs = count_pairs(family, tables)
    write_table(pairs, outputs.confusion)
    write_table(count_classes(family, pairs), outputs.classes)
    log(f"{pairs['count'].sum():,} predictions")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params.jobs,
    snakemake.input,
    snakemake.output,
    log,
)
