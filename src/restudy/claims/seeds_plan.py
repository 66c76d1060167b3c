"""How many seeds claims need, before a run or after a small one, and what these cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import shorten

import pandas as pd

from restudy.analysis.student import STANDARD_NORMAL
from restudy.claims.evidence import Evidence
from restudy.claims.inference import LEVEL, POWER, seeds_needed
from restudy.claims.verdicts import judge_claims

EFFECTS = (0.5, 1.0, 2.0)  # beyond the margin, in standard deviations from seed to seed
MAX_LETTERS = 48  # of a statement in a line of the text
SURE = 1 - 1e-9  # share of seeds above a bound that the largest effect has

Hours = Callable[[Mapping, str, int], float]


def plan_seeds(claims: Sequence[Mapping], hours: Hours) -> pd.DataFrame:
    """Return how many seeds each verdict needs, by how large the effect is.

    Parameters
    ----------
    claims : sequence of mappings
        As `restudy.claims.document.complete_claims` gives them.
    hours : callable (claim, protocol, seeds) -> float
        Core hours of all cells of a claim with so many seeds.

    Returns
    -------
    DataFrame
        claim, protocol, ``judged_by``, ``contrasts``; ``least``: seeds without which nothing can be
        decided; and for each of `EFFECTS`, with which the mean of every contrast lies so many
        standard deviations beyond its margin, the seeds that decide it in `POWER` of experiments
        (empty where no number does), and the hours. Values are taken to be normal, and all
        verdicts of the run to share the level of 5%.
    """
    level = LEVEL / 2 / max(1, sum(len(claim["protocols"]) for claim in claims))
    rows = []
    for claim in claims:
        for protocol, contrasts in claim["protocols"].items():
            chance = 1 - (1 - POWER) / len(contrasts)
            ways = {
                (each["judged_by"] if each["share"] is None else "share", each["share"] or 0.5)
                for each in contrasts
            }

            def needed(effect: float, chance: float = chance, ways: set = ways) -> int | None:
                share = min(SURE, STANDARD_NORMAL.cdf(effect))
                found = [
                    seeds_needed(share, effect, level, way, chance, null) for way, null in ways
                ]
                return None if None in found else max(found)

            row = {
                "claim": claim["id"],
                "protocol": protocol,
                "judged_by": ", ".join(sorted(way for way, _ in ways)),
                "contrasts": len(contrasts),
                "least": needed(8.0),
            }
            for effect in EFFECTS:
                seeds = needed(effect)
                row[f"seeds_{effect:g}"] = seeds
                row[f"hours_{effect:g}"] = None if seeds is None else hours(claim, protocol, seeds)
            rows.append(row)
    whole = ["least", *(f"seeds_{effect:g}" for effect in EFFECTS)]
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))


def plan_from_pilot(claims: Sequence[Mapping], pilot: Evidence, hours: Hours) -> pd.DataFrame:
    """Return how many seeds each verdict needs, by what a small run shows.

    Parameters
    ----------
    claims, hours
        See `plan_seeds`.
    pilot : Evidence
        Its measures.

    Returns
    -------
    DataFrame
        claim, protocol, ``judged_by``, ``verdict`` of the pilot, ``n``; and of undecided ones
        ``seeds``, all that it takes if shares and distances are as they look now, their range
        ``at_best`` and ``at_worst``, and ``hours``.
    """
    table = judge_claims(claims, pilot)["claims"]
    by_name = {claim["id"]: claim for claim in claims}
    rows = []
    for row in table.to_dict("records"):
        started = row["n"] + row["left_out"]
        counts = {
            name: None if pd.isna(row[column]) else started + int(row[column])
            for name, column in (
                ("seeds", "further_seeds"),
                ("at_best", "further_low"),
                ("at_worst", "further_high"),
            )
        }
        seeds = counts["seeds"]
        rows.append(
            {key: row[key] for key in ("claim", "protocol", "judged_by", "verdict", "n")}
            | counts
            | {"hours": seeds and hours(by_name[row["claim"]], row["protocol"], seeds)}
        )
    return pd.DataFrame(rows).astype(dict.fromkeys(("seeds", "at_best", "at_worst"), "Int64"))


def describe(table: pd.DataFrame, statements: Mapping[str, str]) -> str:
    """Return such a table as text, with a note on what it takes for granted.

    Parameters
    ----------
    table : DataFrame
        As one of the functions above gives it.
    statements : mapping
        Claim -> what it states, which the text has instead, shortened.
    """
    shown = table.rename(columns=lambda name: name.replace("_", " "))
    shown["claim"] = [
        shorten(statements[name].rstrip("."), MAX_LETTERS, placeholder=" …")
        for name in shown["claim"]
    ]
    for effect in EFFECTS:
        shown = shown.rename(
            columns={
                f"seeds {effect:g}": f"at {effect:g} sd",
                f"hours {effect:g}": "core h",
            }
        )
    shown = shown.rename(columns={"hours": "core h"})
    text = shown.to_string(
        index=False, na_rep="–", float_format=lambda value: f"{value:.2f}", justify="right"
    )
    if "verdict" in table:
        note = (
            f"Seeds, all together, that decide a claim in {POWER:.0%} of experiments if it is as "
            "it looks now. A small run tells little of that: it may take from “at best” to “at "
            "worst” (– any number)."
        )
    else:
        note = (
            f"Seeds that decide a claim in {POWER:.0%} of experiments if every contrast lies 0.5, "
            "1 or 2 standard deviations (from seed to seed) beyond its margin; “least” is what it "
            "takes however large the effect. All verdicts share the level of 5%."
        )
    return f"{text}\n\n{note}"
