"""Training jobs of several families that are small enough to be tried again and again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from conftest import ROOT
from small_study import small_section

from restudy.families.checkpoints import list_checkpoints, read_checkpoint
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES, read_family
from restudy.families.running import JobRun
from restudy.plan.studies import Plan
from restudy.study.config import complete_config

SOFTMAX = read_family(ROOT / "tests/data/numpy_network.py")
POINTS = np.random.default_rng(0).normal(size=(3, 60, 2))
DATA = {
    part: (x, (x.sum(axis=1) > 0).astype(int))
    for part, x in zip(("train", "heldout", "validation"), POINTS, strict=True)
}
SEEDS = {"dense": (0, 1), "softmax": (0,), "conv": (3,)}


def dense_settings() -> dict:
    """Return the settings of a small cell of the dense networks."""
    studies = {"one": {"question": "?", "vary": {"hidden_size": [3]}}}
    moons = {"kind": "moons", "points": 40, "heldout_points": 30}
    config = {"datasets": {"moons": moons}, "dense": small_section("moons", studies)}
    plan = Plan(complete_config(config, FAMILIES), {"moons": 2}, all_families=FAMILIES)
    (job,) = plan.jobs(FAMILIES["dense"])
    return job.cell.settings


def softmax_settings() -> dict:
    """Return the settings of a small cell of the family in a file."""
    cell = {"dataset": "moons", "protocol": "short", "rate": 0.5}
    return {"cell": cell, "dataset": {"kind": "moons"}, "protocol": {"steps": 40}}


def conv_settings() -> dict:
    """Return the settings of a small cell of the convolutional network."""
    from conv_noise import make_settings

    return make_settings(channels=[4, 6], units=16, checkpoint_interval=3)


def family_of(name: str) -> Family:
    """Return a family by its name."""
    return SOFTMAX if name == "softmax" else FAMILIES[name]


SETTINGS = {"dense": dense_settings, "softmax": softmax_settings, "conv": conv_settings}


def prepare(name: str, folder: Path, log: Callable[[str], None] = print) -> JobRun:
    """Return a job of a family whose artefacts and checkpoints go into a folder."""
    family, seeds = family_of(name), SEEDS[name]
    data = DATA
    if name == "conv":
        from conv_noise import DATA as data
    folder.mkdir(exist_ok=True)
    places = {artefact.name: folder / artefact.name for artefact in family.artefacts}
    by_seed = dict.fromkeys(seeds, data)
    scratch = folder / "scratch"
    return JobRun(
        family, SETTINGS[name](), by_seed, seeds, places, scratch, "this", 1, log, kept_megabytes=9
    )


def artefacts(run: JobRun) -> dict[str, bytes]:
    """Return the bytes of what a job left; event files, which hold times, are left out."""
    return {
        path.relative_to(place.parent).as_posix(): path.read_bytes()
        for name, place in run.places.items()
        if name != "events"
        for path in ([place] if place.is_file() else sorted(place.rglob("*")))
        if path.is_file()
    }


def leftovers(run: JobRun) -> list[str]:
    """Return what a failed job should not have left: parts of files, checkpoints that are cut."""
    found = [path for path in run.scratch.parent.rglob("*") if path.name.endswith(".part")]
    found += list(run.scratch.glob(".unfinished*"))
    for path in list_checkpoints(run.scratch):
        try:
            read_checkpoint(path)
        except ValueError:
            found.append(path)
    return [path.name for path in found]
