"""Commands about the results of a run: ``python -m restudy COMMAND``."""

import argparse
import sys
from pathlib import Path

from restudy.errors import UserError

EPILOG = """\
CELL is a cell's folder, such as results/dense/dataset~moons/…/optimizer~gd, or anything in it; it
may be absolute, or begin below results/.
"""


def compare(given: argparse.Namespace) -> None:
    """Print how two cells differ."""
    from restudy.analysis.comparison import as_table, compare_cells, describe, remarks
    from restudy.data.tables import as_cell
    from restudy.families.registry import load_families
    from restudy.operation.cell_results import measures_of, read_cell, read_side

    load_families(given.family)
    found = [read_cell(text, given.directory) for text in given.cells]
    measures = measures_of([cell for _, cell in found], given.measure)
    sides = [read_side(*each, measures) for each in found]
    compared = compare_cells(*sides)
    if not compared:
        raise UserError(f"the results of both cells lack {', '.join(measures)}")
    notes = list(remarks(*sides, compared, measures))
    if not given.csv:
        print(describe(*sides, compared, notes))
        return
    table = as_table(compared)
    table.assign(measure=table["measure"].map(as_cell)).to_csv(sys.stdout, index=False)
    for note in notes:
        print(note, file=sys.stderr)


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
    return parser


def main() -> None:
    """Run a command; exit with code 2 on a user's mistake."""
    parser = arguments()
    given = parser.parse_args()
    try:
        given.run(given)
    except (UserError, OSError) as fault:
        parser.exit(2, f"{given.prog}: {fault}\n")


if __name__ == "__main__":
    main()
