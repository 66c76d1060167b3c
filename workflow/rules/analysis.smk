"""Tables over all cells, their summaries, and what they say in words."""


rule combine_tables:
    input:
        tables=lambda wildcards: all_files(wildcards.model, wildcards.table),
        code=code("combine_tables.py"),
    output:
        "results/tables/{model}_{table}",
    log:
        "results/logs/combine_tables/{model}_{table}.log",
    benchmark:
        "results/benchmarks/combine_tables/{model}_{table}.tsv"
    wildcard_constraints:
        table="runs.csv|history.parquet|layers.parquet",
    conda:
        "../../environment.yml"
    message:
        "Combine all {wildcards.model} {wildcards.table}"
    script:
        "../../scripts/combine_tables.py"


rule summarize_runs:
    input:
        runs="results/tables/{model}_runs.csv",
        code=code("summarize_runs.py"),
    output:
        "results/tables/{model}_summary.csv",
    log:
        "results/logs/summarize_runs/{model}.log",
    benchmark:
        "results/benchmarks/summarize_runs/{model}.tsv"
    conda:
        "../../environment.yml"
    message:
        "Summarise the {wildcards.model} runs"
    script:
        "../../scripts/summarize_runs.py"


rule tabulate_judgements:
    input:
        judgements=all_files("conv", "judgements.parquet"),
        code=code("tabulate_judgements.py"),
    output:
        confusion="results/tables/conv_confusion.csv",
        classes="results/tables/conv_classes.csv",
    log:
        "results/logs/tabulate_judgements.log",
    benchmark:
        "results/benchmarks/tabulate_judgements.tsv"
    conda:
        "../../environment.yml"
    message:
        "Count right and wrong judgements by class"
    script:
        "../../scripts/tabulate_judgements.py"


rule tabulate_benchmarks:
    input:
        # A job's benchmark file is there as soon as its outputs are.
        records=[
            file for model in MODELS for file in all_files(model, "provenance.json")
        ],
        code=code("tabulate_benchmarks.py"),
    output:
        "results/tables/benchmarks.csv",
    log:
        "results/logs/tabulate_benchmarks.log",
    conda:
        "../../environment.yml"
    message:
        "Tabulate the benchmarks"
    script:
        "../../scripts/tabulate_benchmarks.py"


rule render_table:
    input:
        table="results/tables/{table}.csv",
        code=code("render_table.py"),
    output:
        report(
            "results/tables/{table}.html",
            caption="../../report/table.rst",
            category="5 Tables",
            labels=lambda wildcards: table_labels(wildcards.table),
        ),
    log:
        "results/logs/render_table/{table}.log",
    benchmark:
        "results/benchmarks/render_table/{table}.tsv"
    wildcard_constraints:
        table="[a-z_]+",
    conda:
        "../../environment.yml"
    message:
        "Render {wildcards.table}"
    script:
        "../../scripts/render_table.py"


rule state_findings:
    input:
        runs=[f"results/tables/{model}_runs.csv" for model in MODELS],
        benchmarks="results/tables/benchmarks.csv",
        layers=[f"results/tables/{model}_layers.parquet" for model in MODELS],
        gradients=["results/tables/dense_gradients.csv"] if "dense" in MODELS else [],
        classes=["results/tables/conv_classes.csv"] if "conv" in MODELS else [],
        confusion=["results/tables/conv_confusion.csv"] if "conv" in MODELS else [],
        claims=["results/tables/claims.csv"] if CLAIMS else [],
        events=all_files("conv", "events"),
        code=code("state_findings.py"),
    output:
        "results/report/findings.json",
    log:
        "results/logs/state_findings.log",
    benchmark:
        "results/benchmarks/state_findings.tsv"
    conda:
        "../../environment.yml"
    params:
        studies=lambda wildcards: studies_with_cells(),
        kinds=kinds_of_datasets(),
    message:
        "State the findings"
    script:
        "../../scripts/state_findings.py"
