"""Look up a kind, as a configuration names it, among those that there are."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def check_allowed(what: str, found: Any, allowed: Iterable[str]) -> None:
    """Raise ValueError, with what was found and what is allowed, unless it is allowed."""
    names = list(allowed)
    if found not in names:
        raise ValueError(f"{what}: got {found!r}, allowed: {', '.join(names)}")


def make_kind(
    what: str, factories: Mapping[str, Callable[..., Any]], settings: Mapping, *given: Any
) -> Any:
    """Call the factory of a kind.

    Parameters
    ----------
    what : str
        What is made: the error names it.
    factories : mapping
        Kind -> factory.
    settings : mapping
        ``kind`` and its parameters.
    given
        What the factory takes before the parameters.

    Raises
    ------
    ValueError
        If there is no such kind.
    TypeError
        If a parameter is not one of that kind's.
    """
    parameters = {key: value for key, value in settings.items() if key != "kind"}
    check_allowed(what, settings.get("kind"), factories)
    return factories[settings["kind"]](*given, **parameters)
