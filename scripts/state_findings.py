"""State findings from the tables in sentences, for the report's captions and front page."""

from restudy.analysis.findings import describe_claims, describe_family
from restudy.data.tables import read_table
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.small_files import write_json

TABLES = ("runs", "layers", "gradients", "halving", "classes", "confusion", "scalars")


def main(inputs, studies: dict, kinds: dict, output: str, log) -> None:
    """Write findings on every family and on the claims, and the processor time of the training."""
    findings = {
        "families": {name: describe(name, inputs, studies[name], kinds) for name in studies}
    }
    if claims := inputs.get("claims"):
        findings["claims"] = describe_claims(read_table(claims))
    jobs = read_table(inputs.benchmarks)
    findings["training_cpu_seconds"] = float(jobs["cpu_seconds"].sum())
    write_json(output, findings)
    log(f"findings of {sum(len(s) for s in studies.values())} studies")


def describe(name: str, inputs, studies: dict, kinds: dict) -> dict:
    """Return the findings on a family, from those of its tables that exist."""
    paths = {table: inputs.get(f"{name}_{table}") for table in TABLES}
    tables = {table: read_table(path) for table, path in paths.items() if path}
    return describe_family(FAMILIES[name], tables, studies, kinds)


log = begin_job(snakemake)
main(
    snakemake.input,
    snakemake.params.studies,
    snakemake.params.kinds,
    snakemake.output[0],
    log,
)
