"""What a run will cost: seconds, memory and disk of each job, and the wall time of all of them.

A job whose like has been recorded (the same kind and, for training, the same settings) takes what
it took. Any other is computed by a model of its kind: non-negative weights, fitted to records by
least squares of relative errors, of the features below. Where this machine has records of a kind,
the model is scaled by their median share of what it says.

The kind of a job is the folder of its benchmark file, which several rules may share; that of a
training job is ``train_`` and its family.
"""

import csv
import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from restudy.analysis.summaries import read_benchmark
from restudy.families.contract import ALL
from restudy.families.registry import FAMILIES, resolve
from restudy.log import counted, duration
from restudy.study.cell import Cell
from restudy.study.config import cell_settings
from restudy.study.schema import KEPT_STATE_MEGABYTES

TRAINING, RETRAINING = "train_", "retrain_"  # what the kind of such a job begins with
OUTPUT_BYTES, IMAGE_BYTES = 0.3e6, 55e6  # of what a job leaves, and of a set of images
UNKNOWN_SECONDS, UNKNOWN_MB = 2.0, 150.0  # of a job whose kind was never recorded
MIN_CELLS = 500  # a table over all cells takes longer with more: seen from so many on

# Snakemake's own time: until the first job starts, the share of it that grows with the number of
# jobs, and what a job takes beside what is recorded of it, here and as a job of a cluster.
START_SECONDS, PLAN_SECONDS = 4.0, 0.002
JOB_SECONDS, CLUSTER_SECONDS = 0.1, 8.0
COLUMNS = ("kind", "name", "settings", "cells", "seconds", "memory_mb", "disk")


@dataclass
class Job:
    """A job to estimate.

    Attributes
    ----------
    kind, name : str
        Its kind, and what tells it from others of that kind, see `identify_job`.
    settings : mapping or None
        Of a training job, those of its cell as its ``provenance.json`` has them.
    threads : int
        Cores that it takes.
    priority : int
        Jobs that are ready start in the order of their priority, the highest first.
    needs : tuple of int
        Places, in the sequence of all jobs, of those that must have ended before.
    """

    kind: str
    name: str
    settings: Mapping | None = None
    threads: int = 1
    priority: int = 0
    needs: tuple[int, ...] = ()


@dataclass
class Price:
    """What a job takes: seconds, MB of memory, bytes on disk, and how that is known."""

    seconds: float
    memory_mb: float
    disk: float
    known: str  # "recorded", "scaled" or "reference"


def identify_job(benchmark: str | Path) -> tuple[str, str]:
    """Return kind and name of a job from the path of its benchmark file.

    The kind is the folder below ``benchmarks/``, the name what follows without the ending: of a
    training job the path of its cell and seed. Training a cell again, for the certificate, is of
    the kind of its first training: it takes the same time.
    """
    parts = Path(benchmark).with_suffix("").parts
    kind, *name = parts[parts.index("benchmarks") + 1 :]
    if kind.startswith(RETRAINING):
        kind = TRAINING + kind.removeprefix(RETRAINING)
    return kind, "/".join(name)


def features(kind: str, settings: Mapping | None, cells: int) -> list[float]:
    """Return the numbers that a job's time is a weighted sum of; the first, 1, is for its start.

    Those of a training job come from its family, if that says what its jobs cost. Any other job
    has one more: the cells of the grid, as far as they are many.
    """
    if not kind.startswith(TRAINING):
        return [1.0, _many(cells)]
    family_cost = _family_cost(kind)
    return family_cost.features(_with_defaults(kind, settings)) if family_cost else [1.0]


def disk_of(kind: str, settings: Mapping | None) -> float:
    """Return the bytes that a job leaves; those of a training job come from its family."""
    family_cost = _family_cost(kind)
    if family_cost:
        return family_cost.disk(_with_defaults(kind, settings))
    return IMAGE_BYTES if kind == "fetch_images" else OUTPUT_BYTES


def state_of(kind: str, settings: Mapping | None) -> float:
    """Return the bytes of the state that a training job keeps for a larger budget."""
    find_state = getattr(_family_cost(kind), "state", None)
    if find_state is None:
        return 0.0
    found = find_state(_with_defaults(kind, settings))
    return found if found <= 1e6 * KEPT_STATE_MEGABYTES else 0.0


def _family_cost(kind: str):
    """Return the cost module of the family that jobs of a kind train, if it has one."""
    family = FAMILIES.get(kind.removeprefix(TRAINING)) if kind.startswith(TRAINING) else None
    return resolve(family, family.cost) if family and family.cost else None


def _with_defaults(kind: str, settings: Mapping) -> dict:
    """Return settings of a training job with those of a protocol that its record is older than.

    What is a setting now was fixed before, at its default.
    """
    family = FAMILIES[kind.removeprefix(TRAINING)]
    defaults = {setting.name: setting.default for setting in family.settings}
    return {**settings, "protocol": defaults | settings["protocol"]}


def _many(cells: int) -> float:
    """Return a number of cells as far as it matters to a job that looks at all of them."""
    return float(cells) if cells >= MIN_CELLS else 0.0


class Prices:
    """Prices of jobs, computed from records.

    Parameters
    ----------
    own, reference : sequence of mapping
        Records of this machine, and of the one that the project was measured on: ``kind``,
        ``name``, ``settings`` (of a training job), ``cells`` (of the grid), ``seconds``,
        ``memory_mb`` and ``disk``.
    """

    def __init__(self, own: Sequence[Mapping], reference: Sequence[Mapping]):
        self.recorded: dict[tuple, Mapping] = {}
        for record in own:
            # Of the very job, else of one that differs by its seed alone.
            self.recorded.setdefault(job_key(record), record)
            self.recorded[*job_key(record), record["name"]] = record
        known = {record["kind"] for record in reference}
        fitted = [*reference, *(record for record in own if record["kind"] not in known)]
        self.models = {
            kind: _fit([record for record in fitted if record["kind"] == kind])
            for kind in {record["kind"] for record in fitted}
        }
        self.speeds = {}
        for kind in {record["kind"] for record in own}:
            shares = [
                record["seconds"] / self._modelled(record)
                for record in own
                if record["kind"] == kind
            ]
            self.speeds[kind] = float(np.median(shares))
        self.memory: dict[str, float] = {}
        for record in (*reference, *own):
            most = max(self.memory.get(record["kind"], 0.0), record["memory_mb"])
            self.memory[record["kind"]] = most

    def _modelled(self, job: Mapping) -> float:
        weights = self.models.get(job["kind"])
        if weights is None:
            return UNKNOWN_SECONDS
        values = features(job["kind"], job["settings"], job["cells"])
        return max(float(np.dot(values, weights)), 0.3)

    def price(self, job: Job, cells: int) -> Price:
        """Return the price of one job of a grid of so many cells."""
        described = {
            "kind": job.kind,
            "name": job.name,
            "settings": job.settings,
            "cells": cells,
        }
        key = job_key(described)
        record = self.recorded.get((*key, job.name)) or self.recorded.get(key)
        disk, state = disk_of(job.kind, job.settings), state_of(job.kind, job.settings)
        if record:
            disk = (record["disk"] or disk) + state
            return Price(record["seconds"], record["memory_mb"], disk, "recorded")
        speed = self.speeds.get(job.kind)
        seconds = self._modelled(described) * (speed or self.speed)
        known = "scaled" if speed else "reference"
        return Price(seconds, self.memory.get(job.kind, UNKNOWN_MB), disk + state, known)

    @property
    def speed(self) -> float:
        """This machine's times over the reference's, over all kinds with records; 1 without any."""
        return float(np.median(list(self.speeds.values()))) if self.speeds else 1.0


def training_hours(
    prices: Prices, config: Mapping, cells: Iterable[Cell], protocol: str, seeds: int
) -> float:
    """Return the core hours that training cells takes with so many seeds.

    Parameters
    ----------
    prices : Prices
        What jobs cost.
    config : mapping
        A completed configuration.
    cells : iterable of Cell
        Of one family.
    protocol : str
        The protocol whose seeds these are.
    seeds : int
        Of each cell.
    """
    cells = list(dict.fromkeys(cells))
    total = 0.0
    for cell in cells:
        family = FAMILIES[cell.family]
        settings = cell_settings(config, family, cell)
        if family.seeds_per_job == ALL:
            settings = {**settings, "protocol": {**settings["protocol"], "replicates": seeds}}
        job = Job(TRAINING + family.name, cell.path, settings)
        price = prices.price(job, len(cells))
        total += price.seconds * (1 if family.seeds_per_job == ALL else seeds)
    return total / 3600


def job_key(record: Mapping) -> tuple:
    """Return what two records of the same work have in common."""
    settings = record["settings"]
    if settings:
        # A seed is not part of the settings, and takes no other time.
        return record["kind"], json.dumps(settings, sort_keys=True)
    return record["kind"], record["name"], _many(record["cells"])


def _fit(records: Sequence[Mapping]) -> np.ndarray:
    """Return the non-negative weights of the features that fit the records' seconds."""
    rows = np.array([features(r["kind"], r["settings"], r["cells"]) for r in records])
    seconds = np.array([max(record["seconds"], 0.1) for record in records])
    scale = np.maximum(rows.max(axis=0), 1e-300)
    weights, _ = nnls(rows / scale / seconds[:, None], np.ones(len(rows)))
    return weights / scale


def wall_time(jobs: Sequence[Job], seconds: Sequence[float], cores: int, delay: float) -> float:
    """Return the seconds until all jobs have ended, each started as soon as it can be.

    Parameters
    ----------
    jobs : sequence of Job
        Their ``needs`` are places in this sequence.
    seconds : sequence of float
        What each takes.
    cores : int
        Cores of all nodes together; a job that wants more is cut to them.
    delay : float
        Seconds between a job's end and the start of the next in its place.
    """
    waiting = [len(set(job.needs)) for job in jobs]
    needed_by: list[list[int]] = [[] for _ in jobs]
    for number, job in enumerate(jobs):
        for need in set(job.needs):
            needed_by[need].append(number)
    ready = [(-job.priority, n) for n, job in enumerate(jobs) if not waiting[n]]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    free, now = cores, 0.0
    while ready or running:
        while ready and min(jobs[ready[0][1]].threads, cores) <= free:
            _, number = heapq.heappop(ready)
            free -= min(jobs[number].threads, cores)
            heapq.heappush(running, (now + seconds[number] + delay, number))
        now, number = heapq.heappop(running)
        free += min(jobs[number].threads, cores)
        for following in needed_by[number]:
            waiting[following] -= 1
            if not waiting[following]:
                heapq.heappush(ready, (-jobs[following].priority, following))
    return now


def read_records(results: Path) -> list[dict]:
    """Return what Snakemake measured of the jobs of a folder of results, as `Prices` takes it."""
    folder = results / "benchmarks"
    records = []
    for path in sorted(folder.rglob("*.tsv")):
        if path.relative_to(folder).parts[0].startswith(RETRAINING):
            continue  # the certificate's, of jobs that are here already
        kind, name = identify_job(path.relative_to(results))
        measured, settings, disk = read_benchmark(path), None, 0.0
        if kind.startswith(TRAINING):
            job = results / kind.removeprefix(TRAINING) / name
            try:
                record = json.loads((job / "provenance.json").read_text())
                settings = record["settings"]
            except (OSError, ValueError, KeyError):
                continue  # of a job that was undone, or never ended
            if "continued_from" in record:
                continue  # of a job that trained only what was missing
            disk = float(sum(file.stat().st_size for file in job.rglob("*") if file.is_file()))
        records.append(
            {
                "kind": kind,
                "name": name,
                "settings": settings,
                "seconds": measured["s"],
                "memory_mb": measured.get("max_rss", 0.0),
                "disk": disk,
            }
        )
    cells = sum(record["settings"] is not None for record in records)
    return [record | {"cells": cells} for record in records]


def read_reference(path: Path) -> list[dict]:
    """Return records as `write_reference` keeps them."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: float(row[key]) for key in ("seconds", "memory_mb", "disk")}
            | {
                "kind": row["kind"],
                "name": row["name"],
                "settings": json.loads(row["settings"]) if row["settings"] else None,
                "cells": int(row["cells"]),
            }
            for row in csv.DictReader(file)
        ]


def write_reference(records: Sequence[Mapping], path: Path) -> None:
    """Write records as a table, one row per job."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for record in records:
            settings = json.dumps(record["settings"], sort_keys=True) if record["settings"] else ""
            writer.writerow(settings if key == "settings" else record[key] for key in COLUMNS)


@dataclass
class Estimate:
    """What a run will cost.

    Attributes
    ----------
    kinds : dict of str to tuple
        Kind -> number of its jobs, and seconds of cores that they take together.
    core_seconds, wall_seconds, disk : float
        Of all jobs; the last in bytes.
    memory_mb : float
        Of the largest jobs that a node may run at the same time.
    known : dict of str to int
        How many jobs are "recorded", "scaled" or from the "reference".
    speed : float or None
        This machine's times over the reference's; None without a record.
    cores, nodes : int
        What it is computed for.
    """

    kinds: dict[str, tuple[int, float]]
    core_seconds: float
    wall_seconds: float
    disk: float
    memory_mb: float
    known: dict[str, int]
    speed: float | None
    cores: int
    nodes: int


def estimate(
    jobs: Sequence[Job], cells: int, prices: Prices, cores: int, nodes: int = 1
) -> Estimate:
    """Return what jobs will cost together.

    Parameters
    ----------
    jobs : sequence of Job
        What is to be done.
    cells : int
        Training jobs of the whole grid.
    prices : Prices
        What each job costs.
    cores, nodes : int
        Cores of each node, and nodes; of several, each job is submitted to a cluster.
    """
    found = [prices.price(job, cells) for job in jobs]
    taken = [
        min(job.threads, cores) * price.seconds for job, price in zip(jobs, found, strict=True)
    ]
    kinds: dict[str, tuple[int, float]] = {}
    known = {"recorded": 0, "scaled": 0, "reference": 0}
    for job, price, seconds in zip(jobs, found, taken, strict=True):
        count, total = kinds.get(job.kind, (0, 0.0))
        kinds[job.kind] = count + 1, total + seconds
        known[price.known] += 1
    delay = CLUSTER_SECONDS if nodes > 1 else JOB_SECONDS
    wall = wall_time(jobs, [price.seconds for price in found], cores * nodes, delay)
    return Estimate(
        kinds,
        sum(taken),
        START_SECONDS + PLAN_SECONDS * len(jobs) + wall if jobs else 0.0,
        sum(price.disk for price in found),
        sum(heapq.nlargest(cores, (price.memory_mb for price in found))),
        known,
        prices.speed if prices.speeds else None,
        cores,
        nodes,
    )


def describe_estimate(found: Estimate) -> str:
    """Return the estimate as text for a terminal."""
    if not found.kinds:
        return "Nothing is left to be done."
    width = max(map(len, found.kinds))
    lines = [f"{'kind':{width}}  {'jobs':>7}  {'core time':>12}"]
    for kind, (count, seconds) in sorted(found.kinds.items(), key=lambda item: -item[1][1]):
        lines.append(f"{kind:{width}}  {count:>7,}  {duration(seconds):>12}")
    jobs = sum(count for count, _ in found.kinds.values())
    lines.append(f"{'total':{width}}  {jobs:>7,}  {duration(found.core_seconds):>12}")
    where = f"on {counted(found.cores, 'core')}"
    if found.nodes > 1:
        where = f"on {found.nodes} nodes of {counted(found.cores, 'core')}"
    lines += [
        "",
        f"core-hours  {found.core_seconds / 3600:.2f}",
        f"wall time   {duration(found.wall_seconds)} {where}",
        f"memory      {found.memory_mb / 1000:.1f} GB at most on a node",
        f"disk        {found.disk / 1e9:.2f} GB",
        "",
    ]
    if found.speed is None:
        lines.append(
            "No job has been recorded in this folder yet: the times are those of the reference "
            "that comes with the project (two cores of an AMD EPYC), and this machine may be "
            "faster or slower."
        )
    else:
        lines.append(
            f"{counted(found.known['recorded'], 'job')} as recorded in this folder; "
            f"{counted(found.known['scaled'], 'job')} computed and scaled by records of the same "
            f"kind; {counted(found.known['reference'], 'job')} from the reference that comes with "
            f"the project, times {found.speed:.2f}, this machine's share of its times."
        )
    return "\n".join(lines)
