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
            category=CATEGORIES["data"],
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
        features=lambda wildcards: PLAN.features[wildcards.dataset],
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_points.py"


def planar_cells(wildcards):
    """Cells of the study that the wildcards name that have a boundary to draw."""
    return PLAN.planar(PLAN.cells(family_of(wildcards), wildcards.study))


def planar_files(name):
    """Function of wildcards: a file in the folder of every such cell."""
    return lambda wildcards: [f"{cell.folder}/{name}" for cell in planar_cells(wildcards)]


def planar_data(name):
    """Function of wildcards: a file of the data set of every such cell."""
    return lambda wildcards: list(
        dict.fromkeys(
            f"{paths.data_folder(cell['dataset'])}/{name}" for cell in planar_cells(wildcards)
        )
    )


def study_tables(name):
    """Function of wildcards: the tables that a figure of a study is drawn from."""
    return lambda wildcards: files.study_inputs(
        PLAN, family_of(wildcards), study_of(wildcards)["name"], name
    )


def cells_of_study(wildcards):
    """Cells of the study that the wildcards name, as a script is told of them."""
    return [cell.row for cell in PLAN.cells(family_of(wildcards), wildcards.study)]


def category(wildcards):
    """The report's category of what is of one family."""
    return CATEGORIES[wildcards.family]


def study_labels(figure):
    """Function of wildcards: the labels of a figure that shows a whole study."""
    return lambda wildcards: labels.study_labels(study_of(wildcards), figure)


def cell_labels(family, figure=None):
    """Function of wildcards: the labels of a figure that shows a cell or a run."""
    return lambda wildcards: labels.cell_labels(
        cell_from_wildcards(family, wildcards), figure, wildcards.get("seed")
    )


def row_of(family):
    """Function of wildcards: the cell that they spell, as a script is told of it."""
    return lambda wildcards: cell_from_wildcards(family, wildcards).row


def path_of(family):
    """Function of wildcards: the path of the cell that they spell."""
    return lambda wildcards: cell_from_wildcards(family, wildcards).path


def run_path_of(family):
    """Function of wildcards: the path of the run that they spell."""
    return lambda wildcards: f"{path_of(family)(wildcards)}/seed~{wildcards.seed}"


for family in filter(draws_boundaries, PLAN.families.values()):
    trained = files.training_outputs(family)
    place = f"{{family}}/{cell_pattern(family)}"

    rule:
        name:
            f"plot_boundary_{family.name}"
        input:
            points="results/data/{dataset}/points.csv",
            description="results/data/{dataset}/description.json",
            grid=trained["boundary"],
            runs=trained["runs"],
            code=code("plot_boundary.py"),
        output:
            report(
                f"results/figures/{{family}}/cells/{cell_pattern(family)}/boundary.svg",
                caption="../../report/boundary.rst",
                category=CATEGORIES["single_cells"],
                subcategory="Decision boundaries",
                labels=cell_labels(family),
            ),
        log:
            f"results/logs/plot_boundary/{place}.log",
        benchmark:
            f"results/benchmarks/plot_boundary/{place}.tsv"
        wildcard_constraints:
            family=family.name,
        conda:
            "../../environment.yml"
        params:
            family=family.name,
            path=path_of(family),
            cell=row_of(family),
        message:
            "Draw {output}"
        script:
            "../../scripts/plot_boundary.py"


rule plot_boundary_panel:
    input:
        points=planar_data("points.csv"),
        descriptions=planar_data("description.json"),
        grids=planar_files("boundary.npz"),
        runs=planar_files("runs.csv"),
        code=code("plot_boundary_panel.py"),
    output:
        report(
            "results/figures/{family}/{study}_boundaries.png",
            caption="../../report/boundary_panel.rst",
            category=category,
            subcategory="{study}",
            labels=study_labels("Decision boundaries"),
        ),
    log:
        "results/logs/plot_boundary_panel/{family}_{study}.log",
    benchmark:
        "results/benchmarks/plot_boundary_panel/{family}_{study}.tsv"
    wildcard_constraints:
        family=alternatives(each.name for each in PLAN.that_leave("boundary.npz")),
    conda:
        "../../environment.yml"
    params:
        study=study_of,
        cells=lambda wildcards: [cell.row for cell in planar_cells(wildcards)],
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_boundary_panel.py"


def study_inputs(figures):
    """Inputs of a rule that draws figures of a study, by the names of their tables."""
    return {name.partition(".")[0]: study_tables(name) for name in figures.tables}


def view_code(figures):
    """The project's modules that draw some figures: an edit of one redraws no others."""
    found = module_files(figures.draw, REPOSITORY / "src")
    return [*code("plot_study.py"), *map(project_file, found)]


def few_cells(figures):
    """Function of wildcards: the study's cells for figures that tell them apart."""
    return lambda wildcards: cells_of_study(wildcards) if figures.of_few_cells else []


for figures in STUDY_FIGURES:
    for family in PLAN.families.values():
        kinds = figures.of(family)
        if kinds:

            rule:
                name:
                    f"plot_{figures.name}_{family.name}"
                input:
                    **study_inputs(figures),
                    code=view_code(figures),
                output:
                    **{
                        ending: report(
                            f"results/figures/{{family}}/{{study}}_{ending}.svg",
                            caption=f"../../report/{kind.caption}",
                            category=category,
                            subcategory="{study}",
                            labels=study_labels(kind.title),
                        )
                        for ending, kind in kinds.items()
                    },
                log:
                    f"results/logs/plot_{figures.name}/{{family}}_{{study}}.log",
                benchmark:
                    f"results/benchmarks/plot_{figures.name}/{{family}}_{{study}}.tsv"
                wildcard_constraints:
                    family=family.name,
                conda:
                    "../../environment.yml"
                params:
                    draw=figures.draw,
                    tables=list(study_inputs(figures)),
                    subjects={ending: kind.subject for ending, kind in kinds.items()},
                    study=study_of,
                    levels=levels_of,
                    cells=few_cells(figures),
                message:
                    "Draw {output}"
                script:
                    "../../scripts/plot_study.py"


# The figures of a single run, by the name of the output: file, caption, subcategory.
RUN_OUTPUTS = {
    "confusion": ("confusion", "confusion.rst", "Predictions"),
    "worst": ("worst_images", "worst_images.rst", "Predictions"),
    "filters": ("conv1_filters", "filters.rst", "First-layer weights"),
    "statistics": ("conv1_statistics", "weight_statistics.rst", "First-layer weights"),
    "histograms": ("conv1_histograms", "weight_histograms.rst", "First-layer weights"),
}

for family in filter(draws_runs, PLAN.families.values()):
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
            # Other images would have been predicted anew.
            images=ancient("results/data/{dataset}/test-images.idx"),
            code=code("plot_run.py"),
        output:
            **{
                key: report(
                    f"results/figures/{{family}}/cells/{paths.job_pattern(family)}/{file}.svg",
                    caption=f"../../report/{caption}",
                    category=CATEGORIES["single_cells"],
                    subcategory=subcategory,
                    labels=cell_labels(family, RUN_FIGURES[file]),
                )
                for key, (file, caption, subcategory) in RUN_OUTPUTS.items()
            },
        log:
            f"results/logs/plot_run/{place}.log",
        benchmark:
            f"results/benchmarks/plot_run/{place}.tsv"
        wildcard_constraints:
            family=family.name,
        conda:
            "../../environment.yml"
        params:
            family=family.name,
            path=run_path_of(family),
            cell=row_of(family),
            kind=lambda wildcards: PLAN.dataset_kinds.get(wildcards.dataset),
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
                code=code("plot_gradient_check.py"),
            output:
                report(
                    files.gradient_check_figure(family),
                    caption="../../report/gradient_check.rst",
                    category=CATEGORIES[family.name],
                    subcategory="gradient check",
                    labels={"Figure": "Error of the gradient", "Varied": "Arithmetic"},
                ),
            log:
                f"results/logs/plot_gradient_check/{family.name}.log",
            benchmark:
                f"results/benchmarks/plot_gradient_check/{family.name}.tsv"
            conda:
                "../../environment.yml"
            message:
                "Draw {output}"
            script:
                "../../scripts/plot_gradient_check.py"
