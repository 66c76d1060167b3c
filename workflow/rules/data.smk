"""Data sets: point sets, drawn or given, and images, fetched and verified or the user's own."""


rule make_points:
    input:
        file=own_points,
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


rule fetch_images:
    input:
        files=own_images,
        code=code("fetch_images.py"),
    output:
        images=IMAGE_FILES,
        digests="results/data/{dataset}/digests.json",
    log:
        "results/logs/fetch_images/{dataset}.log",
    benchmark:
        "results/benchmarks/fetch_images/{dataset}.tsv"
    wildcard_constraints:
        dataset=datasets_of("conv"),
    # Every CNN job waits for it.
    priority: 100
    conda:
        "../../environment.yml"
    params:
        dataset=image_source,
    message:
        "Fetch and verify the images of {wildcards.dataset}"
    script:
        "../../scripts/fetch_images.py"
