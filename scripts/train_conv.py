"""Train one run of the convolutional network: one cell, one seed."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from restudy.data.images import load_images
from restudy.data.tables import with_cell, write_table
from restudy.log import Progress, start_log
from restudy.provenance.environment import describe_run, digest, digest_inputs, write_json


def main(params, seed: int, threads: int, inputs, outputs, log) -> None:
    """Train the run that settings and seed spell out, from its last checkpoint if there is one."""
    # TensorFlow prints notices when it is imported: from here on they go into the log.
    from restudy.families.conv.summaries import ACTIVITY
    from restudy.families.conv.training import MEASURES, train_conv

    settings, checkpoints = params.settings, Path(params.checkpoints)
    cell, dataset, steps = settings["cell"], settings["dataset"], settings["protocol"]["steps"]
    origin = settings, inputs.digests, params.code, inputs.lock
    data = load_images(
        Path(inputs.digests).parent,
        validation=dataset["validation_examples"],
        train_examples=dataset["train_examples"] or None,
        test_examples=dataset["test_examples"] or None,
    )
    result = train_conv(
        settings,
        data,
        seed,
        Path(outputs.events),
        checkpoints,
        digest({"seed": seed, **digest_inputs(*origin)}),
        threads,
        log,
        Progress(log, steps, "steps"),
    )
    log(", ".join(f"{activity} {seconds:.1f} s" for activity, seconds in result.seconds.items()))
    final = {name: value for name, value in result.final.items() if name != "step"}
    ended = {"diverged_at": result.diverged_at, "diverged_by": result.diverged_by}
    row = {"steps": steps if result.diverged_at is None else result.diverged_at, **final, **ended}
    count = len(result.judgements["loss"])
    judged = {"image": np.arange(count), "label": data.test_labels[:count].astype(int)}
    tables = {
        outputs.runs: pd.DataFrame([row]),
        # With columns, even if it diverges before there is a row.
        outputs.history: pd.DataFrame(result.history, columns=["step", *MEASURES]),
        outputs.layers: pd.DataFrame(result.layers, columns=["step", "layer", *ACTIVITY]),
        outputs.judgements: pd.DataFrame(judged | result.judgements),
    }
    for path, table in tables.items():
        table.insert(0, "seed", seed)
        write_table(with_cell(table, cell), path)
    np.savez(outputs.weights, **result.weights)
    write_json(
        outputs.provenance,
        describe_run(*origin, params.repository)
        | {"seed": seed, "weights_sha256": result.weights_sha256},
    )
    shutil.rmtree(checkpoints, ignore_errors=True)


main(
    snakemake.params,
    int(snakemake.wildcards.seed),
    snakemake.threads,
    snakemake.input,
    snakemake.output,
    start_log(snakemake.log[0]),
)
