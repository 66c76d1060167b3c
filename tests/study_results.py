"""Results of small dense networks for the page of the studies, trained by the library itself."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import svc_family

from restudy.analysis.findings import describe_family
from restudy.data.points import make_points
from restudy.data.tables import parts_of, split_draws, with_cell
from restudy.families.contract import Run, draw_of
from restudy.families.dense.cells import train
from restudy.families.dense.family import FAMILY
from restudy.families.registry import resolve
from restudy.plan.studies import Plan
from restudy.study.cell import Cell, make_cell
from restudy.study.config import complete_config
from restudy.study.grid import study_cells
from restudy.views.study_page import study_page
from restudy.views.time_machine import Machine

NAMES = ("runs", "history", "layers")


class MemoryRun(Run):
    """A run of a cell that keeps what it is given."""

    def __init__(self, settings: Mapping, points: pd.DataFrame):
        self.settings, self.seeds = settings, tuple(range(settings["protocol"]["replicates"]))
        draws = [parts_of(each) for each in split_draws(points)]
        self.data_by_seed = {seed: draws[draw_of(seed, len(draws))] for seed in self.seeds}
        self.saved = {}
        self.log = lambda line: None

    def save(self, artefact, content):
        self.saved[artefact.partition(".")[0]] = content

    def restored(self):
        return None

    def checkpoint(self, step, state):
        pass

    def progress(self, total, unit):
        return lambda done, loss: None


def train_run(settings: Mapping, points: pd.DataFrame) -> SimpleNamespace:
    """Tables, with the axes before their columns, and arrays that training leaves, by name."""
    run = MemoryRun(settings, points)
    train(run)
    tables = {name: with_cell(run.saved.pop(name), settings["cell"]) for name in NAMES}
    return SimpleNamespace(tables=tables, arrays=run.saved)


class StudyResults:
    """What `study_page` takes, of the dense part of a configuration.

    Parameters
    ----------
    config : mapping
        As a user writes it.
    """

    def __init__(self, config: Mapping):
        config = complete_config(config)
        plan = Plan(config, {})
        self.cells = plan.cells(FAMILY)
        settings = [cell.settings for cell in self.cells]
        names = plan.used_datasets(FAMILY)
        sets = {name: make_points(plan.dataset_facts(name)) for name in names}
        trained = [train_run(one, sets[one["cell"]["dataset"]][0]) for one in settings]
        self.snapshots = [result.arrays["snapshots"] for result in trained]
        self.tables = {
            "dense": {
                name: pd.concat([result.tables[name] for result in trained], ignore_index=True)
                for name in NAMES
            }
        }
        self.studies = {
            "dense": {
                name: facts | {"cells": [make_cell(FAMILY, row) for row in facts["cells"]]}
                for name, facts in plan.studies_as_params()["dense"].items()
            }
        }
        self.varied = {"dense": plan.setting_values(FAMILY)}
        self.baselines = {"dense": plan.baseline(FAMILY)}
        self.settings = dict(zip(self.cells, settings, strict=True))
        self.by_cell = dict(zip(self.cells, self.snapshots, strict=True))
        self.points = {name: points for name, (points, _) in sets.items()}
        self.descriptions = {name: description for name, (_, description) in sets.items()}

    @property
    def machine(self) -> Machine:
        """What the time machine reads."""
        describe = resolve(FAMILY, FAMILY.browser_twin)
        return Machine(
            family=FAMILY,
            networks={cell: describe(one) for cell, one in self.settings.items()},
            load=self.by_cell.__getitem__,
            shapes=lambda cell: {name: each.shape for name, each in self.by_cell[cell].items()},
            points=self.points,
            descriptions=self.descriptions,
        )

    @property
    def findings(self) -> dict:
        """The sentences that the page shows."""
        found = describe_family(FAMILY, self.tables["dense"], self.studies["dense"], {})
        return {"families": {"dense": found}}

    def page(self) -> str:
        """The page as HTML."""
        machines = {"dense": self.machine}
        own = (self.studies, self.baselines, self.tables, self.findings, machines)
        return study_page(*own, settings=self.varied)

    def write(self, folder: Path) -> Path:
        """The page as a file."""
        path = folder / "study.html"
        path.write_text(self.page(), encoding="utf-8")
        return path


def block(page: str, name: str) -> dict:
    """The data of a page under a name, as the page's own program would read it."""
    found = re.search(rf'<script type="text/plain" id="block-{name}">([^<]*)</script>', page)
    content = zlib.decompress(base64.b64decode(found[1]))
    length = int.from_bytes(content[:4], "little")
    start = -(-(4 + length) // 8) * 8

    def column(node: dict):
        if "$" not in node:
            return node
        dtype, offset, size, shape = node["$"]
        width = np.dtype(dtype).itemsize
        planes = np.frombuffer(content, np.uint8, size * width, start + offset)
        whole = np.ascontiguousarray(planes.reshape(width, size).T)
        return whole.view(dtype).reshape(shape)

    return json.loads(content[4 : 4 + length], object_hook=column)


def conv_tables(cells: list[Cell], seeds: int = 1, steps: int = 40) -> dict[str, pd.DataFrame]:
    """Tables of convolutional runs with made-up numbers, in the shape of real ones."""
    generator = np.random.default_rng(0)
    keys = [{**cell, "seed": seed} for cell in cells for seed in range(seeds)]
    measures = [
        f"{part}_{what}"
        for part in ("train", "validation", "test")
        for what in ("loss", "accuracy")
    ]
    history = pd.DataFrame(
        [{**key, "step": step} for key in keys for step in range(0, steps + 1, 10)]
    )
    for name in measures:
        history[name] = generator.uniform(0.1, 0.9, len(history))
        if not name.startswith("train"):
            history.loc[history["step"] % 20 > 0, name] = np.nan
    runs = history[history["step"] == steps].rename(columns={"step": "steps"})
    runs = runs.reset_index(drop=True).assign(diverged_at=pd.NA, diverged_by=None)
    layers = pd.DataFrame(
        [
            {**key, "step": step, "layer": layer}
            for key in keys
            for step in range(0, steps + 1, 10)
            for layer in ("conv1", "conv2", "fc1", "fc2")
        ]
    )
    for name in ("grad_norm", "saturated_share", "dead_share"):
        layers[name] = generator.uniform(0, 1, len(layers))
    layers.loc[layers["layer"] == "fc2", ["saturated_share", "dead_share"]] = np.nan
    return {"runs": runs, "history": history, "layers": layers}


def support_vector_page() -> tuple[str, pd.DataFrame]:
    """The page of a family without history, layers and time, and its runs with made-up numbers."""
    baseline = {"dataset": "moons", "protocol": "plain", "kernel": "rbf", "c": 1.0}
    vary = {"kernel": ["linear", "rbf"], "c": [10.0, 0.1, 1.0]}
    cells = study_cells(svc_family.FAMILY, baseline, {"vary": vary})
    rows = [cell.row | {"seed": seed} for cell in cells for seed in range(3)]
    runs = pd.DataFrame(rows).assign(diverged_at=pd.NA, diverged_by=None)
    runs["train_accuracy"] = np.linspace(0.5, 0.9, len(runs))
    runs["heldout_accuracy"] = np.linspace(0.9, 0.6, len(runs))
    page = study_page(
        {"svc": {"both": {"question": "Both?", "vary": list(vary), "cells": cells}}},
        {"svc": baseline},
        {"svc": {"runs": runs}},
        {"families": {"svc": {"studies": {"both": {"outcome": ["Higher."]}}}}},
        {},
        {"svc": svc_family.FAMILY},
    )
    return page, runs
