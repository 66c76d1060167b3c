"""What people look at: a figure per study, per cell and per CNN run."""


rule plot_points:
    input:
        points="results/data/{dataset}/points.csv",
        description="results/data/{dataset}/description.json",
        code=code("plot_points.py"),
    output:
        report(
            "results/figures/data/{dataset}.svg",
            caption="../../report/points.rst",
            category="1 Data",
            labels=lambda wildcards: {
                "Data set": label_of(wildcards.dataset),
                "Figure": "Points",
            },
        ),
    log:
        "results/logs/plot_points/{dataset}.log",
    benchmark:
        "results/benchmarks/plot_points/{dataset}.tsv"
    conda:
        "../../environment.yml"
    params:
        dataset=lambda wildcards: CONFIG["datasets"][wildcards.dataset],
        features=lambda wildcards: FEATURES[wildcards.dataset],
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_points.py"


rule plot_boundary:
    input:
        points="results/data/{dataset}/points.csv",
        description="results/data/{dataset}/description.json",
        grid=rules.train_dense.output.boundary,
        runs=rules.train_dense.output.runs,
        code=code("plot_boundary.py"),
    output:
        report(
            f"results/figures/dense/cells/{cell_pattern('dense')}/boundary.svg",
            caption="../../report/boundary.rst",
            category="4 Single cells",
            subcategory="Decision boundaries",
            labels=lambda wildcards: cell_labels("dense", wildcards),
        ),
    log:
        f"results/logs/plot_boundary/{cell_pattern('dense')}.log",
    benchmark:
        f"results/benchmarks/plot_boundary/{cell_pattern('dense')}.tsv"
    conda:
        "../../environment.yml"
    params:
        cell=lambda wildcards: cell_from_wildcards("dense", wildcards),
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_boundary.py"


rule plot_boundary_panel:
    input:
        points=lambda wildcards: mapped_data(wildcards, "points.csv"),
        descriptions=lambda wildcards: mapped_data(wildcards, "description.json"),
        grids=lambda wildcards: mapped_files(wildcards, "boundary.npz"),
        runs=lambda wildcards: mapped_files(wildcards, "runs.csv"),
        code=code("plot_boundary_panel.py"),
    output:
        report(
            "results/figures/{model}/{study}_boundaries.png",
            caption="../../report/boundary_panel.rst",
            category="2 Dense networks",
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Decision boundaries"),
        ),
    log:
        "results/logs/plot_boundary_panel/{model}_{study}.log",
    benchmark:
        "results/benchmarks/plot_boundary_panel/{model}_{study}.tsv"
    wildcard_constraints:
        model="dense",
    conda:
        "../../environment.yml"
    params:
        study=study_of,
        cells=mapped_cells_of,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_boundary_panel.py"


rule plot_curves:
    input:
        history=lambda wildcards: study_tables(wildcards, "history.parquet"),
        runs=lambda wildcards: study_tables(wildcards, "runs.csv"),
        code=code("plot_curves.py"),
    output:
        loss=report(
            "results/figures/{model}/{study}_loss_curves.svg",
            caption="../../report/curves.rst",
            category=lambda wildcards: CATEGORIES[wildcards.model],
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Loss over training"),
        ),
        accuracy=report(
            "results/figures/{model}/{study}_accuracy_curves.svg",
            caption="../../report/curves.rst",
            category=lambda wildcards: CATEGORIES[wildcards.model],
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Accuracy over training"),
        ),
    log:
        "results/logs/plot_curves/{model}_{study}.log",
    benchmark:
        "results/benchmarks/plot_curves/{model}_{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=study_of,
        levels=levels_of,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_curves.py"


rule plot_effects:
    input:
        runs=lambda wildcards: study_tables(wildcards, "runs.csv"),
        code=code("plot_effects.py"),
    output:
        loss=report(
            "results/figures/{model}/{study}_loss_effects.svg",
            caption="../../report/effects.rst",
            category=lambda wildcards: CATEGORIES[wildcards.model],
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Loss by axis"),
        ),
        accuracy=report(
            "results/figures/{model}/{study}_accuracy_effects.svg",
            caption="../../report/effects.rst",
            category=lambda wildcards: CATEGORIES[wildcards.model],
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Accuracy by axis"),
        ),
    log:
        "results/logs/plot_effects/{model}_{study}.log",
    benchmark:
        "results/benchmarks/plot_effects/{model}_{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=study_of,
        levels=levels_of,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_effects.py"


rule plot_final_accuracy:
    input:
        runs=lambda wildcards: study_tables(wildcards, "runs.csv"),
        code=code("plot_final_accuracy.py"),
    output:
        report(
            "results/figures/{model}/{study}_final_accuracy.svg",
            caption="../../report/final_accuracy.rst",
            category="3 Convolutional network",
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Final test accuracy"),
        ),
    log:
        "results/logs/plot_final_accuracy/{model}_{study}.log",
    benchmark:
        "results/benchmarks/plot_final_accuracy/{model}_{study}.tsv"
    wildcard_constraints:
        model="conv",
    conda:
        "../../environment.yml"
    params:
        study=study_of,
        levels=levels_of,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_final_accuracy.py"


rule plot_conv_run:
    input:
        runs=f"{CONV}/runs.csv",
        judgements=f"{CONV}/judgements.parquet",
        weights=f"{CONV}/weights.npz",
        events=f"{CONV}/events",
        # Other images would have been judged anew.
        images=ancient("results/data/{dataset}/test-images.idx"),
        code=code("plot_conv_run.py"),
    output:
        confusion=report(
            f"{CONV_FIGURES}/confusion.svg",
            caption="../../report/confusion.rst",
            category="4 Single cells",
            subcategory="Judgement of the CNN",
            labels=lambda wildcards: cell_labels(
                "conv", wildcards, "Confusion matrix"
            ),
        ),
        worst=report(
            f"{CONV_FIGURES}/worst_images.svg",
            caption="../../report/worst_images.rst",
            category="4 Single cells",
            subcategory="Judgement of the CNN",
            labels=lambda wildcards: cell_labels("conv", wildcards, "Worst images"),
        ),
        filters=report(
            f"{CONV_FIGURES}/conv1_filters.svg",
            caption="../../report/filters.rst",
            category="4 Single cells",
            subcategory="First-layer weights of the CNN",
            labels=lambda wildcards: cell_labels("conv", wildcards, "Filters"),
        ),
        statistics=report(
            f"{CONV_FIGURES}/conv1_statistics.svg",
            caption="../../report/weight_statistics.rst",
            category="4 Single cells",
            subcategory="First-layer weights of the CNN",
            labels=lambda wildcards: cell_labels("conv", wildcards, "Statistics"),
        ),
        histograms=report(
            f"{CONV_FIGURES}/conv1_histograms.svg",
            caption="../../report/weight_histograms.rst",
            category="4 Single cells",
            subcategory="First-layer weights of the CNN",
            labels=lambda wildcards: cell_labels("conv", wildcards, "Histograms"),
        ),
    log:
        f"results/logs/plot_conv_run/{cell_pattern('conv')}/seed~{{seed}}.log",
    benchmark:
        f"results/benchmarks/plot_conv_run/{cell_pattern('conv')}/seed~{{seed}}.tsv"
    conda:
        "../../environment.yml"
    params:
        cell=lambda wildcards: cell_from_wildcards("conv", wildcards),
        kind=lambda wildcards: kinds_of_datasets().get(wildcards.dataset),
    message:
        "Draw the run of {output.confusion}"
    script:
        "../../scripts/plot_conv_run.py"


rule plot_layers:
    input:
        layers=lambda wildcards: study_files(wildcards, "layers.parquet"),
        runs=lambda wildcards: study_files(wildcards, "runs.csv"),
        code=code("plot_layers.py"),
    output:
        gradients=report(
            "results/figures/{model}/{study}_gradient_norms.svg",
            caption="../../report/gradient_norms.rst",
            category=lambda wildcards: CATEGORIES[wildcards.model],
            subcategory="{study}",
            labels=lambda wildcards: study_labels(wildcards, "Gradient norms"),
        ),
        units=report(
            "results/figures/{model}/{study}_inactive_units.svg",
            caption="../../report/inactive_units.rst",
            category=lambda wildcards: CATEGORIES[wildcards.model],
            subcategory="{study}",
            labels=lambda wildcards: study_labels(
                wildcards, "Saturated and dead units"
            ),
        ),
    log:
        "results/logs/plot_layers/{model}_{study}.log",
    benchmark:
        "results/benchmarks/plot_layers/{model}_{study}.tsv"
    conda:
        "../../environment.yml"
    params:
        study=study_of,
        cells=cells_of,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_layers.py"


rule plot_gradient_check:
    input:
        table="results/tables/dense_gradients.csv",
        code=code("plot_gradient_check.py"),
    output:
        report(
            "results/figures/dense/gradient_check.svg",
            caption="../../report/gradient_check.rst",
            category="2 Dense networks",
            subcategory="gradient check",
            labels={"Figure": "Error of the gradient", "Varied": "Arithmetic"},
        ),
    log:
        "results/logs/plot_gradient_check.log",
    benchmark:
        "results/benchmarks/plot_gradient_check.tsv"
    conda:
        "../../environment.yml"
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_gradient_check.py"
