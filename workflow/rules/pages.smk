"""Interactive pages."""


rule build_study_page:
    input:
        runs=[f"results/tables/{model}_runs.csv" for model in MODELS],
        history=[f"results/tables/{model}_history.parquet" for model in MODELS],
        layers=[f"results/tables/{model}_layers.parquet" for model in MODELS],
        findings="results/report/findings.json",
        snapshots=[
            f"{folder}/snapshots.npz"
            for folder in folders(
                "dense", [CELLS["dense"][number] for number in machine_cells()]
            )
        ],
        points=dense_data("points.csv"),
        descriptions=dense_data("description.json"),
        program=[
            project_file(f"src/restudy/views/pages/study.{kind}")
            for kind in ("js", "css")
        ],
        code=code("build_study_page.py"),
    output:
        report(
            "results/report/study.html",
            caption="../../report/study_page.rst",
            category="0 Interactive pages",
            labels={"Page": "Studies"},
        ),
    log:
        "results/logs/build_study_page.log",
    benchmark:
        "results/benchmarks/build_study_page.tsv"
    conda:
        "../../environment.yml"
    params:
        studies=lambda wildcards: studies_with_cells(),
        baselines={model: CONFIG[model]["baseline"] for model in MODELS},
        # What the networks of the snapshots compute, by the number of the cell.
        networks=network_settings(),
    message:
        "Build the page of the studies"
    script:
        "../../scripts/build_study_page.py"
