"""Render the certificate as a page, compared with the present results."""

from pathlib import Path

from restudy.job import begin_job
from restudy.verification.certificate import read_certificate
from restudy.verification.manifest import read_manifest
from restudy.views.certificate_page import certificate_page


def main(inputs, output: str, log) -> None:
    """Write the page; without a certificate, it says how to make one."""
    certificate = next(map(read_certificate, inputs.certificate), None)
    page = certificate_page(certificate, read_manifest(inputs.manifest))
    Path(output).write_text(page, encoding="utf-8")
    log(f"certificate of {certificate['date']}" if certificate else "no certificate yet")


log = begin_job(snakemake)
main(snakemake.input, snakemake.output[0], log)
