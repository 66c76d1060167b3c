"""Successive halving: each rung's cells are ranked, and the best are trained further in slots."""

for family in PLAN.families.values():
    for study in halving.halved_studies(PLAN, family):
        for rung in halving.rungs(PLAN, family, study):
            place = paths.rung(family.name, study, rung.number)

            rule:
                name:
                    f"rank_{family.name}_{study}_{rung.number}"
                input:
                    runs=rung_files(family, rung, "runs.csv"),
                    records=rung_files(family, rung, paths.RECORD),
                output:
                    ranks=f"{place}/{halving.RANKS}",
                    slots=[
                        f"{paths.slot(family.name, study, rung.number + 1, slot)}/{paths.PROMOTED}"
                        for slot in range(1, rung.promoted + 1)
                    ],
                log:
                    f"results/logs/rank_cells/{family.name}_{study}_{rung.number}.log",
                benchmark:
                    f"results/benchmarks/rank_cells/{family.name}_{study}_{rung.number}.tsv"
                conda:
                    "../../environment.yml"
                params:
                    code=code("promote_cells.py"),
                    family=family.name,
                    rung=promotion_of(family, rung),
                message:
                    f"Rank the cells of rung {rung.number} of {study}"
                script:
                    "../../scripts/promote_cells.py"


for family in PLAN.families.values():
    if halving.halved_studies(PLAN, family):
        folder = f"{paths.slot(family.name, '{study}', '{rung}', '{slot}')}"
        job = f"{folder}/seed~{{seed}}" if family.seeds_per_job == ONE else folder
        name = job.removeprefix(f"results/{family.name}/")

        for verb, place in (("train", str), ("retrain", paths.scratch)):

            rule:
                name:
                    f"{verb}_promoted_{family.name}"
                input:
                    promoted=f"{folder}/{paths.PROMOTED}",
                    data=slot_data(family),
                    images=slot_images(family),
                output:
                    **outputs_of(family, place_in(place(job))),
                log:
                    f"results/logs/{verb}_{family.name}/{name}.log",
                benchmark:
                    f"results/benchmarks/{verb}_{family.name}/{name}.tsv"
                wildcard_constraints:
                    rung="[0-9]+",
                    slot="[0-9]+",
                priority: family.resources.priority
                conda:
                    environment_of(family)
                threads: family.resources.threads
                resources:
                    mem_mb=family.resources.mem_mb,
                    runtime=family.resources.runtime,
                params:
                    family=family.name,
                    # Of a job that takes as long: what it trains is known when it begins.
                    settings=slot_settings(family, anew=place is paths.scratch),
                    seeds=slot_seeds(family),
                    code=training_code(family),
                    lock=lock_of(family),
                    # Before the checkpoints' own place: a cell that trains again finds none.
                    results=place("results/"),
                message:
                    f"{verb.capitalize()} a promoted cell of {family.title.lower()}: {{wildcards.study}}, "
                    "rung {wildcards.rung}, slot {wildcards.slot}; progress in {log}"
                script:
                    "../../scripts/train.py"


rule tabulate_halving:
    input:
        tables=lambda wildcards: halving.rank_tables(PLAN, family_of(wildcards)),
    output:
        "results/tables/{family}_halving.csv",
    log:
        "results/logs/tabulate_halving/{family}.log",
    benchmark:
        "results/benchmarks/tabulate_halving/{family}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("tabulate_halving.py"),
    message:
        "Tabulate who was promoted, of all {wildcards.family} studies with halving"
    script:
        "../../scripts/tabulate_halving.py"


rule plot_halving:
    input:
        table="results/tables/{family}_halving.csv",
    output:
        report(
            "results/figures/{family}/{study}_halving.{file_format}",
            caption="../../report/halving.rst",
            category=category,
            subcategory="{study}",
            labels=study_labels("Successive halving"),
        ),
    log:
        "results/logs/plot_halving/{family}_{study}.{file_format}.log",
    benchmark:
        "results/benchmarks/plot_halving/{family}_{study}.{file_format}.tsv"
    conda:
        "../../environment.yml"
    params:
        code=code("plot_halving.py"),
        study=study_of,
    message:
        "Draw {output}"
    script:
        "../../scripts/plot_halving.py"
