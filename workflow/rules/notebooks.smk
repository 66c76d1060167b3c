"""Notebooks, run with this run's parameters, and a page of each."""


rule run_notebook:
    input:
        results=lambda wildcards: notebooks.results(PLAN, wildcards.notebook),
    output:
        page=report(
            "results/report/{notebook}_notebook.html",
            caption="../../report/notebook.rst",
            category=CATEGORIES["notebooks"],
            labels=lambda wildcards: report_labels.notebook_labels(wildcards.notebook),
        ),
        notebook="results/notebooks/{notebook}.ipynb",
    log:
        "results/logs/run_notebook/{notebook}.log",
    benchmark:
        "results/benchmarks/run_notebook/{notebook}.tsv"
    wildcard_constraints:
        notebook=alternatives(notebooks.notebook_names(PLAN)),
    conda:
        "../../environment.yml"
    threads: 1
    params:
        code=notebook_code,
        lock=LOCK,
        parameters=lambda wildcards: notebooks.parameters(PLAN, wildcards.notebook),
    message:
        "Run the notebook {wildcards.notebook}"
    script:
        "../../scripts/run_notebook.py"
