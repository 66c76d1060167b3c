"""Try what files of the user's hold before anything is trained with it: a line for each fault.

Derivatives are compared with central differences; whatever draws has to follow its seed alone;
update rules have to be elementwise, since networks of several seeds are updated together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from restudy.families.contract import Kind
from restudy.families.plugins import Activation, Initializer, Optimizer, PointSet, Schedule

# Where activation functions are tried: close together around zero, and farther out; no point is a
# round number, at which many functions have a kink.
PLACES = np.concatenate([np.linspace(-6.0, 6.0, 241) + 0.00737, [-31.7, -14.3, 14.3, 31.7]])
STEP = 1e-5  # of central differences, relative: for smooth functions their error is about 1e-10
AGREEMENT = 1e-5  # of a derivative with differences, relative to the larger of it and 1
FAN_IN, FAN_OUT = 20, 6  # of the matrix that is drawn
UPDATES = 3
PASSES = 100
POINTS = 60


def first_fault(key: str, own: Kind) -> str:
    """Return a line on the first fault of a record, or nothing.

    Parameters
    ----------
    key : str
        The key of the configuration that names its file.
    own : Kind
        The record.
    """
    if key not in TRIED:
        return ""
    with np.errstate(all="ignore"):  # what comes of it is looked at
        return next(TRIED[key](own), "")


def try_activation(own: Activation) -> Iterator[str]:
    """Yield a line for each fault in an activation function, at the defaults of its settings."""
    settings = _defaults(own)
    values = {}
    for name in ("value", "derivative"):
        function = getattr(own, name)
        found, problem = _of_array(name, lambda z, f=function: f(z, **settings), PLACES)
        values[name] = found
        if problem:
            yield problem
            return
    step = STEP * np.maximum(1.0, np.abs(PLACES))
    above, below = (np.asarray(own.value(PLACES + sign * step, **settings)) for sign in (1, -1))
    slopes = (above - below) / (2.0 * step)
    stated = values["derivative"]
    wrong = np.abs(stated - slopes) > AGREEMENT * np.maximum(1.0, np.abs(slopes))
    if wrong.any():
        worst = np.flatnonzero(wrong)[np.argmax(np.abs(stated - slopes)[wrong])]
        yield (
            f"derivative: got {stated[worst]:.6g} at z = {PLACES[worst]:.6g}; central differences "
            f"of value give {slopes[worst]:.6g} ({wrong.sum()} of {len(PLACES)} points differ)"
        )


def try_initializer(own: Initializer) -> Iterator[str]:
    """Yield a line for each fault in what an initializer draws."""
    settings = _defaults(own)

    def draw(seed: int) -> Any:
        return own.draw(np.random.RandomState(seed), FAN_IN, FAN_OUT, **settings)

    matrix = np.asarray(draw(0))
    if matrix.shape != (FAN_IN, FAN_OUT):
        yield (
            f"draw: got shape {matrix.shape} of fan_in {FAN_IN} and fan_out {FAN_OUT}; expected: "
            f"{(FAN_IN, FAN_OUT)}"
        )
    elif not _are_numbers(matrix):
        yield "draw: got values that are no finite numbers"
    else:
        yield from _seed_faults("draw", draw)


def try_optimizer(own: Optimizer) -> Iterator[str]:
    """Yield a line for each fault in an update rule."""
    if not all(isinstance(each, int | float) for each in own.slots):
        yield f"slots: got {own.slots!r}; allowed: a number for each array that it keeps"
        return
    generator = np.random.RandomState(0)
    start, gradients = generator.normal(size=8), generator.normal(size=(UPDATES, 8))
    together, problem = _updated(own, start, gradients)
    if problem:
        yield problem
        return
    parts = np.split(np.arange(8), 2)
    halves = [_updated(own, start[part], gradients[:, part])[0] for part in parts]
    if not np.allclose(together, np.concatenate(halves), rtol=1e-12, atol=0):
        yield (
            "update: changes a parameter otherwise if there are others beside it; it has to be "
            "elementwise, since networks of several seeds are updated together"
        )
    elif np.array_equal(together, start):
        yield "update: changed no parameter; it has to change them in place"


def try_schedule(own: Schedule) -> Iterator[str]:
    """Yield a line for each fault in the factors of a schedule."""
    settings = {k: v for k, v in _defaults(own).items() if k != "warm_up"}
    for pass_number in (1, 2, PASSES // 2, PASSES):
        factor = own.factor(pass_number, PASSES, **settings)
        if not np.isscalar(factor) or not np.isfinite(factor) or factor < 0:
            yield (
                f"factor: got {factor!r} in pass {pass_number} of {PASSES}; allowed: a finite "
                "number from 0"
            )
            return
        of_more = own.factor(pass_number, 2 * PASSES, **settings)
        if of_more != factor and not own.until_end:
            yield (
                f"factor: got {factor!r} in pass {pass_number} of {PASSES} and {of_more!r} in that "
                f"of {2 * PASSES}; with until_end=True it may depend on how many there are"
            )
            return


def try_point_set(own: PointSet) -> Iterator[str]:
    """Yield a line for each fault in generated points."""
    shared = PointSet(own.name, generate=own.generate).completed().settings
    known = {setting.name for setting in shared}
    settings = {name: each for name, each in _defaults(own).items() if name not in known}

    def generate(seed: int, points: int = POINTS) -> Any:
        return own.generate(np.random.RandomState(seed), points, **settings)

    found = generate(0)
    if not isinstance(found, tuple) or len(found) != 2:
        yield f"generate: got {type(found).__name__}; expected: points and their classes, a pair"
        return
    x, label = map(np.asarray, found)
    features, classes = (
        getattr(own, name) or settings.get(name) for name in ("features", "classes")
    )
    for name, stated in (("features", features), ("classes", classes)):
        if not stated:
            yield f"{name}: how many is not known; give {name}=… or a setting of that name"
            return
    if x.shape != (POINTS, features) or label.shape != (POINTS,):
        yield (
            f"generate: got shapes {x.shape} and {label.shape} of {POINTS} points; expected: "
            f"{(POINTS, features)} and {(POINTS,)}"
        )
    elif not _are_numbers(x):
        yield "generate: got coordinates that are no finite numbers"
    elif label.dtype.kind not in "iu" or set(np.unique(label)) != set(range(classes)):
        yield (
            f"generate: got the classes {sorted(set(label.tolist()))[:6]}; expected: each of 0 to "
            f"{classes - 1}, whole numbers"
        )
    else:
        yield from _seed_faults("generate", lambda seed: np.column_stack(generate(seed)))


# By the key of the configuration: what tries the records of its files. A form of claim is tried by
# the claims that have it, and a figure is drawn from results.
TRIED: dict[str, Callable[[Any], Iterator[str]]] = {
    "activations": try_activation,
    "initializers": try_initializer,
    "optimizers": try_optimizer,
    "schedules": try_schedule,
    "point_sets": try_point_set,
}


def _defaults(own: Kind) -> dict[str, Any]:
    return {setting.name: setting.default for setting in own.settings}


def _are_numbers(values: np.ndarray) -> bool:
    return values.dtype.kind in "fiu" and bool(np.isfinite(values).all())


def _of_array(
    name: str, function: Callable[[np.ndarray], Any], places: np.ndarray
) -> tuple[np.ndarray, str]:
    """Return what an elementwise function gives, and the first fault in it."""
    given = places.copy()
    found = np.asarray(function(given))
    if not np.array_equal(given, places):
        return found, f"{name}: changes the array that it is given; it has to return another one"
    if found.shape != places.shape:
        return found, f"{name}: got shape {found.shape} of {places.shape}; it has to be elementwise"
    if not _are_numbers(found):
        strange = places[~np.isfinite(found)] if found.dtype.kind == "f" else places
        return found, (
            f"{name}: got {function(strange[:1])!r} at z = {strange[0]:.6g}; allowed: a number"
        )
    parts = (function(part.copy()) for part in np.split(places, [9]))
    apart = np.concatenate([np.atleast_1d(part) for part in parts])
    if not np.allclose(apart, found, rtol=1e-12, atol=0):
        at = places[np.flatnonzero(~np.isclose(apart, found, rtol=1e-12, atol=0))[0]]
        return found, (
            f"{name}: its value at z = {at:.6g} depends on the other elements of the array; it has "
            "to be elementwise"
        )
    return found, ""


def _updated(own: Optimizer, start: np.ndarray, gradients: np.ndarray) -> tuple[np.ndarray, str]:
    """Return parameters after several updates, and a fault."""
    parameters = start.copy()
    slots = [np.full(len(start), float(value)) for value in own.slots]
    for number, gradient in enumerate(gradients, start=1):
        returned = own.update(parameters, gradient.copy(), slots, number, 0.1, **_defaults(own))
        if returned is not None:
            return parameters, (
                f"update: returned {type(returned).__name__}; it has to change parameters and "
                "slots in place, and to return nothing"
            )
    if not _are_numbers(parameters):
        return parameters, "update: left parameters that are no finite numbers"
    return parameters, ""


def _seed_faults(name: str, draw: Callable[[int], Any]) -> Iterator[str]:
    """Yield a line if what is drawn does not follow its seed alone."""
    first, again, other = (np.asarray(draw(seed)) for seed in (0, 0, 1))
    if not np.array_equal(first, again):
        yield f"{name}: gave two results with one seed; it has to draw from its generator alone"
    elif np.array_equal(first, other) and np.ptp(first) > 0:
        yield f"{name}: gave one result with two seeds; it has to draw from its generator"
