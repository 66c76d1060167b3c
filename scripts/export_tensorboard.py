"""Write a TensorBoard log directory as one page: scalars, histograms, graph, images and HParams.

As a program, for any log directory (no TensorFlow needed):

    python scripts/export_tensorboard.py --logdir DIR --output page.html
"""

import argparse
import sys
from pathlib import Path

if "snakemake" not in globals():
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from restudy.analysis.event_files import Run, read_log
from restudy.errors import UserError
from restudy.log import start_log
from restudy.views.tensorboard_page import FEWEST, make_page

# A report shows pages of up to 1.4 MB.
IN_REPORT = 1_390_000


def main(runs: list[Run], folder: str, output: str, log, **options) -> None:
    """Write the page of a log directory."""
    page = make_page(runs, folder=folder, **options)
    Path(output).write_text(page, encoding="utf-8")
    log(f"{output}: {len(page.encode()) / 1e6:.2f} MB, {len(runs):,} runs")


def call_from_snakemake(events: list[str], outputs, log) -> None:
    """Write the full page of some runs, and the one for the report."""
    # Its place here, which is another one if the results are kept in a bucket.
    place = Path(outputs.full).parents[1] / "conv"
    runs, folder = read_log(place, events), "results/conv"
    title, full = "TensorBoard: convolutional network", Path(outputs.full).name
    main(runs, folder, outputs.full, log, title=title)
    main(runs, folder, outputs.thinned, log, title=title, most_bytes=IN_REPORT, full=full)


def call_from_command_line() -> None:
    """Write the page that the arguments ask for; exit code 2 for what the user can mend."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--logdir", required=True, metavar="DIR", help="runs in it and below it are read")
    add("--output", required=True, metavar="FILE", help="the page, such as page.html")
    points = f"thin every series to so many points, at least {FEWEST}; 0, the default, keeps all"
    add("--points-per-series", type=int, default=0, metavar="N", help=points)
    megabytes = "thin series until the page is not larger (a megabyte has 1,000,000 bytes)"
    add("--max-megabytes", type=float, default=float("inf"), metavar="M", help=megabytes)
    add("--title", help="of the page; by default the directory's name")
    given = parser.parse_args()
    options = {
        "title": given.title or Path(given.logdir).resolve().name,
        "points": given.points_per_series,
        "most_bytes": given.max_megabytes * 1e6,
    }
    try:
        runs = read_log(given.logdir)
        for run in runs:
            print(*run.faults, sep="\n", end="\n" * bool(run.faults), file=sys.stderr)
        main(runs, given.logdir, given.output, print, **options)
    except (UserError, OSError) as fault:
        parser.exit(2, f"{parser.prog}: {fault}\n")


if "snakemake" in globals():
    log = start_log(snakemake.log[0])
    call_from_snakemake(snakemake.input.events, snakemake.output, log)
elif __name__ == "__main__":
    call_from_command_line()
