"""TensorBoard in a file: what the CNN's event files hold, as pages that need no server."""


rule export_tensorboard:
    input:
        events=all_files("conv", "events"),
        program=[
            project_file(f"src/restudy/views/pages/tensorboard.{kind}")
            for kind in ("js", "css")
        ],
        code=code("export_tensorboard.py"),
    output:
        full="results/report/tensorboard.html",
        # A report shows no larger page; it says where the full one is.
        thinned=report(
            "results/report/tensorboard_thinned.html",
            caption="../../report/tensorboard.rst",
            category="0 Interactive pages",
            labels={"Page": "TensorBoard"},
        ),
    log:
        "results/logs/export_tensorboard.log",
    benchmark:
        "results/benchmarks/export_tensorboard.tsv"
    conda:
        "../../environment.yml"
    message:
        "Write TensorBoard's pages"
    script:
        "../../scripts/export_tensorboard.py"
