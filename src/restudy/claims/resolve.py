"""From the names in a claim to cells, measures, times and figures.

A name that the study, the family or the configuration lacks is refused here, in one line with the
key, what was found and what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from restudy.errors import UserError
from restudy.families.contract import Family
from restudy.families.registry import resolve
from restudy.plan.figures import (
    NEEDS_PLANE,
    cell_figure,
    cell_figures,
    shows_runs,
    study_figure,
    study_figures,
)
from restudy.study.cell import Cell, Value, spell
from restudy.study.design import design_of
from restudy.study.entries import Entries, split_value


class ClaimsError(UserError):
    """Claims that cannot be judged on this configuration; a line for every fault."""


@dataclass(frozen=True)
class Records:
    """When a measure is recorded during training, in passes or steps.

    Attributes
    ----------
    key : str
        Setting of the protocol that gives the interval.
    interval, first, last : int
        At every multiple of ``interval`` from ``first`` on, and at ``last``, the end of training.
    """

    key: str
    interval: int
    first: int
    last: int

    def __contains__(self, at: int) -> bool:
        return at == self.last or (self.first <= at < self.last and at % self.interval == 0)


@dataclass(frozen=True)
class Grid:
    """The cells of one protocol that a claim is about, and what is measured of them.

    Attributes
    ----------
    family : Family
        Whose cells they are.
    cells : sequence of Cell
        Those of the study that have the claim's values.
    vary : mapping of str to sequence
        Axis -> values that the study varies, in its order; without the protocol.
    settings : mapping
        Those of the protocol, but for what the cells' overrides change.
    entries : Entries
        What the cells' values stand for.
    """

    family: Family
    cells: Sequence[Cell]
    vary: Mapping[str, Sequence[Value]]
    settings: Mapping
    entries: Entries

    def cell(self, fixed: Mapping[str, Value], place: str) -> Cell:
        """Return the only cell with the given values."""
        return only_cell(self.cells, fixed, self.vary, place)

    def records(self, measure: str) -> Records | None:
        """Return when a measure is recorded during training; None if only the end has it."""
        family, facts = self.family, self.family.measure(measure)
        if family.time is None:
            return None
        if facts is None:
            key, from_start = family.monitored_interval, True
        else:
            key, from_start = facts.recorded, facts.from_start
        if not {key, family.time.budget} <= self.settings.keys():
            return None
        interval = self.settings[key]
        last = self.settings[family.time.budget]
        return Records(key, interval, 0 if from_start else interval, last)

    def check_measure(self, measure: str, place: str) -> None:
        """Refuse what is neither a measure of the family nor monitored during training."""
        family = self.family
        if family.measure(measure) or re.fullmatch(family.monitored, measure):
            return
        # Measures that any test can use come before those that only the end of training has.
        known = sorted(family.measures, key=lambda each: not each.recorded)
        more = f", or text of the form {family.monitored}" if family.monitored else ""
        raise unknown(place, measure, [each.name for each in known], more)

    def check_time(self, at: int | None, measure: str, place: str) -> None:
        """Refuse a pass or step at which the measure is not recorded."""
        if at is None:
            return
        if self.family.time is None:
            raise ClaimsError(f"{place}: got {at}; allowed: no such key, since {self._timeless()}")
        records = self.records(measure)
        if records is None:
            raise ClaimsError(f"{place}: {measure} is known at the end of training only")
        if at not in records:
            raise ClaimsError(
                f"{place}: got {at}, where {measure} is not recorded; allowed: a multiple of "
                f"{records.interval} ({records.key}) from {records.first} on, or the last, "
                f"{records.last}"
            )

    def time_of(self, test: Mapping, place: str) -> int | None:
        """Return the pass or step of a test's measure, after checking that both are recorded."""
        at = test.get("at")
        self.check_measure(test["measure"], f"{place}.measure")
        self.check_time(at, test["measure"], f"{place}.at")
        return at

    def check_axis(self, axis: str, place: str) -> None:
        """Refuse what is no axis, and the protocol, whose values are not compared."""
        if axis == "protocol":
            raise ClaimsError(
                f"{place}: got 'protocol'; allowed: any other axis, since protocols are not "
                "compared but get a verdict for each"
            )
        if axis not in self.cells[0].at:
            known = [name for name in self.cells[0].at if name != "protocol"]
            raise unknown(place, axis, known)

    def check_compared(self, axis: str, fixed: Mapping[str, Value], place: str) -> None:
        """Refuse an axis whose values cannot be compared, or that the test fixes as well."""
        self.check_axis(axis, f"{place}.axis")
        if axis in fixed:
            raise ClaimsError(
                f"{place}.cells.{axis}: got {fixed[axis]!r}; allowed: no value, since it is the "
                "axis that is compared"
            )

    def require_time(self, form: str, place: str) -> None:
        """Refuse a form that compares two times, for a family that trains in one go."""
        if self.family.time is None:
            raise ClaimsError(
                f"{place}.form: got {form!r}; allowed: a form that needs the end of training "
                f"alone, since {self._timeless()}"
            )

    def require_measure(self, form: str, measure: str, place: str) -> None:
        """Refuse a form that needs a measure which the family does not have."""
        if self.family.measure(measure) is None:
            raise ClaimsError(
                f"{place}.form: got {form!r}, which needs the measure {measure}; the family "
                f"{self.family.title!r} has {join(each.name for each in self.family.measures)}"
            )

    def check_tensor(self, tensor: str, form: str, place: str) -> None:
        """Refuse a tensor whose final values no network of the family keeps."""
        pattern = self.family.tensors
        if not pattern:
            raise ClaimsError(
                f"{place}.form: got {form!r}, which needs the final values of tensors; the family "
                f"{self.family.title!r} keeps none"
            )
        if not re.fullmatch(pattern, tensor):
            raise ClaimsError(
                f"{place}.tensor: got {tensor!r}; allowed: text of the form {pattern}"
            )

    def check_initial(self, tensor: str, cell: Cell, place: str) -> None:
        """Refuse a tensor of a cell that is not drawn from a known distribution."""
        family = self.family
        if not family.initial:
            raise ClaimsError(
                f"{place}.shape: got 'initial'; allowed: another shape, since the family "
                f"{family.title!r} does not say what initial values are drawn from"
            )
        settings = {"cell": cell} | {
            axis: self.entries.entry(axis, cell[axis]) for axis in ("protocol", *family.bundles)
        }
        if resolve(family, family.initial)(settings, tensor) is None:
            among = "".join(f", {axis} {cell[axis]}" for axis in family.bundles)
            raise ClaimsError(
                f"{place}.shape: got 'initial'; allowed: another shape, since {tensor} is not "
                f"drawn value by value from a known distribution{among and ' with' + among[1:]}"
            )

    def check_layers(self, test: Mapping, terms: Iterable[Sequence], place: str) -> None:
        """Refuse what is asked of a layer that the network of one of the terms' cells lacks."""
        key = "tensor" if "tensor" in test else "measure"
        found = test.get(key, "")
        if not self.family.layers or "/" not in found:
            return
        layer_names = resolve(self.family, self.family.layers)
        for _, cell, _ in terms:
            protocol = self.entries.entry("protocol", cell["protocol"])
            layers = layer_names({"cell": cell, "protocol": protocol})
            if found.partition("/")[0] not in layers:
                raise ClaimsError(
                    f"{place}.{key}: got {found!r}; allowed: a layer that the cell's network has, "
                    f"one of {join(layers)}"
                )

    def _timeless(self) -> str:
        return f"the family {self.family.title!r} records nothing during training"


def matching_cells(cells: Sequence[Cell], fixed: Mapping[str, Value], place: str) -> Sequence[Cell]:
    """Return the cells with the given values, each of which some cell has to have.

    Raises
    ------
    ClaimsError
        If there is no such axis, or no cell with one of the values.
    """
    for axis, value in fixed.items():
        if axis not in cells[0].at:
            raise unknown(f"{place}.{axis}", axis, cells[0].at)
        known = list(dict.fromkeys(cell.at[axis] for cell in cells))
        if value not in known:
            raise unknown(f"{place}.{axis}", value, known)
        cells = [cell for cell in cells if cell.at[axis] == value]
    return cells


def only_cell(
    cells: Sequence[Cell], fixed: Mapping[str, Value], axes: Iterable[str], place: str
) -> Cell:
    """Return the only cell with the given values.

    Parameters
    ----------
    cells : sequence of Cell
        To choose from.
    fixed : mapping
        Axis -> value.
    axes : iterable of str
        Those on which the cells may differ.
    place : str
        Where the values are given.

    Raises
    ------
    ClaimsError
        If there is none, or several; then the line names the axes that are still open.
    """
    cells = matching_cells(cells, fixed, place)
    if len(cells) > 1:
        still = [axis for axis in axes if len({cell.at[axis] for cell in cells}) > 1]
        values = (f"{axis} ({join(dict.fromkeys(c.at[axis] for c in cells))})" for axis in still)
        raise ClaimsError(
            f"{place}: still open is {'; '.join(values)}; allowed: one value for each axis"
        )
    return cells[0]


def claim_figure(
    claim: Mapping,
    place: str,
    family: Family,
    config: Mapping,
    planar: Collection[str] | None,
) -> str:
    """Return the path of the figure that shows a claim; empty if it names none.

    Parameters
    ----------
    claim : mapping
        With ``figure``: a kind, or ``kind`` with ``study``, ``cells`` and ``seed``.
    place : str
        Where the figure is named.
    family : Family
        Which figures there are.
    config : mapping
        The configuration.
    planar : collection of str or None
        Data sets of two features, whose plane can be drawn; None: any.

    Raises
    ------
    ClaimsError
        If there is no such figure, or no single cell or run that it could be of.
    """
    wanted = claim.get("figure")
    if wanted is None:
        return ""
    if isinstance(wanted, str):
        wanted = {"kind": wanted}
    kind, study = wanted["kind"], wanted.get("study", claim["study"])
    section = config[family.name]
    if study not in section["studies"]:
        raise unknown(f"{place}.study", study, section["studies"])
    design = design_of(config, family, study)
    cells, facts = design.cells, design.facts(study, section["studies"][study])
    kinds = [*study_figures(family, facts), *cell_figures(family)]
    if planar is not None and not any(_is_planar(cell, planar) for cell in cells):
        kinds = [name for name in kinds if name not in NEEDS_PLANE]
    if kind not in kinds:
        raise unknown(f"{place}.kind", kind, kinds)
    if kind in study_figures(family, facts):
        extra = [key for key in ("cells", "seed") if key in wanted]
        if extra:
            raise ClaimsError(f"{place}.{extra[0]}: {kind} shows the whole study; allowed: none")
        return study_figure(family, study, kind)
    fixed = {**(claim["cells"] if study == claim["study"] else {}), **wanted.get("cells", {})}
    cell = only_cell(cells, fixed, section["studies"][study]["vary"], f"{place}.cells")
    if planar is not None and kind in NEEDS_PLANE and not _is_planar(cell, planar):
        raise ClaimsError(
            f"{place}.cells: got data set {cell['dataset']!r}; allowed for {kind}: one of two "
            "features"
        )
    if not shows_runs(family):
        if "seed" in wanted:
            raise ClaimsError(f"{place}.seed: {kind} shows all seeds of a cell; allowed: none")
        return cell_figure(cell, kind)
    replicates = Entries(config, family).entry("protocol", cell["protocol"])["replicates"]
    seed = wanted.get("seed", 0)
    if seed >= replicates:
        raise ClaimsError(f"{place}.seed: got {seed}; allowed: 0 to {replicates - 1}")
    return cell_figure(cell, kind, seed)


def _is_planar(cell: Cell, planar: Collection[str]) -> bool:
    """Return whether a cell's points have two features, given the data sets that have."""
    name, overrides = split_value(cell["dataset"])
    return overrides["features"] == "2" if "features" in overrides else name in planar


def unknown(place: str, found: Value, known: Iterable[Value], more: str = "") -> ClaimsError:
    """Return the error of a value that is none of the known ones; it names the nearest text."""
    names = [spell(value) for value in known]
    close = get_close_matches(found, names, n=1) if isinstance(found, str) else []
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    if close == [found]:
        hint = f" (did you mean {found}, without quotes?)"
    return ClaimsError(f"{place}: got {found!r}{hint}; allowed: {join(names)}{more}")


def join(values: Iterable[Value]) -> str:
    """Return values as a list in words."""
    return ", ".join(spell(value) for value in values) or "none"
