"""Interactive pages: the studies, and TensorBoard in one file."""


rule build_overview:
    input:
        unpack(lambda wildcards: files.overview_inputs(PLAN)),
        findings=paths.FINDINGS,
        provenance=paths.PROVENANCE,
    output:
        report(
            "results/report/overview.html",
            caption="../../report/overview.rst",
            category=CATEGORIES["overview"],
            labels={"Page": "Overview"},
        ),
    log:
        "results/logs/build_overview.log",
    benchmark:
        "results/benchmarks/build_overview.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("build_overview.py"),
        # Functions: Snakemake would take braces in a text for wildcards.
        title=lambda wildcards: STUDY.checks["title"],
        questions=lambda wildcards: [each for _, each in files.first_figures(PLAN)],
        pages=lambda wildcards: report_labels.overview_links(
            PLAN.families, bool(STUDY.claims), CATEGORIES
        ),
    message:
        "Build the front page"
    script:
        "../../scripts/build_overview.py"


rule build_study_page:
    input:
        unpack(lambda wildcards: files.page_inputs(PLAN)),
        findings=paths.FINDINGS,
    output:
        report(
            "results/report/study.html",
            caption="../../report/study_page.rst",
            category=CATEGORIES["interactive_pages"],
            labels={"Page": "Studies"},
        ),
    log:
        "results/logs/build_study_page.log",
    benchmark:
        "results/benchmarks/build_study_page.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("build_study_page.py", *program("study")),
        studies=lambda wildcards: PLAN.studies_as_params(),
        baselines={
            name: PLAN.baseline(family).row for name, family in PLAN.families.items()
        },
        settings=lambda wildcards: {
            name: PLAN.setting_values(family) for name, family in PLAN.families.items()
        },
        # What the page must know, besides snapshots, to run networks.
        networks=lambda wildcards: PLAN.networks_as_params(),
    message:
        "Build the page of the studies"
    script:
        "../../scripts/build_study_page.py"


rule export_tensorboard:
    input:
        events=event_folders,
    output:
        full="results/report/tensorboard.html",
        # The report shows no larger page; this one says where the full one is.
        thinned=report(
            "results/report/tensorboard_thinned.html",
            caption="../../report/tensorboard.rst",
            category=CATEGORIES["interactive_pages"],
            labels={"Page": "TensorBoard"},
        ),
    log:
        "results/logs/export_tensorboard.log",
    benchmark:
        "results/benchmarks/export_tensorboard.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("export_tensorboard.py", *program("tensorboard")),
        families=[family.name for family in PLAN.that_leave("events")],
    message:
        "Write TensorBoard's pages"
    script:
        "../../scripts/export_tensorboard.py"
