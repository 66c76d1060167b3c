"""Gain: a form of claim that compares two cells which may differ in several axes."""

from restudy.claims.forms import contrast
from restudy.families.plugins import ClaimForm

CELL = {"type": "object", "additionalProperties": {"type": ["string", "number"]}}


def contrasts(grid, test, place):
    """The mean of the cell `to` minus that of the cell `from` exceeds the margin."""
    at = grid.time_of(test, place)
    more, less = (
        grid.cell({**test["cells"], **test[end]}, f"{place}.{end}") for end in ("to", "from")
    )
    label = " − ".join(", ".join(map(str, test[end].values())) for end in ("to", "from"))
    terms = [(1.0, more, at), (-1.0, less, at)]
    yield contrast(test, label, test["measure"], terms, margin=test["margin"])


GAIN = ClaimForm(
    "gain",
    description="The mean of the cell `to` exceeds that of the cell `from` by the margin.",
    contrasts=contrasts,
    keys={
        "from": {"description": "Values of axes, of the cell that is lower.", **CELL},
        "to": {"description": "Values of the same axes, of the one that is higher.", **CELL},
    },
    required=("measure", "from", "to"),
)
