"""Which form of the tests of faults runs: all that can be tried, or a part, the same every time."""

import os
import random
from collections.abc import Sequence

FIGURES = os.environ.get("RESTUDY_FAULTS")  # a file for what was tried: `make faults` names it
LONG = bool(FIGURES)


def chosen(items: Sequence, in_short: int, in_long: int | None = None) -> list:
    """Return some of the items, in their order: so many in the short form, more in the long one.

    Parameters
    ----------
    items : sequence
        All that could be tried.
    in_short, in_long : int
        How many; None for all.
    """
    count = in_long if LONG else in_short
    if count is None or count >= len(items):
        return list(items)
    places = random.Random(0).sample(range(len(items)), count)
    return [items[place] for place in sorted(places)]
