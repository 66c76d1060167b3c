"""Build the interactive page of the studies."""

import json
from pathlib import Path

import numpy as np

from restudy.data.tables import by_folder, read_description, read_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.small_files import write_text
from restudy.study.cell import make_cell
from restudy.views.study_page import study_page
from restudy.views.time_machine import Machine, read_shapes

TABLES = ("runs", "history", "layers")


def main(params, inputs, output: str, log) -> None:
    """Write the page."""
    studies = {
        name: {
            study: facts | {"cells": [make_cell(FAMILIES[name], row) for row in facts["cells"]]}
            for study, facts in own.items()
        }
        for name, own in params.studies.items()
    }
    tables = {name: read_tables(name, inputs) for name in studies}
    machines = {
        name: make_machine(FAMILIES[name], networks, inputs)
        for name, networks in params.networks.items()
    }
    findings = json.loads(Path(inputs.findings).read_text(encoding="utf-8"))
    page = study_page(
        studies, params.baselines, tables, findings, machines, settings=params.settings
    )
    write_text(output, page)
    log(f"{len(page.encode()):,} bytes")


def read_tables(family: str, inputs) -> dict:
    """Return the tables of a family that exist, by name."""
    paths = {name: inputs.get(f"{family}_{name}") for name in TABLES}
    return {name: read_table(path) for name, path in paths.items() if path}


def make_machine(family: Family, networks, inputs) -> Machine:
    """Return the inputs of a family's time machine."""
    snapshots = by_folder(inputs.snapshots)
    known = {make_cell(family, each["cell"]): each["settings"] for each in networks}
    used = {cell["dataset"] for cell in known}
    points = {Path(path).parent.name: path for path in inputs.points}
    descriptions = {Path(path).parent.name: path for path in inputs.descriptions}
    return Machine(
        family=family,
        networks=known,
        load=lambda cell: np.load(snapshots[cell.folder]),
        shapes=lambda cell: read_shapes(snapshots[cell.folder]),
        points={name: read_table(path) for name, path in points.items() if name in used},
        descriptions={name: read_description(descriptions[name]) for name in used},
    )


main(snakemake.params, snakemake.input, snakemake.output[0], begin_job(snakemake))
