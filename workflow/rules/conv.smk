"""The convolutional network: one job trains one cell with one seed."""


rule train_conv:
    input:
        # The digests stand for the images. Of a published set only the known bytes can be there,
        # so a new fetch is no reason to train again; of the user's own files it is one.
        digests=image_digests,
        images=ancient(IMAGE_FILES),
        lock=LOCK,
    output:
        runs=f"{CONV}/runs.csv",
        history=f"{CONV}/history.parquet",
        layers=f"{CONV}/layers.parquet",
        judgements=f"{CONV}/judgements.parquet",
        weights=f"{CONV}/weights.npz",
        provenance=f"{CONV}/provenance.json",
        events=directory(f"{CONV}/events"),
    log:
        f"results/logs/train_conv/{cell_pattern('conv')}/seed~{{seed}}.log",
    benchmark:
        f"results/benchmarks/train_conv/{cell_pattern('conv')}/seed~{{seed}}.tsv"
    # They are the longest: the dense jobs fill what is left.
    priority: 75
    conda:
        "../../environment.yml"
    # Two jobs of one thread each train a grid sooner than one job of two threads.
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        settings=settings("conv"),
        code=code_version(code("train_conv.py")),
        repository=here("."),
        # Not an output, which Snakemake would delete before it starts a job anew.
        checkpoints=f"results/checkpoints/conv/{cell_pattern('conv')}/seed~{{seed}}",
    message:
        "Train CNN {wildcards.dataset}, {wildcards.protocol}, {wildcards.activation}, {wildcards.initializer}, {wildcards.optimizer}, seed {wildcards.seed}; progress in {log}"
    script:
        "../../scripts/train_conv.py"
