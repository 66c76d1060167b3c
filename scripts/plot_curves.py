"""Draw loss and accuracy of a study's cells over training."""

from restudy.data.tables import read_rows
from restudy.log import start_log
from restudy.views import conv_curves, curves
from restudy.views.style import save

FIGURES = {
    "dense": {"loss": curves.loss_curves, "accuracy": curves.accuracy_curves},
    "conv": {
        "loss": conv_curves.conv_loss_curves,
        "accuracy": conv_curves.conv_accuracy_curves,
    },
}


def main(model: str, params, inputs, outputs, log) -> None:
    """Write both pictures."""
    study = params.study
    history, runs = (read_rows(paths, params.levels) for paths in (inputs.history, inputs.runs))
    for measure, draw in FIGURES[model].items():
        save(draw(history, study, runs), getattr(outputs, measure))
        log(f"{measure} drawn")


main(
    snakemake.wildcards.model,
    snakemake.params,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
