"""Judge claims: from contrasts over cells to verdicts with effect, interval and correction.

A claim is reproduced if every one of its contrasts exceeds its margin, and contradicted if one of
them stays below it; both are tested by Student's test on the seeds' own differences, in both
directions, with Holm's correction over all verdicts of the run. Where a cell has a single seed,
the interval is that of a spread that the claim states, and nothing is called significant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from restudy.claims.evidence import Evidence
from restudy.claims.inference import (
    LEVEL,
    bootstrap_interval,
    correct,
    one_sided_p,
    seeds_needed,
)
from restudy.study.grid import cell_path

SIGNIFICANCE, STATED_SPREAD, NOTHING = "significance", "stated spread", "nothing"
TEST_COLUMNS = (
    "form",
    "contrast",
    "measure",
    "effect",
    "ci_low",
    "ci_high",
    "margin",
    "n",
    "p_above",
    "p_below",
)


def judge_claims(claims: Sequence[Mapping], evidence: Evidence) -> dict[str, pd.DataFrame]:
    """Verdicts on all claims, for each protocol that they are judged under.

    Parameters
    ----------
    claims : sequence of mappings
        As `restudy.claims.document.complete_claims` gives them.
    evidence : Evidence
        The run's measures.

    Returns
    -------
    dict
        ``claims``: a row per claim and protocol; ``tests``: a row per contrast; ``seeds``: a row
        per contrast and seed, with its value. `restudy.analysis.columns` explains the columns.
    """
    judged = [
        {"claim": claim, "protocol": protocol, "tests": _weigh_all(claim, contrasts, evidence)}
        for claim in claims
        for protocol, contrasts in claim["protocols"].items()
    ]
    tested = [entry for entry in judged if _basis(entry["tests"]) == SIGNIFICANCE]
    for entry, p in zip(tested, correct([_p_value(e["tests"]) for e in tested]), strict=True):
        entry["p_adjusted"] = p
    rows = [_verdict_row(entry, len(tested)) for entry in judged]
    tests, seeds = [], []
    for entry in judged:
        keys = {"claim": entry["claim"]["id"], "protocol": entry["protocol"]}
        for number, test in enumerate(entry["tests"], start=1):
            values = test["values"]
            plain = {key: test[key] for key in TEST_COLUMNS}
            tests.append({**keys, "test": number, **plain})
            seeds += [
                {**keys, "test": number, "seed": seed, "value": value}
                for seed, value in values.items()
            ]
    return {
        "claims": pd.DataFrame(rows).astype({"further_seeds": "Int64"}),
        "tests": pd.DataFrame(tests),
        "seeds": pd.DataFrame(seeds, columns=["claim", "protocol", "test", "seed", "value"]),
    }


def disagreements(claims: pd.DataFrame) -> list[str]:
    """A line for each verdict that differs from what its claim expects.

    Parameters
    ----------
    claims : DataFrame
        The table of claims: claim, protocol, verdict and expect, empty where any will do.
    """
    rows = claims[claims["expect"].notna() & (claims["expect"] != "")]
    return [
        f"{row.claim} ({row.protocol}): {row.verdict}, expected {row.expect}"
        for row in rows[rows["verdict"] != rows["expect"]].itertuples()
    ]


def _weigh_all(claim: Mapping, contrasts: Sequence[Mapping], evidence: Evidence) -> list[dict]:
    return [_weigh(claim["model"], each, evidence) for each in contrasts]


def _weigh(model: str, contrast: Mapping, evidence: Evidence) -> dict:
    """Effect, interval and p-values of one contrast."""
    terms = contrast["terms"]
    series = [evidence.values(model, contrast["measure"], cell, at) for _, cell, at in terms]
    paired = pd.concat(series, axis=1, join="inner")
    coefficients = np.array([coefficient for coefficient, _, _ in terms])
    values = paired.to_numpy() @ coefficients - contrast["constant"]
    margin, spread, n = contrast["margin"], contrast["spread"], len(values)
    found = {
        "form": contrast["form"],
        "contrast": contrast["label"],
        "measure": contrast["measure"],
        "effect": float(values.mean()) if n else math.nan,
        "ci_low": math.nan,
        "ci_high": math.nan,
        "margin": margin,
        "n": n,
        "tried": max(evidence.tried(model, cell) for _, cell, _ in terms),
        "p_above": math.nan,
        "p_below": math.nan,
        "error": math.nan,
        "spread": math.nan,
        "values": dict(zip(paired.index.tolist(), values.tolist(), strict=True)),
        "basis": NOTHING,
    }
    if n >= 2:
        found["ci_low"], found["ci_high"] = bootstrap_interval(values)
        found["p_above"], found["p_below"] = one_sided_p(values, margin)
        found["spread"] = float(values.std(ddof=1))
        found["basis"] = SIGNIFICANCE
    elif n == 1 and spread is not None:
        found["spread"] = spread * float(np.sqrt((coefficients**2).sum()))
        half = stats.norm.ppf(1 - LEVEL / 2) * found["spread"]
        found["ci_low"], found["ci_high"] = found["effect"] - half, found["effect"] + half
        found["basis"] = STATED_SPREAD
    if n:
        found["error"] = found["spread"] / math.sqrt(n)
    return found


def _basis(tests: Sequence[Mapping]) -> str:
    """What a verdict rests on: the weakest basis among its contrasts."""
    order = (NOTHING, STATED_SPREAD, SIGNIFICANCE)
    return min((test["basis"] for test in tests), key=order.index)


def _directed_p(tests: Sequence[Mapping]) -> tuple[float, float]:
    """p-values of "all exceed their margins" and of "one stays below"."""
    reproduced = max(test["p_above"] for test in tests)
    contradicted = min(1.0, len(tests) * min(test["p_below"] for test in tests))
    return reproduced, contradicted


def _p_value(tests: Sequence[Mapping]) -> float:
    return min(1.0, 2 * min(_directed_p(tests)))


def _verdict_row(entry: Mapping, family: int) -> dict:
    claim, tests = entry["claim"], entry["tests"]
    basis = _basis(tests)
    verdict = _verdict(tests, basis, entry.get("p_adjusted"))
    weakest = min(tests, key=_strength)
    seeds = min(test["n"] for test in tests)
    further = None
    if verdict == "undecided" and basis != NOTHING:
        further = _further_seeds(tests, family if basis == SIGNIFICANCE else family + 1)
    protocols = claim["protocols"][entry["protocol"]]
    cells = dict.fromkeys(cell_path(cell) for part in protocols for _, cell, _ in part["terms"])
    return {
        "claim": claim["id"],
        "source": claim["source"],
        "statement": claim["statement"],
        "model": claim["model"],
        "study": claim["study"],
        "protocol": entry["protocol"],
        "arithmetic": claim["arithmetic"][entry["protocol"]] or "",
        "verdict": verdict,
        "basis": basis,
        "contrast": weakest["contrast"],
        "measure": weakest["measure"],
        "effect": weakest["effect"],
        "ci_low": weakest["ci_low"],
        "ci_high": weakest["ci_high"],
        "margin": weakest["margin"],
        "n": seeds,
        "p_value": _p_value(tests) if basis == SIGNIFICANCE else math.nan,
        "p_adjusted": entry.get("p_adjusted", math.nan),
        "further_seeds": further,
        "setting": _setting(claim["model"], entry["protocol"], _tried(tests), further),
        "reason": _reason(tests, basis, verdict, further),
        "expect": claim["expect"].get(entry["protocol"], ""),
        "figure": claim["figure"],
        "cells": " ".join(cells),
    }


def _verdict(tests: Sequence[Mapping], basis: str, p_adjusted: float | None) -> str:
    above = all(test["ci_low"] > test["margin"] for test in tests)
    below = any(test["ci_high"] < test["margin"] for test in tests)
    if basis == SIGNIFICANCE and p_adjusted > LEVEL:
        return "undecided"
    if basis == NOTHING or not (above or below):
        return "undecided"
    return "reproduced" if above else "contradicted"


def _strength(test: Mapping) -> float:
    """How far a contrast exceeds its margin, in standard errors."""
    distance = test["effect"] - test["margin"]
    if math.isnan(distance):
        return -math.inf
    if not test["error"] > 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / test["error"]


def _further_seeds(tests: Sequence[Mapping], family: int) -> int | None:
    """Seeds beyond the present ones that would decide it, should the effects be as seen.

    As many of them as of the present ones are taken to diverge.
    """
    level = LEVEL / max(family, 1)
    distances = [test["effect"] - test["margin"] for test in tests]
    if all(distance > 0 for distance in distances):
        pairs = zip(distances, tests, strict=True)
        needed = [_runs_needed(test, distance, level) for distance, test in pairs]
        total = None if None in needed else max(needed)
    else:
        level /= len(tests)
        needed = [
            _runs_needed(test, distance, level)
            for distance, test in zip(distances, tests, strict=True)
            if distance < 0
        ]
        total = min((n for n in needed if n is not None), default=None)
    return None if total is None else max(1, total - _tried(tests))


def _runs_needed(test: Mapping, distance: float, level: float) -> int | None:
    """Seeds to start so that as many finish as a contrast needs."""
    needed = seeds_needed(distance, test["spread"], level)
    return None if needed is None else math.ceil(needed * test["tried"] / test["n"])


def _tried(tests: Sequence[Mapping]) -> int:
    """Seeds that were started, whether they diverged or not."""
    return max(test["tried"] for test in tests)


def _setting(model: str, protocol: str, seeds: int, further: int | None) -> str:
    """What `snakemake --config` takes to run the further seeds too; empty without any."""
    if further is None:
        return ""
    return f'{model}={{"protocols": {{"{protocol}": {{"replicates": {seeds + further}}}}}}}'


def _reason(tests: Sequence[Mapping], basis: str, verdict: str, further: int | None) -> str:
    """Why a claim is undecided, in a sentence; empty otherwise."""
    if verdict != "undecided":
        return ""
    if basis == NOTHING:
        if any(test["n"] == 0 for test in tests):
            return "A cell of it has no run that finished and has the measure."
        return "A single seed finished, and the test states no spread."
    if further is None:
        return "The effect is so close to its margin that no number of seeds would settle it."
    seeds = "seed" if further == 1 else "seeds"
    return f"{further:,} further {seeds} would decide it, should the effect be as it looks now."
