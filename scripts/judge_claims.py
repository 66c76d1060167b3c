"""Judge the claims about the study from the run's own tables."""

from collections.abc import Iterator
from pathlib import Path

import restudy
from restudy.claims.evidence import Evidence
from restudy.claims.registration import describe_registration
from restudy.claims.verdicts import count_verdicts, judge_claims
from restudy.data.tables import read_table, write_table
from restudy.job import begin_job

ROOT = Path(restudy.__file__).parents[2]  # where files are that the working directory lacks


def main(claims: list[dict], file: str, inputs, outputs, log) -> None:
    """Write the verdicts, the tests behind them, and the values of these tests by seed."""
    evidence = Evidence({Path(path).stem: read_table(path) for path in inputs.tables})
    judged = judge_claims(claims, evidence)
    if not Path(file).exists():
        file = ROOT / file
    table = judged["claims"]
    by_name = {claim["id"]: claim for claim in claims}
    table["registration"] = [
        describe_registration(by_name[row.claim], file, _results(row.model, row.cells))
        for row in table.itertuples()
    ]
    for name, table in judged.items():
        write_table(table, getattr(outputs, name))
    log(count_verdicts(judged["claims"]))


def _results(family: str, cells: str) -> Iterator[Path]:
    """Yield the tables of runs of cells, of each seed or of all of them."""
    for cell in cells.split():
        yield from Path("results", family, cell).rglob("runs.csv")


log = begin_job(snakemake)
main(snakemake.params.claims, snakemake.config["claims"], snakemake.input, snakemake.output, log)
