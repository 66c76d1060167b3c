"""Verification: the manifest, its comparison with another run's, and the certificate."""

COMPUTED = parts.digest_of(
    parts.CONFIGURATION, {**without_checks(CONFIG), "claims": STUDY.claims}
)
# Another run's, or this run's own, which tells what has changed since it was written.
AGAINST = STUDY.checks["against"] or paths.MANIFEST
ARTEFACTS = {
    name: files.artefact_names(family) for name, family in PLAN.families.items()
}


# Checked before Snakemake uses it, since later errors come with a traceback. It is read only if it is
# needed: a configuration may name a manifest that does not exist yet.
if is_asked_for("verify"):
    from restudy.verification.manifest import read_manifest

    with reported("Nothing can be compared; against: "):
        read_manifest(AGAINST, COMPUTED)

if IN_BUCKET and is_asked_for("certificate"):
    with reported():
        raise UserError(
            "certificate compares results in a folder, and these are in a bucket: fetch its "
            "results/ into a folder, and call it there without the storage."
        )


rule write_manifest:
    input:
        # One table represents the training jobs, of which there may be thousands; their files are
        # read in place, or fetched if they are in a bucket.
        benchmarks=paths.BENCHMARKS,
        fetched=fetched,
        aggregates=lambda wildcards: files.aggregates(PLAN),
        provenance=paths.PROVENANCE,
    output:
        paths.MANIFEST,
    log:
        "results/logs/write_manifest.log",
    benchmark:
        "results/benchmarks/write_manifest.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("write_manifest.py"),
        lock=LOCK,
        folders=lambda wildcards: files.all_folders(PLAN),
        files=ARTEFACTS,
        computed=COMPUTED,
        source=lambda wildcards: project_code(),
        left_out=files.LEFT_OUT,
    message:
        "Write the manifest of all results"
    script:
        "../../scripts/write_manifest.py"


# A target of its own: it fails if a result differs from the other run's, or is missing. To look at
# a run's own results must not make any of them again.
rule verify:
    input:
        paths.MANIFEST if STUDY.checks["against"] else [],
    log:
        "results/logs/verify.log",
    conda:
        "../../environment.yml"
    params:
        code=code("verify_results.py"),
        against=AGAINST,
        manifest=paths.MANIFEST,
        tolerance=STUDY.checks["tolerance"],
        table=paths.VERIFICATION,
    message:
        "Compare the results with {params.against}; every artefact in {params.table}"
    script:
        "../../scripts/verify_results.py"


# A target of its own, since it trains: it fails if a cell comes out differently. What it writes is
# not declared as output: otherwise a plain run would train again for it.
rule certificate:
    input:
        manifest=paths.MANIFEST,
        originals=originals,
        retrained=retrained,
    log:
        "results/logs/certificate.log",
    conda:
        "../../environment.yml"
    params:
        code=code("certify.py"),
        jobs=chosen_folders,
        choice=STUDY.checks["certificate"],
        cells=lambda wildcards: {
            name: len(folders) for name, folders in files.all_folders(PLAN).items()
        },
        scratch=paths.SCRATCH,
        outputs=[paths.CERTIFICATE, "results/report/certificate.html"],
    message:
        "Compare the cells that were trained again; the outcome in {params.outputs}"
    script:
        "../../scripts/certify.py"


rule render_certificate:
    input:
        manifest=paths.MANIFEST,
    output:
        report(
            "results/report/certificate.html",
            caption="../../report/certificate.rst",
            category=CATEGORIES["provenance"],
            labels={"Page": "Certificate"},
        ),
    log:
        "results/logs/render_certificate.log",
    conda:
        "../../environment.yml"
    params:
        code=code("render_certificate.py"),
        # No input: rule certificate writes this page as well, and nothing must run again after it.
        certificate=paths.CERTIFICATE,
    message:
        "Render the certificate"
    script:
        "../../scripts/render_certificate.py"
