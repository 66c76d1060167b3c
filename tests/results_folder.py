"""A whole run's results, written by the library as the workflow's jobs write them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from small_study import small_section

from restudy.analysis.convergence import with_falls
from restudy.analysis.summaries import summarize
from restudy.data.points import make_points
from restudy.data.tables import read_table, stack_tables, write_table
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES, read_families
from restudy.families.running import JobRun, load_data, train
from restudy.plan import paths
from restudy.plan.files import artefact_names, job_files
from restudy.plan.studies import Job, Plan
from restudy.provenance.sums import FILES, SUMS, byte_digest
from restudy.study.config import complete_config

RATE = "optimizer.learning_rate"
STUDIES = {
    name: {"question": "?", **study}
    for name, study in {
        "hidden_sizes": {"vary": {"hidden_size": [50, 3]}},
        "kinds": {"vary": {"protocol": ["corrected", "published"], "activation": ["relu", "tanh"]}},
        "rates": {"vary": {"optimizer": ["gd", "adam"], RATE: [0.01, 0.1]}},
        "depths": {"fix": {"hidden_size": 4}, "vary": {"depth": [2, 3]}},
        "diverging": {"fix": {"optimizer": "huge"}, "vary": {"hidden_size": [3]}},
    }.items()
}
PLANES = {
    "baseline": {"dataset": "moons", "protocol": "plain", "mark": "nan", "weight": 1},
    "protocols": {"plain": {"replicates": 3}},
    "studies": {
        "marks": {"question": "?", "vary": {"mark": ["nan", "na", "null"]}},
        "weights": {"question": "?", "vary": {"weight": [0.5, 1, 10]}},
        "more": {"question": "?", "vary": {"dataset.noise": [0.1, 0.4]}},
    },
}


def write_results(folder: Path, own: Path) -> Plan:
    """Write the results of some dense networks, and of the family in a file, into a folder.

    Parameters
    ----------
    folder : Path
        Becomes the folder ``results``.
    own : Path
        File of a family with the studies `PLANES`, which is not registered.
    """
    section = small_section("moons", STUDIES)
    corrected = {**section["protocols"]["tiny"], "replicates": 4}
    published = {**corrected, "arithmetic": "published"}
    section["protocols"] = {"corrected": corrected, "published": published}
    section["baseline"]["protocol"] = "corrected"
    section["optimizers"] |= {
        "adam": {"kind": "adam", "learning_rate": 0.02},
        "huge": {"kind": "gradient_descent", "learning_rate": 1e200},
    }
    families = {"dense": FAMILIES["dense"], **read_families([own], {})}
    moons = {"kind": "moons", "points": 40, "heldout_points": 30, "validation_points": 20}
    datasets = {"moons": moons}
    config = complete_config({"datasets": datasets, "dense": section, "planes": PLANES}, families)
    plan = Plan(config, {"moons": 2}, all_families=families)
    write_plan(folder, plan)
    record = {"configuration": config, "families": {"planes": f"mine/{own.name}"}}
    (folder / "provenance.json").write_text(json.dumps(record))
    return plan


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the data, the cells and the tables of a plan into a folder."""
    for family in plan.families.values():
        for name in plan.used_datasets(family):
            place = folder / "data" / name
            place.mkdir(parents=True, exist_ok=True)
            points, description = make_points(plan.dataset_facts(name))
            write_table(points, place / "points.csv")
            (place / "description.json").write_text(json.dumps(description))
        for job in plan.jobs(family):
            write_job(folder, family, job, job.folder)
        write_tables(folder, plan, family)


def write_job(folder: Path, family: Family, job: Job, place: str) -> None:
    """Train as a job does, and write what it leaves; its place is that of `restudy.plan`."""
    own = _inside(folder, place)
    own.mkdir(parents=True)
    places = {name: own / name for name in artefact_names(family)}
    points = folder / "data" / job.cell["dataset"] / "points.csv"
    settings: Mapping = job.cell.settings
    data = load_data(family, points, settings["dataset"], job.seeds)
    train(JobRun(family, settings, data, job.seeds, places, own / "scratch"))
    record = {
        "settings": settings,
        "environment": {},
        FILES: {name: byte_digest(path) for name, path in places.items()},
    }
    (own / paths.RECORD).write_text(json.dumps(record))


def write_tables(folder: Path, plan: Plan, family: Family) -> None:
    """Write the tables over all cells, and note their digests."""
    (folder / "tables").mkdir(exist_ok=True)
    tables = [
        _stacked(folder, plan, family, name)
        for name in ("runs.csv", "history.parquet", "layers.parquet")
        if family.leaves(name)
    ]
    summary = _inside(folder, paths.table(family, "summary.csv"))
    histories = [read_table(path) for path in tables if path.name.endswith("history.parquet")]
    write_table(summarize(family, with_falls(family, read_table(tables[0]), histories)), summary)
    note_sums(folder, [*tables, summary])


def note_sums(folder: Path, files: Iterable[Path]) -> None:
    """Note digests as jobs do, which stand in the folder that has the results."""
    for file in files:
        below = file.relative_to(folder).as_posix()
        note = _inside(folder, f"{SUMS}{below}.sha256")
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(byte_digest(file) + "\n")


def _stacked(folder: Path, plan: Plan, family: Family, name: str) -> Path:
    own = [_inside(folder, path) for path in job_files(plan.jobs(family), name)]
    table = _inside(folder, paths.table(family, name))
    stack_tables(own, table, plan.setting_values(family))
    return table


def _inside(folder: Path, path: str) -> Path:
    return folder / path.removeprefix("results/")
