"""Verification by others: the manifest, the comparison with another run's, and the certificate."""

# Of each training job, what is a result; its provenance is a record of the job.
RESULTS = {
    model: [Path(path).name for path in output if Path(path).name != "provenance.json"]
    for model, output in (
        ("dense", rules.train_dense.output),
        ("conv", rules.train_conv.output),
    )
}
RECORDED = {model: [*names, "provenance.json"] for model, names in RESULTS.items()}
SOURCE_DIGEST = code_version(
    [*REPOSITORY.glob("src/restudy/**/*.py"), *REPOSITORY.glob("scripts/*.py")]
)
COMPUTED = digest({**without_whereabouts(CONFIG), "claims": CLAIMS})
CERTIFICATE = Path("results/certificate.json")
# Before anything runs, and before Snakemake works with it: what it raises later carries a traceback.
# A configuration may name a manifest that only comes later: it is read where it is asked for.
if "verify" in sys.argv[1:]:
    from restudy.verification.manifest import read_manifest

    if not CHECK["against"]:
        raise WorkflowError(
            "verify needs another run's manifest; give it the target first, then the file: "
            "snakemake --cores N verify --config against=path/to/manifest.json"
        )
    try:
        read_manifest(CHECK["against"], COMPUTED)
    except UserError as fault:
        raise WorkflowError(f"Nothing can be compared; against: {fault}")

if IN_BUCKET and "certificate" in sys.argv[1:]:
    raise WorkflowError(
        "certificate compares results in a folder, and these are in a bucket: fetch its results/ "
        "into a folder, and call it there without the storage."
    )


rule write_manifest:
    input:
        # One table stands for the training jobs, of which there may be thousands: what they left is
        # read where it lies. Out of a bucket it has to be fetched.
        benchmarks="results/tables/benchmarks.csv",
        fetched=left_by(training_jobs()) if IN_BUCKET else [],
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
        folders=training_jobs(),
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
