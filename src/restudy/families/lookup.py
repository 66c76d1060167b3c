"""Look up a kind by the name that a configuration gives it: one of ours, or one of the user's."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from restudy.errors import quote

# Key beside ``kind`` with the digest of the user's file that a kind is in: it is a parameter of all
# jobs that use the kind.
CODE = "code"
# What files of the user's add, see `restudy.families.plugins`: the key of a configuration that
# names such files -> name -> what it stands for.
OWN: dict[str, dict[str, Any]] = {}


def with_own(
    known: Mapping[str, Any], key: str, adapt: Callable[[Any], Any] = lambda own: own
) -> dict[str, Any]:
    """Return what there is by name, with what files of the user's add to it.

    Parameters
    ----------
    known : mapping
        Name -> what is built in.
    key : str
        The key of a configuration that names such files, as in `OWN`.
    adapt : callable
        Makes what is added like what is built in.
    """
    return {**known, **{name: adapt(own) for name, own in OWN.get(key, {}).items()}}


def check_allowed(what: str, found: Any, allowed: Iterable[str]) -> None:
    """Raise ValueError, saying what was found and what is allowed, unless it is allowed."""
    names = list(allowed)
    if not isinstance(found, str) or found not in names:
        raise ValueError(f"{what}: got {quote(found)}, allowed: {', '.join(names)}")


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
            f"{what}: got {quote(settings)}, allowed: a name, or a mapping with a kind, one of "
            f"{', '.join(factories)}"
        )
    parameters = {key: value for key, value in settings.items() if key not in ("kind", CODE)}
    check_allowed(what, settings.get("kind"), factories)
    return factories[settings["kind"]](*given, **parameters)
