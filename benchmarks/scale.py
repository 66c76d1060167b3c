"""What the pipeline itself costs as the grid grows: 100, 1,000 and 10,000 cells.

    python benchmarks/scale.py dry aggregates --cells 100 1000 10000
    python benchmarks/scale.py run --cells 100 1000

Each measure takes `config/scale.yaml`, or a part of it, in a folder of its own, and its rows
replace those in the table. `dry` is a dry run with nothing done. `run` is everything on two cores.
`aggregates` is all that follows the training, and the report, upon made-up results: the tables of a
few networks that are really trained, with the cells' own names and shifted numbers.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import numpy as np
import pandas as pd
import psutil
import yaml

from restudy.analysis.summaries import read_benchmark
from restudy.data.tables import read_table, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.families.running import JobRun, load_data, train
from restudy.provenance.environment import describe_run, file_digest
from restudy.small_files import write_json
from restudy.study.config import complete_config, settings_lookup
from restudy.study.grid import all_cells

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config/scale.yaml"
RESULTS = Path(__file__).parent / "results" / "scale.csv"
COLUMNS = ("cells", "measure", "value", "unit")
CORES = 2
# What is left of the grid for so many cells.
PARTS = {
    100: {
        "dataset": ["moons"],
        "optimizer": ["gd_0_03"],
        "activation": ["tanh"],
        "depth": [1],
    },
    1000: {"dataset": ["moons"], "optimizer": ["gd_0_03"]},
    10000: {},
}


def call(folder: Path, cells: int, *arguments: str) -> tuple[float, float]:
    """Call snakemake; return the seconds it took and the most memory of its own process, in MB."""
    command = ["snakemake", "--configfile", str(CONFIG), "--directory", str(folder), *arguments]
    if PARTS[cells]:
        studies = {"studies": {"grid": {"vary": PARTS[cells]}}}
        family = family_of(yaml.safe_load(CONFIG.read_text()))
        command += ["--config", f"{family.name}={json.dumps(studies)}"]
    start, peak = time.perf_counter(), 0.0
    with (folder / "benchmark.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                peak = max(peak, watched.memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                break
            time.sleep(0.02)
    if process.wait():
        raise SystemExit((folder / "benchmark.log").read_text()[-3000:])
    return time.perf_counter() - start, peak


def dry(folder: Path, cells: int) -> dict[str, tuple[float, str]]:
    """Measure a dry run."""
    before = processor_time()
    seconds, peak = call(folder, cells, "-n", "--quiet")
    return {
        "dry run": (seconds, "s"),
        "dry run, processor time": (processor_time() - before, "s"),
        "dry run, memory": (peak, "MB"),
    }


def run(folder: Path, cells: int) -> dict[str, tuple[float, str]]:
    """Measure everything, and what a run takes longer than its training alone would on all cores.

    On a busy machine that says little; the processor time of all processes does.
    """
    before = processor_time()
    seconds, peak = call(folder, cells, "--cores", str(CORES))
    used = processor_time() - before
    table = pd.read_csv(folder / "results/tables/benchmarks.csv")
    jobs = table["cpu_seconds"].sum()
    return {
        "run": (seconds, "s"),
        "run, per cell": (seconds / cells, "s"),
        "run, memory of Snakemake": (peak, "MB"),
        "training jobs, processor time per cell": (jobs / cells, "s"),
        "all but training, per cell": ((seconds - jobs / CORES) / cells, "s"),
        "all but training, processor time per cell": ((used - jobs) / cells, "s"),
    }


def processor_time() -> float:
    """Seconds of processor that the processes which this one has called have taken so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def aggregates(folder: Path, cells: int) -> dict[str, tuple[float, str]]:
    """Measure what follows the training, rule by rule, and the report."""
    config = yaml.safe_load(CONFIG.read_text())
    family = family_of(config)
    config[family.name]["studies"]["grid"]["vary"] |= PARTS[cells]
    call(folder, cells, "--cores", "1", "--until", "make_points")
    write_results(folder, config)
    seconds, _ = call(folder, cells, "--cores", str(CORES))
    found = {"aggregates": (seconds, "s")}
    for path in sorted((folder / "results/benchmarks").rglob("*.tsv")):
        parts = path.relative_to(folder / "results/benchmarks").with_suffix("").parts
        if parts[0] not in (f"train_{family.name}", "make_points", "plot_points"):
            measured = read_benchmark(path)
            name = " ".join(parts)
            found[f"job {name}"] = (measured["s"], "s")
            if "max_rss" in measured:
                found[f"job {name}, memory"] = (measured["max_rss"], "MB")
    for page in sorted((folder / "results").rglob("*.html")):
        found[f"page {page.name}"] = (page.stat().st_size / 1e6, "MB")
    seconds, peak = call(folder, cells, "--report", str(folder / "report.html"))
    size = (folder / "report.html").stat().st_size / 1e6
    return found | {
        "report": (seconds, "s"),
        "report, memory": (peak, "MB"),
        "report, size": (size, "MB"),
    }


def family_of(config: dict) -> Family:
    """Return the only family that a configuration has a section of."""
    (name,) = FAMILIES.keys() & config.keys()
    return FAMILIES[name]


def write_results(folder: Path, config: dict) -> None:
    """Write the files of every cell of a configuration, as its training job would.

    Parameters
    ----------
    folder : Path
        Working directory; it has the data already.
    config : dict
        With one family, of which a job trains all seeds of a cell.
    """
    family = family_of(config)
    config = complete_config(config)
    settings_of = settings_lookup(config, family)
    trained: dict[tuple, tuple[Path, dict[str, pd.DataFrame]]] = {}
    random = np.random.default_rng(0)
    for cell in all_cells(family, config[family.name]):
        # Cells of one shape have files of one size.
        shape = tuple(value for axis, value in cell.items() if family.axis(axis).is_number)
        shape = cell["dataset"], *shape
        place = folder / cell.folder
        benchmark = folder / f"results/benchmarks/train_{family.name}/{cell.path}.tsv"
        for path in (place, benchmark.parent):
            path.mkdir(parents=True, exist_ok=True)
        benchmark.write_text("s\th:m:s\tmax_rss\tcpu_time\n1.5\t0:00:01\t140.0\t1.2\n")
        if shape not in trained:
            train_cell(family, settings_of(cell), folder, place)
            tables = [each.name for each in family.artefacts if each.is_table]
            trained[shape] = place, {name: read_table(place / name) for name in tables}
        first, tables = trained[shape]
        for path in first.iterdir():
            if place != first and path.name not in tables:
                os.link(path, place / path.name)
        shift = random.uniform(0.8, 1.2)
        for name, table in tables.items():
            made_up = table.assign(**cell)
            losses = [column for column in table if column.endswith(("loss", "norm"))]
            made_up[losses] *= shift
            write_table(made_up, place / name)


def train_cell(family: Family, settings: dict, folder: Path, place: Path) -> None:
    """Train all seeds of a cell, and write what its job would, into a place of its own."""
    data = folder / "results/data" / settings["cell"]["dataset"] / "points.csv"
    seeds = tuple(range(settings["protocol"]["replicates"]))
    run = JobRun(
        family,
        settings,
        load_data(family, data, settings["dataset"], seeds),
        seeds,
        {artefact.name: place / artefact.name for artefact in family.artefacts},
        place / "checkpoints",
    )
    train(run)
    record = describe_run(settings, data, "made up", file_digest(ROOT / "requirements.lock"))
    write_json(place / "provenance.json", record | run.notes)


def record(cells: int, found: dict[str, tuple[float, str]]) -> None:
    """Put rows into the table, in place of those of the same cells and measures."""
    rows = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            rows = list(csv.DictReader(file))
    rows = [r for r in rows if (r["cells"], r["measure"]) not in {(str(cells), n) for n in found}]
    rows += [
        {"cells": cells, "measure": name, "value": f"{value:.4g}", "unit": unit}
        for name, (value, unit) in found.items()
    ]
    rows.sort(key=lambda row: int(row["cells"]))
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


MEASURES = {"dry": dry, "run": run, "aggregates": aggregates}


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("measures", nargs="+", choices=MEASURES)
    parser.add_argument("--cells", nargs="+", type=int, choices=PARTS, default=list(PARTS))
    parser.add_argument("--folder", type=Path, help="where; by default a temporary folder")
    given = parser.parse_args()
    for cells in given.cells:
        for measure in given.measures:
            folder = Path(tempfile.mkdtemp(prefix=f"{measure}_{cells}_", dir=given.folder))
            try:
                found = MEASURES[measure](folder, cells)
            finally:
                if given.folder is None:
                    shutil.rmtree(folder)
            record(cells, found)
            for name, (value, unit) in found.items():
                print(f"{cells:>6} {name}: {value:.4g} {unit}", flush=True)


if __name__ == "__main__":
    main()
