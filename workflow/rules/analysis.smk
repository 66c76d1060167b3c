"""Tables of all cells, their summaries, and findings in words."""


rule combine_tables:
    input:
        tables=lambda wildcards: job_files(wildcards.table)(wildcards),
    output:
        "results/tables/{family}_{table}",
    log:
        "results/logs/combine_tables/{family}_{table}.log",
    benchmark:
        "results/benchmarks/combine_tables/{family}_{table}.tsv"
    wildcard_constraints:
        table="|".join(files.COMBINED),
    conda:
        "../../environment.yml"
    params:
        code=code("combine_tables.py"),
        settings=lambda wildcards: PLAN.setting_values(family_of(wildcards)),
    message:
        "Combine all {wildcards.family} {wildcards.table}"
    script:
        "../../scripts/combine_tables.py"


rule summarize_runs:
    input:
        runs="results/tables/{family}_runs.csv",
        history=lambda wildcards: (
            f"results/tables/{wildcards.family}_history.parquet"
            if family_of(wildcards).converges_by
            else []
        ),
    output:
        "results/tables/{family}_summary.csv",
    log:
        "results/logs/summarize_runs/{family}.log",
    benchmark:
        "results/benchmarks/summarize_runs/{family}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("summarize_runs.py"),
    message:
        "Summarise the {wildcards.family} runs"
    script:
        "../../scripts/summarize_runs.py"


rule tabulate_predictions:
    input:
        unpack(predicted_from),
    output:
        confusion="results/tables/{family}_confusion.csv",
        classes="results/tables/{family}_classes.csv",
    log:
        "results/logs/tabulate_predictions/{family}.log",
    benchmark:
        "results/benchmarks/tabulate_predictions/{family}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=family_code("tabulate_predictions.py", "predict"),
        jobs=jobs_of(settings=True),
    message:
        "Count right and wrong predictions by class"
    script:
        "../../scripts/tabulate_predictions.py"


rule tabulate_benchmarks:
    input:
        # A job's benchmark file exists as soon as its outputs do.
        records=lambda wildcards: files.records(PLAN),
    output:
        paths.BENCHMARKS,
    log:
        "results/logs/tabulate_benchmarks.log",
    conda:
        "../../environment.yml"
    params:
        code=code("tabulate_benchmarks.py"),
        jobs=lambda wildcards: files.all_folders(PLAN),
    message:
        "Tabulate the benchmarks"
    script:
        "../../scripts/tabulate_benchmarks.py"


rule render_table:
    input:
        table="results/tables/{table}.csv",
    output:
        report(
            "results/tables/{table}.html",
            caption="../../report/table.rst",
            category=CATEGORIES["tables"],
            labels=lambda wildcards: report_labels.table_labels(
                wildcards.table, FAMILIES
            ),
        ),
    log:
        "results/logs/render_table/{table}.log",
    benchmark:
        "results/benchmarks/render_table/{table}.tsv"
    wildcard_constraints:
        table="[a-z_]+",
    conda:
        "../../environment.yml"
    params:
        code=code("render_table.py", *program("table")),
    message:
        "Render {wildcards.table}"
    script:
        "../../scripts/render_table.py"


rule write_study_table:
    input:
        runs=study_tables("runs.csv"),
    output:
        **{
            ending: report(
                f"results/tables/studies/{{family}}_{{study}}.{ending}",
                caption="../../report/study_table.rst",
                category=CATEGORIES["tables"],
                labels=study_table_labels(language),
            )
            for ending, language in files.PAPER_TABLES.items()
        },
    log:
        "results/logs/write_study_table/{family}_{study}.log",
    benchmark:
        "results/benchmarks/write_study_table/{family}_{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("write_study_table.py"),
        study=study_of,
        rows=rows_of,
    message:
        "Write the table of {wildcards.family}, {wildcards.study}, for papers"
    script:
        "../../scripts/write_study_table.py"


rule state_findings:
    input:
        **files.findings_inputs(PLAN),
        benchmarks=paths.BENCHMARKS,
    output:
        paths.FINDINGS,
    log:
        "results/logs/state_findings.log",
    benchmark:
        "results/benchmarks/state_findings.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("state_findings.py"),
        studies=lambda wildcards: PLAN.studies_as_params(),
        kinds=lambda wildcards: PLAN.dataset_kinds,
    message:
        "State the findings"
    script:
        "../../scripts/state_findings.py"
