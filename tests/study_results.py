"""Results of small dense networks for the page of the studies, trained by the library itself."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from conftest import ROOT

from restudy.analysis.findings import describe_layers, state_findings
from restudy.data.points import make_points
from restudy.families.dense.cells import train_cell
from restudy.study.config import cell_settings, complete_config
from restudy.study.grid import all_cells, study_cells
from restudy.views.study_page import study_page
from restudy.views.time_machine import Machine

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
NAMES = ("runs", "history", "layers")


class StudyResults:
    """What `study_page` takes, of the dense part of a configuration.

    Parameters
    ----------
    config : mapping
        As a user writes it.
    """

    def __init__(self, config: Mapping):
        config = complete_config(config, SCHEMA)
        dense = config["dense"]
        self.cells = all_cells("dense", dense)
        settings = [cell_settings(config, SCHEMA, "dense", cell) for cell in self.cells]
        names = dict.fromkeys(cell["dataset"] for cell in self.cells)
        sets = {name: make_points(config["datasets"][name]) for name in names}
        trained = [train_cell(one, sets[one["cell"]["dataset"]][0]) for one in settings]
        self.snapshots = [result.arrays["snapshots"] for result in trained]
        self.tables = {
            "dense": {
                name: pd.concat([result.tables[name] for result in trained], ignore_index=True)
                for name in NAMES
            }
        }
        self.studies = {
            "dense": {
                name: {
                    "question": study["question"],
                    "vary": list(study["vary"]),
                    "cells": study_cells("dense", dense["baseline"], study),
                }
                for name, study in dense["studies"].items()
            }
        }
        self.baselines = {"dense": dense["baseline"]}
        self.machine = Machine(
            settings={
                number: {"activation": one["activation"]}
                | {key: one["protocol"][key] for key in ("arithmetic", "l1", "l2")}
                for number, one in enumerate(settings)
            },
            load=self.snapshots.__getitem__,
            points={name: points for name, (points, _) in sets.items()},
            descriptions={name: description for name, (_, description) in sets.items()},
        )

    @property
    def findings(self) -> dict:
        """The sentences that the page shows."""
        found = {
            model: state_findings(model, self.tables[model]["runs"], self.studies[model])
            for model in self.studies
        }
        found["layers"] = {
            model: describe_layers(
                model,
                self.tables[model]["runs"],
                self.tables[model]["layers"],
                self.studies[model],
            )
            for model in self.studies
        }
        return found

    def page(self) -> str:
        """The page as HTML."""
        return study_page(self.studies, self.baselines, self.tables, self.findings, self.machine)

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


def conv_tables(cells: list[dict], seeds: int = 1, steps: int = 40) -> dict[str, pd.DataFrame]:
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
