"""Train one run of the convolutional network: one cell, one seed."""

from pathlib import Path

import pandas as pd

from backprop.data.images import load_images
from backprop.data.tables import with_cell, write_table
from backprop.log import start_log
from backprop.provenance.environment import describe_run, write_json


def main(settings: dict, seed: int, threads: int, inputs, outputs, repository: str, log) -> None:
    """Train the run that settings and seed spell out."""
    # TensorFlow prints notices when it is imported: from here on they go into the log.
    from backprop.conv.training import configure_tensorflow, train_conv

    configure_tensorflow(threads)
    cell, dataset = settings["cell"], settings["dataset"]
    data = load_images(
        Path(inputs.digests).parent,
        validation=dataset["validation_examples"],
        train_examples=dataset["train_examples"] or None,
        test_examples=dataset["test_examples"] or None,
    )
    result = train_conv(
        cell,
        settings["protocol"],
        settings["optimizer"],
        data,
        seed,
        Path(outputs.events),
        threads,
        log,
    )
    history = pd.DataFrame(result.history)
    history.insert(0, "seed", seed)
    final = {name: value for name, value in result.final.items() if name != "step"}
    steps = settings["protocol"]["steps"] if result.diverged_at is None else result.diverged_at
    row = {"seed": seed, "steps": steps, **final, "diverged_at": result.diverged_at}
    write_table(with_cell(pd.DataFrame([row]), cell), outputs.runs)
    write_table(with_cell(history, cell), outputs.history)
    run = describe_run(settings, inputs.digests, inputs.code, inputs.lock, repository)
    write_json(outputs.provenance, run | {"seed": seed, "weights_sha256": result.weights_sha256})


main(
    snakemake.params.settings,
    int(snakemake.wildcards.seed),
    snakemake.threads,
    snakemake.input,
    snakemake.output,
    snakemake.params.repository,
    start_log(snakemake.log[0]),
)
