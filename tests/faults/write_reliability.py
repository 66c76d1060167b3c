"""Write docs/reliability.md: what the long form of these tests tried, and what was lost.

    python tests/faults/write_reliability.py FIGURES

FIGURES is the file that the tests noted it in, a JSON object per line.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reliability.md"
MARK = "<!-- figures: written by make faults -->"
LIBRARIES = ("snakemake", "numpy", "pandas", "pyarrow", "tensorflow")


def add_up(notes: Iterable[Mapping]) -> dict[str, tuple[int, int]]:
    """Return how often each thing was tried, and how often nothing was lost, by its name."""
    sums: dict[str, tuple[int, int]] = {}
    for note in notes:
        tried, survived = sums.get(note["what"], (0, 0))
        sums[note["what"]] = tried + note["tried"], survived + note["survived"]
    return dict(sorted(sums.items()))


def table(sums: Mapping[str, tuple[int, int]]) -> str:
    """Return the figures as a table in Markdown."""
    rows = [
        f"| {what} | {tried:,} | {survived:,} | {tried - survived or 'none'} |"
        for what, (tried, survived) in sums.items()
    ]
    tried, survived = (sum(column) for column in zip(*sums.values(), strict=True))
    rows.append(f"| **all** | {tried:,} | {survived:,} | {tried - survived or 'none'} |")
    return "\n".join(["| what | tried | survived | lost |", "| --- | --: | --: | --: |", *rows])


def circumstances() -> str:
    """Return when, of which revision and on what kind of machine, in a line."""
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{time.strftime('%Y-%m-%d')}, commit {revision}, {platform.system()} on "
        f"{platform.machine()} with {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{libraries}."
    )


def main(figures: Path) -> None:
    """Replace what stands behind the mark."""
    notes = [json.loads(line) for line in figures.read_text(encoding="utf-8").splitlines()]
    head = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    text = f"{head}{MARK}\n\n{circumstances()}\n\n{table(add_up(notes))}\n"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
