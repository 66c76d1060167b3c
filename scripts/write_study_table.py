"""Write the cells of a study as a table for a paper, in LaTeX and in Markdown."""

from restudy.data.tables import read_rows
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.small_files import write_text
from restudy.views.paper_tables import study_table, to_latex, to_markdown

WRITERS = {"tex": to_latex, "md": to_markdown}


def main(family: Family, params, runs: list[str], outputs, log) -> None:
    """Write the table in the language of each output."""
    table = study_table(family, read_rows(runs, params.rows), params.study)
    for ending, path in outputs.items():
        write_text(path, WRITERS[ending](table))
        log(f"written {path}, {len(table.columns[0].cells)} rows")


log = begin_job(snakemake)
main(
    FAMILIES[snakemake.wildcards.family],
    snakemake.params,
    snakemake.input.runs,
    snakemake.output,
    log,
)
