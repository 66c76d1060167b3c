"""Count how the CNN's runs judged the test images, by pair of classes and by class."""

from restudy.analysis.predictions import count_classes, count_pairs
from restudy.data.tables import read_table, write_table
from restudy.log import start_log


def main(judgements: list[str], outputs, log) -> None:
    """Write both tables."""
    pairs = count_pairs(map(read_table, judgements))
    write_table(pairs, outputs.confusion)
    write_table(count_classes(pairs), outputs.classes)
    log(f"{pairs['count'].sum():,} judgements of {len(judgements)} runs")


main(snakemake.input.judgements, snakemake.output, start_log(snakemake.log[0]))
