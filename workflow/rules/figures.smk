"""Figures of studies, of cells and of single runs."""


rule plot_points:
    input:
        points="results/data/{dataset}/points.csv",
        description="results/data/{dataset}/description.json",
    output:
        report(
            "results/figures/data/{dataset}.{file_format}",
            caption="../../report/points.rst",
            category=CATEGORIES["data"],
            labels=lambda wildcards: {
                "Data set": label_of(wildcards.dataset),
                "Figure": "Points",
            },
        ),
    log:
        "results/logs/plot_points/{dataset}.{file_format}.log",
    benchmark:
        "results/benchmarks/plot_points/{dataset}.{file_format}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("plot_points.py"),
        dataset=dataset_facts,
        features=lambda wildcards: PLAN.feature_count(wildcards.dataset),
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_points.py"


for family in filter(figures.draws_boundaries, PLAN.families.values()):
    trained = files.training_outputs(family)
    place = f"{{family}}/{cell_pattern(family)}"

    rule:
        name:
            f"plot_boundary_{family.name}"
        input:
            points="results/data/{dataset}/points.csv",
            description="results/data/{dataset}/description.json",
            weights=trained["weights"],
            runs=trained["runs"],
        output:
            report(
                f"results/figures/{{family}}/cells/{cell_pattern(family)}/boundary.{{file_format}}",
                caption="../../report/boundary.rst",
                category=CATEGORIES["single_cells"],
                subcategory="Decision boundaries",
                labels=cell_labels(family),
            ),
        log:
            f"results/logs/plot_boundary/{place}.{{file_format}}.log",
        benchmark:
            f"results/benchmarks/plot_boundary/{place}.{{file_format}}.tsv"
        wildcard_constraints:
            family=family.name,
        conda:
            "../../environment.yml"
        params:
            code=code("plot_boundary.py"),
            family=family.name,
            path=path_of(family),
            cell=row_of(family),
            settings=settings_of(family),
            draws=lambda wildcards: PLAN.draws(wildcards.dataset),
        message:
            "Draw {output}"
        script:
            "../../scripts/plot_boundary.py"


rule plot_boundary_panel:
    input:
        points=planar_data("points.csv"),
        descriptions=planar_data("description.json"),
        weights=planar_files("weights.npz"),
        runs=planar_files("runs.csv"),
    output:
        report(
            "results/figures/{family}/{study}_boundaries.{file_format}",
            caption="../../report/boundary_panel.rst",
            category=category,
            subcategory="{study}",
            labels=study_labels("Decision boundaries"),
        ),
    log:
        "results/logs/plot_boundary_panel/{family}_{study}.{file_format}.log",
    benchmark:
        "results/benchmarks/plot_boundary_panel/{family}_{study}.{file_format}.tsv"
    wildcard_constraints:
        family=alternatives(
            each.name
            for each in filter(figures.draws_boundaries, PLAN.families.values())
        ),
    conda:
        "../../environment.yml"
    params:
        code=code("plot_boundary_panel.py"),
        study=study_of,
        jobs=planar_jobs,
        shown=lambda wildcards: [cell.at for cell in planar_cells(wildcards)],
        draws=most_draws,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_boundary_panel.py"


for drawn in figures.all_study_figures():
    for family in PLAN.families.values():
        kinds = drawn.kinds_of(family)
        if kinds:

            rule:
                name:
                    f"plot_{drawn.name}_{family.name}"
                input:
                    **tables_of(drawn),
                output:
                    **{
                        ending: report(
                            f"results/figures/{{family}}/{{study}}_{ending}.{{file_format}}",
                            caption=f"../../report/{kind.caption}",
                            category=category,
                            subcategory="{study}",
                            labels=study_labels(kind.title),
                        )
                        for ending, kind in kinds.items()
                    },
                log:
                    f"results/logs/plot_{drawn.name}/{{family}}_{{study}}.{{file_format}}.log",
                benchmark:
                    f"results/benchmarks/plot_{drawn.name}/{{family}}_{{study}}.{{file_format}}.tsv"
                wildcard_constraints:
                    family=family.name,
                conda:
                    "../../environment.yml"
                params:
                    code=view_code(drawn),
                    draw=drawn.draw,
                    tables=list(tables_of(drawn)),
                    subjects={ending: kind.subject for ending, kind in kinds.items()},
                    study=study_of,
                    rows=rows_of,
                    cells=few_cells(drawn),
                    claimed=claimed_in(drawn),
                    shows=words_of(drawn, drawn.shows),
                    made=words_of(drawn, drawn.made),
                message:
                    "Draw {output}"
                script:
                    "../../scripts/plot_study.py"


# Figures of a single run, by the name of the output: file, caption, subcategory.
RUN_OUTPUTS = {
    "confusion": ("confusion", "confusion.rst", "Predictions"),
    "worst": ("worst_images", "worst_images.rst", "Predictions"),
    "filters": ("conv1_filters", "filters.rst", "First-layer weights"),
    "statistics": ("conv1_statistics", "weight_statistics.rst", "First-layer weights"),
    "histograms": ("conv1_histograms", "weight_histograms.rst", "First-layer weights"),
}

for family in filter(figures.draws_runs, PLAN.families.values()):
    trained = files.training_outputs(family)
    place = f"{{family}}/{paths.job_pattern(family)}"

    rule:
        name:
            f"plot_run_{family.name}"
        input:
            runs=trained["runs"],
            judgements=trained["judgements"],
            weights=trained["weights"],
            scalars=trained["scalars"],
            histograms=trained["histograms"],
            # If the images had changed, the predictions would have been made again.
            images=image_files("test-images.idx"),
        output:
            **{
                key: report(
                    f"results/figures/{{family}}/cells/{paths.job_pattern(family)}/{file}.{{file_format}}",
                    caption=f"../../report/{caption}",
                    category=CATEGORIES["single_cells"],
                    subcategory=subcategory,
                    labels=cell_labels(family, figures.RUN_FIGURES[file]),
                )
                for key, (file, caption, subcategory) in RUN_OUTPUTS.items()
            },
        log:
            f"results/logs/plot_run/{place}.{{file_format}}.log",
        benchmark:
            f"results/benchmarks/plot_run/{place}.{{file_format}}.tsv"
        wildcard_constraints:
            family=family.name,
        conda:
            "../../environment.yml"
        params:
            code=code("plot_run.py"),
            family=family.name,
            path=run_path_of(family),
            cell=row_of(family),
            kind=lambda wildcards: dataset_facts(wildcards)["kind"],
        message:
            "Draw the run of {output.confusion}"
        script:
            "../../scripts/plot_run.py"


for family in PLAN.families.values():
    if family.gradient_check:

        rule:
            name:
                f"plot_gradient_check_{family.name}"
            input:
                table=paths.table(family, "gradients.csv"),
            output:
                report(
                    "results/figures/{family}/gradient_check.{file_format}",
                    caption="../../report/gradient_check.rst",
                    category=CATEGORIES[family.name],
                    subcategory="gradient check",
                    labels={"Figure": "Error of the gradient", "Varied": "Arithmetic"},
                ),
            log:
                "results/logs/plot_gradient_check/{family}.{file_format}.log",
            benchmark:
                "results/benchmarks/plot_gradient_check/{family}.{file_format}.tsv"
            wildcard_constraints:
                family=family.name,
            conda:
                "../../environment.yml"
            params:
                code=code("plot_gradient_check.py"),
                draws=gradient_draws_of(family),
            message:
                "Draw {output}"
            script:
                "../../scripts/plot_gradient_check.py"
