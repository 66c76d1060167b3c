"""Compare the cells that were trained again with the originals; fail if one differs."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.small_files import write_json, write_text
from restudy.verification.certificate import compare_jobs, make_certificate, state_job
from restudy.verification.manifest import read_manifest
from restudy.views.certificate_page import certificate_page


def main(manifest: str, params, terminal, log) -> None:
    """Write the certificate and its page, remove the scratch folder, and exit with 1 on failure."""
    own, jobs = read_manifest(manifest), []
    for family, chosen in params.jobs.items():
        for folder in map(Path, chosen):
            again = Path(params.scratch) / folder.relative_to("results")
            records = [
                json.loads((place / "provenance.json").read_text(encoding="utf-8"))
                for place in (folder, again)
            ]
            jobs.append(compare_jobs(FAMILIES[family], folder, again, records))
            environment = records[1]["environment"]
    date = time.strftime("%Y-%m-%d %H:%M:%S %z")
    certificate = make_certificate(date, params.choice, params.cells, own, environment, jobs)
    record, page = map(Path, params.outputs)
    write_json(record, certificate)
    write_text(page, certificate_page(certificate, own))
    shutil.rmtree(params.scratch)
    identical = sum(job["identical"] for job in jobs)
    lines = [line for job in jobs for line in state_job(job)]
    for line in [*lines, f"{identical} of {len(jobs)} came out identical, byte for byte; {record}"]:
        log(line)
        # If a job fails, Snakemake shows its log.
        if identical == len(jobs):
            print(line, file=terminal)
    if identical < len(jobs):
        sys.exit(1)


# The user waits for the outcome: keep the stream to which this process prints before its log.
terminal = os.fdopen(os.dup(sys.stdout.fileno()), "w")
log = begin_job(snakemake, checks_inputs=False)
main(snakemake.input.manifest, snakemake.params, terminal, log)
