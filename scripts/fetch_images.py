"""Fetch and verify the images of a published set, or copy those of the user."""

from pathlib import Path

from restudy.data.images import fetch_images
from restudy.job import begin_job
from restudy.small_files import write_json


def main(dataset: dict, folder: Path, digests: str, log) -> None:
    """Write the four IDX files and their SHA-256 digests."""
    write_json(digests, fetch_images(folder, dataset, log))


log = begin_job(snakemake)
place = snakemake.config["places"][snakemake.wildcards.dataset]
main(
    {"kind": snakemake.params.kind, **place},
    Path(snakemake.output.digests).parent,
    snakemake.output.digests,
    log,
)
