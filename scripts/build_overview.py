"""Build the front page."""

import json
from pathlib import Path

from restudy.data.tables import read_table
from restudy.job import begin_job
from restudy.views.overview_page import overview_page


def main(params, inputs, output: str, log) -> None:
    """Write the page."""
    figures = [
        {"path": f"results/{path.rpartition('results/')[2]}", "content": Path(path).read_bytes()}
        for path in inputs.get("figures", [])
    ]
    table = inputs.get("claims")
    page = overview_page(
        params.title,
        json.loads(Path(inputs.findings).read_text(encoding="utf-8")),
        read_table(table) if table else None,
        [
            {**figure, "question": question}
            for figure, question in zip(figures, params.questions, strict=True)
        ],
        params.pages,
        json.loads(Path(inputs.provenance).read_text(encoding="utf-8")),
    )
    Path(output).write_text(page, encoding="utf-8")
    log(f"{len(page) / 1000:,.0f} kB")


log = begin_job(snakemake)
main(snakemake.params, snakemake.input, snakemake.output[0], log)
