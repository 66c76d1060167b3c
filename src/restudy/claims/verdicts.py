r"""Judge claims: from contrasts over cells to verdicts with effect, interval and correction.

The decision rule. A contrast :math:`k` of a claim has one value for each seed :math:`s` whose runs
finished in all of its cells :math:`c_i`, so that what a seed does to all cells alike drops out:

.. math:: d_{ks} = \sum_i w_i\, m_s(c_i, t_i) - \text{constant}_k, \qquad s = 1, \dots, n_k

It is claimed that the mean exceeds the margin :math:`\delta_k`, the smallest difference that
matters. Student's test of :math:`d_k` against :math:`\delta_k` has the one-sided p-values
:math:`p^\uparrow_k`, small where the mean is above, and :math:`p^\downarrow_k`, small where it is
below (`one_sided_p`). A claim of :math:`K` contrasts is *reproduced* if all of them exceed their
margins (an intersection, so that the largest p-value counts) and *contradicted* if one stays below
(a union, after Bonferroni's correction):

.. math::

    p_R = \max_k p^\uparrow_k, \qquad p_C = \min(1, K \min_k p^\downarrow_k), \qquad
    p = \min(1, 2 \min(p_R, p_C))

These two-sided p-values are corrected by Holm's method over all verdicts of the run that rest on
at least two seeds (`correct`). With the 95% interval :math:`[l_k, u_k]` of each mean by the
studentised bootstrap (`bootstrap_interval`), the verdict is

- reproduced, if the corrected :math:`p \le 0.05` and :math:`l_k > \delta_k` for every :math:`k`;
- contradicted, if the corrected :math:`p \le 0.05` and :math:`u_k < \delta_k` for some :math:`k`;
- undecided otherwise.

Where a contrast has a single seed, the interval is that of the spread :math:`\sigma` from seed to
seed that the test states; the intervals alone decide, and nothing is called significant:

.. math:: d_k \pm z_{0.975}\, \sigma \sqrt{\textstyle\sum_i w_i^2}

Without a stated spread the claim stays undecided. An undecided claim is told how many further
seeds would decide it in `POWER` of all experiments, should the effects be as they look now: those
that the test of each contrast needs (`seeds_needed`) at the level :math:`0.05 / M` of :math:`M`
verdicts, the most of them if all contrasts exceed their margins; otherwise, at
:math:`0.05 / (M K)`, the fewest among the contrasts that do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from restudy.analysis.student import STANDARD_NORMAL
from restudy.claims.evidence import Evidence
from restudy.claims.inference import (
    LEVEL,
    bootstrap_interval,
    correct,
    one_sided_p,
    seeds_needed,
)
from restudy.families.registry import FAMILIES
from restudy.study.cell import make_cell

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
    """Return the verdicts on all claims, for each protocol that they are judged under.

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
        {
            "claim": claim,
            "protocol": protocol,
            "tests": [_weigh(claim["model"], each, evidence) for each in contrasts],
        }
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
    """Return a line for each verdict that differs from what its claim expects.

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


def _weigh(name: str, contrast: Mapping, evidence: Evidence) -> dict:
    """Return effect, interval and p-values of a contrast over cells of a family, by its name."""
    terms = [(weight, make_cell(FAMILIES[name], row), at) for weight, row, at in contrast["terms"]]
    series = [evidence.values(contrast["measure"], cell, at) for _, cell, at in terms]
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
        "tried": max(evidence.tried(cell) for _, cell, _ in terms),
        "cells": [cell.path for _, cell, _ in terms],
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
        half = STANDARD_NORMAL.inv_cdf(1 - LEVEL / 2) * found["spread"]
        found["ci_low"], found["ci_high"] = found["effect"] - half, found["effect"] + half
        found["basis"] = STATED_SPREAD
    if n:
        found["error"] = found["spread"] / math.sqrt(n)
    return found


def _basis(tests: Sequence[Mapping]) -> str:
    """Return what a verdict rests on: the weakest basis among its contrasts."""
    order = (NOTHING, STATED_SPREAD, SIGNIFICANCE)
    return min((test["basis"] for test in tests), key=order.index)


def _directed_p(tests: Sequence[Mapping]) -> tuple[float, float]:
    """Return the p-values of "all exceed their margins" and of "one stays below"."""
    reproduced = max(test["p_above"] for test in tests)
    contradicted = min(1.0, len(tests) * min(test["p_below"] for test in tests))
    return reproduced, contradicted


def _p_value(tests: Sequence[Mapping]) -> float:
    return min(1.0, 2 * min(_directed_p(tests)))


def _verdict_row(entry: Mapping, tested: int) -> dict:
    """Return a row of the table of claims, given how many verdicts are tested for significance."""
    claim, tests = entry["claim"], entry["tests"]
    basis = _basis(tests)
    verdict = _verdict(tests, basis, entry.get("p_adjusted"))
    weakest = min(tests, key=_strength)
    seeds = min(test["n"] for test in tests)
    further = None
    if verdict == "undecided" and basis != NOTHING:
        further = _further_seeds(tests, tested if basis == SIGNIFICANCE else tested + 1)
    cells = dict.fromkeys(path for test in tests for path in test["cells"])
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
    """Return the verdict by the rule above."""
    above = all(test["ci_low"] > test["margin"] for test in tests)
    below = any(test["ci_high"] < test["margin"] for test in tests)
    if basis == SIGNIFICANCE and p_adjusted > LEVEL:
        return "undecided"
    if basis == NOTHING or not (above or below):
        return "undecided"
    return "reproduced" if above else "contradicted"


def _strength(test: Mapping) -> float:
    """Return by how many standard errors a contrast exceeds its margin."""
    distance = test["effect"] - test["margin"]
    if math.isnan(distance):
        return -math.inf
    if not test["error"] > 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / test["error"]


def _further_seeds(tests: Sequence[Mapping], tested: int) -> int | None:
    """Return how many seeds beyond the present ones would decide it, the effects being as seen.

    The share of them that diverges is taken to be that of the present ones; ``tested`` is the
    number of verdicts that share the level.
    """
    level = LEVEL / max(tested, 1)
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
    """Return how many seeds to start so that as many finish as a contrast needs."""
    needed = seeds_needed(distance, test["spread"], level)
    return None if needed is None else math.ceil(needed * test["tried"] / test["n"])


def _tried(tests: Sequence[Mapping]) -> int:
    """Return how many seeds were started, whether they diverged or not."""
    return max(test["tried"] for test in tests)


def _setting(family: str, protocol: str, seeds: int, further: int | None) -> str:
    """Return what `snakemake --config` takes to run the further seeds too; empty without any."""
    if further is None:
        return ""
    return f'{family}={{"protocols": {{"{protocol}": {{"replicates": {seeds + further}}}}}}}'


def _reason(tests: Sequence[Mapping], basis: str, verdict: str, further: int | None) -> str:
    """Return why a claim is undecided, in a sentence; empty otherwise."""
    if verdict != "undecided":
        return ""
    if basis == NOTHING:
        if any(test["n"] == 0 for test in tests):
            return "At least one cell has no finished run that has the measure."
        return "A single seed finished, and the test states no spread."
    if further is None:
        return "The effect is so close to its margin that no number of seeds would settle it."
    seeds = "seed" if further == 1 else "seeds"
    return f"{further:,} further {seeds} would decide it, should the effect be as it looks now."
