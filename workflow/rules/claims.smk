"""Claims about the studies: what they need measured, the verdicts, and the gate for CI."""


rule measure_linearity:
    input:
        points=[
            f"results/data/{cell['dataset']}/points.csv"
            for cell in CELLS.get("dense", [])
        ],
        runs=all_files("dense", "runs.csv"),
        weights=all_files("dense", "weights.npz"),
        code=code("measure_linearity.py"),
    output:
        "results/tables/dense_linearity.parquet",
    log:
        "results/logs/measure_linearity.log",
    benchmark:
        "results/benchmarks/measure_linearity.tsv"
    conda:
        "../../environment.yml"
    params:
        settings=SETTINGS.get("dense", []),
    message:
        "Measure how straight the boundaries are"
    script:
        "../../scripts/measure_linearity.py"


rule measure_shapes:
    input:
        runs=lambda wildcards: all_files(wildcards.model, "runs.csv"),
        weights=lambda wildcards: all_files(wildcards.model, "weights.npz"),
        code=code("measure_shapes.py"),
    output:
        "results/tables/{model}_shapes.parquet",
    log:
        "results/logs/measure_shapes/{model}.log",
    benchmark:
        "results/benchmarks/measure_shapes/{model}.tsv"
    conda:
        "../../environment.yml"
    params:
        cells=lambda wildcards: cells_by_file(wildcards.model),
        tensors=lambda wildcards: needed_tensors(CLAIMS, wildcards.model),
    message:
        "Measure the shapes of {wildcards.model} weights"
    script:
        "../../scripts/measure_shapes.py"


rule tabulate_scalars:
    input:
        runs=all_files("conv", "runs.csv"),
        events=all_files("conv", "events"),
        code=code("tabulate_scalars.py"),
    output:
        "results/tables/conv_scalars.parquet",
    log:
        "results/logs/tabulate_scalars.log",
    benchmark:
        "results/benchmarks/tabulate_scalars.tsv"
    conda:
        "../../environment.yml"
    params:
        cells=cells_by_file("conv"),
    message:
        "Tabulate what was monitored"
    script:
        "../../scripts/tabulate_scalars.py"


rule judge_claims:
    input:
        tables=[f"results/tables/{name}" for name in needed_tables(CLAIMS)],
        code=code("judge_claims.py"),
    output:
        claims="results/tables/claims.csv",
        tests="results/tables/claims_tests.parquet",
        seeds="results/tables/claims_seeds.parquet",
    log:
        "results/logs/judge_claims.log",
    benchmark:
        "results/benchmarks/judge_claims.tsv"
    conda:
        "../../environment.yml"
    params:
        claims=CLAIMS,
    message:
        "Judge the claims"
    script:
        "../../scripts/judge_claims.py"


rule render_claims:
    input:
        claims="results/tables/claims.csv",
        tests="results/tables/claims_tests.parquet",
        seeds="results/tables/claims_seeds.parquet",
        figures=list(
            dict.fromkeys(claim["figure"] for claim in CLAIMS if claim["figure"])
        ),
        code=code("render_claims.py"),
    output:
        report(
            "results/report/verdicts.html",
            caption="../../report/claims.rst",
            category="0 Claims",
            labels={"Page": "Claims and verdicts"},
        ),
    log:
        "results/logs/render_claims.log",
    benchmark:
        "results/benchmarks/render_claims.tsv"
    conda:
        "../../environment.yml"
    message:
        "Render the claims"
    script:
        "../../scripts/render_claims.py"


# A target of its own, for CI: it fails where a verdict is not the one that its claim expects.
rule check_claims:
    input:
        claims="results/tables/claims.csv",
        code=code("check_claims.py"),
    log:
        "results/logs/check_claims.log",
    conda:
        "../../environment.yml"
    message:
        "Check the verdicts against what the claims expect"
    script:
        "../../scripts/check_claims.py"
