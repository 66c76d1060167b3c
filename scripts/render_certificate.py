"""Render the certificate as a page, beside what the results are now."""

import json
from pathlib import Path

from restudy.log import start_log
from restudy.verification.manifest import read_manifest
from restudy.views.certificate_page import certificate_page


def main(inputs, output: str, log) -> None:
    """Write the page; without a certificate it says how to make one."""
    found = [json.loads(Path(path).read_text(encoding="utf-8")) for path in inputs.certificate]
    certificate = found[0] if found else None
    page = certificate_page(certificate, read_manifest(inputs.manifest))
    Path(output).write_text(page, encoding="utf-8")
    log(f"certificate of {certificate['date']}" if certificate else "no certificate yet")


main(snakemake.input, snakemake.output[0], start_log(snakemake.log[0]))
