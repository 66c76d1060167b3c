"""Draw the loss or the accuracy of a study's cells over training."""

from backprop.data.tables import combine
from backprop.log import start_log
from backprop.views import conv_curves, curves
from backprop.views.style import save

FIGURES = {
    ("dense", "loss"): curves.loss_curves,
    ("dense", "accuracy"): curves.accuracy_curves,
    ("conv", "loss"): conv_curves.conv_loss_curves,
    ("conv", "accuracy"): conv_curves.conv_accuracy_curves,
}


def main(model: str, measure: str, study: dict, inputs, output: str, log) -> None:
    """Write the picture."""
    draw = FIGURES[model, measure]
    save(draw(combine(inputs.history), study, combine(inputs.runs)), output)
    log(f"written {output}")


main(
    snakemake.wildcards.model,
    snakemake.wildcards.measure,
    snakemake.params.study,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
