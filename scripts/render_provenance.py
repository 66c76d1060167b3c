"""Render configuration and environment of this run as two pages."""

import json
from pathlib import Path

import yaml

from restudy.job import begin_job
from restudy.provenance.environment import PROJECT
from restudy.small_files import write_text
from restudy.views.html_tables import html_document


def main(inputs, outputs, log) -> None:
    """Write the pages."""
    record = json.loads(Path(inputs.provenance).read_text(encoding="utf-8"))
    configuration = yaml.safe_dump(record["configuration"], sort_keys=False, allow_unicode=True)
    pages = {
        outputs.configuration: html_document(
            "Configuration",
            {"Every key, defaults filled in": configuration},
        ),
        outputs.environment: html_document(
            "Environment",
            {
                "Code and machine": record["environment"],
                "Digests (sha256)": {
                    "configuration": record["configuration_sha256"],
                    "locked environment": record["lock_sha256"],
                    **record["data_sha256"],
                },
                "environment.yml": (PROJECT / "environment.yml").read_text(encoding="utf-8"),
            },
        ),
    }
    for path, page in pages.items():
        write_text(path, page)
    log("configuration and environment written")


log = begin_job(snakemake)
main(snakemake.input, snakemake.output, log)
