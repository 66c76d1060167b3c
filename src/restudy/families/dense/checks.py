"""Find conflicting settings of dense networks, name layers, and choose gradient checks.

Loads no library.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from restudy.families.components import SCHEDULES
from restudy.families.contract import LARGEST_JOB, PointFacts
from restudy.families.dense.cost import memory
from restudy.families.lookup import with_own

LARGEST_NETWORK = 50_000_000  # weights: with gradients and states of an optimizer, gigabytes
CHECKED_UNITS, CHECKED_DEPTH = 8, 4  # limits for the network of the gradient check


def find_clashes(section: Mapping, place: str) -> Iterator[str]:
    """Yield a line for each warm-up longer than its training, and network too large for a job.

    Parameters
    ----------
    section : mapping
        The completed section of a configuration.
    place : str
        Its key.
    """
    for name, protocol in section["protocols"].items():
        warm_up, passes = protocol["schedule"]["warm_up"], protocol["passes"]
        if warm_up > passes:
            yield (
                f"{place}.protocols.{name}.schedule.warm_up: got {warm_up}; allowed: at most "
                f"{passes}, the passes of the protocol"
            )
    for name, study in section["studies"].items():
        largest = {
            axis: max(study["vary"].get(axis, [{**section["baseline"], **study["fix"]}[axis]]))
            for axis in ("hidden_size", "depth")
        }
        units, depth = largest.values()
        # Those between hidden layers, and at least one feature and two classes.
        weights = (depth - 1) * (units + 1) * units + 4 * units
        if weights > LARGEST_NETWORK:
            yield (
                f"{place}.studies.{name}: has a network of {depth:,} hidden layers of {units:,} "
                f"units, {weights:,} weights; allowed: at most {LARGEST_NETWORK:,}"
            )


def find_excess(settings: Mapping, facts: PointFacts, place: str) -> Iterator[str]:
    """Yield a line if training a cell takes too much memory for a job.

    Parameters
    ----------
    settings : mapping
        Those of the cell.
    facts : PointFacts
        What is known of its data set.
    place : str
        The key of its protocol.
    """
    needed = memory(settings, facts)
    if needed > LARGEST_JOB:
        cell, protocol = settings["cell"], settings["protocol"]
        found = [f"{key} {cell[key]:,}" for key in ("hidden_size", "depth")]
        found += [f"{key} {protocol[key]:,}" for key in ("replicates", "passes", "record_interval")]
        yield (
            f"{place}: got {', '.join(found)}, which take about {needed:,.0f} MB of memory with "
            f"data set {cell['dataset']!r}; allowed: what takes at most {LARGEST_JOB:,} MB"
        )


def why_anew(settings: Mapping) -> str:
    """Return why a cell's training can't go on to more passes, or nothing if it can."""
    kind = settings["protocol"]["schedule"]["kind"]
    if with_own({each.name: each for each in SCHEDULES}, "schedules")[kind].until_end:
        return f"with the schedule {kind}, every learning rate depends on the number of passes"
    return ""


def layer_names(settings: Mapping) -> list[str]:
    """Return the names of the layers of a cell's network, the output layer last."""
    return [f"layer{number}" for number in range(1, settings["cell"]["depth"] + 2)]


def choose_gradient_check(baseline: Mapping, settings: Iterable[Mapping]) -> dict[str, Any]:
    """Return the networks of the gradient check, small enough for it to be quick.

    Parameters
    ----------
    baseline : mapping
        Settings of the baseline cell.
    settings : iterable of mapping
        Settings of every cell.

    Returns
    -------
    dict
        dataset, initializer, l2 and hidden_size of the baseline, the last at most
        `CHECKED_UNITS`; depth, that of the deepest cell, at most `CHECKED_DEPTH`; activations,
        those of all cells, with their parameters.
    """
    settings = list(settings)
    return {
        "dataset": baseline["cell"]["dataset"],
        "hidden_size": min(baseline["cell"]["hidden_size"], CHECKED_UNITS),
        "depth": min(max(each["cell"]["depth"] for each in settings), CHECKED_DEPTH),
        "initializer": baseline["initializer"],
        "l2": baseline["protocol"]["l2"],
        "activations": {each["cell"]["activation"]: each["activation"] for each in settings},
    }
