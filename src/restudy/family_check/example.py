"""A small configuration for a family whose user has none yet: data, protocol and cell of its facts.

Whatever a fact doesn't say is not guessed: the message names the fact that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from restudy.errors import UserError
from restudy.families.contract import ALL, IMAGES, Axis, Bundle, Family, Kind, Setting
from restudy.study.entries import setting_faults

NAME = "example"  # of everything that the configuration names
BUDGET, INTERVAL = 20, 5  # passes or steps: enough for several records and checkpoints
POINTS = {"kind": "moons", "points": 60, "heldout_points": 60, "validation_points": 60}
TRAIN_IMAGES, VALIDATION_IMAGES, TEST_IMAGES = 240, 40, 120
# Tried in order where a fact has bounds alone: of axes, and of settings such as a learning rate.
WHOLE_NUMBERS, NUMBERS, SETTINGS = (3, 2, 1, 0), (1.0, 0.5, 0.1), (0.01, 0.1, 0.5, 1.0)


class NoExampleError(UserError):
    """The facts don't say what a cell could be; the message says which one to add."""


def example_config(family: Family, folder: Path) -> dict[str, Any]:
    """Return a configuration with one small cell of a family.

    Parameters
    ----------
    family : Family
        Of whose axes and settings it takes the default, or else the first or a small value.
    folder : Path
        Gets the files of a set of images, if the family takes such.

    Raises
    ------
    NoExampleError
        If an axis or setting could be anything.
    """
    bundles = {bundle.name: _entries(axis, bundle) for axis, bundle in family.bundles.items()}
    values = {axis.name: _value(axis, bundles) for axis in family.axes}
    first = next(iter(values), "dataset")
    section = {
        "baseline": {"dataset": NAME, "protocol": NAME, **values},
        "protocols": {NAME: _protocol(family)},
        **bundles,
        "studies": {
            NAME: {"question": "Does it work?", "vary": {first: [values.get(first, NAME)]}}
        },
    }
    dataset = POINTS
    if family.takes == IMAGES:
        write_digits(folder)
        dataset = {"kind": "idx", "path": str(folder), "validation_examples": VALIDATION_IMAGES}
    return {"datasets": {NAME: dataset}, family.name: section}


def write_digits(folder: Path) -> None:
    """Write the four files of a small set of images: scikit-learn's digits, 28 by 28 pixels."""
    import numpy as np
    from sklearn.datasets import load_digits

    from restudy.data.idx import write_idx

    digits = load_digits()
    pixels = np.minimum(digits.images * 16, 255).astype(np.uint8)
    images = np.pad(pixels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    labels = digits.target.astype(np.uint8)
    end = TRAIN_IMAGES + TEST_IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for part, rows in (("train", slice(0, TRAIN_IMAGES)), ("test", slice(TRAIN_IMAGES, end))):
        write_idx(folder / f"{part}-images.idx", images[rows])
        write_idx(folder / f"{part}-labels.idx", labels[rows])


def _value(axis: Axis, bundles: Mapping[str, Mapping]) -> Any:
    """Return a value of an axis that its facts allow."""
    if axis.values == "choice" and axis.choices:
        return axis.choices[0]
    if axis.is_number:
        whole = axis.values == "whole_number"
        bounds = {"type": "integer" if whole else "number"} | {
            name: getattr(axis, name) for name in ("minimum", "maximum", "above", "below")
        }
        candidates = WHOLE_NUMBERS if whole else NUMBERS
        found = _allowed(Setting(axis.name, "", **bounds), candidates)
        if found is not None:
            return found
    if axis.bundle and bundles[axis.bundle.name]:
        return NAME
    if axis.bundle and axis.bundle.plain:
        return axis.bundle.kinds[0].name
    raise NoExampleError(
        f"axis {axis.name!r}: its facts don't say what a value of it could be; add choices, bounds "
        "or a bundle, or name a configuration with --configfile"
    )


def _entries(axis: str, bundle: Bundle) -> dict[str, Any]:
    """Return the entry of a bundle that the axis names; none where a kind's name may stand there.

    It is the first kind whose settings can all be filled in.
    """
    faults = []
    for kind in bundle.kinds:
        settings = (*bundle.settings, *kind.settings)
        try:
            entry = {"kind": kind.name, **_filled(settings, f"{axis}.{kind.name}.")}
        except NoExampleError as fault:
            faults.append(fault)
            continue
        plain = bundle.plain and len(entry) == 1 and kind is bundle.kinds[0]
        return {} if plain else {NAME: entry}
    raise faults[0] if faults else NoExampleError(f"bundle {bundle.name!r}: has no kinds")


def _protocol(family: Family) -> dict[str, Any]:
    """Return a protocol with a small budget, and records and checkpoints within it."""
    found = _filled(family.protocol, "protocol.")
    if family.seeds_per_job == ALL:
        found["replicates"] = 2
    intervals = {measure.recorded for measure in family.measures} | {family.monitored_interval}
    for setting in family.protocol:
        if family.time and setting.name == family.time.budget:
            found[setting.name] = _allowed(setting, (BUDGET,))
        elif setting.name in intervals or setting.name.endswith("_interval"):
            found[setting.name] = _allowed(setting, (INTERVAL,))
    return {name: value for name, value in found.items() if value is not None}


def _filled(settings: Iterable[Setting], place: str) -> dict[str, Any]:
    """Return values of the settings that are required and have no default."""
    required = [each for each in settings if each.required and each.default is None]
    return {setting.name: _required(setting, place) for setting in required}


def _required(setting: Setting, place: str) -> Any:
    match setting.type:
        case "choice":
            return setting.choices[0]
        case "boolean":
            return False
        case "settings":
            return _filled(setting.settings, f"{place}{setting.name}.")
        case "kind":
            return _kind(setting.kinds[0], f"{place}{setting.name}.")
        case "kinds":
            return [_kind(setting.kinds[0], f"{place}{setting.name}.")]
        case "counts":
            candidates = [[number] * setting.min_length for number in WHOLE_NUMBERS]
        case "integer":
            candidates = WHOLE_NUMBERS
        case "number":
            candidates = SETTINGS
        case _:
            candidates = ()
    found = _allowed(setting, candidates)
    if found is None:
        raise NoExampleError(
            f"{place}{setting.name}: is required, and its facts don't say what it could be; add a "
            "default, or name a configuration with --configfile"
        )
    return found


def _kind(kind: Kind, place: str) -> dict[str, Any]:
    return {"kind": kind.name, **_filled(kind.settings, place)}


def _allowed(setting: Setting, candidates: Iterable[Any]) -> Any:
    """Return the first candidate within the bounds of a setting, or else a bound, or None."""
    bounds = [each for each in (setting.minimum, setting.maximum) if each is not None]
    ends = [each for each in (setting.minimum, setting.above) if each is not None]
    others = [each for each in (setting.maximum, setting.below) if each is not None]
    middle = [(ends[0] + others[0]) / 2] if ends and others else []
    steps = [each + 1 for each in ends] + [each - 1 for each in others]
    found = (each for each in (*candidates, *bounds, *middle, *steps) if not _wrong(setting, each))
    return next(found, None)


def _wrong(setting: Setting, value: Any) -> bool:
    return any(setting_faults(setting, value))
