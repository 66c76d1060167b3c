r"""Judge claims: from contrasts over cells to verdicts with effect, interval and correction.

The decision rule. A contrast :math:`k` of a claim has one value for each seed :math:`s` whose runs
finished in all of its cells :math:`c_i`, so that what a seed does to all cells alike drops out:

.. math:: d_{ks} = \sum_i w_i\, m_s(c_i, t_i) - \text{constant}_k, \qquad s = 1, \dots, n_k

Where a data set has several draws, the unit is not the seed but the draw: the mean over the seeds
that share its points. It is claimed that the values exceed the margin :math:`\delta_k`, the
smallest difference that matters: in which sense, the way of judging says
(`restudy.claims.inference`), by default both their mean and most of them. The p-value
:math:`p^\uparrow_k` is small where they exceed it, :math:`p^\downarrow_k` where they stay below. A
claim of :math:`K` contrasts is *reproduced* if all of them exceed their margins (an intersection,
so that the largest p-value counts) and *contradicted* if one stays below (a union, after
Bonferroni's correction):

.. math::

    p_R = \max_k p^\uparrow_k, \qquad p_C = \min(1, K \min_k p^\downarrow_k), \qquad
    p = \min(1, 2 \min(p_R, p_C))

These two-sided p-values are corrected by Holm's method over all verdicts of the run that can be
tested, claims with the very same values counted once (`correct`). The verdict is

- undecided, if the corrected p exceeds 0.05;
- otherwise reproduced, if :math:`p_R \le p_C`;
- otherwise smaller, if every margin is above 0, and 0 is exceeded by every contrast: an effect in
  the claimed direction, but smaller than claimed;
- otherwise contradicted.

Seen from the margin: at the level at which the claim's p is significant after the correction
(`levels`), contrast :math:`k` exceeds every margin below :math:`l_k` and stays below every one
above :math:`u_k` (`decided`), so the verdict turns there (`verdict_at`). How far from these the
margin is says how much rests on its choice.

Where a contrast has a single seed, the test may state the standard deviation :math:`\sigma` from
seed to seed, with the number of seeds :math:`r` that it was estimated from. Then

.. math:: t = \frac{d_k - \delta_k}{\sigma \sqrt{\sum_i w_i^2}}

has Student's distribution with :math:`r - 1` degrees of freedom (the normal one where it is known
exactly), if values are normal and differ from seed to seed in each cell independently. Without a
stated spread the claim stays undecided. An undecided claim is told how many further seeds would
decide it in `POWER` of all experiments (`_further`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from restudy.analysis.groups import two_groups
from restudy.analysis.significance import correct
from restudy.analysis.student import STANDARD_NORMAL, stated_reach, upper_tail
from restudy.claims.evidence import Evidence
from restudy.claims.inference import (
    LEVEL,
    NOWHERE,
    POWER,
    Sides,
    binomial_tail,
    decided,
    interval,
    is_constant,
    levels,
    one_sided_p,
    seeds_needed,
    share_interval,
    sides,
)
from restudy.claims.ways import MEAN, NORMAL, SHARE, TYPICAL
from restudy.families.registry import FAMILIES
from restudy.study.cell import make_cell
from restudy.study.labels import label_of

REPRODUCED, SMALLER, CONTRADICTED, UNDECIDED = "reproduced", "smaller", "contradicted", "undecided"
# What a verdict rests on, the weakest first.
NOTHING, STATED_SPREAD, ASSUMED_NORMAL, SEEDS = (
    "nothing",
    "stated spread",
    "assumed normal",
    "seeds",
)
BASES = (NOTHING, STATED_SPREAD, ASSUMED_NORMAL, SEEDS)
WORDS = {SMALLER: "smaller than claimed"}
MANY_SEEDS = 1_000  # further ones: of more, two digits are told
LIKELY = 0.8  # of experiments, in which the needed seeds lie in the stated range
TEST_COLUMNS = (
    "form",
    "contrast",
    "measure",
    "quantity",
    "zero",
    "bound",
    "direction",
    "judged_by",
    "basis",
    "effect",
    "ci_low",
    "ci_high",
    "margin",
    "because",
    "decided_low",
    "decided_high",
    "n",
    "above",
    "below",
    "left_out",
    "p_above",
    "p_below",
    "low_group",
    "low_group_mean",
    "high_group",
    "high_group_mean",
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
        per contrast and seed (or draw of the points), with its value.
        `restudy.analysis.columns` explains the columns.
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
    tested = _corrected([entry for entry in judged if _basis(entry["tests"]) != NOTHING])
    rows = [_verdict_row(entry, tested) for entry in judged]
    tests, seeds = [], []
    for entry in judged:
        keys = {"claim": entry["claim"]["id"], "protocol": entry["protocol"]}
        for number, test in enumerate(entry["tests"], start=1):
            tests.append({**keys, "test": number, **{key: test[key] for key in TEST_COLUMNS}})
            seeds += [
                {**keys, "test": number, test["unit"]: unit, "value": value}
                for unit, value in test["values"].items()
            ]
    counts = dict.fromkeys(("further_seeds", "further_low", "further_high"), "Int64")
    groups = dict.fromkeys(("low_group", "high_group"), "Int64")
    columns = ["claim", "protocol", "test", "seed", "value"]
    by_draw = ["draw"] if any("draw" in row for row in seeds) else []
    return {
        "claims": pd.DataFrame(rows).astype(counts),
        "tests": pd.DataFrame(tests).astype(groups),
        "seeds": pd.DataFrame(seeds, columns=columns[:4] + by_draw + columns[4:]).astype(
            dict.fromkeys(["seed", *by_draw], "Int64") if by_draw else {}
        ),
    }


def disagreements(claims: pd.DataFrame) -> list[str]:
    """Return a line for each verdict that differs from what its claim expects.

    Parameters
    ----------
    claims : DataFrame
        The table of claims: statement, protocol, verdict, basis, n, and expect, empty where any
        will do.
    """
    rows = claims[claims["expect"].notna() & (claims["expect"] != "")]
    lines = []
    for row in rows[rows["verdict"] != rows["expect"]].to_dict("records"):
        found, caveat = WORDS.get(row["verdict"], row["verdict"]), caveat_of(row)
        found += f" ({caveat})" if caveat else ""
        expected = WORDS.get(row["expect"], row["expect"])
        title = f"{quoted(row['statement'])} ({label_of(row['protocol'])})"
        lines.append(f"{title}: {found}, expected {expected}")
    return lines


def count_verdicts(claims: pd.DataFrame) -> str:
    """Return how many verdicts of which kind there are, and how many rest on a single run.

    Parameters
    ----------
    claims : DataFrame
        The table of claims: verdict and basis.
    """
    counts = claims["verdict"].value_counts()
    kinds = (REPRODUCED, SMALLER, CONTRADICTED, UNDECIDED)
    text = ", ".join(f"{counts[kind]} {WORDS.get(kind, kind)}" for kind in kinds if kind in counts)
    stated = int(((claims["basis"] == STATED_SPREAD) & (claims["verdict"] != UNDECIDED)).sum())
    if not stated:
        return text
    rest = "rests" if stated == 1 else "rest"
    return f"{text}; {stated} of those decided {rest} on one run and a stated spread"


def caveat_of(row: Mapping) -> str:
    """Return what a reader has to know of a verdict that rests on less than the seeds alone.

    Parameters
    ----------
    row : mapping
        Of the table of claims: verdict, basis and n.
    """
    if row["basis"] == STATED_SPREAD:
        return "one run, spread stated"
    if row["basis"] == ASSUMED_NORMAL and row["verdict"] != UNDECIDED:
        return "taken to be normal"
    if row["basis"] == NOTHING:
        return "one run, no spread stated" if row["n"] else "no finished run"
    return ""


def quoted(statement: str) -> str:
    """Return what a claim states as text names it: in quotes, without a full stop."""
    return f"“{statement.rstrip('.')}”"


def compare_protocols(
    tests: pd.DataFrame, seeds: pd.DataFrame, one: Mapping[str, str], other: Mapping[str, str]
) -> pd.DataFrame:
    """Return how claims' effects differ between two protocols, by the differences seed by seed.

    That a verdict differs is no evidence that the effect does: the one may be just significant and
    the other just not.

    Parameters
    ----------
    tests, seeds : DataFrame
        As `judge_claims` gives them.
    one, other : mapping of str to str
        Claim -> the protocols that are compared; claims that only one has are left out.

    Returns
    -------
    DataFrame
        claim, test, contrast, n, effect (the mean of the differences, other minus one), p, and
        ``p_adjusted`` by Holm's method over all of them, both in both directions and by the way
        that the contrast is judged; those whose values are the same are not tested.
    """
    rows = []
    unit = "draw" if "draw" in seeds and seeds["draw"].notna().any() else "seed"
    for claim in (name for name in one if name in other):
        own, own_seeds = tests[tests["claim"] == claim], seeds[seeds["claim"] == claim]
        for number, pair in own.groupby("test", sort=False):
            first, second = (
                own_seeds[(own_seeds["protocol"] == each) & (own_seeds["test"] == number)]
                .set_index(unit)["value"]
                .astype(float)
                for each in (one[claim], other[claim])
            )
            differences = (second - first).dropna().to_numpy()
            differences = differences[np.isfinite(differences)]
            if not differences.size or not np.abs(differences).max() > 1e-12:
                continue
            facts = pair.iloc[0]
            way = TYPICAL if facts["judged_by"] == SHARE else facts["judged_by"]
            rows.append(
                {
                    "claim": claim,
                    "test": number,
                    "contrast": facts["contrast"],
                    "n": differences.size,
                    "effect": float(differences.mean()),
                    "p": min(1.0, 2 * min(one_sided_p(differences, 0.0, way))),
                }
            )
    found = pd.DataFrame(rows, columns=["claim", "test", "contrast", "n", "effect", "p"])
    return found.assign(p_adjusted=correct(found["p"].tolist()))


def _weigh(name: str, contrast: Mapping, evidence: Evidence) -> dict:
    """Return effect, interval and p-values of a contrast over cells of a family, by its name."""
    terms = [(weight, make_cell(FAMILIES[name], row), at) for weight, row, at in contrast["terms"]]
    over = contrast["over"]
    series = [evidence.values(contrast["measure"], cell, at, over) for _, cell, at in terms]
    paired = pd.concat(series, axis=1, join="inner")
    coefficients = np.array([coefficient for coefficient, _, _ in terms])
    with np.errstate(invalid="ignore"):  # infinity minus infinity, of runs that never got there
        totals = (paired.to_numpy() * coefficients).sum(axis=1) - contrast["constant"]
    cells = list(dict.fromkeys(cell for _, cell, _ in terms))
    started = sorted(set.intersection(*(evidence.started(cell) for cell in cells)))
    by_seed = pd.Series(totals, paired.index).dropna()
    # Of cells on several data sets, the one with the fewest draws ties most seeds together.
    drawn = [draws for draws in map(evidence.draws, cells) if len(set(draws.values())) > 1]
    draws = min(drawn, key=lambda each: len(set(each.values())), default={})
    values, units = _by_unit(by_seed, started, draws)
    found = {
        **{key: contrast[key] for key in ("form", "measure", "margin", "because")},
        **{key: contrast[key] for key in ("quantity", "zero", "bound", "direction")},
        "contrast": contrast["label"],
        "judged_by": contrast["judged_by"],
        "effect": math.nan,
        "ci_low": math.nan,
        "ci_high": math.nan,
        "n": len(values),
        "left_out": units - len(values),
        "started": units,
        "tried": max(map(len, map(evidence.started, cells))),
        "cells": [cell.path for cell in cells],
        "p_above": math.nan,
        "p_below": math.nan,
        "unit": "draw" if units < len(started) else "seed",
        "basis": NOTHING,
        "tested": (values.to_numpy(), contrast["judged_by"], units),
        "values": dict(zip(values.index.tolist(), values.tolist(), strict=True)),
    }
    found["above"], found["below"], _ = sides(values, found["margin"], units)
    grouped = two_groups(values)
    for key in ("low_group", "low_group_mean", "high_group", "high_group_mean"):
        found[key] = getattr(grouped, key) if grouped else None
    if contrast["share"] is not None:
        return _weigh_share(found, contrast["share"])
    if len(values) == 1 and contrast["spread"]:
        return _weigh_one(found, contrast["spread"], float(np.sqrt((coefficients**2).sum())))
    way = contrast["judged_by"]
    found["effect"], found["ci_low"], found["ci_high"] = interval(values, way)
    if len(values) >= 2:
        found["p_above"], found["p_below"] = one_sided_p(values, found["margin"], way, units)
        found["basis"] = ASSUMED_NORMAL if way == NORMAL else SEEDS
    return found


def _by_unit(
    values: pd.Series, started: Sequence[int], draws: Mapping[int, int]
) -> tuple[pd.Series, int]:
    """Return the values by seed, or their means by draw where seeds share one; and how many began.

    With a single draw, or one for each seed, the seeds are the units.
    """
    begun = {draws.get(seed, 0) for seed in started}
    if len(begun) in (1, len(started)):
        return values, len(started)
    return values.groupby([draws[seed] for seed in values.index]).mean(), len(begun)


def _weigh_share(found: dict, share: float) -> dict:
    """Complete a contrast about the share of seeds whose values exceed the margin."""
    about = {"judged_by": SHARE, "margin": share, "bound": 0.0, "direction": "above"}
    if not found["values"]:
        return found | about
    exceeding = sides(list(found["values"].values()), found["margin"], found["started"])
    above, below, n = exceeding
    low, high = share_interval(exceeding, LEVEL / 2)
    return (
        found
        | about
        | {
            "values": {
                seed: float(value > found["margin"] + 1e-12)
                for seed, value in found["values"].items()
            },
            "tested": (exceeding, SHARE, n),
            "effect": above / n,
            "ci_low": low,
            "ci_high": high,
            "p_above": binomial_tail(n, above, share),
            "p_below": binomial_tail(n, below, 1 - share),
            "basis": SEEDS,
        }
        | dict.fromkeys(("low_group", "low_group_mean", "high_group", "high_group_mean"))
    )


def _weigh_one(found: dict, spread: Mapping, scale: float) -> dict:
    """Complete a contrast of a single seed, given the stated spread of a measure."""
    (value,) = found["values"].values()
    deviation, seeds = spread["value"] * scale, spread["seeds"]

    def tail(bound: float) -> tuple[float, float]:
        t = (value - bound) / deviation
        if seeds:
            return upper_tail(t, seeds - 1), upper_tail(-t, seeds - 1)
        return STANDARD_NORMAL.cdf(-t), STANDARD_NORMAL.cdf(t)

    reach = partial(stated_reach, deviation, seeds)
    above, below = tail(found["margin"])
    return found | {
        "effect": value,
        "ci_low": value - reach(LEVEL / 2),
        "ci_high": value + reach(LEVEL / 2),
        "p_above": above,
        "p_below": below,
        "basis": STATED_SPREAD,
        "tested": (reach, STATED_SPREAD, value),
        "deviation": deviation,
    }


def _decided(test: Mapping, level: float) -> tuple[float, float]:
    """Return between which margins a contrast is undecided at a level of one direction."""
    given, way, more = test["tested"]
    if test["basis"] == NOTHING:
        return NOWHERE
    if way == SHARE:
        return share_interval(given, level)
    if way == STATED_SPREAD:
        return more - given(level), more + given(level)
    return decided(given, way, level, more)


def _corrected(tested: Sequence[dict]) -> int:
    """Add the corrected p-value and its level to every verdict; return how many are told apart."""
    keys = [_data_of(entry["tests"]) for entry in tested]
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    distinct = sorted(first.values())
    p_values = [_p_value(tested[place]["tests"]) for place in distinct]
    pairs = zip(distinct, correct(p_values), levels(p_values), strict=True)
    found = {keys[place]: each for place, *each in pairs}
    for entry, key in zip(tested, keys, strict=True):
        entry["p_adjusted"], entry["level"] = found[key]
    return len(distinct)


def _data_of(tests: Sequence[Mapping]) -> tuple:
    """Return what a verdict is computed from: the same for two that rest on the same values."""
    return tuple(
        (test["judged_by"], test["margin"], test["started"], *sorted(test["values"].items()))
        for test in tests
    )


def _basis(tests: Sequence[Mapping]) -> str:
    """Return what a verdict rests on: the weakest basis among its contrasts."""
    return min((test["basis"] for test in tests), key=BASES.index)


def _directed_p(tests: Sequence[Mapping]) -> tuple[float, float]:
    """Return the p-values of "all exceed their margins" and of "one stays below"."""
    reproduced = max(test["p_above"] for test in tests)
    contradicted = min(1.0, len(tests) * min(test["p_below"] for test in tests))
    return reproduced, contradicted


def _p_value(tests: Sequence[Mapping]) -> float:
    return min(1.0, 2 * min(_directed_p(tests)))


def _verdict_row(entry: dict, tested: int) -> dict:
    """Return a row of the table of claims, given how many verdicts are tested."""
    claim, tests = entry["claim"], entry["tests"]
    basis, level = _basis(tests), entry.get("level", LEVEL) / 2
    for test in tests:
        test["decided_low"], _ = _decided(test, level)
        _, test["decided_high"] = _decided(test, level / len(tests))
    verdict = UNDECIDED if basis == NOTHING else _verdict(tests, entry["p_adjusted"])
    place = min(range(len(tests)), key=lambda number: _strength(tests[number]))
    weakest = tests[place]
    further = (None, None, None)
    if verdict == UNDECIDED and not any(map(_has_no_spread, tests)):
        further = _further(tests, LEVEL / max(1, tested if basis != NOTHING else tested + 1))
    cells = dict.fromkeys(path for test in tests for path in test["cells"])
    started = max(test["tried"] for test in tests)
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
        "judged_by": weakest["judged_by"],
        "test": place + 1,
        **{key: weakest[key] for key in ("contrast", "measure", "effect")},
        **{key: weakest[key] for key in ("ci_low", "ci_high", "margin", "decided_low")},
        "decided_high": weakest["decided_high"],
        "n": min(test["n"] for test in tests),
        "left_out": max(test["left_out"] for test in tests),
        "p_value": math.nan if basis == NOTHING else _p_value(tests),
        "p_adjusted": entry.get("p_adjusted", math.nan),
        "further_seeds": further[0],
        "further_low": further[1],
        "further_high": further[2],
        "setting": _setting(claim["model"], entry["protocol"], started, further[0]),
        "reason": _reason(tests, basis, verdict, further),
        "expect": claim["expect"].get(entry["protocol"], ""),
        "figure": claim["figure"],
        "cells": " ".join(cells),
    }


def _verdict(tests: Sequence[Mapping], p_adjusted: float) -> str:
    """Return the verdict by the rule above."""
    if p_adjusted > LEVEL:
        return UNDECIDED
    reproduced, contradicted = _directed_p(tests)
    if reproduced <= contradicted:
        return REPRODUCED
    return SMALLER if _in_direction(tests) else CONTRADICTED


def _in_direction(tests: Sequence[Mapping]) -> bool:
    """Return whether every contrast has a margin, and exceeds 0."""
    return all(test["margin"] > 0 and test["decided_low"] > 0 for test in tests)


def verdict_at(tests: Sequence[Mapping], factor: float) -> str:
    """Return the verdict that a claim would have if all margins were multiplied by a factor.

    Parameters
    ----------
    tests : sequence of mappings
        Its contrasts: margin, ``decided_low`` and ``decided_high``.
    factor : float
        Of the margins.
    """
    if all(factor * test["margin"] < test["decided_low"] for test in tests):
        return REPRODUCED
    if not any(factor * test["margin"] > test["decided_high"] for test in tests):
        return UNDECIDED
    return SMALLER if _in_direction(tests) else CONTRADICTED


def _strength(test: Mapping) -> float:
    """Return how sure a contrast exceeds its margin: high where it does, low where it does not."""
    if math.isnan(test["p_above"]):
        return -math.inf
    above, below = (max(test[side], 1e-300) for side in ("p_above", "p_below"))
    return math.log10(below) - math.log10(above)


def _further(tests: Sequence[Mapping], level: float) -> tuple[int | None, ...]:
    r"""Return how many seeds beyond the present ones would decide a claim, and their range.

    Each of :math:`K` contrasts is given the chance :math:`1 - 0.2 / K`, so that all of them exceed
    their margins with that of 0.8 at least, however they depend on one another. The estimate takes
    shares and distances as they are seen; the ends of the range, those at the ends of an interval
    that contains the true share in `LIKELY` of experiments. What does not finish is taken to do so
    as often as among the present ones. None: no number would do.
    """
    if _basis(tests) == NOTHING:
        return (None, None, None)
    exceeds = all(test["effect"] > test["margin"] for test in tests)
    found = []
    for end in ("seen", "better", "worse"):
        if exceeds:
            chance = 1 - (1 - POWER) / len(tests)
            needed = [_seeds_of(test, end, level / 2, chance, 1) for test in tests]
            total = None if None in needed else max(needed)
        else:
            one = level / 2 / len(tests)
            under = [test for test in tests if not test["effect"] > test["margin"]]
            needed = [_seeds_of(test, end, one, POWER, -1) for test in under]
            total = min((each for each in needed if each is not None), default=None)
        found.append(None if total is None else max(1, total - max(t["tried"] for t in tests)))
    return tuple(found)


def _seeds_of(test: Mapping, end: str, level: float, chance: float, sign: int) -> int | None:
    """Return how many seeds to start so that a contrast is decided in one direction."""
    above, below = (test["above"], test["below"])[::sign]
    n, way, share, null = test["started"], test["judged_by"], 0.0, 0.5
    if test["basis"] == STATED_SPREAD:
        effect = sign * (test["effect"] - test["margin"]) / test["deviation"]
        share = STANDARD_NORMAL.cdf(effect)
    else:
        if way == SHARE:
            null = test["margin"] if sign == 1 else 1 - test["margin"]
        values = np.array(list(test["values"].values()))
        finite = values[np.isfinite(values)]
        deviation = finite.std(ddof=1) if finite.size > 1 else 0.0
        distance = sign * (finite.mean() - test["margin"]) if finite.size else 0.0
        effect = distance / deviation if deviation > 0 else math.copysign(math.inf, distance)
        low, high = share_interval(Sides(above, below, n), (1 - LIKELY) / 2)
        share = {"seen": (above + 0.5) / (n + 1), "better": high, "worse": low}[end]
        shift = STANDARD_NORMAL.inv_cdf((1 + LIKELY) / 2) / math.sqrt(max(1, finite.size))
        effect += {"seen": 0.0, "better": shift, "worse": -shift}[end]
    needed = seeds_needed(min(share, 1 - 1e-9), effect, level, way, chance, null)
    if needed is None:
        return None
    return math.ceil(needed * max(1, test["tried"]) / max(1, test["n"]))


def _setting(family: str, protocol: str, seeds: int, further: int | None) -> str:
    """Return what `snakemake --config` takes to run the further seeds too; empty without any."""
    if further is None:
        return ""
    return f'{family}={{"protocols": {{"{protocol}": {{"replicates": {seeds + further}}}}}}}'


def _reason(
    tests: Sequence[Mapping], basis: str, verdict: str, further: tuple[int | None, ...]
) -> str:
    """Return why a claim is undecided, in a sentence or two; empty otherwise."""
    if verdict != UNDECIDED:
        return ""
    if basis == NOTHING:
        if any(test["n"] == 0 for test in tests):
            return "At least one cell has no finished run that has the measure."
        return "A single seed finished, and the test states no spread."
    constant = [test for test in tests if _has_no_spread(test)]
    if constant:
        return (
            f"All {constant[0]['n']} seeds have the same value, so that there is no spread to test "
            "a mean by; judged_by: typical_seed needs none."
        )
    seen, better, worse = further
    if seen is None:
        text = "As it looks now, no number of seeds would decide it"
        return f"{text}." if better is None else f"{text}; at best, {_seeds(better)} would."
    text = f"{_seeds(seen)} would decide it with a chance of {POWER:.0%} if it is as it looks now"
    if seen > MANY_SEEDS:
        text += ": it lies so close to what is claimed that only many can tell"
    if better != worse:
        most = "it may take far more" if worse is None else f"it may take {_rounded(worse)}"
        text += f". That is a rough estimate: {_rounded(better or 1)} may do, or {most}"
    return f"{text[:1].upper()}{text[1:]}."


def _has_no_spread(test: Mapping) -> bool:
    """Return whether a mean is to be tested of values that are all the same."""
    values = list(test["values"].values())
    return (
        test["judged_by"] in (MEAN, NORMAL)
        and test["basis"] in (SEEDS, ASSUMED_NORMAL)
        and is_constant(values)
    )


def _seeds(number: int) -> str:
    return f"{_rounded(number)} further {'seed' if number == 1 else 'seeds'}"


def _rounded(number: int) -> str:
    """Return a count in words; a large one is known to two digits at most."""
    if number <= MANY_SEEDS:
        return f"{number:,}"
    return f"about {round(number, 1 - int(math.log10(number))):,}"
