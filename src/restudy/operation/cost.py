"""What a run will cost: seconds, memory and disk of each job, and the wall time of all of them.

A job whose like has been recorded (the same rule and, for training, the same settings) takes what
it took. Any other is computed by a model of its rule: non-negative weights, fitted to records by
least squares of relative errors, of the features below. Where this machine has records of a rule,
the model is scaled by their median share of what it says.
"""

import csv
import heapq
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from restudy.analysis.summaries import read_benchmark

# Points, features and classes of point sets that say nothing of them in the configuration; of a
# file of the user's they are a guess.
GIVEN = {"iris": (150, 4, 3), "digits": (1797, 64, 10), "csv": (1000, 10, 3)}
DRAWN_CLASSES = {"moons": 2, "circles": 2, "spirals": 2}
IMAGES = {"train": 60_000, "test": 10_000}  # of a set that is fetched
MONITORED_BYTES = 14_000  # of the CNN's event files, per record of its tensors
OUTPUT_BYTES, IMAGE_BYTES = 0.3e6, 55e6  # of a figure or table, and of a set of images
FEWEST_CELLS = 500  # a table over all cells takes longer with more: seen from so many on

# Snakemake's own time: until the first job starts, the share of it that grows with the number of
# jobs, and what a job takes beside what is recorded of it, here and as a job of a cluster.
START_SECONDS, PLAN_SECONDS = 4.0, 0.002
JOB_SECONDS, CLUSTER_SECONDS = 0.1, 8.0
RECORD = ("rule", "name", "settings", "cells", "seconds", "memory_mb", "disk")


@dataclass
class Job:
    """A job to estimate.

    Attributes
    ----------
    rule : str
        Its rule.
    name : str
        What tells it from others of its rule: of a training job its path.
    settings : mapping or None
        Of a training job, those of its cell.
    threads : int
        Cores that it takes.
    priority : int
        Jobs that are ready start in the order of their priority, the highest first.
    needs : tuple of int
        Numbers of the jobs that must have ended before.
    """

    rule: str
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


def features(rule: str, settings: Mapping | None, cells: int) -> list[float]:
    """Numbers that a job's time is a weighted sum of; the first, 1, stands for its start.

    Of a dense network: calls of NumPy, elementwise operations, products, records, and updates of
    parameters. Of the CNN: images trained on, images judged, and records of its tensors. Of any
    other rule: cells of the grid, as far as they are many.
    """
    if rule == "train_dense":
        return _dense_features(settings)
    if rule == "train_conv":
        return _conv_features(settings)
    return [1.0, _many(cells)]


def _many(cells: int) -> float:
    """A number of cells as far as it matters to a job that looks at all of them."""
    return float(cells) if cells >= FEWEST_CELLS else 0.0


def dense_shape(dataset: Mapping) -> tuple[int, int, int, int]:
    """Training points, held-out points, features and classes of a point set."""
    kind = dataset["kind"]
    if kind in GIVEN:
        count, inputs, classes = GIVEN[kind]
        heldout = round(count * dataset["heldout_share"])
        return count - heldout, heldout, inputs, classes
    classes = dataset.get("classes", DRAWN_CLASSES.get(kind, 2))
    return dataset["points"], dataset["heldout_points"], dataset.get("features", 2), classes


def _dense_sizes(settings: Mapping) -> tuple[int, int, int]:
    """Weights, units (each piece of maxout counts) and layers of a dense network."""
    cell = settings["cell"]
    _, _, inputs, classes = dense_shape(settings["dataset"])
    pieces = settings["activation"].get("pieces", 1)
    width, depth = cell["hidden_size"], cell["depth"]
    fan_in = [inputs, *[width] * depth]
    fan_out = [*[width * pieces] * depth, classes]
    weights = sum((a + 1) * b for a, b in zip(fan_in, fan_out, strict=True))
    return weights, sum(fan_out), depth + 1


def _dense_features(settings: Mapping) -> list[float]:
    protocol = settings["protocol"]
    points, heldout, _, _ = dense_shape(settings["dataset"])
    weights, units, layers = _dense_sizes(settings)
    batch = min(protocol["batch_size"] or points, points)
    updates = protocol["passes"] * math.ceil(points / batch)
    replicates, passes = protocol["replicates"], protocol["passes"]
    # Half as many bytes pass through the processor.
    width = 0.5 if protocol["precision"] == "float32" else 1.0
    records = passes / protocol["record_interval"] + 1
    return [
        1.0,
        updates * layers,
        width * updates * replicates * batch * units,
        width * updates * replicates * batch * weights,
        records * replicates * (heldout + points) * units,
        width * updates * replicates * weights,
    ]


def _conv_features(settings: Mapping) -> list[float]:
    protocol, dataset = settings["protocol"], settings["dataset"]
    tested = dataset["test_examples"] or IMAGES["test"]
    judgements = protocol["steps"] / protocol["evaluate_interval"] + 1
    return [
        1.0,
        protocol["steps"] * protocol["batch_size"],
        judgements * (dataset["validation_examples"] + tested),
        protocol["steps"] / protocol["monitor_interval"] + 1,
    ]


def disk_of(rule: str, settings: Mapping | None) -> float:
    """Bytes that a job leaves: of training its weights, snapshots, records and event files."""
    if settings is None:
        return IMAGE_BYTES if rule == "fetch_images" else OUTPUT_BYTES
    protocol = settings["protocol"]
    if rule == "train_conv":
        judged = settings["dataset"]["test_examples"] or IMAGES["test"]
        records = protocol["steps"] / protocol["monitor_interval"] + 1
        return 13.1e6 + 8 * judged + MONITORED_BYTES * records
    weights, _, layers = _dense_sizes(settings)
    replicates = protocol["replicates"]
    rows = replicates * (protocol["passes"] / protocol["record_interval"] + 1)
    snapshots = 8 * weights * replicates * (protocol["snapshots"] + 1)
    allowed = 1e6 * protocol["snapshot_megabytes"] + 8 * weights * replicates
    return 60e3 + min(snapshots, allowed) + rows * (35 + 25 * layers)


class Prices:
    """Prices of jobs, from records.

    Parameters
    ----------
    own, reference : sequence of mapping
        Records of this machine, and of the one that the project was measured on: ``rule``,
        ``name``, ``settings`` (of a training job), ``cells`` (of the grid), ``seconds``,
        ``memory_mb`` and ``disk``.
    """

    def __init__(self, own: Sequence[Mapping], reference: Sequence[Mapping]):
        self.recorded: dict[tuple, Mapping] = {}
        for record in own:
            # Of the very job, else of one that differs by its seed alone.
            self.recorded.setdefault(job_key(record), record)
            self.recorded[*job_key(record), record["name"]] = record
        known = {record["rule"] for record in reference}
        fitted = [*reference, *(record for record in own if record["rule"] not in known)]
        self.models = {
            rule: _fit([record for record in fitted if record["rule"] == rule])
            for rule in {record["rule"] for record in fitted}
        }
        self.speeds = {}
        for rule in {record["rule"] for record in own}:
            shares = [
                record["seconds"] / self._modelled(record)
                for record in own
                if record["rule"] == rule
            ]
            self.speeds[rule] = float(np.median(shares))
        self.memory: dict[str, float] = {}
        for record in (*reference, *own):
            most = max(self.memory.get(record["rule"], 0.0), record["memory_mb"])
            self.memory[record["rule"]] = most

    def _modelled(self, job: Mapping) -> float:
        weights = self.models.get(job["rule"])
        if weights is None:
            return 2.0  # an unknown rule: a job that draws or tabulates something
        values = features(job["rule"], job["settings"], job["cells"])
        return max(float(np.dot(values, weights)), 0.3)

    def of(self, job: Job, cells: int) -> Price:
        """The price of one job of a grid of so many cells."""
        described = {
            "rule": job.rule,
            "name": job.name,
            "settings": job.settings,
            "cells": cells,
        }
        key = job_key(described)
        record = self.recorded.get((*key, job.name)) or self.recorded.get(key)
        disk = disk_of(job.rule, job.settings)
        if record:
            return Price(record["seconds"], record["memory_mb"], record["disk"] or disk, "recorded")
        speed = self.speeds.get(job.rule)
        seconds = self._modelled(described) * (speed or self.speed)
        known = "scaled" if speed else "reference"
        return Price(seconds, self.memory.get(job.rule, 150.0), disk, known)

    @property
    def speed(self) -> float:
        """This machine's times over the reference's, over all rules with records; 1 without any."""
        return float(np.median(list(self.speeds.values()))) if self.speeds else 1.0


def job_key(record: Mapping) -> tuple:
    """What two records have in common that are of the same work."""
    settings = record["settings"]
    if settings:
        # A seed is not part of the settings, and takes no other time.
        return record["rule"], json.dumps(settings, sort_keys=True)
    return record["rule"], record["name"], _many(record["cells"])


def _fit(records: Sequence[Mapping]) -> np.ndarray:
    """Non-negative weights of the features that fit the records' seconds."""
    rows = np.array([features(r["rule"], r["settings"], r["cells"]) for r in records])
    seconds = np.array([max(record["seconds"], 0.1) for record in records])
    scale = np.maximum(rows.max(axis=0), 1e-300)
    weights, _ = nnls(rows / scale / seconds[:, None], np.ones(len(rows)))
    return weights / scale


def wall_time(jobs: Sequence[Job], seconds: Sequence[float], cores: int, delay: float) -> float:
    """Seconds until all jobs have ended, each started as soon as it can be.

    Parameters
    ----------
    jobs : sequence of Job
        Their ``needs`` are numbers in this sequence.
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
    """What Snakemake measured of the jobs of a folder of results, for `Prices`."""
    folder = results / "benchmarks"
    paths = sorted(folder.rglob("*.tsv"))
    records = []
    for path in paths:
        rule, *rest = path.relative_to(folder).with_suffix("").parts
        if rule.startswith("retrain_"):
            continue  # the certificate's, of jobs that are here already
        measured, settings, disk = read_benchmark(path), None, 0.0
        if rule.startswith("train_"):
            job = results / rule.removeprefix("train_") / Path(*rest)
            try:
                settings = json.loads((job / "provenance.json").read_text())["settings"]
            except (OSError, ValueError, KeyError):
                continue  # of a job that was undone, or never ended
            disk = float(sum(file.stat().st_size for file in job.rglob("*") if file.is_file()))
        records.append(
            {
                "rule": rule,
                "name": "/".join(rest),
                "settings": settings,
                "seconds": measured["s"],
                "memory_mb": measured.get("max_rss", 0.0),
                "disk": disk,
            }
        )
    cells = sum(record["settings"] is not None for record in records)
    return [record | {"cells": cells} for record in records]


def read_reference(path: Path) -> list[dict]:
    """Records as `write_reference` keeps them."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: float(row[key]) for key in ("seconds", "memory_mb", "disk")}
            | {
                "rule": row["rule"],
                "name": row["name"],
                "settings": json.loads(row["settings"]) if row["settings"] else None,
                "cells": int(row["cells"]),
            }
            for row in csv.DictReader(file)
        ]


def write_reference(records: Sequence[Mapping], path: Path) -> None:
    """Write records as a table, a row a job."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(RECORD)
        for record in records:
            settings = json.dumps(record["settings"], sort_keys=True) if record["settings"] else ""
            writer.writerow(settings if key == "settings" else record[key] for key in RECORD)


@dataclass
class Estimate:
    """What a run will cost.

    Attributes
    ----------
    rules : dict of str to tuple
        Rule -> number of its jobs, and seconds of cores that they take together.
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

    rules: dict[str, tuple[int, float]]
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
    """Add up what jobs will cost.

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
    found = [prices.of(job, cells) for job in jobs]
    taken = [
        min(job.threads, cores) * price.seconds for job, price in zip(jobs, found, strict=True)
    ]
    rules: dict[str, tuple[int, float]] = {}
    known = {"recorded": 0, "scaled": 0, "reference": 0}
    for job, price, seconds in zip(jobs, found, taken, strict=True):
        count, total = rules.get(job.rule, (0, 0.0))
        rules[job.rule] = count + 1, total + seconds
        known[price.known] += 1
    delay = CLUSTER_SECONDS if nodes > 1 else JOB_SECONDS
    wall = wall_time(jobs, [price.seconds for price in found], cores * nodes, delay)
    return Estimate(
        rules,
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
    """The estimate as text for a terminal."""
    if not found.rules:
        return "Nothing is left to be done."
    width = max(map(len, found.rules))
    lines = [f"{'rule':{width}}  {'jobs':>7}  {'core time':>12}"]
    for rule, (count, seconds) in sorted(found.rules.items(), key=lambda item: -item[1][1]):
        lines.append(f"{rule:{width}}  {count:>7,}  {_duration(seconds):>12}")
    jobs = sum(count for count, _ in found.rules.values())
    lines.append(f"{'total':{width}}  {jobs:>7,}  {_duration(found.core_seconds):>12}")
    where = f"on {_count(found.cores, 'core')}"
    if found.nodes > 1:
        where = f"on {found.nodes} nodes of {_count(found.cores, 'core')}"
    lines += [
        "",
        f"core-hours  {found.core_seconds / 3600:.2f}",
        f"wall time   {_duration(found.wall_seconds)} {where}",
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
            f"{_count(found.known['recorded'], 'job')} as recorded in this folder; "
            f"{_count(found.known['scaled'], 'job')} computed and scaled by records of the same "
            f"rule; {_count(found.known['reference'], 'job')} from the reference that comes with "
            f"the project, times {found.speed:.2f}, this machine's share of its times."
        )
    return "\n".join(lines)


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _duration(seconds: float) -> str:
    if seconds < 600:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
