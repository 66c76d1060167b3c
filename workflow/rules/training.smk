"""Training: for each family a rule that trains, and one that trains again for the certificate."""

# Inputs of training, by what the family takes. The digests represent the images. The bytes of a
# published set are known, so fetching it again is no reason to train again.
TRAINING_DATA = {
    POINTS: {"data": "results/data/{dataset}/points.csv"},
    IMAGES: {"data": image_digests, "images": image_files(*paths.IMAGE_FILES)},
}


for family in PLAN.families.values():
    for verb, place in (("train", str), ("retrain", paths.scratch)):

        rule:
            name:
                f"{verb}_{family.name}"
            input:
                **TRAINING_DATA[family.takes],
            output:
                **outputs_of(family, place),
            log:
                f"results/logs/{verb}_{family.name}/{paths.job_pattern(family)}.log",
            benchmark:
                f"results/benchmarks/{verb}_{family.name}/{paths.job_pattern(family)}.tsv"
            priority: family.resources.priority
            conda:
                environment_of(family)
            threads: family.resources.threads
            resources:
                mem_mb=family.resources.mem_mb,
                runtime=family.resources.runtime,
            params:
                family=family.name,
                settings=settings_of(family),
                seeds=seeds_of(family),
                code=training_code(family),
                lock=lock_of(family),
                # Not an output, which Snakemake would delete before it restarts a job.
                checkpoints=checkpoints_of(family, place),
            message:
                f"{verb.capitalize()} {family.title.lower()}: "
                + ", ".join(f"{{wildcards.{name}}}" for name in family.axis_names)
                + "; progress in {log}"
            script:
                "../../scripts/train.py"


for family in PLAN.families.values():
    if family.gradient_check:

        rule:
            name:
                f"check_gradients_{family.name}"
            input:
                points=gradient_points_of(family),
            output:
                paths.table(family, "gradients.csv"),
            log:
                f"results/logs/check_gradients/{family.name}.log",
            benchmark:
                f"results/benchmarks/check_gradients/{family.name}.tsv"
            conda:
                "../../environment.yml"
            params:
                code=code("check_gradients.py"),
                lock=LOCK,
                family=family.name,
                choice=gradient_choice_of(family),
            message:
                "Check the gradients against central differences"
            script:
                "../../scripts/check_gradients.py"
