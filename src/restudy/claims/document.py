"""Claims about a study, turned into contrasts over its cells before anything has run.

Every form of test comes down to one or more contrasts: a sum of coefficient x measure of a cell,
less a constant, that is claimed to exceed a margin. Whatever a claim names and the configuration
lacks is refused here.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import combinations, pairwise
from pathlib import Path

from restudy.errors import UserError
from restudy.plan.figures import (
    CELL_FIGURES,
    NEEDS_PLANE,
    STUDY_FIGURES,
    cell_figure,
    study_figure,
)
from restudy.study.config import fill_and_check
from restudy.study.grid import study_cells
from restudy.study.labels import label_of
from restudy.study.yaml_files import YamlError, read_yaml

# What a record of the history has, and what only the end of training has.
HISTORY_MEASURES = {
    "dense": (
        "train_loss",
        "train_accuracy",
        "heldout_loss",
        "heldout_accuracy",
        "generalisation_gap",
    ),
    "conv": (
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
        "test_loss",
        "test_accuracy",
    ),
}
FINAL_MEASURES = {"dense": ("grad_norm", "reported_loss", "boundary_linearity"), "conv": ()}
MONITORED = re.compile(
    r"(conv1|conv2|fc1)/(weights|bias|net_input|activation)/(min|max|mean|std)"
    r"|(conv1|conv2)/pooled/(min|max|mean|std)|fc2/(weights|bias)/(min|max|mean|std)"
)
TENSORS = {
    "dense": re.compile(r"layer[1-9][0-9]*/(weights|bias)"),
    "conv": re.compile(r"(conv1|conv2|fc1|fc2)/(weights|bias)"),
}


class ClaimsError(UserError):
    """Claims that cannot be judged on this configuration; a line for every fault."""


def read_claims(
    path: str | Path,
    schema: Mapping,
    config: Mapping,
    planar: Collection[str] | None = None,
) -> list[dict]:
    """Claims of a YAML file, as `complete_claims` gives them.

    Raises
    ------
    ClaimsError
        Also for what `read_yaml` refuses.
    """
    try:
        document = read_yaml(path)
    except YamlError as error:
        raise ClaimsError(str(error)) from None
    return complete_claims(document, schema, config, planar)


def complete_claims(
    document: Mapping,
    schema: Mapping,
    config: Mapping,
    planar: Collection[str] | None = None,
) -> list[dict]:
    """Claims of a file with their tests spelled out as contrasts, for each protocol.

    Parameters
    ----------
    document : mapping
        As read from YAML.
    schema : mapping
        JSON Schema 2020-12 of such a file.
    config : mapping
        A completed configuration.
    planar : collection of str or None
        Data sets of two features, whose boundaries can be drawn; None: any.

    Returns
    -------
    list of dict
        The claim's own keys but ``tests``; ``figure``, a path, or "" without one; and
        ``protocols``: protocol -> list of contrasts, each a dict of ``form``, ``label``,
        ``measure``, ``terms`` (coefficient, cell, pass or step, or None for the end),
        ``constant``, ``margin`` and ``spread``.

    Raises
    ------
    ClaimsError
        With a line for each fault: the key, what was found, what is allowed.
    """
    document = copy.deepcopy(document)
    faults = fill_and_check(document, schema)
    if faults:
        raise ClaimsError("\n".join(dict.fromkeys(faults)))
    claims, seen = [], set()
    for number, claim in enumerate(document["claims"]):
        place = f"claims[{number}] ({claim['id']})"
        if claim["id"] in seen:
            faults.append(f"{place}.id: got {claim['id']!r} again; allowed: a name of its own")
        seen.add(claim["id"])
        try:
            claims.append(_complete(claim, place, config, planar))
        except ClaimsError as fault:
            faults.append(str(fault))
    if faults:
        raise ClaimsError("\n".join(faults))
    return claims


def _complete(claim: Mapping, place: str, config: Mapping, planar: Collection[str] | None) -> dict:
    model, section = claim["model"], config[claim["model"]]
    if section is None:
        raise ClaimsError(f"{place}.model: the configuration has no section {model!r}")
    study = section["studies"].get(claim["study"])
    if study is None:
        raise _unknown(f"{place}.study", claim["study"], section["studies"])
    cells = study_cells(model, section["baseline"], study)
    cells = _matching(cells, claim["cells"], f"{place}.cells")
    protocols = list(dict.fromkeys(cell["protocol"] for cell in cells))
    grids = {
        protocol: _Grid(
            model,
            [cell for cell in cells if cell["protocol"] == protocol],
            {axis: list(v) for axis, v in study["vary"].items() if axis != "protocol"},
            section["protocols"][protocol],
        )
        for protocol in protocols
    }
    expect = claim.get("expect", {})
    if isinstance(expect, str):
        expect = dict.fromkeys(protocols, expect)
    for protocol in expect:
        if protocol not in protocols:
            raise _unknown(f"{place}.expect", protocol, protocols)
    contrasts: dict[str, list[dict]] = {protocol: [] for protocol in protocols}
    for number, test in enumerate(claim["tests"]):
        where = f"{place}.tests[{number}]"
        fixed = test["cells"].get("protocol")
        if fixed is not None and [fixed] != protocols:
            raise ClaimsError(
                f"{where}.cells.protocol: got {fixed!r}; allowed: a protocol for the whole claim, "
                "under the claim's own cells"
            )
        for protocol, grid in grids.items():
            contrasts[protocol] += list(FORMS[test["form"]](grid, test, where))
    kept = {key: claim[key] for key in ("id", "source", "statement", "model", "study")}
    return {
        **kept,
        "figure": _figure(claim, f"{place}.figure", section, planar),
        "expect": expect,
        "arithmetic": {p: section["protocols"][p].get("arithmetic") for p in protocols},
        "protocols": contrasts,
    }


def _figure(claim: Mapping, place: str, section: Mapping, planar: Collection[str] | None) -> str:
    """Path of the figure that shows a claim; empty if it names none."""
    wanted = claim.get("figure")
    if wanted is None:
        return ""
    if isinstance(wanted, str):
        wanted = {"kind": wanted}
    model, kind = claim["model"], wanted["kind"]
    study = wanted.get("study", claim["study"])
    if study not in section["studies"]:
        raise _unknown(f"{place}.study", study, section["studies"])
    cells = study_cells(model, section["baseline"], section["studies"][study])
    kinds = [*STUDY_FIGURES[model], *CELL_FIGURES[model]]
    if planar is not None and not any(cell.get("dataset") in planar for cell in cells):
        kinds = [name for name in kinds if name not in NEEDS_PLANE]
    if kind not in kinds:
        raise _unknown(f"{place}.kind", kind, kinds)
    if kind in STUDY_FIGURES[model]:
        extra = [key for key in ("cells", "seed") if key in wanted]
        if extra:
            raise ClaimsError(f"{place}.{extra[0]}: {kind} shows the whole study; allowed: none")
        return study_figure(model, study, kind)
    fixed = {**(claim["cells"] if study == claim["study"] else {}), **wanted.get("cells", {})}
    vary = {axis: list(values) for axis, values in section["studies"][study]["vary"].items()}
    cell = _Grid(model, cells, vary, {}).cell(fixed, f"{place}.cells")
    if planar is not None and kind in NEEDS_PLANE and cell["dataset"] not in planar:
        raise ClaimsError(
            f"{place}.cells: got data set {cell['dataset']!r}; allowed for {kind}: one of two "
            "features"
        )
    replicates, seed = section["protocols"][cell["protocol"]]["replicates"], wanted.get("seed", 0)
    if model == "dense" and "seed" in wanted:
        raise ClaimsError(f"{place}.seed: {kind} shows all seeds of a cell; allowed: none")
    if seed >= replicates:
        raise ClaimsError(f"{place}.seed: got {seed}; allowed: 0 to {replicates - 1}")
    return cell_figure(model, cell, kind, seed)


def needed_tables(claims: Sequence[Mapping]) -> list[str]:
    """Names of the tables, below results/tables, that hold what the claims ask for."""
    names = set()
    for claim in claims:
        model = claim["model"]
        names.add(f"{model}_runs.csv")
        for contrast in (each for part in claim["protocols"].values() for each in part):
            measure = contrast["measure"]
            if measure == "boundary_linearity":
                names.add("dense_linearity.parquet")
            elif measure.endswith("_distance"):
                names.add(f"{model}_shapes.parquet")
            elif "/" in measure:
                names.add("conv_scalars.parquet")
            elif any(at is not None for _, _, at in contrast["terms"]):
                names.add(f"{model}_history.parquet")
    return sorted(names)


def needed_tensors(claims: Sequence[Mapping], model: str) -> list[str]:
    """Tensors whose distribution the claims about a model ask for."""
    measures = {
        contrast["measure"]
        for claim in claims
        if claim["model"] == model
        for part in claim["protocols"].values()
        for contrast in part
    }
    return sorted({m.rpartition("/")[0] for m in measures if m.endswith("_distance")})


class _Grid:
    """Cells of one protocol that a claim is about, and when they are recorded."""

    def __init__(self, model: str, cells: list[dict], vary: dict, protocol: Mapping):
        self.model, self.cells, self.vary, self.protocol = model, cells, vary, protocol

    def cell(self, fixed: Mapping, place: str) -> dict:
        """The only cell with the given values."""
        cells = _matching(self.cells, fixed, place)
        if len(cells) > 1:
            axes = [axis for axis in self.vary if len({cell[axis] for cell in cells}) > 1]
            still = "; ".join(f"{a} ({_join(dict.fromkeys(c[a] for c in cells))})" for a in axes)
            raise ClaimsError(f"{place}: still open is {still}; allowed: one value for each axis")
        return cells[0]

    def check_time(self, at: int | None, measure: str, place: str) -> None:
        """Refuse a pass or step at which the measure is not recorded."""
        if at is None:
            return
        if measure in FINAL_MEASURES[self.model] or (
            "/" not in measure and (measure not in HISTORY_MEASURES[self.model])
        ):
            raise ClaimsError(f"{place}: {measure} is known at the end of training only")
        if self.model == "dense":
            last, key = self.protocol["passes"], "record_interval"
        else:
            last = self.protocol["steps"]
            evaluated = measure.startswith(("validation", "test"))
            key = "evaluate_interval" if evaluated else "monitor_interval"
        interval = self.protocol[key]
        first = interval if key == "evaluate_interval" else 0
        if at > last or at < first or (at % interval and at != last):
            raise ClaimsError(
                f"{place}: got {at}, where {measure} is not recorded; allowed: a multiple of "
                f"{interval} ({key}) from {first} on, or the last, {last}"
            )

    def check_axis(self, axis: str, place: str) -> None:
        """Refuse what is no axis, or one whose values aren't compared."""
        if axis == "protocol":
            raise ClaimsError(
                f"{place}: got 'protocol'; allowed: any other axis, since protocols are not "
                "compared but get a verdict for each"
            )
        if axis not in self.cells[0]:
            known = [name for name in self.cells[0] if name != "protocol"]
            raise _unknown(place, axis, known)

    def check_compared(self, axis: str, fixed: Mapping, place: str) -> None:
        """Refuse an axis whose values can't be compared, or that the test fixes as well."""
        self.check_axis(axis, f"{place}.axis")
        if axis in fixed:
            raise ClaimsError(
                f"{place}.cells.{axis}: got {fixed[axis]!r}; allowed: no value, since it is the "
                "axis that is compared"
            )

    def check_measure(self, measure: str, place: str) -> None:
        known = [*HISTORY_MEASURES[self.model], *FINAL_MEASURES[self.model]]
        monitored = self.model == "conv" and MONITORED.fullmatch(measure)
        if measure not in known and not monitored:
            more = " and statistics such as conv1/weights/mean" if self.model == "conv" else ""
            raise _unknown(place, measure, known, more)


def _ordered(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    yield from _steps(grid, test, place, test["axis"], test["order"])


def _monotone(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    axis = test["axis"]
    if len(grid.vary.get(axis, ())) < 2:
        varied = [name for name, values in grid.vary.items() if len(values) > 1]
        raise _unknown(f"{place}.axis", axis, varied)
    levels = grid.vary[axis]
    yield from _steps(
        grid, test, place, axis, levels if test["direction"] == "rising" else levels[::-1]
    )


def _steps(grid: _Grid, test: Mapping, place: str, axis: str, levels: Sequence) -> Iterator[dict]:
    """Each level above the one before it."""
    grid.check_compared(axis, test["cells"], place)
    at = _checked(grid, test, place)
    cells = [grid.cell({**test["cells"], axis: level}, place) for level in levels]
    for (low, lower), (high, higher) in pairwise(zip(levels, cells, strict=True)):
        yield _contrast(
            test,
            f"{label_of(high, axis)} − {label_of(low, axis)}",
            test["measure"],
            [(1.0, higher, at), (-1.0, lower, at)],
            margin=test["margin"],
        )


def _threshold(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    at = _checked(grid, test, place)
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if "above" in test else -1.0
    bound = float(test["above"] if "above" in test else test["below"])
    label = f"mean − {bound:g}" if sign > 0 else f"{bound:g} − mean"
    yield _contrast(test, label, test["measure"], [(sign, cell, at)], sign * bound, test["margin"])


def _equals(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    at = _checked(grid, test, place)
    cell = grid.cell(test["cells"], place)
    value, tolerance = float(test["value"]), float(test["tolerance"])
    low, high = value - tolerance, value + tolerance
    yield _contrast(test, f"mean − {low:g}", test["measure"], [(1.0, cell, at)], low)
    yield _contrast(test, f"{high:g} − mean", test["measure"], [(-1.0, cell, at)], -high)


def _linear_boundary(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    if grid.model != "dense":
        raise ClaimsError(f"{place}.form: a linear boundary is a matter of dense networks")
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if test["linear"] else -1.0
    bound = test["agreement"]
    label = f"agreement − {bound:g}" if test["linear"] else f"{bound:g} − agreement"
    yield _contrast(test, label, "boundary_linearity", [(sign, cell, None)], sign * bound)


def _overfitting(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    if grid.model != "dense":
        raise ClaimsError(f"{place}.form: overfitting is tested for dense networks only")
    measure, axis, at = "generalisation_gap", test["axis"], test.get("at")
    grid.check_time(at, measure, f"{place}.at")
    grid.check_compared(axis, test["cells"], place)
    if test["from"] == test["to"]:
        raise ClaimsError(f"{place}.to: got {test['to']!r}, the same as from")
    less, more = (
        grid.cell({**test["cells"], axis: test[end]}, f"{place}.{end}") for end in ("from", "to")
    )
    label = f"{label_of(test['to'], axis)} − {label_of(test['from'], axis)}"
    yield _contrast(
        test, label, measure, [(1.0, more, at), (-1.0, less, at)], margin=test["margin"]
    )


def _trend(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    measure = test["measure"]
    grid.check_measure(measure, f"{place}.measure")
    last = grid.protocol["passes" if grid.model == "dense" else "steps"]
    evaluated = grid.model == "conv" and measure.startswith(("validation", "test"))
    first = grid.protocol["evaluate_interval"] if evaluated else 0
    times = {"from": test.get("from", first), "to": test.get("to", last)}
    for end, at in times.items():
        grid.check_time(at, measure, f"{place}.{end}")
    if times["from"] >= times["to"]:
        raise ClaimsError(
            f"{place}.from: got {times['from']}; allowed: less than {times['to']}, the end"
        )
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if test["direction"] == "rising" else -1.0
    unit = label_of("passes" if grid.model == "dense" else "steps").lower()
    terms = [(sign, cell, times["to"]), (-sign, cell, times["from"])]
    label = f"{test['direction']} from {times['from']:,} to {times['to']:,} {unit}"
    yield _contrast(test, label, measure, terms, margin=test["margin"])


def _distribution(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    pattern = TENSORS[grid.model]
    if not pattern.fullmatch(test["tensor"]):
        raise ClaimsError(
            f"{place}.tensor: got {test['tensor']!r}; allowed: text of the form {pattern.pattern}"
        )
    cell = grid.cell(test["cells"], place)
    layer = test["tensor"].partition("/")[0].removeprefix("layer")
    if grid.model == "dense" and int(layer) > cell["depth"] + 1:
        raise ClaimsError(
            f"{place}.tensor: got {test['tensor']!r}; allowed: layer1 to layer{cell['depth'] + 1}"
        )
    bound = test["distance"]
    yield _contrast(
        test,
        f"{bound:g} − distance from {test['shape']}",
        f"{test['tensor']}/{test['shape']}_distance",
        [(-1.0, cell, None)],
        -bound,
    )


def _attribution(grid: _Grid, test: Mapping, place: str) -> Iterator[dict]:
    high, low = test["from"], test["to"]
    factors = list(high)
    if set(factors) != set(low):
        raise ClaimsError(f"{place}.to: got {_join(low)}; allowed: the axes of from, {_join(high)}")
    for axis in factors:
        grid.check_axis(axis, f"{place}.from")
    same = [axis for axis in factors if high[axis] == low[axis]]
    if same:
        raise ClaimsError(f"{place}.to.{same[0]}: got {low[same[0]]!r}, the same as from")
    if test["factor"] not in factors:
        raise _unknown(f"{place}.factor", test["factor"], factors)
    at = _checked(grid, test, place)

    def corner(changed: frozenset) -> dict:
        levels = {axis: (low if axis in changed else high)[axis] for axis in factors}
        return grid.cell({**test["cells"], **levels}, place)

    def word(factor: str) -> str:
        return label_of(factor).lower()

    total = [(1.0, corner(frozenset()), at), (-1.0, corner(frozenset(factors)), at)]
    yield _contrast(test, "the whole difference", test["measure"], total)
    share = test["share"]
    owed = shapley_terms(factors, test["factor"])
    terms = [(weight, corner(changed), at) for weight, changed in owed]
    terms += [(-share * coefficient, cell, time) for coefficient, cell, time in total]
    yield _contrast(
        test,
        f"owed to {word(test['factor'])} − {share:.0%} of the difference",
        test["measure"],
        _collected(terms),
    )


def shapley_terms(factors: Sequence[str], factor: str) -> list[tuple[float, frozenset]]:
    """A factor's part of the fall from the corner of nothing changed to that of all changed.

    Parameters
    ----------
    factors : sequence of str
        All k of them.
    factor : str
        The one whose part is wanted.

    Returns
    -------
    list of (float, frozenset)
        Coefficient of each corner, named by the factors that are changed there. Their sum over
        all factors is 1 at the first corner, -1 at the last and 0 elsewhere.
    """
    others = [name for name in factors if name != factor]
    k = len(factors)
    terms = []
    for size in range(k):
        weight = math.factorial(size) * math.factorial(k - size - 1) / math.factorial(k)
        for chosen in combinations(others, size):
            before = frozenset(chosen)
            terms += [(weight, before), (-weight, before | {factor})]
    return terms


FORMS = {
    "ordered": _ordered,
    "monotone": _monotone,
    "threshold": _threshold,
    "equals": _equals,
    "linear_boundary": _linear_boundary,
    "overfitting": _overfitting,
    "trend": _trend,
    "distribution": _distribution,
    "attribution": _attribution,
}


def _checked(grid: _Grid, test: Mapping, place: str) -> int | None:
    """The pass or step of a test's measure, after both are found to be recorded."""
    at = test.get("at")
    grid.check_measure(test["measure"], f"{place}.measure")
    grid.check_time(at, test["measure"], f"{place}.at")
    return at


def _contrast(
    test: Mapping,
    label: str,
    measure: str,
    terms: list[tuple[float, dict, int | None]],
    constant: float = 0.0,
    margin: float = 0.0,
) -> dict:
    among = ", ".join(label_of(value, axis) for axis, value in test["cells"].items())
    return {
        "form": test["form"],
        "label": f"{label} ({among})" if among else label,
        "measure": measure,
        "terms": [list(term) for term in terms],
        "constant": constant,
        "margin": float(margin),
        "spread": test.get("spread"),
    }


def _collected(terms: Sequence[tuple]) -> list[tuple]:
    """Terms of the same cell added up; those that cancel are gone."""
    sums: dict[tuple, list] = {}
    for coefficient, cell, at in terms:
        entry = sums.setdefault((tuple(cell.items()), at), [0.0, cell, at])
        entry[0] += coefficient
    return [tuple(entry) for entry in sums.values() if abs(entry[0]) > 1e-12]


def _matching(cells: Sequence[dict], fixed: Mapping, place: str) -> list[dict]:
    """Cells with the given values; each value must be one that some cell has."""
    for axis, value in fixed.items():
        if axis not in cells[0]:
            raise _unknown(f"{place}.{axis}", axis, cells[0])
        known = list(dict.fromkeys(cell[axis] for cell in cells))
        if value not in known:
            raise _unknown(f"{place}.{axis}", value, known)
        cells = [cell for cell in cells if cell[axis] == value]
    return list(cells)


def _unknown(place: str, found, known, more: str = "") -> ClaimsError:
    close = get_close_matches(str(found), [str(name) for name in known], n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    if close == [found]:
        hint = f" (did you mean {found}, without quotes?)"
    return ClaimsError(f"{place}: got {found!r}{hint}; allowed: {_join(known)}{more}")


def _join(names) -> str:
    return ", ".join(str(name) for name in names) or "none"
