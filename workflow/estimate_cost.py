"""Say what a run will cost before it is started: jobs, core-hours, wall time, memory and disk.

    python workflow/estimate_cost.py --cores 8 --configfile config/full.yaml

It needs no results. What has been recorded in the folder, by a run with whatever configuration,
tells how fast this machine is; without a record, the reference that comes with the project is used.
"""

import argparse
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "src"))

from internals import TRAINING, planned_jobs
from snakemake.exceptions import WorkflowError

from restudy.errors import UserError
from restudy.operation.cost import (
    Job,
    Prices,
    describe_estimate,
    estimate,
    identify_job,
    read_records,
    read_reference,
)

REFERENCE = REPOSITORY / "benchmarks/results/reference_jobs.csv"


def jobs_to_price(given: argparse.Namespace) -> tuple[list[Job], int]:
    """Jobs of a run, all of them or those still to be done, and the training jobs of its grid."""
    plan = planned_jobs(
        REPOSITORY / "Snakefile", given.config, given.configfile, given.targets, given.directory
    )
    with plan as (found, needed):
        counted = range(len(found)) if given.whole else sorted(needed)
        places = {number: place for place, number in enumerate(counted)}
        jobs = []
        for job in (found[number] for number in counted):
            kind, name = identify_job(job.benchmark) if job.benchmark else (job.rule, "")
            trains = job.rule.startswith(TRAINING)
            jobs.append(
                Job(
                    kind=kind,
                    name=name,
                    settings=job.read_params()["settings"] if trains else None,
                    threads=job.threads,
                    priority=job.priority,
                    needs=tuple(places[number] for number in job.needs if number in places),
                )
            )
        cells = sum(job.rule.startswith(TRAINING[0]) for job in found)
    return jobs, cells


def main(given: argparse.Namespace) -> None:
    """Print the estimate."""
    jobs, cells = jobs_to_price(given)
    own = read_records(Path(given.directory or ".", "results"))
    found = estimate(jobs, cells, Prices(own, read_reference(REFERENCE)), given.cores, given.nodes)
    print(describe_estimate(found))


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("targets", nargs="*", help="what to make; by default everything")
    add(
        "--cores",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="of each node; all by default",
    )
    add("--nodes", type=int, default=1, metavar="N", help="of a cluster; by default this machine")
    add("--whole", action="store_true", help="all jobs, not only what is still to be done")
    add("--configfile", type=Path, nargs="+", default=[], metavar="FILE", help="as of snakemake")
    add("--config", nargs="+", metavar="KEY=VALUE", help="as of snakemake")
    add("--directory", type=Path, metavar="DIR", help="as of snakemake")
    return parser


if __name__ == "__main__":
    parser = arguments()
    given = parser.parse_args()
    if min(given.cores, given.nodes) < 1:
        parser.error("--cores and --nodes: allowed: 1 or more")
    try:
        main(given)
    except (UserError, WorkflowError, OSError) as fault:
        parser.exit(2, f"{parser.prog}: {fault}\n")
