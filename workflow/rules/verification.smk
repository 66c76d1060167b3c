"""Verification by others: the manifest, the comparison with another run's, and the certificate."""

from fnmatch import fnmatch

# Of each training job, what is a result; its provenance is a record of the job.
RESULTS = {
    model: [Path(path).name for path in output if Path(path).name != "provenance.json"]
    for model, output in (
        ("dense", rules.train_dense.output),
        ("conv", rules.train_conv.output),
    )
}
# Below results/, what two honest runs of the same configuration differ in, and why.
LEFT_OUT = {
    "results/*provenance.json": "records of machine and time; their digests are here",
    "results/data/*.idx": "images; their digests are in digests.json",
    "results/tables/benchmarks.*": "times and memory of the jobs",
    "results/report/findings.json": "states the time of the training; the rest is in the tables",
    "results/report/environment.html": "a page of the machine and revision",
    "results/report/tensorboard*.html": "pages of the event files with their times and speeds",
    "results/report/certificate.html": "a record of a check and its date",
    "results/logs/*": "times",
    "results/benchmarks/*": "times and memory",
}
SOURCE_DIGEST = code_digest(
    [*REPOSITORY.glob("src/backprop/**/*.py"), *REPOSITORY.glob("scripts/*.py")],
    REPOSITORY,
)
COMPUTED = digest({**without_whereabouts(CONFIG), "claims": CLAIMS})
CERTIFICATE = Path("results/certificate.json")


def is_left_out(path):
    return any(fnmatch(path, pattern) for pattern in LEFT_OUT)


def aggregates():
    """Every result that is made of several cells, and the data."""
    tables = list(everything())
    # A table's page is asked for; the table is there for it.
    tables += [
        path.replace(".html", ".csv")
        for path in tables
        if path.startswith("results/tables/") and path.endswith(".html")
    ]
    tables += [f"results/tables/{name}" for name in needed_tables(CLAIMS)]
    if CLAIMS:
        tables += [
            f"results/tables/claims_{name}.parquet" for name in ("tests", "seeds")
        ]
    for path in data_digests():
        folder = os.path.dirname(path)
        images = os.path.basename(path) == "digests.json"
        tables += [path] if images else [path, f"{folder}/description.json"]
    return [path for path in dict.fromkeys(tables) if not is_left_out(path)]


def chosen_jobs():
    """Folders of the training jobs that the certificate tries, by model."""
    share, seed = CHECK["certificate"]["share"], CHECK["certificate"]["seed"]
    return {
        model: choose_folders(folders(model, CELLS[model]), share, seed)
        for model in MODELS
    }


def scratch(folder):
    """Where a training job runs again."""
    return folder.replace("results/", "results/certificate/", 1)


def originals(wildcards):
    """What the chosen jobs left."""
    return [
        f"{folder}/{name}"
        for model, chosen in chosen_jobs().items()
        for folder in chosen
        for name in (*RESULTS[model], "provenance.json")
    ]


def retrained(wildcards):
    """What they leave when they run again."""
    return [scratch(path) for path in originals(wildcards)]


# Before anything runs, and before Snakemake works with it: what it raises later carries a traceback.
if CHECK["against"]:
    from backprop.analysis.manifest import read_manifest

    try:
        read_manifest(CHECK["against"], COMPUTED)
    except UserError as fault:
        raise WorkflowError(f"Nothing can be compared; against: {fault}")
elif "verify" in sys.argv[1:]:
    raise WorkflowError(
        "verify needs another run's manifest; give it the target first, then the file: "
        "snakemake --cores N verify --config against=path/to/manifest.json"
    )


rule write_manifest:
    input:
        # One file stands for each job: what it left is read where that lies.
        records=[
            path for model in MODELS for path in all_files(model, "provenance.json")
        ],
        aggregates=aggregates(),
        provenance="results/provenance.json",
        lock=LOCK,
        code=code("write_manifest.py"),
    output:
        "results/manifest.json",
    log:
        "results/logs/write_manifest.log",
    benchmark:
        "results/benchmarks/write_manifest.tsv"
    conda:
        "../../environment.yml"
    params:
        files=RESULTS,
        computed=COMPUTED,
        source=SOURCE_DIGEST,
        left_out=LEFT_OUT,
    message:
        "Write the manifest of all results"
    script:
        "../../scripts/write_manifest.py"


# A target of its own: it fails where a result is another one than in the other run, or missing.
rule verify:
    input:
        manifest="results/manifest.json",
        against=CHECK["against"] or [],
        code=code("verify_results.py"),
    log:
        "results/logs/verify.log",
    conda:
        "../../environment.yml"
    params:
        tolerance=CHECK["tolerance"],
        table="results/verification.csv",
    message:
        "Compare the results with {input.against}; every artefact in {params.table}"
    script:
        "../../scripts/verify_results.py"


use rule train_dense as retrain_dense with:
    output:
        **{name: scratch(path) for name, path in rules.train_dense.output.items()},
    log:
        f"results/logs/retrain_dense/{cell_pattern('dense')}.log",
    benchmark:
        f"results/benchmarks/retrain_dense/{cell_pattern('dense')}.tsv"


use rule train_conv as retrain_conv with:
    output:
        **{
            name: directory(scratch(path)) if name == "events" else scratch(path)
            for name, path in rules.train_conv.output.items()
        },
    log:
        f"results/logs/retrain_conv/{cell_pattern('conv')}/seed~{{seed}}.log",
    benchmark:
        f"results/benchmarks/retrain_conv/{cell_pattern('conv')}/seed~{{seed}}.tsv"
    params:
        checkpoints=f"results/certificate/checkpoints/{cell_pattern('conv')}/seed~{{seed}}",


# A target of its own, since it trains: it fails where a cell comes out otherwise. What it writes is
# no output, or a plain run would train again for it.
rule certificate:
    input:
        manifest="results/manifest.json",
        originals=originals,
        retrained=retrained,
        code=code("certify.py"),
    log:
        "results/logs/certificate.log",
    conda:
        "../../environment.yml"
    params:
        jobs=lambda wildcards: chosen_jobs(),
        files=RESULTS,
        choice=CHECK["certificate"],
        cells=lambda wildcards: {
            model: len(all_files(model, "runs.csv")) for model in MODELS
        },
        scratch="results/certificate",
        outputs=[str(CERTIFICATE), "results/report/certificate.html"],
    message:
        "Compare the cells that were trained again; the outcome in {params.outputs}"
    script:
        "../../scripts/certify.py"


rule render_certificate:
    input:
        manifest="results/manifest.json",
        certificate=[str(CERTIFICATE)] if CERTIFICATE.exists() else [],
        code=code("render_certificate.py"),
    output:
        report(
            "results/report/certificate.html",
            caption="../../report/certificate.rst",
            category="7 Provenance",
            labels={"Page": "Certificate"},
        ),
    log:
        "results/logs/render_certificate.log",
    conda:
        "../../environment.yml"
    message:
        "Render the certificate"
    script:
        "../../scripts/render_certificate.py"
