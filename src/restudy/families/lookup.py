"""Look up a kind by the name that a configuration gives it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def check_allowed(what: str, found: Any, allowed: Iterable[str]) -> None:
    """Raise ValueError, saying what was found and what is allowed, unless it is allowed."""
    names = list(allowed)
    if found not in names:
        raise ValueError(f"{what}: got {found!r}, allowed: {', '.join(names)}")


def make_kind(
    what: str, factories: Mapping[str, Callable[..., Any]], settings: Mapping, *given: Any
) -> Any:
    """Make an object of a kind by calling its factory.

    Parameters
    ----------
    what : str
        What is made, for the error message.
    factories : mapping
        Kind -> factory.
    settings : mapping
        ``kind`` and its parameters.
    given
        Further arguments of the factory, before the parameters.

    Raises
    ------
    ValueError
        If there is no such kind.
    TypeError
        If the settings are no mapping, or a parameter is not one of that kind's.
    """
    if not isinstance(settings, Mapping):
        raise TypeError(
            f"{what}: got {settings!r}, allowed: a name, or a mapping with a kind, one of "
            f"{', '.join(factories)}"
        )
    parameters = {key: value for key, value in settings.items() if key != "kind"}
    check_allowed(what, settings.get("kind"), factories)
    return factories[settings["kind"]](*given, **parameters)
