"""Words for axes, values and cells."""

from backprop.views.style import label_of


def cell_title(cell: dict) -> str:
    """A cell in words: what varies between cells of one data set, in the order of the axes."""
    return ", ".join(label_of(value, axis) for axis, value in cell.items() if axis != "dataset")
