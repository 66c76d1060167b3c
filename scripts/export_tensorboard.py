"""Write a TensorBoard log directory as one page: scalars, histograms, graph, images and HParams.

As a program, for any log directory (TensorFlow is not needed):

    python scripts/export_tensorboard.py --logdir DIR --output page.html
"""

import argparse
import sys
from pathlib import Path

if "snakemake" not in globals():
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from restudy.analysis.event_files import Run, counted, printable, read_log
from restudy.errors import UserError
from restudy.families.registry import FAMILIES
from restudy.job import begin_job
from restudy.views.tensorboard_page import MIN_POINTS, describe_log, make_page

# The report shows pages of up to 1.4 MB.
IN_REPORT = 1_390_000


def main(runs: list[Run], folder: str, output: str, log, **options) -> None:
    """Write the page of a log directory."""
    page = make_page(runs, folder=folder, **options)
    Path(output).write_text(page, encoding="utf-8")
    log(f"{printable(output)}: {len(page.encode()) / 1e6:.2f} MB, {counted(len(runs), 'run')}")


def call_from_snakemake(events: list[str], families: list[str], outputs, log) -> None:
    """Write the full page of some runs, and the one for the report."""
    title, below = describe_log([FAMILIES[name] for name in families])
    # Where the results are here, which differs if they are kept in a bucket.
    runs = read_log(Path(outputs.full).parents[1] / below, events)
    folder, full = (Path("results") / below).as_posix(), Path(outputs.full).name
    main(runs, folder, outputs.full, log, title=title)
    main(runs, folder, outputs.thinned, log, title=title, max_bytes=IN_REPORT, full=full)


def call_from_command_line() -> None:
    """Write the page that the arguments ask for; exit with code 2 on a user's mistake."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--logdir", required=True, metavar="DIR", help="directory of runs, also below it")
    add("--output", required=True, metavar="FILE", help="file of the page, such as page.html")
    points = (
        f"thin every series to this many points, at least {MIN_POINTS}; 0, the default, keeps all"
    )
    add("--points-per-series", type=int, default=0, metavar="N", help=points)
    megabytes = "thin series until the page is no larger (a megabyte has 1,000,000 bytes)"
    add("--max-megabytes", type=float, default=float("inf"), metavar="M", help=megabytes)
    add("--title", help="title of the page; by default the directory's name")
    given = parser.parse_args()
    options = {
        "title": printable(given.title or Path(given.logdir).resolve().name),
        "points": given.points_per_series,
        "max_bytes": given.max_megabytes * 1e6,
    }
    try:
        runs = read_log(given.logdir)
        for run in runs:
            print(*run.faults, sep="\n", end="\n" * bool(run.faults), file=sys.stderr)
        main(runs, printable(given.logdir), given.output, print, **options)
    except (UserError, OSError) as fault:
        parser.exit(2, f"{parser.prog}: {printable(fault)}\n")


if "snakemake" in globals():
    log = begin_job(snakemake)
    call_from_snakemake(snakemake.input.events, snakemake.params.families, snakemake.output, log)
elif __name__ == "__main__":
    call_from_command_line()
