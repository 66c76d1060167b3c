"""Dense networks: train a cell, all its replicates in one job, and check the gradients."""


rule train_dense:
    input:
        points="results/data/{dataset}/points.csv",
        lock=LOCK,
    output:
        runs=f"{DENSE}/runs.csv",
        history=f"{DENSE}/history.parquet",
        layers=f"{DENSE}/layers.parquet",
        weights=f"{DENSE}/weights.npz",
        snapshots=f"{DENSE}/snapshots.npz",
        boundary=f"{DENSE}/boundary.npz",
        provenance=f"{DENSE}/provenance.json",
    log:
        f"results/logs/train_dense/{cell_pattern('dense')}.log",
    benchmark:
        f"results/benchmarks/train_dense/{cell_pattern('dense')}.tsv"
    # Short jobs: they fill the cores that the CNN leaves free.
    priority: 50
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=30,
    params:
        settings=settings("dense"),
        code=code_version(code("train_dense.py")),
        repository=here("."),
    message:
        "Train dense {wildcards.dataset}, {wildcards.protocol}, {wildcards.activation}, {wildcards.depth} x {wildcards.hidden_size}, {wildcards.initializer}, {wildcards.optimizer}; progress in {log}"
    script:
        "../../scripts/train_dense.py"


rule check_gradients:
    input:
        points=f"results/data/{GRADIENT_CHECK['dataset']}/points.csv",
        code=code("check_gradients.py"),
        lock=LOCK,
    output:
        "results/tables/dense_gradients.csv",
    log:
        "results/logs/check_gradients.log",
    benchmark:
        "results/benchmarks/check_gradients.tsv"
    conda:
        "../../environment.yml"
    params:
        check=GRADIENT_CHECK,
    message:
        "Check the gradients against central differences"
    script:
        "../../scripts/check_gradients.py"
