"""State in sentences what the tables say, for the report's captions and front page."""

from restudy.analysis.events import read_scalars
from restudy.analysis.findings import (
    describe_claims,
    describe_classes,
    describe_first_layer,
    describe_gradients,
    describe_judgements,
    describe_layers,
    state_findings,
)
from restudy.data.tables import read_table
from restudy.log import start_log
from restudy.provenance.environment import write_json


def main(inputs, studies: dict, kinds: dict, output: str, log) -> None:
    """Write findings by model and by CNN run, and the processor time of the training jobs."""
    runs = dict(zip(studies, map(read_table, inputs.runs), strict=True))
    layers = dict(zip(studies, map(read_table, inputs.layers), strict=True))
    findings = {model: state_findings(model, runs[model], studies[model]) for model in studies}
    findings["layers"] = {
        model: describe_layers(model, runs[model], layers[model], studies[model])
        for model in studies
    }
    if "dense" in studies:
        findings["gradients"] = describe_gradients(read_table(*inputs.gradients))
    if "conv" in studies:
        classes, pairs = read_table(*inputs.classes), read_table(*inputs.confusion)
        findings["judgements"] = describe_judgements(runs["conv"], classes, pairs, kinds)
        findings["classes"] = describe_classes(classes, kinds)
    findings["first_layer"] = {
        folder: describe_first_layer(read_scalars(folder)) for folder in inputs.events
    }
    jobs = read_table(inputs.benchmarks)
    if inputs.claims:
        findings["claims"] = describe_claims(read_table(*inputs.claims))
    findings["training_cpu_seconds"] = float(jobs["cpu_seconds"].sum())
    write_json(output, findings)
    log(f"findings of {sum(len(s) for s in studies.values())} studies")


main(
    snakemake.input,
    snakemake.params.studies,
    snakemake.params.kinds,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
