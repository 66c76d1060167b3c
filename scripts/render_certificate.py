"""Render the certificate as a page, compared with the present results."""

from pathlib import Path

from restudy.job import begin_job
from restudy.small_files import write_text
from restudy.verification.certificate import read_certificate
from restudy.verification.manifest import read_manifest
from restudy.views.certificate_page import certificate_page


def main(manifest: str, certificate: str, output: str, log) -> None:
    """Write the page; without a certificate, it says how to make one."""
    known = read_certificate(certificate) if Path(certificate).exists() else None
    write_text(output, certificate_page(known, read_manifest(manifest)))
    log(f"certificate of {known['date']}" if known else "no certificate yet")


log = begin_job(snakemake)
main(snakemake.input.manifest, snakemake.params.certificate, snakemake.output[0], log)
