"""Data sets: point sets, generated or loaded, and images, fetched and verified or the user's own."""


rule make_points:
    output:
        points="results/data/{dataset}/points.csv",
        description="results/data/{dataset}/description.json",
    log:
        "results/logs/make_points/{dataset}.log",
    benchmark:
        "results/benchmarks/make_points/{dataset}.tsv"
    wildcard_constraints:
        dataset=f"(?:{alternatives(PLAN.datasets_of(POINTS))})(?:{OVERRIDE})*",
    conda:
        "../../environment.yml"
    params:
        code=code("make_points.py"),
        lock=LOCK,
        dataset=dataset_facts,
        own=own_data,
    message:
        "Make the points of {wildcards.dataset}"
    script:
        "../../scripts/make_points.py"


rule fetch_images:
    output:
        images=[f"results/data/{{dataset}}/{name}" for name in paths.IMAGE_FILES],
        digests="results/data/{dataset}/digests.json",
    log:
        "results/logs/fetch_images/{dataset}.log",
    benchmark:
        "results/benchmarks/fetch_images/{dataset}.tsv"
    wildcard_constraints:
        dataset=alternatives(PLAN.datasets_of(IMAGES)),
    # All jobs that train on the images wait for it.
    priority: 100
    conda:
        "../../environment.yml"
    params:
        code=code("fetch_images.py"),
        kind=lambda wildcards: PLAN.dataset_kinds[wildcards.dataset],
        own=own_data,
    message:
        "Fetch and verify the images of {wildcards.dataset}"
    script:
        "../../scripts/fetch_images.py"
