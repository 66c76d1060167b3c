"""Render the claims and their verdicts as a page."""

from pathlib import Path

from restudy.data.tables import from_results, read_table
from restudy.job import begin_job
from restudy.small_files import write_text
from restudy.views.claims_page import claims_page


def main(inputs, output: str, options: list[str], log) -> None:
    """Write the page."""
    tables = (read_table(inputs[name]) for name in ("claims", "tests", "seeds"))
    figures = {from_results(path): Path(path).read_bytes() for path in inputs.figures}
    page = claims_page(*tables, figures, options, read_table(inputs.benchmarks))
    write_text(output, page)
    log(f"{len(page) / 1000:,.0f} kB")


log = begin_job(snakemake)
main(
    snakemake.input,
    snakemake.output[0],
    snakemake.config["ticket"]["options"],
    log,
)
