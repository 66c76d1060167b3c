"""Jobs that are forked from a process with their libraries against jobs that import them anew.

Two copies of the project, one of which forks no job, take turns in running a configuration, each
time from nothing.
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path

from interleave import write_table

ROOT = Path(__file__).resolve().parents[1]
FEWEST = re.compile(r"^FEWEST_FORKED = \d+$", re.MULTILINE)
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "node_modules", "results", "tests", "*.html")
WAYS = ("forked", "imported anew")


def fork_nothing(project: Path) -> None:
    """Let a copy of the project start each job in a Python of its own."""
    internals = project / "workflow/internals.py"
    text, found = FEWEST.subn(f"FEWEST_FORKED = {sys.maxsize}", internals.read_text())
    if found != 1:
        sys.exit(f"{internals}: found {found} lines that set FEWEST_FORKED; expected one")
    internals.write_text(text)


def run(project: Path, configuration: str, cores: int) -> tuple[float, int]:
    """Run a configuration from nothing; return seconds, and the number of jobs."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *("snakemake", "--snakefile", str(project / "Snakefile"), "--directory", folder),
            *("--cores", str(cores), "--configfile", str(project / configuration)),
        ]
        start = time.monotonic()
        done = subprocess.run(command, cwd=project, check=False, capture_output=True, text=True)
        seconds = time.monotonic() - start
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return seconds, int(re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.M)[1])


def main(configuration: str, repeats: int, cores: int) -> None:
    """Take turns, and write a row for each way."""
    with tempfile.TemporaryDirectory() as folder:
        projects = {way: Path(folder) / way.split()[0] for way in WAYS}
        for project in projects.values():
            shutil.copytree(ROOT, project, ignore=LEFT_OUT)
        fork_nothing(projects[WAYS[1]])
        found = {way: [] for way in WAYS}
        for _ in range(repeats):
            for way, project in projects.items():
                found[way].append(run(project, configuration, cores))
    rows = [
        {
            "way": way,
            "configuration": configuration,
            "cores": cores,
            "jobs": turns[0][1],
            "wall_seconds": round(statistics.median(seconds for seconds, _ in turns), 1),
            "shortest": round(min(turns)[0], 1),
            "longest": round(max(turns)[0], 1),
        }
        for way, turns in found.items()
    ]
    write_table(rows, "job_starts.csv")
    forked, anew = (row["wall_seconds"] for row in rows)
    print(f"forked {forked} s, imported anew {anew} s: {forked / anew:.2f} of it")


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--configuration", default="config/smoke.yaml")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, default=2)
    given = parser.parse_args()
    sys.exit(main(given.configuration, given.repeats, given.cores))
