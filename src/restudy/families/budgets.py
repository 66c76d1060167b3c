"""Budgets of training, and what of a cell does not depend on its budget.

Training with a larger budget goes on from where one with a smaller budget ended, if nothing else
differs. So the state that is kept has to be found by everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from restudy.families.contract import Family, without_overrides
from restudy.families.registry import resolve


def budget_of(family: Family, settings: Mapping[str, Any]) -> int | None:
    """Return how many passes or steps a cell is trained for; None of what isn't iterative."""
    return settings["protocol"][family.time.budget] if family.time else None


def why_anew(family: Family, settings: Mapping[str, Any]) -> str:
    """Return why a cell can't go on from a smaller budget, as the end of a sentence, or nothing."""
    if not (family.time and family.starts_anew):
        return "its family does not say that it can go on"
    return resolve(family, family.starts_anew)(settings)


def without_budget(family: Family, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a cell but for its budget."""
    cell, protocol = dict(settings["cell"]), dict(settings["protocol"])
    del protocol[family.time.budget]
    cell["protocol"] = without_overrides(cell["protocol"], family.time.budget)
    return {**settings, "cell": cell, "protocol": protocol}
