"""Data sets: point sets, drawn or given, and MNIST, which is fetched and verified."""


rule make_points:
    input:
        # The user's own file, of a data set that has one.
        file=lambda wildcards: CONFIG["datasets"][wildcards.dataset].get("path", []),
        code=code("make_points.py"),
        lock=LOCK,
    output:
        points="results/data/{dataset}/points.csv",
        description="results/data/{dataset}/description.json",
    log:
        "results/logs/make_points/{dataset}.log",
    benchmark:
        "results/benchmarks/make_points/{dataset}.tsv"
    wildcard_constraints:
        dataset=datasets_of("dense"),
    conda:
        "../../environment.yml"
    params:
        dataset=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
    message:
        "Make the points of {wildcards.dataset}"
    script:
        "../../scripts/make_points.py"


rule fetch_mnist:
    input:
        code=code("fetch_mnist.py"),
    output:
        images=MNIST_FILES,
        digests="results/data/{dataset}/digests.json",
    log:
        "results/logs/fetch_mnist/{dataset}.log",
    benchmark:
        "results/benchmarks/fetch_mnist/{dataset}.tsv"
    wildcard_constraints:
        dataset=datasets_of("conv"),
    # Every CNN job waits for it.
    priority: 100
    conda:
        "../../environment.yml"
    params:
        sources=lambda wildcards: CONFIG["datasets"][wildcards.dataset]["sources"],
    message:
        "Fetch and verify {wildcards.dataset}"
    script:
        "../../scripts/fetch_mnist.py"
