"""What the speed benchmarks share: contestants are programs, and take turns."""

import csv
import json
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class Program(NamedTuple):
    """A contestant's program (a name in contestants/), its case, and the Python that runs it."""

    script: str
    case: dict
    python: str = sys.executable


def start(program: Program) -> subprocess.Popen:
    """Start a program."""
    script = HERE / "contestants" / f"{program.script}.py"
    return subprocess.Popen(
        [program.python, script, json.dumps(program.case)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(program: Program, process: subprocess.Popen) -> dict | None:
    """Return what a program found, its last line; None where it can't run."""
    found, errors = process.communicate()
    if process.returncode:
        last = (errors.strip().splitlines() or ["no message"])[-1]
        print(f"{program.script} left out: {last}", file=sys.stderr)
        return None
    return json.loads(found.splitlines()[-1])


def measure(program: Program) -> dict | None:
    """Run a program by itself."""
    return finish(program, start(program))


def measure_all(programs: dict[str, Program]) -> dict[str, dict]:
    """Run one program after another; those that can't run are missing in the answer."""
    found = {name: measure(program) for name, program in programs.items()}
    return {name: result for name, result in found.items() if result is not None}


def take_turns(programs: dict[str, Program], repeats: int) -> dict[str, list[dict]]:
    """Run each program so many times, all of them once before any goes again."""
    results: dict[str, list[dict]] = {name: [] for name in programs}
    for _ in range(repeats):
        for name, program in programs.items():
            results[name].append(measure(program))
    return results


def matches(case: dict, wanted: dict[str, str]) -> bool:
    """Whether the case has all of the wanted values, given as text."""
    return all(str(case[key]) == value for key, value in wanted.items())


def pick(cases: list[dict], only: list[str]) -> list[dict]:
    """Return the cases that match any of the filters, each a text such as ``units=3,depth=1``."""
    filters = [dict(part.split("=") for part in text.split(",") if part) for text in only]
    return [case for case in cases if any(matches(case, wanted) for wanted in filters)]


def add_options(parser: ArgumentParser, seconds: float, only: str) -> None:
    """Add the options that every speed benchmark has.

    Parameters
    ----------
    parser : ArgumentParser
        Changed in place.
    seconds : float
        By default a timing takes about so long.
    only : str
        An example of filters.
    """
    parser.add_argument("--peers-python", default=sys.executable, help="has PyTorch and JAX")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=seconds, help="about, for each timing")
    parser.add_argument("--only", nargs="*", default=[""], help=f"for instance {only}")


def write_table(rows: list[dict], name: str, case_keys: Sequence[str] = ()) -> Path:
    """Write rows into results/ and return the file's path.

    Parameters
    ----------
    rows : list of dict
        Rows with the same keys.
    name : str
        The file's.
    case_keys : sequence of str
        Columns that say which case a row belongs to. Cases that the file has and the rows don't
        are kept, so that some can be measured again; the order is that of the columns.
    """
    path = HERE / "results" / name
    path.parent.mkdir(exist_ok=True)
    if case_keys and path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            earlier = list(csv.DictReader(file))
        measured = {_case(row, case_keys) for row in rows}
        rows = [row for row in earlier if _case(row, case_keys) not in measured] + rows
        rows.sort(key=lambda row: _case(row, case_keys))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def _case(row: dict, keys: Sequence[str]) -> tuple:
    """The case of a row: numbers are compared as such, whether or not they were read from text."""
    values = (str(row[key]) for key in keys)
    return tuple((0, float(v), "") if v.isdecimal() else (1, 0.0, v) for v in values)
