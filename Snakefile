"""The front door: which configuration, which rules, and what a plain `snakemake` makes."""

from snakemake.utils import min_version

min_version("9.27")


# A --configfile replaces the default configuration; Snakemake alone would merge the two.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


report: "report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/dense.smk"
include: "workflow/rules/conv.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/claims.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/pages.smk"
include: "workflow/rules/tensorboard.smk"
include: "workflow/rules/notebooks.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/verification.smk"


rule all:
    default_target: True
    input:
        everything(),
        "results/manifest.json",
        "results/report/certificate.html",


# A cluster that shares this folder gets the training jobs; all else takes seconds, or needs the
# network, and runs where Snakemake runs. (The directive `localrules` takes a list of names alone.)
if not IN_BUCKET:
    LIGHT = [
        r.name for r in workflow.rules if not r.name.startswith(("train_", "retrain_"))
    ]
    workflow.localrules(*LIGHT)
