"""Check the gradients of deep networks with each activation against central differences."""

from restudy.data.tables import parts_of, read_table, write_table
from restudy.families.dense.gradient_check import check_gradients
from restudy.log import start_log

MOST_POINTS = 200


def main(check: dict, points: str, output: str, log) -> None:
    """Write a row per activation, arithmetic, layer and kind of parameter."""
    x, label = parts_of(read_table(points))["train"]
    hidden = [check["hidden_size"]] * check["depth"]
    table = check_gradients(
        [x.shape[1], *hidden, int(label.max()) + 1],
        check["activations"],
        check["initializer"],
        x[:MOST_POINTS],
        label[:MOST_POINTS],
        check["l2"],
    )
    write_table(table, output)
    log(f"{len(table)} gradients checked")


main(
    snakemake.params.check,
    snakemake.input.points,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
