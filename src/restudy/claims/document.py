"""A file of claims: read, checked, and spelled out as contrasts over cells before anything runs.

Whatever a claim names and the configuration lacks is refused here, with a line for every fault.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from restudy.claims.forms import forms, with_own_forms
from restudy.claims.registration import content_digest
from restudy.claims.resolve import ClaimsError, Grid, claim_figure, matching_cells, unknown
from restudy.families.contract import Family
from restudy.families.registry import FAMILIES
from restudy.study.config import fill_and_check
from restudy.study.design import design_of
from restudy.study.entries import Entries
from restudy.study.yaml_files import YamlError, read_yaml

SCHEMA = Path(__file__).with_name("schema.yaml")


@cache
def claims_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file of claims, each form with the shared keys."""
    schema = read_yaml(SCHEMA)
    shared = schema["$defs"].pop("every_form")["properties"]
    for branch in schema["$defs"]["test"]["allOf"]:
        branch["then"]["properties"] |= shared
    return schema


def read_claims(
    path: str | Path, config: Mapping, planar: Collection[str] | None = None
) -> list[dict]:
    """Return the claims of a YAML file, as `complete_claims` gives them.

    Raises
    ------
    ClaimsError
        Also for what `read_yaml` refuses.
    """
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise ClaimsError(str(error)) from None
    return complete_claims(document, config, planar)


def complete_claims(
    document: Mapping, config: Mapping, planar: Collection[str] | None = None
) -> list[dict]:
    """Return the claims of a file with their tests spelled out as contrasts, for each protocol.

    Parameters
    ----------
    document : mapping
        As read from YAML.
    config : mapping
        A completed configuration.
    planar : collection of str or None
        Data sets of two features, whose boundaries can be drawn; None: any.

    Returns
    -------
    list of dict
        Plain JSON values: the claim's own keys but ``tests``; ``content``, a digest of what is
        claimed; ``figure``, a path, or "" without one; ``arithmetic``: protocol -> which one it
        uses, or None; and ``protocols``: protocol -> list of contrasts, each a dict of ``form``,
        ``label``, ``measure``, ``quantity``, ``zero``, ``terms`` (coefficient, cell, pass or step,
        or None for the end), ``constant``, ``bound``, ``direction``, ``margin``, ``share``,
        ``over``, ``spread``, ``judged_by`` and ``because``; see `restudy.claims.forms.contrast`.

    Raises
    ------
    ClaimsError
        With a line for each fault: the key, what was found, what is allowed.
    """
    written, document = document, copy.deepcopy(document)
    _spell_registrations(document)
    faults = fill_and_check(document, with_own_forms(claims_schema()))
    if faults:
        raise ClaimsError("\n".join(dict.fromkeys(faults)))
    claims, seen = [], set()
    for number, claim in enumerate(document["claims"]):
        place = f"claims[{number}] ({claim['id']})"
        if claim["id"] in seen:
            faults.append(f"{place}.id: got {claim['id']!r} again; allowed: a name of its own")
        seen.add(claim["id"])
        try:
            for test in claim["tests"]:
                test.setdefault("judged_by", document["judged_by"])
            content = content_digest(written["claims"][number], written.get("judged_by"))
            registered = {"registered": claim.get("registered"), "content": content}
            claims.append(_complete(claim, place, config, planar) | registered)
        except ClaimsError as fault:
            faults.append(str(fault))
    if faults:
        raise ClaimsError("\n".join(faults))
    return claims


def needed_tables(claims: Sequence[Mapping]) -> list[str]:
    """Return the names of the tables, below results/tables, that hold what the claims ask for."""
    names = set()
    for claim in claims:
        name = claim["model"]
        names.add(f"{name}_runs.csv")
        for contrast in _contrasts(claim):
            at_end = all(at is None for _, _, at in contrast["terms"]) and not contrast["over"]
            table = _table_of(FAMILIES[name], contrast["measure"], at_end)
            if table:
                names.add(f"{name}_{table}.parquet")
    return sorted(names)


def needed_tensors(claims: Sequence[Mapping], family: str) -> list[str]:
    """Return the tensors whose distribution the claims about a family, by its name, ask for."""
    measures = {
        contrast["measure"]
        for claim in claims
        if claim["model"] == family
        for contrast in _contrasts(claim)
    }
    return sorted({m.rpartition("/")[0] for m in measures if m.endswith("_distance")})


def _spell_registrations(document: Any) -> None:
    """Make text of days, which YAML reads as dates."""
    claims = document.get("claims") if isinstance(document, dict) else None
    for claim in claims if isinstance(claims, list) else ():
        registered = claim.get("registered") if isinstance(claim, dict) else None
        if isinstance(registered, dict):
            for key, value in registered.items():
                if isinstance(value, date):
                    registered[key] = str(value)


def _complete(claim: Mapping, place: str, config: Mapping, planar: Collection[str] | None) -> dict:
    family = _family_of(claim, place, config)
    section = config[family.name]
    if claim["study"] not in section["studies"]:
        raise unknown(f"{place}.study", claim["study"], section["studies"])
    design, entries = design_of(config, family, claim["study"]), Entries(config, family)
    cells = matching_cells(design.cells, claim["cells"], f"{place}.cells")
    vary = {axis: values for axis, values in design.axes.items() if axis != "protocol"}
    grids = {}
    for protocol in dict.fromkeys(cell.at["protocol"] for cell in cells):
        own = [cell for cell in cells if cell.at["protocol"] == protocol]
        texts = dict.fromkeys(cell["protocol"] for cell in own)
        settings = _shared([entries.entry("protocol", text) for text in texts])
        grids[protocol] = Grid(family, own, vary, settings, entries)
    expect = _expected(claim, place, list(grids))
    contrasts = _spell_out(claim, place, grids)
    kept = {key: claim[key] for key in ("id", "source", "statement", "model", "study")}
    return {
        **kept,
        "figure": claim_figure(claim, f"{place}.figure", family, config, planar),
        "expect": expect,
        "arithmetic": {name: grid.settings.get("arithmetic") for name, grid in grids.items()},
        "protocols": contrasts,
    }


def _shared(settings: Sequence[Mapping]) -> dict:
    """Return the settings that all of several mappings agree on."""
    first, *others = settings
    return {
        key: value for key, value in first.items() if all(each[key] == value for each in others)
    }


def _family_of(claim: Mapping, place: str, config: Mapping) -> Family:
    """Return the family that a claim is about, which the configuration has a section of."""
    name = claim["model"]
    if name not in FAMILIES:
        raise unknown(f"{place}.model", name, [each for each in FAMILIES if config.get(each)])
    if config.get(name) is None:
        raise ClaimsError(f"{place}.model: the configuration has no section {name!r}")
    return FAMILIES[name]


def _expected(claim: Mapping, place: str, protocols: list[str]) -> dict[str, str]:
    """Return the verdict that a claim expects, for each protocol that it is given for."""
    expect = claim.get("expect", {})
    if isinstance(expect, str):
        return dict.fromkeys(protocols, expect)
    for protocol in expect:
        if protocol not in protocols:
            raise unknown(f"{place}.expect", protocol, protocols)
    return expect


def _spell_out(claim: Mapping, place: str, grids: Mapping[str, Grid]) -> dict[str, list[dict]]:
    """Return the contrasts of a claim's tests, for each protocol."""
    contrasts: dict[str, list[dict]] = {protocol: [] for protocol in grids}
    for number, test in enumerate(claim["tests"]):
        where = f"{place}.tests[{number}]"
        fixed = test["cells"].get("protocol")
        if fixed is not None and [fixed] != list(grids):
            raise ClaimsError(
                f"{where}.cells.protocol: got {fixed!r}; allowed: a protocol for the whole claim, "
                "under the claim's own cells"
            )
        for protocol, grid in grids.items():
            for contrast in forms()[test["form"]](grid, test, where):
                grid.check_layers(test, contrast["terms"], where)
                contrasts[protocol].append(contrast)
    return contrasts


def _contrasts(claim: Mapping) -> Iterator[Mapping]:
    """Iterate over the contrasts of a completed claim under all protocols."""
    for contrasts in claim["protocols"].values():
        yield from contrasts


def _table_of(family: Family, measure: str, at_end: bool) -> str:
    """Return which table has a measure beside that of the runs, if another one is needed."""
    facts = family.measure(measure)
    if facts is None:
        return "shapes" if measure.endswith("_distance") else "scalars"
    return facts.table or ("" if at_end else "history")
