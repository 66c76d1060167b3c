"""Run a notebook with the parameters of this run, and render it as a page."""

from pathlib import Path

import nbformat

from restudy.job import begin_job
from restudy.notebooks.execution import run_notebook
from restudy.provenance.environment import PROJECT
from restudy.small_files import write_text
from restudy.views.notebook_page import notebook_page


def main(name: str, parameters: dict, outputs, path: str, log) -> None:
    """Write the executed notebook and its page; if a cell fails, a partial one beside the log."""
    # Parent of results/, which is not the working directory if the results are in a bucket.
    folder = Path(outputs.page).parents[2]
    template = PROJECT / f"workflow/notebooks/{name}.ipynb"
    notebook = run_notebook(template, parameters, Path(path).with_suffix(".ipynb"), folder)
    write_text(outputs.notebook, nbformat.writes(notebook) + "\n")
    page = notebook_page(notebook)
    write_text(outputs.page, page)
    log(f"{len(notebook.cells)} cells run, page of {len(page.encode()) / 1000:,.0f} kB")


log = begin_job(snakemake)
main(
    snakemake.wildcards.notebook,
    snakemake.params.parameters,
    snakemake.output,
    snakemake.log[0],
    log,
)
