"""Fetch MNIST from the first source that delivers the right bytes."""

from pathlib import Path

from backprop.data.mnist import fetch_mnist
from backprop.log import start_log
from backprop.provenance.environment import write_json


def main(sources: list, folder: Path, digests: str, log) -> None:
    """Write the four IDX files and their sha256."""
    write_json(digests, fetch_mnist(folder, sources, log))


main(
    snakemake.params.sources,
    Path(snakemake.output.digests).parent,
    snakemake.output.digests,
    start_log(snakemake.log[0]),
)
