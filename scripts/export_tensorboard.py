"""Write a TensorBoard log directory as one page: scalars, histograms, graph, images and HParams.

As a program, for any log directory (no TensorFlow needed):

    python scripts/export_tensorboard.py --logdir DIR --output page.html
"""

import argparse
import sys
from pathlib import Path

if "snakemake" not in globals():
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from backprop.analysis.event_files import Run, read_log
from backprop.errors import UserError
from backprop.log import start_log
from backprop.views.tensorboard import FEWEST, make_page

# Bytes of a page that a report shows: 1.4 MB, as it is encoded there, is what browsers take.
IN_REPORT = 1_390_000


def main(runs: list[Run], folder: str, output: str, log, **options) -> None:
    """Write the page of a log directory."""
    page = make_page(runs, folder=folder, **options)
    Path(output).write_text(page, encoding="utf-8")
    log(f"{output}: {len(page.encode()) / 1e6:.2f} MB, {len(runs):,} runs")


def call_from_snakemake(folder: str, events: list[str], outputs) -> None:
    """Write the full page of some runs, and the one for the report."""
    log = start_log(snakemake.log[0])
    runs = read_log(folder, events)
    title = "TensorBoard: convolutional network"
    main(runs, folder, outputs.full, log, title=title)
    full = Path(outputs.full).name
    main(runs, folder, outputs.thinned, log, title=title, most_bytes=IN_REPORT, full=full)


def parse_arguments() -> argparse.Namespace:
    """Arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    add = parser.add_argument
    add("--logdir", required=True, metavar="DIR", help="runs in it and below it are read")
    add("--output", required=True, metavar="FILE", help="the page, such as page.html")
    add(
        "--points-per-series",
        type=int,
        default=0,
        metavar="N",
        help=f"thin every series to so many points, at least {FEWEST}; 0, the default, keeps all",
    )
    add(
        "--max-megabytes",
        type=float,
        metavar="M",
        help="thin series until the page is not larger (a megabyte has 1,000,000 bytes)",
    )
    add("--title", help="of the page; by default the directory's name")
    arguments = parser.parse_args()
    if 0 < arguments.points_per_series < FEWEST or arguments.points_per_series < 0:
        parser.error(f"--points-per-series {arguments.points_per_series}: 0, or {FEWEST} and more")
    return arguments


def call_from_command_line() -> int:
    """Exit code: 2 for what the user can mend."""
    arguments = parse_arguments()
    megabytes = arguments.max_megabytes
    try:
        runs = read_log(arguments.logdir)
        for run in runs:
            for fault in run.faults:
                print(fault, file=sys.stderr)
        main(
            runs,
            arguments.logdir,
            arguments.output,
            print,
            title=arguments.title or Path(arguments.logdir).resolve().name,
            points=arguments.points_per_series or None,
            most_bytes=None if megabytes is None else int(megabytes * 1e6),
        )
    except (UserError, OSError) as fault:
        print(f"export_tensorboard.py: {fault}", file=sys.stderr)
        return 2
    return 0


if "snakemake" in globals():
    call_from_snakemake(snakemake.params.folder, snakemake.input.events, snakemake.output)
elif __name__ == "__main__":
    sys.exit(call_from_command_line())
