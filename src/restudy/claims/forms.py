r"""The forms that a claim's test can have: each comes down to one or more contrasts over cells.

A contrast is claimed to exceed its margin :math:`\delta \ge 0`:

.. math:: \sum_i w_i\, m(c_i, t_i) - k > \delta,

where :math:`m(c, t)` is the test's measure in cell :math:`c` at time :math:`t` (the end of training
unless the test says ``at``) of one seed, :math:`w_i` are the terms' coefficients and :math:`k` is
the contrast's constant. It has a value for each seed; `restudy.claims.inference` says when these
exceed a margin. Where a docstring below does not say otherwise, :math:`k = 0` and :math:`\delta` is
the test's ``margin``, by default 0.

A contrast is how a claim is judged. What a reader is shown is its quantity, :math:`q`, such as a
cell's accuracy or the difference of two losses, of which the contrast is the distance from a bound
:math:`b` in the claimed direction :math:`s = \pm 1`: :math:`s\,(q - b)`.

Every form is a function (grid, test, place) -> iterator of contrasts:

grid : Grid
    The cells of one protocol that the claim is about.
test : mapping
    As the file of claims has it, with its defaults; ``cells`` fixes values for all of its cells.
place : str
    Where the test stands in the file, for the lines of faults.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from restudy.claims.resolve import ClaimsError, Grid, join, unknown
from restudy.claims.ways import MEAN, TYPICAL
from restudy.families.lookup import OWN, with_own
from restudy.families.own_files import told
from restudy.study.cell import Cell, Value
from restudy.study.labels import label_of, measure_title, value_words, within

Term = tuple[float, Cell, int | None]


def ordered(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrasts of means that stand in the given order of an axis's values.

    For the values :math:`v_1, \dots, v_K` of ``order``, the lowest mean first, and each
    :math:`k < K`:

    .. math:: m(v_{k+1}) - m(v_k) > \delta
    """
    yield from _rises(grid, test, place, test["axis"], test["order"])


def monotone(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrasts of a mean that rises (or falls) along an axis.

    For the values :math:`v_1, \dots, v_K` of the axis in the study's order and each :math:`k < K`,
    with :math:`\sigma = 1` for ``rising`` and :math:`-1` for ``falling``:

    .. math:: \sigma\,(m(v_{k+1}) - m(v_k)) > \delta
    """
    axis = test["axis"]
    if len(grid.vary.get(axis, ())) < 2:
        varied = [name for name, values in grid.vary.items() if len(values) > 1]
        raise unknown(f"{place}.axis", axis, varied)
    values = grid.vary[axis]
    ascending = values if test["direction"] == "rising" else values[::-1]
    yield from _rises(grid, test, place, axis, ascending)


def threshold(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrast of a mean that lies above (or below) a bound.

    With ``above`` the first, with ``below`` the second, of a cell :math:`c` and a bound :math:`b`:

    .. math:: m(c) - b > \delta \qquad\text{or}\qquad b - m(c) > \delta
    """
    at = grid.time_of(test, place)
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if "above" in test else -1.0
    bound = float(test["above"] if "above" in test else test["below"])
    label = f"mean − {bound:g}" if sign > 0 else f"{bound:g} − mean"
    terms, quantity = [(1.0, cell, at)], _measured(grid, test, at)
    yield contrast(
        test,
        label,
        test["measure"],
        terms,
        bound,
        test["margin"],
        direction=sign,
        quantity=quantity,
    )


def equals(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the two contrasts of a mean that lies within a tolerance of a published value.

    Of a cell :math:`c`, a value :math:`v` and a tolerance :math:`\tau`; there is no margin:

    .. math:: m(c) - (v - \tau) > 0 \qquad\text{and}\qquad (v + \tau) - m(c) > 0
    """
    at = grid.time_of(test, place)
    cell = grid.cell(test["cells"], place)
    value, tolerance = float(test["value"]), float(test["tolerance"])
    low, high = value - tolerance, value + tolerance
    terms, quantity = [(1.0, cell, at)], _measured(grid, test, at)
    for label, bound, sign in ((f"mean − {low:g}", low, 1.0), (f"{high:g} − mean", high, -1.0)):
        yield contrast(
            test, label, test["measure"], terms, bound, direction=sign, quantity=quantity
        )


def linear_boundary(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrast of a decision boundary that is (or is not) a straight line.

    The measure is :math:`\ell`, the boundary linearity (`restudy.analysis.shapes.line_agreement`).
    Of a cell :math:`c` and the share :math:`a` of ``agreement``, with ``linear`` the first,
    without it the second; there is no margin:

    .. math:: \ell(c) - a > 0 \qquad\text{or}\qquad a - \ell(c) > 0
    """
    measure = "boundary_linearity"
    grid.require_measure(test["form"], measure, place)
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if test["linear"] else -1.0
    bound = test["agreement"]
    label = f"agreement − {bound:g}" if test["linear"] else f"{bound:g} − agreement"
    quantity = _measured(grid, {**test, "measure": measure})
    yield contrast(
        test, label, measure, [(1.0, cell, None)], bound, direction=sign, quantity=quantity
    )


def overfitting(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrast of a generalisation gap that grows from one value of an axis to another.

    The measure is :math:`g`, held-out minus training loss. Of the axis's values
    :math:`v_\text{from}` and :math:`v_\text{to}`:

    .. math:: g(v_\text{to}) - g(v_\text{from}) > \delta
    """
    measure, axis, at = "generalisation_gap", test["axis"], test.get("at")
    grid.require_measure(test["form"], measure, place)
    grid.check_time(at, measure, f"{place}.at")
    grid.check_compared(axis, test["cells"], place)
    if test["from"] == test["to"]:
        raise ClaimsError(f"{place}.to: got {test['to']!r}, the same as from")
    less, more = (
        grid.cell({**test["cells"], axis: test[end]}, f"{place}.{end}") for end in ("from", "to")
    )
    terms = [(1.0, more, at), (-1.0, less, at)]
    quantity = _measured(grid, {**test, "measure": measure}, at)
    yield contrast(
        test,
        _difference(axis, more, less),
        measure,
        terms,
        margin=test["margin"],
        quantity=f"{quantity}: {_difference(axis, more, less, ' minus ')}",
    )


def trend(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrasts of a measure that rises (or falls) from one pass or step to another.

    Of a cell :math:`c` and times :math:`t_\text{from} < t_\text{to}`, by default the first and
    the last record, with :math:`\sigma = 1` for ``rising`` and :math:`-1` for ``falling``, it
    changes on the whole; and it does so all along: its rank correlation with time over all records
    between these, :math:`\rho` (`restudy.claims.evidence.course`), exceeds the number :math:`r` of
    ``correlation``, 0 for a claim about the two ends alone, without the second contrast:

    .. math:: \sigma\,(m(c, t_\text{to}) - m(c, t_\text{from})) > \delta
        \qquad\text{and}\qquad \sigma\,\rho(c) - r > 0
    """
    measure = test["measure"]
    grid.require_time(test["form"], place)
    grid.check_measure(measure, f"{place}.measure")
    records = grid.records(measure)
    first, last = (records.first, records.last) if records else (0, 0)
    start, end = test.get("from", first), test.get("to", last)
    grid.check_time(start, measure, f"{place}.from")
    grid.check_time(end, measure, f"{place}.to")
    if start >= end:
        raise ClaimsError(f"{place}.from: got {start}; allowed: less than {end}, the end")
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if test["direction"] == "rising" else -1.0
    unit = grid.family.time.label.lower()
    span = f"from {start:,} to {end:,} {unit}"
    terms = [(1.0, cell, end), (-1.0, cell, start)]
    label = f"{test['direction']} {span}"
    yield contrast(
        test,
        label,
        measure,
        terms,
        margin=test["margin"],
        direction=sign,
        quantity=f"{_measured(grid, test)}: change {span}",
        zero="no change",
    )
    if not (bound := test["correlation"]):
        return
    over = {"kind": "course", "from": start, "to": end}
    label = f"rank correlation with time, {span}, − {bound:g}"
    if sign < 0:
        label = f"minus the {label}"
    steady = {**test, "spread": test.get("correlation_spread")}
    yield contrast(
        steady,
        label,
        measure,
        [(1.0, cell, None)],
        sign * bound,
        over=over,
        direction=sign,
        quantity=f"{_measured(grid, test, unit=False)}: rank correlation with time, {span}",
        zero="no trend",
    )


def distribution(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrast of a trained tensor whose values have the given shape.

    The measure is :math:`D`, the Kolmogorov-Smirnov distance of the tensor's values from the
    uniform distribution between the smallest and the largest of them, from the normal one with
    their mean and standard deviation, or from the one that the initializer draws from
    (`restudy.analysis.shapes.shape_distances`). Of a cell :math:`c` and the bound :math:`b` of
    ``distance``; there is no margin:

    .. math:: b - D(c) > 0
    """
    tensor, bound = test["tensor"], test["distance"]
    grid.check_tensor(tensor, test["form"], place)
    cell = grid.cell(test["cells"], place)
    if test["shape"] == "initial":
        grid.check_initial(tensor, cell, place)
    shape = {"initial": "the initial distribution"}.get(test["shape"], test["shape"])
    measure = f"{tensor}/{test['shape']}_distance"
    yield contrast(
        test,
        f"{bound:g} − distance from {shape}",
        measure,
        [(1.0, cell, None)],
        bound,
        direction=-1.0,
        quantity=_measured(grid, {**test, "measure": measure}),
    )


def share(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrast of a measure that is above (or below) a bound in enough of the seeds.

    With ``above`` the first, with ``below`` the second, of a cell :math:`c`, a bound :math:`b` and
    a share :math:`\theta`, where :math:`P` is the share of all seeds, diverged ones too:

    .. math:: P(m(c) - b > 0) > \theta \qquad\text{or}\qquad P(b - m(c) > 0) > \theta
    """
    at = grid.time_of(test, place)
    cell = grid.cell(test["cells"], place)
    sign = 1.0 if "above" in test else -1.0
    bound = float(test["above"] if "above" in test else test["below"])
    side = "above" if sign > 0 else "below"
    yield contrast(
        test,
        f"seeds {side} {bound:g}",
        test["measure"],
        [(1.0, cell, at)],
        bound,
        share=test["share"],
        direction=sign,
        quantity=f"Share of seeds with {within(_measured(grid, test, at))} {side} {bound:g}",
    )


def equivalent(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the two contrasts of cells that differ by less than a tolerance (Schuirmann 1987).

    Of the two values :math:`v_1, v_2` of an axis and a tolerance :math:`\tau`; both one-sided
    tests have to succeed, and there is no margin:

    .. math:: m(v_2) - m(v_1) + \tau > 0 \qquad\text{and}\qquad \tau - (m(v_2) - m(v_1)) > 0
    """
    axis, tolerance = test["axis"], float(test["tolerance"])
    grid.check_compared(axis, test["cells"], place)
    at = grid.time_of(test, place)
    one, other = (
        grid.cell({**test["cells"], axis: value}, f"{place}.values") for value in test["values"]
    )
    difference = _difference(axis, other, one)
    terms = [(1.0, other, at), (-1.0, one, at)]
    for sign, label in (
        (1.0, f"{difference} + {tolerance:g}"),
        (-1.0, f"{tolerance:g} − ({difference})"),
    ):
        yield contrast(
            test,
            label,
            test["measure"],
            terms,
            -sign * tolerance,
            direction=sign,
            quantity=f"{_measured(grid, test, at)}: {_difference(axis, other, one, ' minus ')}",
        )


def faster(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrasts of a measure that reaches a level sooner with one value than the next.

    Of the first recorded time :math:`T` at which the measure is at the level or better, infinite
    where it never is, and the values :math:`v_1, \dots, v_K` of ``order``, the fastest first, for
    each :math:`k < K`, with the margin in passes or steps:

    .. math:: T(v_{k+1}) - T(v_k) > \delta

    Times may be infinite, so a mean says nothing of them: it is judged of the typical seed.
    """
    measure, axis = test["measure"], test["axis"]
    grid.require_time(test["form"], place)
    grid.check_measure(measure, f"{place}.measure")
    grid.check_compared(axis, test["cells"], place)
    facts = grid.family.measure(measure)
    if grid.records(measure) is None or facts is None or not facts.better:
        known = [each.name for each in grid.family.recorded_measures if each.better]
        raise unknown(f"{place}.measure", measure, known)
    over = {"kind": "time_to_reach", "level": float(test["level"]), "better": facts.better}
    typical = {**test, "judged_by": TYPICAL}
    cells = [grid.cell({**test["cells"], axis: value}, place) for value in test["order"]]
    unit, level = grid.family.time.plural, f"{test['level']:g}"
    reached = f"{grid.family.time.label} until {within(_measured(grid, test))} is at {level}"
    for sooner, later in pairwise(cells):
        yield contrast(
            typical,
            f"{unit} to {level}, {_difference(axis, later, sooner)}",
            measure,
            [(1.0, later, None), (-1.0, sooner, None)],
            margin=test["margin"],
            over=over,
            quantity=f"{reached}: {_difference(axis, later, sooner, ' minus ')}",
        )


def interaction(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the contrast of an effect of one axis that is larger at one value of another.

    Of two axes :math:`a` and :math:`b` that ``from`` and ``to`` give a value each:

    .. math:: \bigl(m(a_\text{to}, b_\text{to}) - m(a_\text{from}, b_\text{to})\bigr)
        - \bigl(m(a_\text{to}, b_\text{from}) - m(a_\text{from}, b_\text{from})\bigr) > \delta
    """
    start, end = test["from"], test["to"]
    axes = _compared_axes(grid, start, end, f"{place}.from", f"{place}.to")
    if len(axes) != 2:
        raise ClaimsError(f"{place}.from: got {join(axes)}; allowed: values of two axes")
    at = grid.time_of(test, place)
    one, other = axes
    terms = [
        (first * second, grid.cell({**test["cells"], one: a[one], other: b[other]}, place), at)
        for first, a in ((1.0, end), (-1.0, start))
        for second, b in ((1.0, end), (-1.0, start))
    ]
    high, low = (value_words(corner[one], one) for corner in (end, start))
    more, less = (value_words(corner[other], other) for corner in (end, start))
    yield contrast(
        test,
        f"({high} − {low}) with {more} − with {less}",
        test["measure"],
        terms,
        margin=test["margin"],
        quantity=f"{_measured(grid, test, at)}: {high} minus {low}, with {more} minus with {less}",
    )


def _compared_axes(
    grid: Grid, one: Mapping[str, Value], other: Mapping[str, Value], place: str, second: str
) -> list[str]:
    """Return the axes of two corners, after checking that they differ in all of them."""
    axes = list(one)
    if set(axes) != set(other):
        raise ClaimsError(f"{second}: got {join(other)}; allowed: the axes of from, {join(one)}")
    for axis in axes:
        grid.check_axis(axis, place)
    same = [axis for axis in axes if one[axis] == other[axis]]
    if same:
        raise ClaimsError(f"{second}.{same[0]}: got {other[same[0]]!r}, the same as from")
    return axes


def attribution(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
    r"""Yield the two contrasts of a difference that is owed to one factor for the most part.

    Of the corners ``from`` and ``to`` of a factorial, the difference is
    :math:`\Delta = m(c_\text{from}) - m(c_\text{to})`, and the factor's part of it is its Shapley
    value :math:`\varphi`, see `shapley_terms`. With the share :math:`s`, without a margin:

    .. math:: \Delta > 0 \qquad\text{and}\qquad \varphi - s\,\Delta > 0
    """
    high, low = test["from"], test["to"]
    factors = _compared_axes(grid, high, low, f"{place}.from", f"{place}.to")
    if test["factor"] not in factors:
        raise unknown(f"{place}.factor", test["factor"], factors)
    at = grid.time_of(test, place)

    def corner(changed: frozenset) -> Cell:
        values = {axis: (low if axis in changed else high)[axis] for axis in factors}
        return grid.cell({**test["cells"], **values}, place)

    whole = [(1.0, corner(frozenset()), at), (-1.0, corner(frozenset(factors)), at)]
    one, other = (
        ", ".join(value_words(end[axis], axis) for axis in factors) for end in (high, low)
    )
    measured = _measured(grid, test, at)
    yield contrast(
        test,
        "the whole difference",
        test["measure"],
        whole,
        quantity=f"{measured}: ({one}) minus ({other})",
    )
    part = test["share"]
    parts = shapley_terms(factors, test["factor"])
    owed = [(weight, corner(changed), at) for weight, changed in parts]
    owed += [(-part * weight, cell, time) for weight, cell, time in whole]
    factor = label_of(test["factor"]).lower()
    yield contrast(
        test,
        f"owed to {factor} − {part:.0%} of the difference",
        test["measure"],
        _summed(owed),
        quantity=f"{measured}: part owed to {factor} minus {part:.0%} of that difference",
        zero=f"exactly {part:.0%} of it",
    )


def shapley_terms(factors: Sequence[str], factor: str) -> list[tuple[float, frozenset]]:
    r"""Return a factor's part of the fall from the corner of no change to that of all changes.

    It is the factor's Shapley value: the mean fall over all orders of changing the
    :math:`K` factors one by one, with :math:`m(S)` the measure where the factors in :math:`S` are
    changed,

    .. math::

        \varphi_f = \sum_{S \not\ni f} \frac{|S|!\,(K - |S| - 1)!}{K!}\,(m(S) - m(S \cup \{f\}))

    Parameters
    ----------
    factors : sequence of str
        All K of them.
    factor : str
        The one whose part is wanted, f.

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


Form = Callable[[Grid, Mapping, str], Iterator[dict]]
FORMS: dict[str, Form] = {
    "ordered": ordered,
    "monotone": monotone,
    "threshold": threshold,
    "equals": equals,
    "linear_boundary": linear_boundary,
    "overfitting": overfitting,
    "trend": trend,
    "distribution": distribution,
    "attribution": attribution,
    "share": share,
    "equivalent": equivalent,
    "faster": faster,
    "interaction": interaction,
}


def built_in_names() -> set[str]:
    """Return the names of the forms that are in no file of the user's."""
    return set(FORMS)


def forms() -> dict[str, Form]:
    """Return all forms by name, with those in files of the user's."""
    return with_own(FORMS, "claim_forms", _of_own)


def with_own_forms(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a file of claims with the forms in files of the user's.

    Parameters
    ----------
    schema : mapping
        JSON Schema 2020-12 of such a file; it is not changed.
    """
    extended = copy.deepcopy(dict(schema))
    test = extended["$defs"]["test"]
    for name, own in OWN.get("claim_forms", {}).items():
        shared = {key: {"$ref": f"#/$defs/{key}"} for key in (*own.shared, "judged_by", "because")}
        test["properties"]["form"]["enum"].append(name)
        test["allOf"].append(
            {
                "if": {
                    "type": "object",
                    "required": ["form"],
                    "properties": {"form": {"const": name}},
                },
                "then": {
                    "description": own.description,
                    "additionalProperties": False,
                    "required": list(own.required),
                    "properties": {"form": {}, **shared, **own.keys},
                },
            }
        )
    return extended


def _of_own(own: Any) -> Form:
    """Return the function of a form in a file of the user's."""

    def contrasts(grid: Grid, test: Mapping, place: str) -> Iterator[dict]:
        with told(own.file, f"for {place}"):
            found = list(own.contrasts(grid, test, place))
        yield from found

    return contrasts


def contrast(
    test: Mapping,
    label: str,
    measure: str,
    terms: Sequence[Term],
    bound: float = 0.0,
    margin: float = 0.0,
    share: float | None = None,
    over: Mapping | None = None,
    direction: float = 1.0,
    quantity: str = "",
    zero: str | None = None,
) -> dict:
    """Return a contrast in plain JSON values, as jobs get it.

    Parameters
    ----------
    test : mapping
        That it is of: its ``form``, ``cells``, ``spread``, ``judged_by`` and ``because``.
    label : str
        The contrast in words, for tables; the values that the test fixes are added.
    measure : str
        What is measured.
    terms : sequence of (float, Cell, int or None)
        Of the quantity: coefficient, cell, and pass or step; None is the end of training.
    bound, margin : float
        What the quantity is compared with, and by how much it is claimed to lie beyond it.
    share : float or None
        Of the seeds in which it is claimed to lie beyond it, if that is what is claimed.
    over : mapping or None
        What is made of the measure's course, see `restudy.claims.evidence.Evidence.values`.
    direction : {1.0, -1.0}
        Whether the quantity is claimed to lie above the bound or below it.
    quantity : str
        What the sum of the terms is, for readers; by default the measure and the label.
    zero : str or None
        What a quantity of 0 stands for, where it is no measure itself; by default "no difference"
        if the coefficients cancel.
    """
    spread = test.get("spread")
    if zero is None:
        cancels = abs(sum(weight for weight, _, _ in terms)) < 1e-12
        zero = "no difference" if cancels else ""
    among = ", ".join(value_words(value, axis) for axis, value in test["cells"].items())
    return {
        "form": test["form"],
        "label": f"{label} ({among})" if among else label,
        "measure": measure,
        "quantity": quantity or f"{measure_title(measure, terms[0][1].family)}: {label}",
        "zero": zero,
        "terms": [[direction * weight, dict(cell), at] for weight, cell, at in terms],
        "constant": direction * bound,
        "bound": float(bound),
        "direction": "above" if direction > 0 else "below",
        "margin": float(margin),
        "share": share,
        "over": over,
        "spread": {"value": spread, "seeds": None} if isinstance(spread, int | float) else spread,
        "judged_by": test.get("judged_by", MEAN),
        "because": test.get("because", ""),
    }


def _rises(
    grid: Grid, test: Mapping, place: str, axis: str, values: Sequence[Value]
) -> Iterator[dict]:
    """Yield the contrast of each value of an axis with the one before it, whose mean is lower."""
    grid.check_compared(axis, test["cells"], place)
    at = grid.time_of(test, place)
    cells = [grid.cell({**test["cells"], axis: value}, place) for value in values]
    for lower, higher in pairwise(cells):
        yield contrast(
            test,
            _difference(axis, higher, lower),
            test["measure"],
            [(1.0, higher, at), (-1.0, lower, at)],
            margin=test["margin"],
            quantity=f"{_measured(grid, test, at)}: {_difference(axis, higher, lower, ' minus ')}",
        )


def _difference(axis: str, more: Cell, less: Cell, sign: str = " − ") -> str:
    return f"{value_words(more.at[axis], axis)}{sign}{value_words(less.at[axis], axis)}"


def _measured(grid: Grid, test: Mapping, at: int | None = None, unit: bool = True) -> str:
    """Return what a test measures, when and where, as the title of an axis says it.

    Parameters
    ----------
    grid, test
        See above; the test has a ``measure``.
    at : int or None
        Pass or step; None: the end of training.
    unit : bool
        Whether the measure's unit is added.
    """
    words = measure_title(test["measure"], grid.family.name if unit else None)
    when = [] if at is None else [f"after {at:,} {grid.family.time.label.lower()}"]
    among = [value_words(value, axis) for axis, value in test["cells"].items()]
    return ", ".join([words, *when, *among])


def _summed(terms: Sequence[Term]) -> list[Term]:
    """Return the terms with those of the same cell and time added up; what cancels is gone."""
    sums: dict[tuple[Cell, int | None], float] = {}
    for coefficient, cell, at in terms:
        sums[cell, at] = sums.get((cell, at), 0.0) + coefficient
    return [(total, cell, at) for (cell, at), total in sums.items() if abs(total) > 1e-12]
