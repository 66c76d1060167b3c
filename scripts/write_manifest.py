"""Write the manifest: every result by its digest, with what it was computed from."""

import json
from pathlib import Path

from restudy.job import begin_job
from restudy.verification.manifest import (
    describe_aggregates,
    describe_cells,
    make_manifest,
    write_manifest,
)


def main(inputs, params, output: str, log) -> None:
    """Write it as JSON, and log the number of its entries."""
    provenance = json.loads(Path(inputs.provenance).read_text(encoding="utf-8"))
    root = Path(inputs.provenance).parents[1]
    cells = describe_cells(root, params.folders, params.files)
    aggregates = describe_aggregates(
        root, inputs.aggregates, provenance, params.source, params.lock
    )
    manifest = make_manifest(cells, aggregates, params.computed, params.left_out)
    write_manifest(output, manifest)
    size = Path(output).stat().st_size
    log(f"{len(cells):,} jobs, {len(inputs.aggregates):,} other files, {size / 1000:,.0f} kB")


log = begin_job(snakemake)
main(snakemake.input, snakemake.params, snakemake.output[0], log)
