"""Say what a run will cost before it is started: jobs, core-hours, wall time, memory and disk.

    python workflow/estimate_cost.py --cores 8 --configfile config/full.yaml

It needs no results. What has been recorded in the folder, by a run with whatever configuration,
tells how fast this machine is; without a record, the reference that comes with the project is used.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from snakemake.api import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    ResourceSettings,
    SnakemakeApi,
)
from snakemake.cli import parse_config
from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import PrintDag, Quietness

from restudy.errors import UserError
from restudy.operation.cost import (
    Job,
    Prices,
    describe_estimate,
    estimate,
    read_records,
    read_reference,
)

REPOSITORY = Path(__file__).resolve().parents[1]
REFERENCE = REPOSITORY / "benchmarks/results/reference_jobs.csv"


def planned_jobs(given: argparse.Namespace) -> tuple[list[Job], int]:
    """Jobs of a run, all of them or those still to be done, and the training jobs of its grid."""
    config = ConfigSettings(
        config=parse_config(given.config), configfiles=[file.resolve() for file in given.configfile]
    )
    # Snakemake alone knows what is still to be done; what it prints meanwhile is not wanted.
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
        SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api,
    ):
        workflow = api.workflow(
            ResourceSettings(cores=1),
            config,
            snakefile=REPOSITORY / "Snakefile",
            workdir=given.directory,
        )
        settings = DAGSettings(targets=set(given.targets), print_dag_as=str(PrintDag.DOT))
        workflow.dag(settings).printdag()
        graph = workflow._workflow.dag
        planned = list(graph.jobs) if given.whole else list(graph.needrun_jobs())
        planned = [job for job in planned if job.rule.name != "all"]
        numbers = {job: number for number, job in enumerate(planned)}
        cells = sum(job.rule.name.startswith("train_") for job in graph.jobs)
        jobs = [
            Job(
                rule=priced_rule(job),
                name=job_name(job.benchmark),
                settings=job.params.settings if is_training(job) else None,
                threads=job.threads,
                priority=job.rule.priority,
                needs=tuple(numbers[need] for need in graph.dependencies[job] if need in numbers),
            )
            for job in planned
        ]
    return jobs, cells


def priced_rule(job) -> str:
    """Rule of a job of Snakemake's; what the certificate trains again costs what it cost before."""
    return job.rule.name.replace("retrain_", "train_")


def is_training(job) -> bool:
    """Whether a job trains a cell or a run."""
    return priced_rule(job).startswith("train_")


def job_name(benchmark: str | None) -> str:
    """What tells a job from others of its rule, as in the place of its benchmark file."""
    if not benchmark:
        return ""
    parts = Path(benchmark).with_suffix("").parts
    return "/".join(parts[parts.index("benchmarks") + 2 :])


def main(given: argparse.Namespace) -> None:
    """Print the estimate."""
    jobs, cells = planned_jobs(given)
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
