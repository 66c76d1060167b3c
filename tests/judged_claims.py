"""Contrasts, claims and tables of runs whose truth is known, for verdicts and their page."""

import numpy as np
import pandas as pd

from restudy.claims.evidence import Evidence
from restudy.claims.ways import NORMAL
from restudy.families.registry import FAMILIES

VALUES = ("moons", "corrected", "tanh", 3, 1, "normal", "gd")
CELL = dict(zip(FAMILIES["dense"].axis_names, VALUES, strict=True))
OTHER = CELL | {"activation": "relu"}
DIFFERENCE = [[1.0, OTHER, None], [-1.0, CELL, None]]
ABOVE_ZERO = [[1.0, CELL, None]]


def contrast(
    terms, constant=0.0, margin=0.0, spread=None, measure="train_loss", way=NORMAL, **more
):
    spread = {"value": spread, "seeds": None} if isinstance(spread, float) else spread
    return {
        "form": "ordered", "label": "a − b", "measure": measure, "terms": terms,
        "constant": constant, "margin": margin, "spread": spread, "judged_by": way,
        "share": None, "over": None, "because": "", "quantity": "Training loss (nats): a minus b",
        "zero": "no difference", "bound": constant, "direction": "above", **more,
    }  # fmt: skip


def claim(*contrasts, name="c", expect=None, protocols=("corrected",)):
    return {
        "id": name, "source": "s", "statement": "It is so.", "model": "dense", "study": "a",
        "figure": "", "expect": expect or {}, "arithmetic": {p: p for p in protocols},
        "protocols": {p: list(contrasts) for p in protocols},
    }  # fmt: skip


def runs(values, cell=CELL, seeds=None, diverged=()):
    seeds = range(len(values)) if seeds is None else seeds
    table = pd.DataFrame({"seed": list(seeds), "train_loss": values, "heldout_loss": values})
    table["diverged_at"] = pd.array([1 if s in diverged else None for s in seeds], "Int64")
    return table.assign(**cell)


def evidence(*tables, **more):
    return Evidence({"dense_runs": pd.concat(tables, ignore_index=True)} | more)


def about(side, bound, quantity="Test accuracy", form="threshold", zero="", **more):
    """A contrast of a single cell's measure."""
    sign = 1.0 if side == "above" else -1.0
    return contrast(
        [[sign, CELL, None]], sign * bound, form=form, quantity=quantity, zero=zero, bound=bound,
        direction=side, **more,
    )  # fmt: skip


def shifted(size, mean, deviation=1.0):
    """Values with exactly this mean and standard deviation."""
    values = np.random.default_rng(size).normal(size=size)
    return mean + deviation * (values - values.mean()) / values.std(ddof=1)
