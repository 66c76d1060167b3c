"""Commands about results: ``python -m restudy COMMAND``."""

import argparse
import sys
from pathlib import Path

from restudy.errors import UserError, packages_of_extras

EPILOG = """\
CELL is a cell's folder, such as results/dense/dataset~moons/…/optimizer~gd, or anything in it; it
may be absolute, or begin below results/.
"""


def compare(given: argparse.Namespace) -> None:
    """Print how two cells differ."""
    from restudy.analysis.comparison import as_table, compare_cells, describe, remarks
    from restudy.data.tables import as_cell
    from restudy.families.registry import load_families
    from restudy.operation.cell_results import measures_of, read_address, read_side

    load_families(given.family)
    addresses = [read_address(text, given.directory) for text in given.cells]
    measures = measures_of(addresses, given.measure)
    sides = [read_side(address, measures) for address in addresses]
    found = compare_cells(*sides)
    if not found:
        raise UserError(f"the results of both cells lack {', '.join(measures)}")
    notes = list(remarks(*sides, found, measures))
    if not given.csv:
        print(describe(*sides, found, notes))
        return
    table = as_table(found)
    table.assign(measure=table["measure"].map(as_cell)).to_csv(sys.stdout, index=False)
    for note in notes:
        print(note, file=sys.stderr)


def tensorboard(given: argparse.Namespace) -> None:
    """Write a TensorBoard log directory as one page."""
    from restudy.analysis.event_files import printable, read_log
    from restudy.views.tensorboard_page import write_page

    runs = read_log(given.logdir)
    for run in runs:
        print(*run.faults, sep="\n", end="\n" * bool(run.faults), file=sys.stderr)
    written = write_page(
        runs,
        printable(given.logdir),
        given.page,
        title=printable(given.title or Path(given.logdir).resolve().name),
        points=given.points_per_series,
        max_bytes=given.max_megabytes * 1e6,
    )
    print(written)


def arguments() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(prog="python -m restudy", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    what = "how two cells differ in every measure, paired by seed"
    command = commands.add_parser("compare", help=what, description=what, epilog=EPILOG)
    command.set_defaults(run=compare, prog=command.prog)
    add = command.add_argument
    add("cells", nargs=2, metavar="CELL", help="path of a cell; the first is subtracted")
    add("--measure", metavar="NAME", help="only this measure, such as train_loss")
    add("--directory", type=Path, default=".", metavar="DIR", help="the folder that has results/")
    add("--csv", action="store_true", help="print CSV; remarks go to the standard error")
    file = "Python file with a family of your own; may be given several times"
    add("--family", action="append", default=[], metavar="FILE", help=file)
    what = "a TensorBoard log directory as one page that works offline; needs no TensorFlow"
    command = commands.add_parser("tensorboard", help=what, description=what)
    command.set_defaults(run=tensorboard, prog=command.prog)
    add = command.add_argument
    add("logdir", metavar="LOGDIR", help="directory of runs, also below it")
    page = "file of the page (tensorboard.html)"
    add("page", nargs="?", default="tensorboard.html", metavar="PAGE", help=page)
    points = "thin every series to at most this many points; 0, the default, keeps all"
    add("--points-per-series", type=int, default=0, metavar="N", help=points)
    megabytes = "thin series until the page is no larger (a megabyte has 1,000,000 bytes)"
    add("--max-megabytes", type=float, default=float("inf"), metavar="M", help=megabytes)
    add("--title", help="title of the page; by default the directory's name")
    return parser


def main() -> None:
    """Run a command; exit with code 2 on a user's mistake."""
    parser = arguments()
    given = parser.parse_args()
    try:
        with packages_of_extras():
            given.run(given)
    except (UserError, OSError) as fault:
        # Names of files may have bytes that are no text.
        words = str(fault).encode("utf-8", "replace").decode()
        parser.exit(2, f"{given.prog}: {words}\n")


if __name__ == "__main__":
    main()
