"""Say of every job that would run what changed since it ran last; takes Snakemake's arguments."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "src"))

from internals import DryRun, make_dry_run

from restudy.operation.causes import describe_difference, explain
from restudy.operation.explanation import Explainer
from restudy.study.validation import key_path


def answer(run: DryRun) -> None:
    """Print why each job of a dry run would run."""
    explainer = Explainer(run.names["PUBLIC"], run.triggers)
    changes = [
        describe_difference(key_path(path), old, new) for path, old, new in explainer.changes
    ]
    print(explain(explainer.explain(run.jobs), changes))


make_dry_run(REPOSITORY / "Snakefile", sys.argv[1:], answer)
