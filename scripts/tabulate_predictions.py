"""Count how a family's runs classified the test examples, by pair of classes and by class."""

from restudy.analysis.predictions import count_classes, count_pairs
from restudy.data.tables import read_table, write_table
from restudy.families.registry import FAMILIES
from restudy.job import begin_job


def main(name: str, predictions: list[str], outputs, log) -> None:
    """Write both tables."""
    family = FAMILIES[name]
    pairs = count_pairs(family, map(read_table, predictions))
    write_table(pairs, outputs.confusion)
    write_table(count_classes(family, pairs), outputs.classes)
    log(f"{pairs['count'].sum():,} predictions of {len(predictions)} runs")


log = begin_job(snakemake)
main(snakemake.wildcards.family, snakemake.input.predictions, snakemake.output, log)
