"""Living notebooks: run with this run's parameters, kept as notebooks and as pages."""


rule run_notebook:
    input:
        results=notebook_results,
        template=project_file("workflow/notebooks/{notebook}.ipynb"),
        modules=lambda wildcards: notebook_code(wildcards.notebook),
        code=code("run_notebook.py"),
        lock=LOCK,
    output:
        page=report(
            "results/report/{notebook}_notebook.html",
            caption="../../report/notebook.rst",
            category="6 Notebooks",
            labels=lambda wildcards: notebook_labels(wildcards.notebook, "to read"),
        ),
        notebook=report(
            "results/notebooks/{notebook}.ipynb",
            caption="../../report/notebook.rst",
            category="6 Notebooks",
            labels=lambda wildcards: notebook_labels(
                wildcards.notebook, "executed notebook"
            ),
        ),
    log:
        "results/logs/run_notebook/{notebook}.log",
    benchmark:
        "results/benchmarks/run_notebook/{notebook}.tsv"
    wildcard_constraints:
        notebook="|".join(name for model in MODELS for name in NOTEBOOKS[model]),
    conda:
        "../../environment.yml"
    threads: 1
    params:
        parameters=notebook_parameters,
    message:
        "Run the notebook {wildcards.notebook}"
    script:
        "../../scripts/run_notebook.py"
