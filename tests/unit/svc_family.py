"""The example of a family with scikit-learn as one of no file: one job per seed, no history."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from conftest import ROOT
from sklearn.datasets import make_moons

from restudy.families.registry import load_file, read_family
from restudy.families.running import JobRun

EXAMPLE = ROOT / "examples/scikit_learn/support_vectors.py"
FAMILY = replace(read_family(EXAMPLE), name="svc", noun="", file="", digest="")
CELL = {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 0.1}
SETTINGS = {"cell": CELL, "dataset": {"kind": "moons"}, "protocol": {"share": 1.0}}


def train_job(folder: Path, seed: int = 0) -> Path:
    """Train a run as its job does, and return the folder in which its artefacts are."""
    folder.mkdir(parents=True)
    places = {artefact.name: folder / artefact.name for artefact in FAMILY.artefacts}
    data = {
        part: make_moons(60, noise=0.2, random_state=number)
        for number, part in enumerate(("train", "heldout", "validation"))
    }
    run = JobRun(FAMILY, SETTINGS, {seed: data}, (seed,), places, folder / "scratch")
    load_file(EXAMPLE).train(run)
    run.finish()
    return folder


def change_array(path: Path, name: str, factor: float) -> None:
    """Multiply the first number of an array in a file."""
    with np.load(path) as arrays:
        changed = dict(arrays)
    changed[name] = changed[name].copy()
    changed[name].flat[0] *= factor
    np.savez(path, **changed)
