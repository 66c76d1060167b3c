"""State in sentences what the tables say, for the report's captions and front page."""

from backprop.analysis.events import read_scalars
from backprop.analysis.findings import (
    describe_first_layer,
    describe_gradients,
    describe_layers,
    state_findings,
)
from backprop.data.tables import read_table
from backprop.log import start_log
from backprop.provenance.environment import write_json


def main(inputs, studies: dict, output: str, log) -> None:
    """Write findings by model and by CNN run, and the processor time of the training jobs."""
    findings = {
        model: state_findings(model, read_table(table), studies[model])
        for model, table in zip(studies, inputs.runs, strict=True)
    }
    if "dense" in studies:
        runs, layers = (read_table(path) for path in (inputs.runs[0], *inputs.layers))
        findings["layers"] = describe_layers(runs, layers, studies["dense"])
        findings["gradients"] = describe_gradients(read_table(*inputs.gradients))
    findings["first_layer"] = {
        folder: describe_first_layer(read_scalars(folder)) for folder in inputs.events
    }
    jobs = read_table(inputs.benchmarks)
    findings["training_cpu_seconds"] = float(jobs["cpu_seconds"].sum())
    write_json(output, findings)
    log(f"findings of {sum(len(s) for s in studies.values())} studies")


main(
    snakemake.input,
    snakemake.params.studies,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
