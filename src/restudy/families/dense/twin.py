"""Describe a cell's networks to a page that runs them in the browser; loads no library."""

from collections.abc import Mapping
from typing import Any

from restudy.families import components
from restudy.families.lookup import with_own


def describe_for_browser(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page needs, besides the weights, to run a cell's networks.

    Parameters
    ----------
    settings : mapping
        Settings of the cell.

    Returns
    -------
    dict
        ``activation``, its kind and all its settings; ``form``, the JavaScript of the kind, empty
        if it has none; ``arithmetic``, ``l1`` and ``l2``.
    """
    activation = dict(settings["activation"])
    kinds = with_own({kind.name: kind for kind in components.ACTIVATIONS}, "activations")
    known = kinds.get(activation["kind"])
    return {
        "activation": activation,
        "form": known.javascript if known else "",
        **{key: settings["protocol"][key] for key in ("arithmetic", "l1", "l2")},
    }
