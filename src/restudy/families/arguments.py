"""Check what the public Python interface is called with, by the ranges that the settings state."""

import functools
import inspect
import itertools
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from restudy.errors import quote
from restudy.families.contract import Kind, Setting
from restudy.families.lookup import check_allowed

LONGEST_SEQUENCE = 1_000_000  # numbers in an argument, which may be an iterator without end


def check_argument(setting: Setting, found: Any) -> None:
    """Hold a value against a setting: a number, a whole number or a choice.

    Raises
    ------
    TypeError
        If it is of another type; the message names the setting, what was found and what is
        allowed.
    ValueError
        If it is not finite, outside the range, or none of the choices; likewise.
    """
    if setting.type == "choice":
        check_allowed(setting.name, found, setting.choices)
        return
    message = f"{setting.name}: got {show(found)}, allowed: {_in_words(setting)}"
    kind = numbers.Integral if setting.type == "integer" else numbers.Real
    if isinstance(found, bool) or not isinstance(found, kind):
        raise TypeError(message)
    inside = (
        _is_finite(found)
        and (setting.minimum is None or found >= setting.minimum)
        and (setting.maximum is None or found <= setting.maximum)
        and (setting.above is None or found > setting.above)
        and (setting.below is None or found < setting.below)
    )
    if not inside:
        raise ValueError(message)


def whole_numbers(setting: Setting, found: Any) -> list[int]:
    """Return a sequence of whole numbers as a list, held against a setting of type ``counts``.

    Raises
    ------
    TypeError, ValueError
        If it is no sequence, has too few or too many, or one that `check_argument` refuses.
    """
    fewest, most = setting.min_length, setting.max_length
    length = f", {fewest} {'or more' if most is None else f'to {most}'}" if fewest or most else ""
    message = f"{setting.name}: got {show(found)}, allowed: a sequence of whole numbers{length}"
    if isinstance(found, str | bytes) or not isinstance(found, Iterable):
        raise TypeError(message)
    try:
        values = list(itertools.islice(found, LONGEST_SEQUENCE + 1))
    except TypeError:  # an array without dimensions
        raise TypeError(message) from None
    if len(values) > LONGEST_SEQUENCE:
        raise ValueError(f"{message}, at most {LONGEST_SEQUENCE:,}")
    if len(values) < fewest or (most is not None and len(values) > most):
        raise ValueError(message)
    for value in values:
        check_argument(replace(setting, type="integer"), value)
    return [int(value) for value in values]


def check_mapping(name: str, found: Any) -> None:
    """Raise TypeError, saying what was found, unless it is a mapping."""
    if not isinstance(found, Mapping):
        raise TypeError(f"{name}: got {show(found)}, allowed: a mapping with a kind")


def check_settings(setting: Setting, found: Any) -> dict[str, Any]:
    """Return a mapping with its defaults, held against a setting of type ``settings``.

    Raises
    ------
    TypeError, ValueError
        If it is no mapping, has another key or lacks one, or a value that `check_argument` refuses.
    """
    known = {each.name: each for each in setting.settings}
    allowed = f"allowed: a mapping of {', '.join(known)}"
    if not isinstance(found, Mapping):
        raise TypeError(f"{setting.name}: got {show(found)}, {allowed}")
    for name in found:
        if name not in known:
            raise ValueError(f"{setting.name}: got the key {show(name)}, {allowed}")
    values = {each.name: each.default for each in setting.settings} | dict(found)
    for each in setting.settings:
        if each.required and each.name not in found:
            raise ValueError(f"{setting.name}: lacks the key {each.name!r}, {allowed}")
        check_argument(replace(each, name=f"{setting.name}.{each.name}"), values[each.name])
    return values


class Remade:
    """What a factory makes of functions: pickled as the factory's name and its arguments.

    Attributes
    ----------
    recipe : (callable, tuple, dict) or None
        The factory, and what it was called with; None of what another function made.
    """

    recipe: tuple[Callable, tuple, dict] | None = None

    def __reduce_ex__(self, protocol: int) -> Any:
        """Return how to make it again."""
        return super().__reduce_ex__(protocol) if self.recipe is None else (_remake, self.recipe)


def _remake(factory: Callable, given: tuple, named: dict) -> Any:
    return factory(*given, **named)


def held_against(kinds: Iterable[Kind], *shared: Setting) -> Callable[[Callable], Callable]:
    """Let the factory of a kind hold its arguments against the kind's settings.

    Parameters
    ----------
    kinds : iterable of Kind
        Among them, the one that has the factory's name.
    shared
        Settings that every kind has as well.
    """
    by_name = {kind.name: kind for kind in kinds}

    def decorate(factory: Callable) -> Callable:
        settings = {each.name: each for each in (*shared, *by_name[factory.__name__].settings)}
        signature = inspect.signature(factory)

        @functools.wraps(factory)
        def checked(*given: Any, **named: Any) -> Any:
            allowed = ", ".join(signature.parameters) or "no argument"
            for name in named:
                if name not in signature.parameters:
                    raise TypeError(
                        f"{factory.__name__}: got an unexpected keyword argument {name!r}, "
                        f"allowed: {allowed}"
                    )
            try:
                arguments = signature.bind(*given, **named).arguments
            except TypeError as fault:
                raise TypeError(f"{factory.__name__}: {fault}, allowed: {allowed}") from None
            for name, value in arguments.items():
                if name in settings:
                    check_argument(settings[name], value)
            made = factory(*given, **named)
            if isinstance(made, Remade):
                made.recipe = checked, given, named
            return made

        return checked

    return decorate


def show(found: Any) -> str:
    """Return a value as an error message shows it, on one line of a bearable length."""
    text = " ".join((quote(found) if isinstance(found, int) else repr(found)).split())
    return text if len(text) <= 60 else f"{text[:40]}… ({type(found).__name__})"


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number or a fraction that no float can hold
        return False


def _in_words(setting: Setting) -> str:
    bounds = {
        "from": setting.minimum,
        "above": setting.above,
        "up to": setting.maximum,
        "below": setting.below,
    }
    noun = "a whole number" if setting.type == "integer" else "a finite number"
    words = [f"{word} {bound:,}" for word, bound in bounds.items() if bound is not None]
    return " ".join([noun, *words])
