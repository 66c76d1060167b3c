"""Judge the claims about the study from the run's own tables."""

from pathlib import Path

from restudy.claims.evidence import Evidence
from restudy.claims.verdicts import judge_claims
from restudy.data.tables import read_table, write_table
from restudy.job import begin_job


def main(claims: list[dict], inputs, outputs, log) -> None:
    """Write the verdicts, the tests behind them, and the values of these tests by seed."""
    evidence = Evidence({Path(path).stem: read_table(path) for path in inputs.tables})
    judged = judge_claims(claims, evidence)
    for name, table in judged.items():
        write_table(table, getattr(outputs, name))
    counts = judged["claims"]["verdict"].value_counts()
    log(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


log = begin_job(snakemake)
main(snakemake.params.claims, snakemake.input, snakemake.output, log)
