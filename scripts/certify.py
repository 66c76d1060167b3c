"""Compare the cells that were trained again with the originals; fail where one is not the same."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from restudy.log import start_log
from restudy.provenance.environment import write_json
from restudy.verification.certificate import compare_jobs, results_digest, state_job
from restudy.verification.manifest import read_manifest
from restudy.views.certificate_page import certificate_page


def main(manifest: str, params, terminal, log) -> None:
    """Write the certificate and its page, take the scratch folder away, and exit with 1 or not."""
    own, jobs = read_manifest(manifest), []
    for model, chosen in params.jobs.items():
        for folder in map(Path, chosen):
            again = Path(params.scratch) / folder.relative_to("results")
            records = [
                json.loads((place / "provenance.json").read_text(encoding="utf-8"))
                for place in (folder, again)
            ]
            jobs.append(compare_jobs(folder, again, params.files[model], records))
            environment = records[1]["environment"]
    certificate = {
        "date": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "choice": params.choice,
        "cells": params.cells,
        "results": results_digest(own),
        "environment": environment,
        "jobs": jobs,
    }
    record, page = map(Path, params.outputs)
    write_json(record, certificate)
    page.write_text(certificate_page(certificate, own), encoding="utf-8")
    shutil.rmtree(params.scratch)
    same = sum(job["identical"] for job in jobs)
    lines = [line for job in jobs for line in state_job(job)]
    for line in [*lines, f"{same} of {len(jobs)} came out identical, byte for byte; {record}"]:
        log(line)
        # Of a job that fails, Snakemake shows the log.
        if same == len(jobs):
            print(line, file=terminal)
    if same < len(jobs):
        sys.exit(1)


# Somebody waits for the answer: where this process prints until its log is begun.
terminal = os.fdopen(os.dup(sys.stdout.fileno()), "w")
main(snakemake.input.manifest, snakemake.params, terminal, start_log(snakemake.log[0]))
