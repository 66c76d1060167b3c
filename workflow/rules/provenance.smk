"""Where the results come from: environment, configuration and data of this run."""


rule record_provenance:
    input:
        data=lambda wildcards: files.data_files(PLAN),
        lock=LOCK,
        code=code("record_provenance.py"),
    output:
        "results/provenance.json",
    log:
        "results/logs/record_provenance.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        repository=here("."),
        # Recorded again when the revision changes.
        revision=environment.revision(REPOSITORY),
    message:
        "Record the provenance"
    script:
        "../../scripts/record_provenance.py"


rule render_provenance:
    input:
        provenance="results/provenance.json",
        lock=LOCK,
        environment=project_file("environment.yml"),
        code=code("render_provenance.py"),
    output:
        configuration=report(
            "results/report/configuration.html",
            caption="../../report/configuration.rst",
            category=CATEGORIES["provenance"],
            labels={"Page": "Configuration"},
        ),
        environment=report(
            "results/report/environment.html",
            caption="../../report/environment.rst",
            category=CATEGORIES["provenance"],
            labels={"Page": "Environment"},
        ),
    log:
        "results/logs/render_provenance.log",
    conda:
        "../../environment.yml"
    message:
        "Render configuration and environment"
    script:
        "../../scripts/render_provenance.py"
