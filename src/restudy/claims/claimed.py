"""What claims say that a cell's measure is after training, for figures that show the measure."""

from collections.abc import Mapping, Sequence
from typing import Any


def claimed_values(claims: Sequence[Mapping], family: str, study: str) -> list[dict[str, Any]]:
    """Return what the claims about a study say of single cells, in plain JSON values.

    Parameters
    ----------
    claims : sequence of mapping
        As `restudy.claims.document.complete_claims` gives them.
    family, study : str
        Names.

    Returns
    -------
    list of dict
        ``cell``, a value for every axis; ``measure``; ``low`` and ``high``, between which it is
        claimed to lie, None where nothing is claimed; and ``spread``, the stated standard deviation
        of a run (``value``, and from how many ``seeds`` it is known), or None.
    """
    found: dict[tuple, dict[str, Any]] = {}
    for claim in claims:
        if (claim["model"], claim["study"]) != (family, study):
            continue
        for protocol, contrasts in claim["protocols"].items():
            for contrast in filter(_is_of_one_cell, contrasts):
                ((_, cell, _),) = contrast["terms"]
                key = (claim["id"], protocol, contrast["form"], contrast["measure"], str(cell))
                empty = {"cell": dict(cell), "measure": contrast["measure"]}
                bounds = {"low": None, "high": None, "spread": contrast["spread"]}
                end = "low" if contrast["direction"] == "above" else "high"
                found.setdefault(key, empty | bounds)[end] = contrast["bound"]
    return list(found.values())


def _is_of_one_cell(contrast: Mapping[str, Any]) -> bool:
    """Return whether a contrast compares a cell's mean after training with a bound."""
    at_end = [at is None and abs(weight) == 1 for weight, _, at in contrast["terms"]]
    return at_end == [True] and not contrast["over"] and contrast["share"] is None
