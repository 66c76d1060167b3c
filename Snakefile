"""The front door: the workflow is workflow/Snakefile, for which catalogue and modules look."""


include: "workflow/Snakefile"


# An included file does not say what is made by default.
rule everything:
    default_target: True
    input:
        rules.all.input,
