"""Commands about results, families and logs: ``python -m restudy COMMAND``."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
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


def check(given: argparse.Namespace) -> None:
    """Print what tests find of a family, or of parts of one; exit with code 1 if one fails."""
    if parts := _try_parts(Path(given.family), given.load_seconds):
        print("\n".join(parts))
        if any(line.startswith("FAILED") for line in parts):
            sys.exit(1)
        return
    from restudy.family_check.checks import FAILED, NAMES, check_family, count_outcomes
    from restudy.family_check.trials import Limits, start_server

    if unknown := [name for name in given.only if name not in NAMES]:
        raise UserError(f"--only {unknown[0]}: no such check; allowed: {', '.join(NAMES)}")
    if given.cell and not given.configfile:
        raise UserError("--cell: is a cell of a configuration; expected: --configfile as well")
    limits, server = Limits(given.load_seconds, given.train_seconds), start_server()
    verdicts = []
    try:
        for verdict in check_family(
            given.family, server, given.configfile, given.cell, given.only, limits, given.python
        ):
            verdicts.append(verdict)
            if not given.json:
                print(verdict, flush=True)
    finally:
        server.stop()
    print(
        json.dumps(list(map(vars, verdicts)), indent=1) if given.json else count_outcomes(verdicts)
    )
    if any(verdict.outcome == FAILED for verdict in verdicts):
        sys.exit(1)


def _try_parts(path: Path, seconds: float) -> list[str]:
    """Return a line for each sort of parts in a user's file; none of a file with a family."""
    from restudy.families.own_files import OwnFileError, load_file
    from restudy.families.registry import read_records, records_in

    try:
        if hasattr(load_file(path, seconds), "FAMILY"):
            return []
        keys = dict.fromkeys(key for key, _ in records_in(path))
    except OwnFileError:  # which is told as that of a family
        return []
    lines = []
    for key in keys:
        try:
            names = ", ".join(record.name for record in read_records(path, key))
            lines.append(f"ok       {key:<14} {names}: can be used")
        except OwnFileError as fault:
            lines.append(f"FAILED   {key:<14} {fault}")
    return lines


def plan_seeds(given: argparse.Namespace) -> None:
    """Print how many seeds the claims of a configuration need."""
    from restudy.claims import seeds_plan
    from restudy.claims.document import needed_tables
    from restudy.claims.evidence import Evidence
    from restudy.data.tables import read_table
    from restudy.operation.loading import load_study
    from restudy.study.yaml_files import read_yaml

    config = read_yaml(given.configfile)
    root = Path(__file__).resolve().parents[2]
    study = load_study(config, {}, [given.configfile], (), root)
    if not study.claims:
        raise UserError(f"{given.configfile}: names no claims; expected: the key claims, a file")
    hours = _hours_of(study.plan.config, given.pilot or Path(), root)
    if given.pilot:
        tables = given.pilot / "results/tables"
        if missing := [
            name for name in needed_tables(study.claims) if not (tables / name).exists()
        ]:
            raise UserError(
                f"{tables}: lacks {', '.join(missing)}; expected: the folder of a run of this "
                "configuration, with few seeds"
            )
        pilot = Evidence(
            {Path(name).stem: read_table(tables / name) for name in needed_tables(study.claims)}
        )
        table = seeds_plan.plan_from_pilot(study.claims, pilot, hours)
    else:
        table = seeds_plan.plan_seeds(study.claims, hours)
    if given.csv:
        table.to_csv(sys.stdout, index=False)
    else:
        statements = {claim["id"]: claim["statement"] for claim in study.claims}
        print(seeds_plan.describe(table.dropna(axis="columns", how="all"), statements))


def _hours_of(config: Mapping, folder: Path, root: Path) -> Callable[[Mapping, str, int], float]:
    """Return what a claim's cells cost with so many seeds: NaN where SciPy is not installed."""
    try:
        from restudy.operation.cost import Prices, read_records, read_reference, training_hours
    except ImportError:
        return lambda *_: float("nan")
    from restudy.families.registry import FAMILIES
    from restudy.study.cell import make_cell

    reference = root / "benchmarks/results/reference_jobs.csv"
    known = read_reference(reference) if reference.exists() else []
    prices = Prices(read_records(folder / "results"), known)

    def hours(claim: Mapping, protocol: str, seeds: int) -> float:
        family = FAMILIES[claim["model"]]
        contrasts = claim["protocols"][protocol]
        cells = [make_cell(family, row) for each in contrasts for _, row, _ in each["terms"]]
        return training_hours(prices, config, cells, protocol, seeds)

    return hours


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
    what = "contract tests of a family of models, with the line to look at"
    command = commands.add_parser("check", help=what, description=what)
    command.set_defaults(run=check, prog=command.prog)
    add = command.add_argument
    add("family", metavar="FAMILY", help="Python file with a family, or the name of a built-in one")
    file = "train the baseline of this configuration; by default, an example is made of the facts"
    add("--configfile", metavar="FILE", help=file)
    add(
        "--cell", metavar="PATH", help="train this cell of the configuration, as in dataset~moons/…"
    )
    python = "train in this Python, as the key python of a configuration says"
    add("--python", metavar="PATH", help=python)
    only = "do this check alone; may be given several times"
    add("--only", action="append", default=[], metavar="CHECK", help=only)
    for stage, seconds in (("load", 60), ("train", 600)):
        limit = f"stop what takes longer to {stage} ({seconds})"
        add(f"--{stage}-seconds", type=float, default=seconds, metavar="SECONDS", help=limit)
    add("--json", action="store_true", help="print JSON, when all is done")
    what = "how many seeds the claims of a configuration need, and what these cost"
    command = commands.add_parser("plan_seeds", help=what, description=what)
    command.set_defaults(run=plan_seeds, prog=command.prog)
    add = command.add_argument
    add("configfile", type=Path, metavar="CONFIGFILE", help="a configuration with claims")
    folder = "folder of a small run of it (the one that has results/), to go by what that shows"
    add("--pilot", type=Path, metavar="DIR", help=folder)
    add("--csv", action="store_true", help="print CSV")
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
        text = str(fault)
        if isinstance(fault, OSError) and fault.filename and fault.strerror:
            text = f"{fault.filename}: {fault.strerror}"
        words = text.encode("utf-8", "replace").decode()
        parser.exit(2, f"{given.prog}: {words}\n")


if __name__ == "__main__":
    main()
