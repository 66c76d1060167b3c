"""Build the interactive page of the studies."""

import json
from pathlib import Path

import numpy as np

from restudy.data.tables import read_description, read_table
from restudy.log import start_log
from restudy.views.study_page import study_page
from restudy.views.time_machine import Machine

TABLES = ("runs", "history", "layers")


def main(params, inputs, output: str, log) -> None:
    """Write the page."""
    tables = {
        model: {name: read_table(getattr(inputs, name)[number]) for name in TABLES}
        for number, model in enumerate(params.studies)
    }
    machine = None
    if params.networks:
        snapshots = dict(zip(params.networks, inputs.snapshots, strict=True))
        machine = Machine(
            settings=params.networks,
            load=lambda number: np.load(snapshots[number]),
            points={Path(path).parent.name: read_table(path) for path in inputs.points},
            descriptions={
                Path(path).parent.name: read_description(path) for path in inputs.descriptions
            },
        )
    findings = json.loads(Path(inputs.findings).read_text(encoding="utf-8"))
    page = study_page(params.studies, params.baselines, tables, findings, machine)
    Path(output).write_text(page, encoding="utf-8")
    log(f"{len(page.encode()):,} bytes")


main(
    snakemake.params,
    snakemake.input,
    snakemake.output[0],
    start_log(snakemake.log[0]),
)
