"""Where the results come from: environment, configuration and data of this run."""


rule record_provenance:
    input:
        data=lambda wildcards: files.data_files(PLAN),
    output:
        "results/provenance.json",
    log:
        "results/logs/record_provenance.log",
    conda:
        "../../environment.yml"
    params:
        code=code("record_provenance.py"),
        lock=LOCK,
        config=PUBLIC,
        # Recorded again when training code changes: a revision changes with every commit.
        training=lambda wildcards: all_training_code(),
    message:
        "Record the provenance"
    script:
        "../../scripts/record_provenance.py"


rule render_provenance:
    input:
        provenance="results/provenance.json",
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
    params:
        code=code("render_provenance.py", "environment.yml"),
        lock=LOCK,
    message:
        "Render configuration and environment"
    script:
        "../../scripts/render_provenance.py"
