"""Check hand-written gradients against central differences."""

from restudy.data.tables import read_points, write_table
from restudy.families.registry import FAMILIES, resolve
from restudy.job import begin_job


def main(family: str, choice: dict, points: str, output: str, log) -> None:
    """Write a row per activation, arithmetic, layer and kind of parameter, on draw 0 of points."""
    check = resolve(FAMILIES[family], FAMILIES[family].gradient_check)
    table = check(choice, read_points(points))
    write_table(table, output)
    log(f"{len(table)} gradients checked")


log = begin_job(snakemake)
main(
    snakemake.params.family,
    snakemake.params.choice,
    snakemake.input.points,
    snakemake.output[0],
    log,
)
