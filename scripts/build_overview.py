"""Build the front page."""

import json
from pathlib import Path

from restudy.data.tables import from_results, read_table
from restudy.job import begin_job
from restudy.small_files import write_text
from restudy.views.overview_page import overview_page


def main(params, inputs, output: str, log) -> None:
    """Write the page."""
    figures = [
        {"path": from_results(path), "content": Path(path).read_bytes(), "question": question}
        for path, question in zip(inputs.get("figures", []), params.questions, strict=True)
    ]
    table = inputs.get("claims")
    page = overview_page(
        params.title,
        json.loads(Path(inputs.findings).read_text(encoding="utf-8")),
        read_table(table) if table else None,
        figures,
        params.pages,
        json.loads(Path(inputs.provenance).read_text(encoding="utf-8")),
    )
    write_text(output, page)
    log(f"{len(page) / 1000:,.0f} kB")


log = begin_job(snakemake)
main(snakemake.params, snakemake.input, snakemake.output[0], log)
