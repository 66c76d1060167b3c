"""Claims about the studies: the measures that they need, the verdicts, and the check for CI."""


rule measure_linearity:
    input:
        points=heldout_points,
        runs=job_files("runs.csv"),
        weights=job_files("weights.npz"),
    output:
        "results/tables/{family}_linearity.parquet",
    log:
        "results/logs/measure_linearity/{family}.log",
    benchmark:
        "results/benchmarks/measure_linearity/{family}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=family_code("measure_linearity.py", "predict"),
        jobs=jobs_of(settings=True),
    message:
        "Measure how straight the boundaries are"
    script:
        "../../scripts/measure_linearity.py"


rule measure_shapes:
    input:
        runs=job_files("runs.csv"),
        weights=job_files("weights.npz"),
    output:
        "results/tables/{family}_shapes.parquet",
    log:
        "results/logs/measure_shapes/{family}.log",
    benchmark:
        "results/benchmarks/measure_shapes/{family}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=family_code("measure_shapes.py", "initial"),
        jobs=jobs_of(settings=True),
        tensors=lambda wildcards: needed_tensors(STUDY.claims, wildcards.family),
    message:
        "Measure the shapes of {wildcards.family} weights"
    script:
        "../../scripts/measure_shapes.py"


rule judge_claims:
    input:
        tables=[f"{paths.TABLES}/{name}" for name in PLAN.claim_tables],
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
        code=code("judge_claims.py"),
        claims=STUDY.claims,
    message:
        "Judge the claims"
    script:
        "../../scripts/judge_claims.py"


rule render_claims:
    input:
        claims="results/tables/claims.csv",
        tests="results/tables/claims_tests.parquet",
        seeds="results/tables/claims_seeds.parquet",
        benchmarks=paths.BENCHMARKS,
        figures=list(
            dict.fromkeys(claim["figure"] for claim in STUDY.claims if claim["figure"])
        ),
    output:
        report(
            "results/report/verdicts.html",
            caption="../../report/claims.rst",
            category=CATEGORIES["claims"],
            labels={"Page": "Claims and verdicts"},
        ),
    log:
        "results/logs/render_claims.log",
    benchmark:
        "results/benchmarks/render_claims.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("render_claims.py", *program("table")),
    message:
        "Render the claims"
    script:
        "../../scripts/render_claims.py"


# A target of its own, for CI: it fails if a verdict is not the one that its claim expects.
rule check_claims:
    input:
        claims="results/tables/claims.csv",
    log:
        "results/logs/check_claims.log",
    conda:
        "../../environment.yml"
    params:
        code=code("check_claims.py"),
    message:
        "Check the verdicts against what the claims expect"
    script:
        "../../scripts/check_claims.py"
